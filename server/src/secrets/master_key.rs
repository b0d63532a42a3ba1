//! The master key: 256 random bits in a file of the server's own, or in its environment.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::small_file;

/// More than any key file has, in bytes.
const MAX_FILE_BYTES: u64 = 1024;

/// A master key.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    bytes: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(bytes.as_mut_slice());
        Self::new(bytes)
    }

    fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"requorum.master-key/1");
        hash.update(bytes.as_slice());
        Self {
            id: hex::encode(&hash.finalize()[..8]),
            bytes,
        }
    }

    /// From its text: 43 characters of URL-safe base64.
    ///
    /// # Errors
    /// When it is anything else. The text is not repeated.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim()).unwrap_or_default());
        let bytes: [u8; 32] = decoded
            .as_slice()
            .try_into()
            .ok()
            .context("a master key is 32 random bytes, as 43 characters of URL-safe base64")?;
        Ok(Self::new(Zeroizing::new(bytes)))
    }

    fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.bytes.as_slice()))
    }

    /// What tells keys apart without telling anything of them.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key itself.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

/// Where the key is.
#[derive(Debug, Clone)]
pub enum KeyPlace {
    /// In this file; made where it is missing and nothing is sealed yet.
    File(PathBuf),
    /// It was given in the environment.
    Given(MasterKey),
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the one in {}", path.display()),
            Self::Given(_) => f.write_str("the one in REQUORUM_MASTER_KEY"),
        }
    }
}

/// The current key, and the one that is about to follow it.
#[derive(Debug, Clone)]
pub struct Keys {
    current: MasterKey,
    next: Option<MasterKey>,
}

impl Keys {
    /// Reads what is there now.
    ///
    /// # Errors
    /// When there is no key, or a file with something else in it.
    pub fn read(place: &KeyPlace) -> anyhow::Result<Self> {
        match place {
            KeyPlace::Given(key) => Ok(Self {
                current: key.clone(),
                next: None,
            }),
            KeyPlace::File(path) => Ok(Self {
                current: read(path)?
                    .with_context(|| format!("there is no master key in {}", path.display()))?,
                next: read(&next_path(path))?,
            }),
        }
    }

    /// The one that is sealed with.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// The key with this id.
    pub fn get(&self, id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.current)
            .chain(&self.next)
            .find(|key| key.id() == id)
    }
}

/// Where a key waits that is about to follow the one in `path`.
pub(super) fn next_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

/// The key in a file; none when there is no file.
pub(super) fn read(path: &Path) -> anyhow::Result<Option<MasterKey>> {
    let text = match small_file::read_text(path, MAX_FILE_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("the master key in {}", path.display()));
        }
    };
    let key = MasterKey::parse(&text).with_context(|| path.display().to_string())?;
    Ok(Some(key))
}

/// Writes a key to a file that is not there yet, readable by nobody else, safe on the medium.
pub(super) fn write_new(path: &Path, key: &MasterKey) -> anyhow::Result<()> {
    let what = || format!("writing a master key to {}", path.display());
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(what)?;
    file.write_all(key.text().as_bytes()).with_context(what)?;
    file.write_all(b"\n").with_context(what)?;
    file.sync_all().with_context(what)?;
    sync_folder(path).with_context(what)
}

/// Makes what happened to a name safe on the medium.
pub(super) fn sync_folder(path: &Path) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => bail!("{} has no folder", path.display()),
    };
    Ok(File::open(folder)?.sync_all()?)
}
