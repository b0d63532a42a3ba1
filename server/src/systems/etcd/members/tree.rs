//! All that is in a folder, as its disk knows it: written down once, and compared with that later.
//!
//! No link is followed, and everything is looked at through the handle of the folder that it is in.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;

use cap_std::fs::Dir;
use requorum_shared::job::events::KeptEntry;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Statx, StatxFlags, StatxTimestamp};
use rustix::io::Errno;

use crate::mark;

/// More than this in one folder is not written down, and not looked at either.
pub(super) const MOST: usize = 512;

/// What the system counts blocks in.
const BLOCK: u64 = 512;

/// Something that is there.
#[derive(Debug)]
pub(super) struct Found {
    path: String,
    /// What it is; `None` for neither file nor folder, and where the disk does not tell when it was made.
    entry: Option<KeptEntry>,
    blocks: u64,
}

/// Opens a folder in a folder. A link to one is none.
pub(super) fn open_folder(parent: &Dir, name: &str) -> io::Result<Option<Dir>> {
    opened(parent, OsStr::new(name))
}

fn opened(parent: &Dir, name: &OsStr) -> io::Result<Option<Dir>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(folder) => Ok(Some(Dir::from_std_file(File::from(folder)))),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The folder and all that is in it, what is around before what is inside; a little more than [`MOST`] at most.
pub(super) fn walk(folder: &Dir) -> io::Result<Vec<Found>> {
    let mut all = vec![found(String::new(), &itself(folder)?)];
    walk_below(folder, "", &mut all)?;
    Ok(all)
}

fn walk_below(folder: &Dir, above: &str, all: &mut Vec<Found>) -> io::Result<()> {
    let mut names: Vec<OsString> = Vec::new();
    for entry in folder.entries()? {
        if all.len() + names.len() > MOST {
            break;
        }
        names.push(entry?.file_name());
    }
    names.sort();
    for name in names {
        let path = format!("{above}{}", name.to_string_lossy());
        let Some(seen) = named(folder, &name)? else {
            continue;
        };
        let below = match kind(&seen) {
            FileType::Directory => opened(folder, &name)?,
            _ => None,
        };
        let Some(below) = below else {
            all.push(found(path, &seen));
            continue;
        };
        let inside = format!("{path}/");
        all.push(found(path, &itself(&below)?));
        if all.len() <= MOST {
            walk_below(&below, &inside, all)?;
        }
    }
    Ok(())
}

/// Bytes that all of it takes on the disk.
pub(super) fn bytes(all: &[Found]) -> u64 {
    let blocks = all.iter().map(|found| found.blocks.saturating_mul(BLOCK));
    blocks.fold(0, u64::saturating_add)
}

/// What is written down of a folder; nothing where it is too much, or where anything of it is not known. The mark goes
/// at the end of the job.
pub(super) fn recorded(all: Vec<Found>) -> Vec<KeptEntry> {
    if all.len() > MOST {
        return Vec::new();
    }
    let but_mark = all.into_iter().filter(|found| found.path != mark::NAME);
    let all: Option<Vec<_>> = but_mark.map(|found| found.entry).collect();
    all.unwrap_or_default()
}

/// The first thing in which what is there is not what was written down. Where its removal was `begun`, files and folders
/// may be missing.
pub(super) fn difference(kept: &[KeptEntry], all: &[Found], begun: bool) -> Option<String> {
    for entry in kept {
        let name = called(&entry.path);
        match all.iter().find(|found| found.path == entry.path) {
            None if begun => {}
            None => return Some(format!("{name} is missing")),
            Some(found) => {
                if let Some(what) = differs(entry, found, begun) {
                    return Some(format!("{name} {what}"));
                }
            }
        }
    }
    let is_kept = |found: &&Found| kept.iter().any(|entry| entry.path == found.path);
    let more = all.iter().find(|found| !is_kept(found));
    more.map(|found| {
        format!(
            "{} was not there at the end of the job",
            called(&found.path)
        )
    })
}

fn called(path: &str) -> &str {
    match path {
        "" => "the folder",
        path => path,
    }
}

fn differs(kept: &KeptEntry, found: &Found, begun: bool) -> Option<&'static str> {
    let Some(now) = &found.entry else {
        return Some("is neither a file nor a folder of the job");
    };
    if now.folder != kept.folder {
        return Some(match kept.folder {
            true => "is not a folder any more",
            false => "is not a file any more",
        });
    }
    if (&now.device, &now.inode, &now.born) != (&kept.device, &kept.inode, &kept.born) {
        return Some("was replaced");
    }
    if now.bytes != kept.bytes {
        return Some("has another size");
    }
    // Deleting changes the folders that it deletes from.
    let may_change = begun && kept.folder;
    (!may_change && now.modified != kept.modified).then_some("was changed")
}

