//! The etcd servers of this machine that a boot check can use.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::systems::Program;

/// What is looked for.
const PROGRAM: &str = "etcd";
/// How long an `etcd --version` may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Looks for `etcd` in these folders and then in PATH, and asks each for its version.
pub(super) async fn find(folders: &[PathBuf]) -> Vec<Program> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().cloned().chain(std::env::split_paths(&path));
    let mut found: Vec<Program> = Vec::new();
    for folder in folders.filter(|folder| folder.is_absolute()) {
        let Ok(path) = folder.join(PROGRAM).canonicalize() else {
            continue;
        };
        if found.iter().any(|binary| binary.path == path) {
            continue;
        }
        match version(&path).await {
            Some(version) => found.push(Program {
                name: PROGRAM,
                path,
                version,
            }),
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
