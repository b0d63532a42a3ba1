//! The etcd servers of this machine that a boot check can use.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How long an `etcd --version` may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// An etcd server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// Where it is.
    pub path: PathBuf,
    /// As it says itself: `3.5.1`.
    pub version: String,
}

impl Binary {
    /// Major and minor, where the version has both.
    pub fn minor(&self) -> Option<(u64, u64)> {
        let mut parts = self.version.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

/// Looks for `etcd` in these folders and then in PATH, and asks each for its version.
pub async fn find(folders: &[PathBuf]) -> Vec<Binary> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().cloned().chain(std::env::split_paths(&path));
    let mut found: Vec<Binary> = Vec::new();
    for folder in folders.filter(|folder| folder.is_absolute()) {
        let Ok(path) = folder.join("etcd").canonicalize() else {
            continue;
        };
        if found.iter().any(|binary| binary.path == path) {
            continue;
        }
        match version(&path).await {
            Some(version) => found.push(Binary { path, version }),
            None => tracing::warn!("{} did not say its version; it is not used", path.display()),
        }
    }
    found
}

async fn version(path: &Path) -> Option<String> {
    let output = Command::new(path)
        .arg("--version")
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(ANSWER_WITHIN, output)
        .await
        .ok()?
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("etcd Version:"))
        .map(|version| version.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minor_is_what_counts() {
        for (version, minor) in [
            ("3.5.1", Some((3, 5))),
            ("3.6.0-rc.1", Some((3, 6))),
            ("3", None),
            ("", None),
        ] {
            let binary = Binary {
                path: PathBuf::new(),
                version: version.into(),
            };
            assert_eq!(binary.minor(), minor, "{version}");
        }
    }
}
