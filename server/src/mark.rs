//! Whose a folder is: while a restore works, what it makes carries the restore's id in a small file. The file is
//! renamed with its folder, so that it says the truth after every kill; once the restore is over it is removed.
//!
//! Names alone would not do: a member's files depend on what was asked for and not on who asked, so that two restores
//! may make the same ones.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// The file's name. etcd looks past it.
pub const NAME: &str = ".requorum-owner";

/// Bytes read of it: an id has 40 at most.
const LONGEST: u64 = 64;

/// What the mark in a folder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// There is none.
    Missing,
    /// It was about to be written. Then nothing else is in the folder yet.
    Begun,
    /// The id of the restore that made the folder.
    Of(String),
}

/// Marks a folder, durably. It was made a moment ago and is empty.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &Dir, id: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = folder.open_with(NAME, &options)?;
    file.write_all(
        format!(
            "{id}\nThe restore with this id made this folder, and removes this file when it ends.\n"
        )
        .as_bytes(),
    )?;
    file.sync_all()?;
    sync(folder)
}

/// Reads a folder's mark.
///
/// # Errors
/// When something is there that cannot be read.
pub fn read(folder: &Dir) -> io::Result<Mark> {
    // Whatever has that name: no link is followed, and nothing is waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(folder, NAME, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(Mark::Missing),
        // A link, or a socket: none of ours.
        Err(Errno::LOOP | Errno::NXIO) => return Ok(Mark::Of(String::new())),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Ok(Mark::Of(String::new()));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok(Mark::Begun);
    }
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    Ok(Mark::Of(String::from_utf8_lossy(first).into_owned()))
}

/// Whether a folder carries this id.
///
/// # Errors
/// As [`read`].
pub fn is_of(folder: &Dir, id: &str) -> io::Result<bool> {
    Ok(read(folder)? == Mark::Of(id.to_owned()))
}

/// Takes the mark away, where it carries this id. The folder stays.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(folder: &Dir, id: &str) -> io::Result<()> {
    if !is_of(folder, id)? {
        return Ok(());
    }
    folder.remove_file(NAME)?;
    sync(folder)
}

/// The name under which a folder is made before it gets its own.
pub fn made_as(name: &str, id: &str) -> String {
    format!("{name}.{id}.part")
}

/// Makes a marked folder. One that is there already stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn make(parent: &Dir, name: &str, id: &str) -> io::Result<()> {
    let part = made_as(name, id);
    remove_made(parent, &part, id)?;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    parent.create_dir_with(&part, &builder)?;
    write(&parent.open_dir(&part)?, id)?;
    match rustix::fs::renameat_with(parent, &part, parent, name, RenameFlags::NOREPLACE) {
        Ok(()) => sync(parent),
        // Another was quicker.
        Err(Errno::EXIST) => remove_made(parent, &part, id).map(drop),
        Err(error) => Err(error.into()),
    }
}

/// Removes a folder that [`make`] made, if nothing else is in it; whether it is gone.
///
/// # Errors
/// When it cannot be looked at or removed.
pub fn remove_made(parent: &Dir, name: &str, id: &str) -> io::Result<bool> {
    let folder = match parent.symlink_metadata(name) {
        Ok(metadata) if metadata.is_dir() => parent.open_dir(name)?,
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let part = name.ends_with(&made_as("", id));
    let ours = match read(&folder)? {
        Mark::Of(owner) => owner == id,
        Mark::Missing | Mark::Begun => part,
    };
    if !ours {
        return Ok(false);
    }
    for entry in folder.entries()? {
        if entry?.file_name() != NAME {
            return Ok(false);
        }
    }
    match folder.remove_file(NAME) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match parent.remove_dir(name) {
        Ok(()) => sync(parent).map(|()| true),
        // Somebody else has put something there meanwhile: it stays, and is theirs from now on.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) => Err(error),
    }
}

fn sync(folder: &Dir) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let itself = rustix::fs::openat(folder, ".", flags, Mode::empty())?;
    Ok(rustix::fs::fsync(itself)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use cap_std::ambient_authority;

    use super::*;

    fn open(path: &std::path::Path) -> Dir {
        Dir::open_ambient_dir(path, ambient_authority()).unwrap()
    }

    #[test]
    fn a_mark_is_read_as_it_was_written_and_removed_by_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(dir.path());
        assert_eq!(read(&folder).unwrap(), Mark::Missing);
        write(&folder, "job-1").unwrap();
        assert_eq!(read(&folder).unwrap(), Mark::Of("job-1".into()));
        assert!(write(&folder, "job-2").is_err());
        for other in ["job-2", "job", "job-11", ""] {
            remove(&folder, other).unwrap();
            assert!(!is_of(&folder, other).unwrap(), "{other}");
        }
        assert!(is_of(&folder, "job-1").unwrap());
        remove(&folder, "job-1").unwrap();
        assert_eq!(read(&folder).unwrap(), Mark::Missing);
    }

    #[test]
    fn what_is_no_mark_belongs_to_none_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        let (path, folder) = (dir.path().join(NAME), open(dir.path()));
        std::fs::write(&path, "").unwrap();
        assert_eq!(read(&folder).unwrap(), Mark::Begun);
        std::fs::write(&path, [0xff; 4096]).unwrap();
        assert!(matches!(read(&folder).unwrap(), Mark::Of(id) if id != "a"));
        std::fs::remove_file(&path).unwrap();
        symlink("/etc/hostname", &path).unwrap();
        assert_eq!(read(&folder).unwrap(), Mark::Of(String::new()));
        std::fs::remove_file(&path).unwrap();
        // Nobody writes to it: looking does not wait.
        let (cwd, mode) = (rustix::fs::CWD, Mode::from_raw_mode(0o600));
        rustix::fs::mknodat(cwd, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(read(&folder).unwrap(), Mark::Of(String::new()));
    }

    #[test]
    fn a_folder_that_was_there_is_not_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(dir.path());
        folder.create_dir("old").unwrap();
        for name in ["old", "new"] {
            make(&folder, name, "a").unwrap();
            make(&folder, name, "b").unwrap();
        }
        assert!(!remove_made(&folder, "new", "b").unwrap());
        folder.create_dir("new/more").unwrap();
        assert!(!remove_made(&folder, "new", "a").unwrap());
        folder.remove_dir("new/more").unwrap();
        for name in ["old", "new"] {
            assert_eq!(remove_made(&folder, name, "a").unwrap(), name == "new");
        }
        let left: Vec<_> = folder
            .entries()
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, ["old"]);
    }
}
