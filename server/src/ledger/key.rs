//! The key that signs checkpoints: made once, kept in the data directory, readable by nobody else.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use requorum_shared::ledger::checkpoint::SigningKey;

use crate::random;

/// Reads the key; `None` when there is no such file.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read(path: &Path) -> anyhow::Result<Option<SigningKey>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error)
                .with_context(|| format!("reading the ledger's key {}", path.display()));
        }
    };
    let key = SigningKey::parse_secret_text(&text)
        .with_context(|| format!("{} does not hold the ledger's key", path.display()))?;
    Ok(Some(key))
}

/// Makes a key for a new ledger and writes it, mode 0600, on the medium before it is used. When another process makes
/// one at the same moment, both use the one that was first.
///
/// # Errors
/// When it cannot be written.
pub fn make(path: &Path) -> anyhow::Result<SigningKey> {
    let name = format!("requorum/ledger/{}", random::id());
    let key = SigningKey::from_seed(&name, random::seed())?;
    let part = path.with_extension(format!("{}.part", random::id()));
    let write = || -> std::io::Result<bool> {
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(key.to_secret_text().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        let first = match std::fs::hard_link(&part, path) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        File::open(path.parent().unwrap_or(path))?.sync_all()?;
        Ok(first)
    };
    let first = write();
    let _ = std::fs::remove_file(&part);
    let first = first.with_context(|| format!("writing the ledger's key {}", path.display()))?;
    if first {
        return Ok(key);
    }
    read(path)?.with_context(|| format!("the ledger's key {} is gone", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_kept_and_nobody_else_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger-key");
        assert!(read(&path).unwrap().is_none());
        let made = make(&path).unwrap();
        let kept = read(&path).unwrap().unwrap();
        assert_eq!(kept.verifying(), made.verifying());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let again = make(&path).unwrap();
        assert_eq!(again.verifying(), kept.verifying(), "the first one stays");
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);

        std::fs::write(&path, "PRIVATE+KEY+a+00000000+c2VjcmV0").unwrap();
        let error = format!("{:#}", read(&path).unwrap_err());
        assert!(
            error.contains("ledger-key") && !error.contains("c2VjcmV0"),
            "{error}"
        );
    }
}
