//! Every kind of file that is known, in one place: which reader a file belongs to, and what only that kind has.
//!
//! ```text
//! etcd-snapshot etcd-db bbolt      etcd::inspect
//! etcd-wal etcd-snap               etcd::log_files
//! raft-db raft-snapshot peers-json raft::inspect
//! zip gzip zstd                    read through (unpack), then one of the others
//! dossier                          dossier::inspect
//! zip gzip zstd xz tar age sqlite text … unknown     recognise, and no more than that
//! ```
//! A new kind of file is a reader in its system's folder, a variant of [`Details`] and an arm in [`inspect`].

use serde::{Deserialize, Serialize};

use crate::bbolt::Database;
use crate::bbolt::scan::Visitor;
use crate::etcd::log_files;
use crate::etcd::storage::inspection::{self as etcd, DatabaseDetails};
use crate::etcd::storage::scan::{ScanWith, ScannerWith};
use crate::etcd::storage::snap::{self, Snap};
use crate::etcd::storage::wal::{self, Wal};
use crate::finding::Finding;
use crate::inspection::{FileFacts, Kind, PackedFile, PartName};
use crate::raft::inspect as raft;
use crate::raft::peers::{self, Peers};
use crate::raft::snapshot::{Checksum, MAX_META_BYTES, Meta};
use crate::raft::store::{self, RaftDb};
use crate::raft::visit::Log;
use crate::recognise;
use crate::source::{Blocks, Source, SourceError};
use crate::unpack::{UnpackError, Unpacker};

pub use crate::etcd::storage::scan::Options;
/// The digests of any file, computed beside the pass.
pub use crate::etcd::storage::trailer::{Digests, Hasher, Image};

/// The pass that any file is fed to: the kind is told when it has ended.
pub type Scanner = ScannerWith<Log>;
/// What the pass leaves.
pub type Scan = ScanWith<Log>;

/// Bytes from the beginning of a file that tell most kinds.
const HEAD: usize = 64;

/// The inspection of any file.
pub type Inspection = crate::inspection::Inspection<Details>;

/// What only one kind of file has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Details {
    /// Nothing: what there is to say is in the sections.
    #[default]
    None,
    /// An etcd database, and what could have been one.
    Etcd(Box<DatabaseDetails>),
    /// A segment of an etcd member's write-ahead log.
    EtcdWal(Box<Wal>),
    /// An etcd member's `.snap` file.
    EtcdSnap(Box<Snap>),
    /// The log of a server of HashiCorp's Raft library.
    RaftDb(Box<RaftDb>),
    /// What a snapshot of such a server is of.
    RaftSnapshot(Box<Meta>),
    /// The servers that a recovery of such a cluster names.
    PeersJson(Box<Peers>),
}

impl Inspection {
    /// What an etcd database has, if it is one or could have been one.
    pub fn etcd(&self) -> Option<&DatabaseDetails> {
        match &self.details {
            Details::Etcd(details) => Some(details),
            _ => None,
        }
    }

    /// As the inspection of an etcd database, if it is one or could have been one.
    pub fn into_etcd(self) -> Option<etcd::Inspection> {
        let mut etcd = None;
        let rest = self.map(|details| {
            if let Details::Etcd(details) = details {
                etcd = Some(*details);
            }
        });
        Some(rest.map({
            let details = etcd?;
            |()| details
        }))
    }

    /// Whether it is a database of etcd, whole or damaged.
    pub fn is_etcd_database(&self) -> bool {
        match (&self.details, &self.recognised) {
            (Details::Etcd(_), Some(recognised)) => recognised.etcd,
            (Details::Etcd(details), None) => !details.is_foreign(),
            _ => false,
        }
    }

    /// What it is, in a sentence.
    pub fn what(&self) -> String {
        match (&self.recognised, &self.details) {
            (Some(recognised), _) => recognised.words(),
            (None, Details::Etcd(_)) => self.verdict.sentence.clone(),
            (None, _) => format!("This is {}.", self.label),
        }
    }
}

/// The readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    EtcdWal,
    EtcdSnap,
    RaftDb,
    RaftSnapshot,
    PeersJson,
    /// An etcd database, or what is only recognised.
    Etcd,
}

/// Which reader a file belongs to.
fn reader(source: &dyn Source, name: &str) -> Reader {
    let size = source.size();
    let Some(head) = beginning(source, HEAD as u64) else {
        return Reader::Etcd;
    };
    if wal::begins(&head) {
        return Reader::EtcdWal;
    }
    if snap::begins(&head, size) {
        return Reader::EtcdSnap;
    }
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'{') if size <= MAX_META_BYTES => {
            let text = beginning(source, size).unwrap_or_default();
            if raft::is_meta_json(&text) {
                return Reader::RaftSnapshot;
            }
        }
        Some(b'[') if size <= peers::MAX_BYTES => {
            let text = beginning(source, size).unwrap_or_default();
            if raft::is_peers_json(name, &text) {
                return Reader::PeersJson;
            }
        }
        _ => {}
    }
    match Database::open(source) {
        Ok(database) if store::is_raft_db(&database) => Reader::RaftDb,
        // A name tells what no content does.
        Err(_) if name.eq_ignore_ascii_case("peers.json") && size <= peers::MAX_BYTES => {
            Reader::PeersJson
        }
        _ => Reader::Etcd,
    }
}

fn beginning(source: &dyn Source, len: u64) -> Option<Vec<u8>> {
    // At most a megabyte.
    let mut bytes = vec![0; len.min(source.size()) as usize];
    source.read_at(0, &mut bytes).ok()?;
    Some(bytes)
}

