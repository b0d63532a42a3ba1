//! Whether a folder holds nothing that counts.

use std::io;

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, statat};

/// What `mke2fs` makes at the root of a file system.
const LOST_AND_FOUND: &str = "lost+found";

/// Whether nothing is in a folder. `lost+found` at the root of a file system counts as nothing.
///
/// # Errors
/// When it cannot be looked at.
pub fn is_vacant(folder: &Dir) -> io::Result<bool> {
    for entry in folder.entries()? {
        let entry = entry?;
        let lost_and_found = entry.file_name() == LOST_AND_FOUND && entry.file_type()?.is_dir();
        if !lost_and_found || !is_mount_point(folder)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether another file system begins at a folder.
fn is_mount_point(folder: &Dir) -> io::Result<bool> {
    let here = statat(folder, ".", AtFlags::empty())?;
    let above = statat(folder, "..", AtFlags::empty())?;
    Ok(here.st_dev != above.st_dev || here.st_ino == above.st_ino)
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn lost_and_found_is_nothing_at_a_mount_point_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Dir::open_ambient_dir(dir.path(), ambient_authority()).unwrap();
        assert!(is_vacant(&folder).unwrap());
        folder.create_dir(LOST_AND_FOUND).unwrap();
        assert!(!is_vacant(&folder).unwrap());
        for (mount, is) in [("/", true), ("/proc", true), ("/proc/self", false)] {
            let folder = Dir::open_ambient_dir(mount, ambient_authority()).unwrap();
            assert_eq!(is_mount_point(&folder).unwrap(), is, "{mount}");
        }
    }
}
