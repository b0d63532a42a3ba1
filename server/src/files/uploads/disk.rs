//! The disk that part files lie on.

use std::path::Path;

use rustix::fs::statvfs;

use super::KEEP_FREE;
use crate::error::{Result, internal};

/// How large the file system of a folder is, for those who may not use what is reserved.
pub(super) fn disk_bytes(folder: &Path) -> std::io::Result<u64> {
    let stat = statvfs(folder)?;
    let blocks = stat.f_blocks - stat.f_bfree + stat.f_bavail;
    Ok(blocks.saturating_mul(stat.f_frsize))
}

pub(super) fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let stat = statvfs(folder)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Whether so many bytes leave enough of the disk free for everything else.
pub(super) fn has_room(folder: &Path, bytes: u64) -> std::io::Result<()> {
    if free_bytes(folder)? < KEEP_FREE.saturating_add(bytes) {
        return Err(std::io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

/// Removes a file that may be gone already.
pub(super) fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(internal(format_args!(
            "removing {}: {error}",
            path.display()
        ))),
        _ => Ok(()),
    }
}
