//! A small file that appears complete or not at all, and never in the place of another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

/// Writes the file under another name beside it, durably, and renames it. `owner` is who is to own it.
///
/// # Errors
/// When it exists, or cannot be written; nothing is left behind then.
pub(super) fn write(path: &Path, bytes: &[u8], owner: Option<(u32, u32)>) -> anyhow::Result<()> {
    let name = path.file_name().context("it names no file")?;
    let mut part = name.to_owned();
    part.push(".part");
    let part = path.with_file_name(part);
    if path.symlink_metadata().is_ok() {
        anyhow::bail!("{} exists, and is not replaced", path.display());
    }
    let mut options = OpenOptions::new();
    // The server reads it as its own user.
    options.write(true).create_new(true).mode(0o644);
    let file = options.open(&part).with_context(|| match part.exists() {
        true => format!(
            "{} is left over from an attempt that was interrupted, or another one is under way: remove it if none is",
            part.display()
        ),
        false => format!("creating {}", part.display()),
    })?;
    let written = fill(&file, bytes, owner)
        .with_context(|| format!("writing {}", part.display()))
        .and_then(|()| publish(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

fn fill(mut file: &File, bytes: &[u8], owner: Option<(u32, u32)>) -> io::Result<()> {
    file.write_all(bytes)?;
    if let Some((user, group)) = owner {
        fchown(file, Some(user), Some(group))?;
    }
    file.sync_all()
}

/// Gives it its name, unless another file has it meanwhile.
fn publish(part: &Path, path: &Path) -> anyhow::Result<()> {
    match rustix::fs::renameat_with(CWD, part, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(Errno::EXIST) => anyhow::bail!("{} exists, and is not replaced", path.display()),
        Err(error) => return Err(error).with_context(|| format!("writing {}", path.display())),
    }
    let folder: PathBuf = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let synced = File::open(&folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("syncing {}", folder.display()))
}
