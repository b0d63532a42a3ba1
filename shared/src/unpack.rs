//! A packed file, read through: ZIP with one entry (k3s), gzip (Gardener), Zstandard.
//!
//! Output comes in pieces, so that nothing of any size is held. What unpacks to more than [`Limits`] allow is a bomb
//! and is not read on. Names in an archive are shown and never used as paths.

pub(crate) mod directory;
mod gzip;
mod inflate;
mod zip;
mod zstd;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::number::grouped;
use crate::source::{Source, SourceError};

/// Bytes that one call of [`Unpacker::next`] gives at most, about.
pub const PIECE: usize = 256 << 10;

/// How much may come out of a packed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that may come out at most.
    pub bytes: u64,
    /// Bytes that may come out for each packed one, beyond [`Limits::any_ratio`].
    pub ratio: u64,
    /// Up to so many bytes any ratio is right: a segment of a write-ahead log is nearly all zeros.
    pub any_ratio: u64,
}

impl Limits {
    /// Far more than any database of a quorum system needs, and nothing that fills a disk unnoticed.
    pub const DEFAULT: Self = Self {
        bytes: 64 << 30,
        ratio: 200,
        any_ratio: 256 << 20,
    };
}

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// A ZIP archive.
    Zip,
    /// A gzip file.
    Gzip,
    /// A Zstandard file.
    Zstd,
}

impl Packing {
    /// The kind of such a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// For people, with its article.
    pub fn label(self) -> &'static str {
        match self {
            Self::Zip => "a ZIP archive",
            Self::Gzip => "a gzip file",
            Self::Zstd => "a Zstandard file",
        }
    }

    /// The packing of a file that begins with these bytes.
    pub fn begins(head: &[u8]) -> Option<Self> {
        const ZIP: &[u8] = b"PK\x03\x04";
        const EMPTY_ZIP: &[u8] = b"PK\x05\x06";
        const GZIP: &[u8] = &[0x1f, 0x8b, 8];
        const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
        [
            (ZIP, Self::Zip),
            (EMPTY_ZIP, Self::Zip),
            (GZIP, Self::Gzip),
            (ZSTD, Self::Zstd),
        ]
        .into_iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, packing)| packing)
    }
}

/// Why a packed file is not read through.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnpackError {
    /// The archive has no directory, or a part of one.
    #[error("its directory, which belongs at its end, is missing")]
    NoDirectory,
    /// More than one entry, or none.
    #[error("it has {0} entries, and one is read")]
    Entries(u64),
    /// An entry needs a password.
    #[error("it is encrypted with a password")]
    Encrypted,
    /// The directory and the entry do not say the same.
    #[error("its directory and its entry contradict each other")]
    Contradiction,
    /// Packed by a method that is not read here.
    #[error("it is packed by method {0}, which is not read here")]
    Method(u16),
    /// It ends too early.
    #[error("it ends before what is packed in it does")]
    CutOff,
    /// What comes out is not what was packed.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// More came out than [`Limits::bytes`].
    #[error("more than {} bytes come out of it", grouped(*limit))]
    TooMuch {
        /// The limit.
        limit: u64,
    },
    /// More came out for each byte than [`Limits::ratio`].
    #[error(
        "{} bytes came out of {}: no useful file compresses that well",
        grouped(*written), grouped(*read)
    )]
    Bomb {
        /// Bytes that were read.
        read: u64,
        /// Bytes that came out.
        written: u64,
    },
    /// The medium failed.
    #[error(transparent)]
    Read(#[from] SourceError),
}

impl UnpackError {
    /// A stable name for programs: `bomb`, `entries`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoDirectory => "no-directory",
            Self::Entries(_) => "entries",
            Self::Encrypted => "encrypted",
            Self::Contradiction => "contradiction",
            Self::Method(_) => "method",
            Self::CutOff => "cut-off",
            Self::Damaged(_) => "damaged",
            Self::TooMuch { .. } => "too-much",
            Self::Bomb { .. } => "bomb",
            Self::Read(_) => "read",
        }
    }

    /// Whether far more comes out than fits: to unpack it elsewhere is no advice to give then.
    pub fn is_too_much(&self) -> bool {
        matches!(self, Self::Bomb { .. } | Self::TooMuch { .. })
    }
}

/// Gives what is in a packed file, piece by piece.
pub struct Unpacker<'s> {
    packing: Packing,
    entry: Option<String>,
    decoder: Decoder<'s>,
    limits: Limits,
    written: u64,
}