/// What became of a file or folder that was to be deleted.
#[derive(Debug)]
pub(super) enum Deleted {
    Now,
    /// It was not there.
    Before,
    /// It is not what was written down, and stays.
    Not(&'static str),
}

/// Deletes a file or an empty folder, if it is still what was written down.
pub(super) fn delete(top: &Dir, entry: &KeptEntry) -> io::Result<Deleted> {
    let mut folder = top.try_clone()?;
    let (above, name) = entry
        .path
        .rsplit_once('/')
        .unwrap_or(("", entry.path.as_str()));
    for step in above.split('/').filter(|step| !step.is_empty()) {
        match open_folder(&folder, step)? {
            Some(below) => folder = below,
            None => return Ok(Deleted::Before),
        }
    }
    delete_named(&folder, name, entry)
}

/// The same for one directly in a folder, under this name.
pub(super) fn delete_named(folder: &Dir, name: &str, entry: &KeptEntry) -> io::Result<Deleted> {
    let Some(seen) = named(folder, OsStr::new(name))? else {
        return Ok(Deleted::Before);
    };
    if let Some(what) = differs(entry, &found(entry.path.clone(), &seen), true) {
        return Ok(Deleted::Not(what));
    }
    let flags = match entry.folder {
        true => AtFlags::REMOVEDIR,
        false => AtFlags::empty(),
    };
    match rustix::fs::unlinkat(folder, name, flags) {
        Ok(()) => Ok(Deleted::Now),
        Err(Errno::NOENT) => Ok(Deleted::Before),
        Err(error) => Err(error.into()),
    }
}

fn kind(seen: &Statx) -> FileType {
    FileType::from_raw_mode(seen.stx_mode.into())
}

fn found(path: String, seen: &Statx) -> Found {
    let folder = kind(seen) == FileType::Directory;
    let told = StatxFlags::from_bits_retain(seen.stx_mask).contains(wanted());
    let (born, modified) = (&seen.stx_btime, &seen.stx_mtime);
    let at = |time: &StatxTimestamp| format!("{}.{:09}", time.tv_sec, time.tv_nsec);
    let entry = KeptEntry {
        folder,
        device: format!("{}:{}", seen.stx_dev_major, seen.stx_dev_minor),
        inode: seen.stx_ino.to_string(),
        born: at(born),
        bytes: if folder { 0 } else { seen.stx_size },
        modified: match path.as_str() {
            "" => String::new(),
            _ => at(modified),
        },
        path: path.clone(),
    };
    let is_ours = folder || kind(seen) == FileType::RegularFile;
    Found {
        path,
        entry: (is_ours && told && born.tv_sec > 0).then_some(entry),
        blocks: seen.stx_blocks,
    }
}

fn itself(folder: &Dir) -> io::Result<Statx> {
    Ok(rustix::fs::statx(
        folder,
        "",
        AtFlags::EMPTY_PATH,
        wanted(),
    )?)
}

fn named(folder: &Dir, name: &OsStr) -> io::Result<Option<Statx>> {
    match rustix::fs::statx(folder, name, AtFlags::SYMLINK_NOFOLLOW, wanted()) {
        Ok(seen) => Ok(Some(seen)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::BTIME
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn what_is_not_known_is_not_written_down() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Dir::open_ambient_dir(dir.path(), ambient_authority()).unwrap();
        folder.write("db", "x").unwrap();
        folder.write(mark::NAME, "job").unwrap();
        let paths: Vec<_> = recorded(walk(&folder).unwrap())
            .into_iter()
            .map(|entry| entry.path)
            .collect();
        assert_eq!(paths, ["", "db"]);
        let mut unborn = walk(&folder).unwrap();
        let db = unborn.iter_mut().find(|found| found.path == "db");
        db.unwrap().entry = None;
        assert_eq!(recorded(unborn), []);

        std::os::unix::fs::symlink("db", dir.path().join("link")).unwrap();
        assert_eq!(recorded(walk(&folder).unwrap()), [], "a link");
        std::fs::remove_file(dir.path().join("link")).unwrap();
        for n in 0..MOST {
            folder.write(format!("f{n}"), "x").unwrap();
        }
        assert_eq!(recorded(walk(&folder).unwrap()), [], "too many");
    }

    #[test]
    fn each_value_tells_another_file() {
        let kept = KeptEntry {
            path: "db".into(),
            folder: false,
            device: "8:1".into(),
            inode: "2".into(),
            born: "3.0".into(),
            bytes: 4,
            modified: "5.0".into(),
        };
        let found = |change: fn(&mut KeptEntry)| {
            let mut entry = kept.clone();
            change(&mut entry);
            let path = entry.path.clone();
            [Found {
                path,
                entry: Some(entry),
                blocks: 0,
            }]
        };
        let of = |change| difference(std::slice::from_ref(&kept), &found(change), true);
        assert_eq!(of(|_| {}), None);
        for (change, what) in [
            (
                (|e| e.device.push('9')) as fn(&mut KeptEntry),
                "was replaced",
            ),
            (|e| e.inode.push('9'), "was replaced"),
            (|e| e.born.push('9'), "was replaced"),
            (|e| e.bytes = 9, "has another size"),
            (|e| e.modified.push('9'), "was changed"),
            (|e| e.folder = true, "is not a file any more"),
        ] {
            assert_eq!(of(change), Some(format!("db {what}")));
        }
        assert_eq!(difference(std::slice::from_ref(&kept), &[], true), None);
        let missing = difference(std::slice::from_ref(&kept), &[], false);
        assert_eq!(missing.as_deref(), Some("db is missing"));
        let more = difference(&[], &found(|_| {}), true);
        assert_eq!(
            more.as_deref(),
            Some("db was not there at the end of the job")
        );
    }
}