/// Looks at any file that was fed to the scanner. `source` is the same file.
pub fn inspect(scan: Scan, name: &str, source: &dyn Source) -> Inspection {
    let file = FileFacts {
        name: name.to_owned(),
        size: source.size(),
        sha256: scan
            .digests()
            .map(|digests| hex::encode(digests.whole))
            .unwrap_or_default(),
    };
    let whole = || beginning(source, source.size()).unwrap_or_default();
    let or_none = |details: Option<Details>| details.unwrap_or_default();
    match reader(source, name) {
        Reader::EtcdWal => {
            log_files::inspect_wal(file, source).map(|wal| Details::EtcdWal(Box::new(wal)))
        }
        Reader::EtcdSnap => log_files::inspect_snap(file, source)
            .map(|snap| or_none(snap.map(|snap| Details::EtcdSnap(Box::new(snap))))),
        Reader::PeersJson => raft::peers_json(file, &whole())
            .map(|peers| or_none(peers.map(|peers| Details::PeersJson(Box::new(peers))))),
        Reader::RaftSnapshot => raft::snapshot(file, &Meta::parse(&whole()), None)
            .map(|meta| or_none(meta.map(|meta| Details::RaftSnapshot(Box::new(meta))))),
        Reader::RaftDb => {
            let source = Blocks::new(source);
            let walk = scan.walk_second(&source);
            raft::db(file, walk, &source).map(|facts| Details::RaftDb(Box::new(facts)))
        }
        Reader::Etcd => of_etcd(scan, name, source),
    }
}

fn of_etcd(scan: Scan, name: &str, source: &dyn Source) -> Inspection {
    inspect_as_etcd(scan, name, source).map(|details| Details::Etcd(Box::new(details)))
}

/// Looks at a file as an etcd database, whatever it is: for what restores one. Other kinds are recognised, and that is
/// the verdict.
pub fn inspect_as_etcd<W: Visitor>(
    scan: ScanWith<W>,
    name: &str,
    source: &dyn Source,
) -> etcd::Inspection {
    let recognised = recognise::recognise(source, name);
    crate::etcd::inspect::inspect(scan, name, source, recognised)
}

/// Reads a stored inspection as that of an etcd database.
///
/// # Errors
/// When it cannot be read, or is of a file that could never have been an etcd database.
pub fn etcd_from_json(json: &str) -> serde_json::Result<etcd::Inspection> {
    let inspection: Inspection = serde_json::from_str(json)?;
    inspection
        .into_etcd()
        .ok_or_else(|| serde::de::Error::custom("it is of no etcd database"))
}

/// The packed file that an unpacker reads, which has not hashed it.
pub fn packed_file(unpacker: &Unpacker<'_>, name: &str, size: u64) -> PackedFile {
    PackedFile {
        kind: Kind::new(unpacker.packing().word()),
        name: name.to_owned(),
        size,
        sha256: String::new(),
        entry: unpacker.entry().map(str::to_owned),
    }
}

/// What a snapshot of a Raft server is of: it has length and checksum of the [`STATE_BIN`] beside it.
pub const META_JSON: &str = "meta.json";
/// The state itself.
pub const STATE_BIN: &str = "state.bin";

/// Judges the Raft snapshot that a `meta.json` describes by the [`STATE_BIN`] beside it, which is read to its end.
/// `progress` hears how many of its bytes were read. Any other inspection stays as it is, and nothing is read.
///
/// # Errors
/// When the state cannot be read.
pub fn with_state(
    inspection: Inspection,
    state: &dyn Source,
    mut progress: impl FnMut(u64),
) -> Result<Inspection, SourceError> {
    const PIECE: u64 = 1 << 20;
    let Details::RaftSnapshot(meta) = &inspection.details else {
        return Ok(inspection);
    };
    let (mut checksum, mut piece, mut at) = (Checksum::default(), Vec::new(), 0);
    let size = state.size();
    // Of another length it is another file: it need not be read to tell.
    while size == meta.size && at < size {
        piece.resize((size - at).min(PIECE) as usize, 0);
        state.read_at(at, &mut piece)?;
        checksum.feed(&piece);
        at += piece.len() as u64;
        progress(at);
    }
    let crc = checksum.finish();
    let meta = Ok(meta.as_ref().clone());
    let judged = raft::snapshot(inspection.file, &meta, Some(raft::State { size, crc }));
    let mut judged =
        judged.map(|meta| meta.map_or(Details::None, |meta| Details::RaftSnapshot(Box::new(meta))));
    judged.unpacked_from = inspection.unpacked_from;
    Ok(judged)
}

/// Says in the inspection of a packed file why it was not read through. What is only recognised is told from its
/// first bytes already; this is the reason.
pub fn not_unpacked<D>(inspection: &mut crate::inspection::Inspection<D>, error: &UnpackError) {
    let what = format!("It was not read through: {error}.");
    let mut finding = Finding::blocking(format!("unpack.{}", error.code()), "file", what);
    if error.is_too_much() {
        finding = finding.because("Reading on would fill memory or disk.");
        inspection.verdict.advice = "Ask where the file comes from. If you know that it is right, unpack it where there is room, and look at what comes out.".to_owned();
        inspection.verdict.sentence = format!(
            "This is {}, and far more comes out of it than fits: it was not read through.",
            inspection.label
        );
    }
    inspection.report.push(finding);
    if let Some(part) = inspection.verdict.part_mut(PartName::Meaning) {
        part.findings += 1;
    }
}