impl std::fmt::Debug for Unpacker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker")
            .field("packing", &self.packing)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

enum Decoder<'s> {
    Zip(Box<zip::Entry<'s>>),
    Gzip(Box<gzip::Members<'s>>),
    Zstd(Box<zstd::Frames<'s>>),
}

impl<'s> Unpacker<'s> {
    /// Opens a packed file; `None` when it is not packed in a way that is read here.
    ///
    /// # Errors
    /// [`UnpackError`].
    pub fn open(source: &'s dyn Source, limits: Limits) -> Result<Option<Self>, UnpackError> {
        let mut head = [0; 4];
        let len = source.size().min(4) as usize;
        source.read_at(0, &mut head[..len])?;
        let Some(packing) = Packing::begins(&head[..len]) else {
            return Ok(None);
        };
        let (decoder, entry) = match packing {
            Packing::Zip => {
                let entry = zip::Entry::open(source)?;
                let name = entry.name().to_owned();
                (Decoder::Zip(Box::new(entry)), Some(name))
            }
            Packing::Gzip => (Decoder::Gzip(Box::new(gzip::Members::new(source))), None),
            Packing::Zstd => (Decoder::Zstd(Box::new(zstd::Frames::new(source))), None),
        };
        Ok(Some(Self {
            packing,
            entry,
            decoder,
            limits,
            written: 0,
        }))
    }

    /// How it is packed.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// The name of the entry, as the archive has it: text to show, never a path.
    pub fn entry(&self) -> Option<&str> {
        self.entry.as_deref()
    }

    /// Bytes of the packed file that were read.
    pub fn read(&self) -> u64 {
        match &self.decoder {
            Decoder::Zip(entry) => entry.read(),
            Decoder::Gzip(members) => members.read(),
            Decoder::Zstd(frames) => frames.read(),
        }
    }

    /// Bytes that came out.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Puts the next bytes into `out`, in place of what it holds. Returns whether there were any: at the end, what
    /// proves the whole was compared.
    ///
    /// # Errors
    /// [`UnpackError`]; what came out until then may be of a damaged file.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, UnpackError> {
        out.clear();
        match &mut self.decoder {
            Decoder::Zip(entry) => entry.next(out)?,
            Decoder::Gzip(members) => members.next(out)?,
            Decoder::Zstd(frames) => frames.next(out)?,
        }
        self.written += out.len() as u64;
        let Limits {
            bytes,
            ratio,
            any_ratio,
        } = self.limits;
        if self.written > bytes {
            return Err(UnpackError::TooMuch { limit: bytes });
        }
        let (read, written) = (self.read(), self.written);
        if written > any_ratio && written / ratio > read {
            return Err(UnpackError::Bomb { read, written });
        }
        Ok(!out.is_empty())
    }
}

/// The name of what is in a packed file: without the packing's ending.
pub fn content_name(name: &str) -> &str {
    [".zip", ".gz", ".gzip", ".zst", ".zstd"]
        .into_iter()
        .find_map(|ending| {
            let at = name.len().checked_sub(ending.len()).filter(|at| *at > 0)?;
            let (front, end) = name.split_at_checked(at)?;
            end.eq_ignore_ascii_case(ending).then_some(front)
        })
        .unwrap_or(name)
}

/// A source, read in order from a place to another.
struct Input<'s> {
    source: &'s dyn Source,
    at: u64,
    stop: u64,
    piece: Vec<u8>,
    used: usize,
}

impl<'s> Input<'s> {
    /// Bytes read at once.
    const PIECE: u64 = 256 << 10;

    fn new(source: &'s dyn Source, at: u64, stop: u64) -> Self {
        Self {
            source,
            at,
            stop: stop.min(source.size()),
            piece: Vec::new(),
            used: 0,
        }
    }

    /// Bytes that were read and not used yet; none at the end.
    fn available(&mut self) -> Result<&[u8], SourceError> {
        if self.used >= self.piece.len() {
            self.used = 0;
            let len = self.stop.saturating_sub(self.at).min(Self::PIECE);
            self.piece.resize(len as usize, 0);
            if let Err(error) = self.source.read_at(self.at, &mut self.piece) {
                self.piece.clear();
                return Err(error);
            }
            self.at += len;
        }
        Ok(self.piece.get(self.used..).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.used += bytes;
    }

    /// Where the next byte is.
    fn position(&self) -> u64 {
        self.at - self.piece.len().saturating_sub(self.used) as u64
    }
}

#[cfg(test)]
mod tests;
