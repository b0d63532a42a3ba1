//! Small files that somebody names: keys, secrets, certificates, checkpoints. Whatever has the name, it is looked at
//! before it is opened, never waited for without end, and no more of it is read than such a file may have.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use requorum_shared::number;
use zeroize::Zeroizing;

/// How long a pipe may be without anybody who writes to it.
const WITHOUT_WRITER: Duration = Duration::from_millis(700);
/// How long whoever writes to it may take, for all of it.
const WRITING: Duration = Duration::from_secs(30);
/// How often a pipe is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The content of a regular file of at most so many bytes.
///
/// # Errors
/// When it is longer or something else, or cannot be read. The path is not named.
pub fn read(path: &Path, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    read_checked(path, most, |_| Ok(()))
}

/// The same, once `check` has nothing against the file as it was opened.
///
/// # Errors
/// As [`read`], and those of `check`.
pub fn read_checked(
    path: &Path,
    most: u64,
    check: impl FnOnce(&Metadata) -> io::Result<()>,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let (file, facts) = open(path, |kind| kind.is_file())?;
    check(&facts)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    at_most(bytes, most)
}

/// The same of a file or of a pipe, as `<(…)` of a shell names one. For what is read once.
///
/// # Errors
/// As [`read`]; and when nobody writes to the pipe, or not fast enough.
pub fn read_or_pipe(path: &Path, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let (file, facts) = open(path, |kind| kind.is_file() || kind.is_fifo())?;
    if facts.file_type().is_fifo() {
        return at_most(piped(&file, most)?, most);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    at_most(bytes, most)
}

/// The text of a regular file of at most so many bytes.
///
/// # Errors
/// As [`read`], and when it is no text.
pub fn read_text(path: &Path, most: u64) -> io::Result<Zeroizing<String>> {
    text(read(path, most)?)
}

/// The text of a file or of a pipe.
///
/// # Errors
/// As [`read_or_pipe`], and when it is no text.
pub fn read_text_or_pipe(path: &Path, most: u64) -> io::Result<Zeroizing<String>> {
    text(read_or_pipe(path, most)?)
}

/// Whether a regular file of at most so many bytes has this name; for what somebody else reads then.
///
/// # Errors
/// When something else has it, or nothing.
pub fn look(path: &Path, most: u64) -> io::Result<()> {
    let facts = std::fs::metadata(path)?;
    fits(facts.file_type(), |kind| kind.is_file())?;
    match facts.len() > most {
        true => Err(too_long(most)),
        false => Ok(()),
    }
}

/// What a file of this kind is called, with its article; `None` for a regular one.
pub fn special(kind: FileType) -> Option<&'static str> {
    Some(if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() {
        "a device"
    } else if kind.is_block_device() {
        "a disk"
    } else {
        return None;
    })
}

fn open(path: &Path, wanted: impl Fn(FileType) -> bool) -> io::Result<(File, Metadata)> {
    // Opening a device may already do something: look first.
    fits(std::fs::metadata(path)?.file_type(), &wanted)?;
    // And if it was exchanged for a pipe since, its other end is not waited for.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    let facts = file.metadata()?;
    fits(facts.file_type(), &wanted)?;
    Ok((file, facts))
}

fn fits(kind: FileType, wanted: impl Fn(FileType) -> bool) -> io::Result<()> {
    match special(kind) {
        Some(what) if !wanted(kind) => Err(io::Error::other(format!(
            "it is {what}, not a regular file"
        ))),
        _ => Ok(()),
    }
}

/// What comes through a pipe that was opened without waiting, until nobody writes to it any more.
fn piped(mut file: &File, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let begun = Instant::now();
    let mut bytes = Zeroizing::new(Vec::new());
    let mut piece = Zeroizing::new([0; 4096]);
    let (mut has_writer, mut over) = (false, false);
    while !over && bytes.len() as u64 <= most {
        match file.read(piece.as_mut_slice()) {
            // Nobody has it open to write: they are done, or not there yet.
            Ok(0) => over = has_writer,
            Ok(read) => {
                has_writer = true;
                bytes.extend_from_slice(&piece[..read]);
                continue;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => has_writer = true,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        let (most, why) = match has_writer {
            true => (
                WRITING,
                "the program that writes to this pipe does not finish",
            ),
            false => (WITHOUT_WRITER, "nothing writes to this pipe"),
        };
        if !over && begun.elapsed() >= most {
            return Err(io::Error::new(ErrorKind::TimedOut, why));
        }
        if !over {
            thread::sleep(LOOK_EVERY);
        }
    }
    Ok(bytes)
}

fn at_most(bytes: Zeroizing<Vec<u8>>, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    match bytes.len() as u64 > most {
        true => Err(too_long(most)),
        false => Ok(bytes),
    }
}

fn too_long(most: u64) -> io::Error {
    io::Error::other(format!("it has more than {}", number::bytes(most)))
}

fn text(bytes: Zeroizing<Vec<u8>>) -> io::Result<Zeroizing<String>> {
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(io::Error::other("it is not text")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn pipe(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
        path
    }

    #[test]
    fn a_file_has_at_most_so_many_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(*read_text(&path, 5).unwrap(), "12345");
        for read in [read, read_or_pipe] {
            let error = read(&path, 4).unwrap_err().to_string();
            assert_eq!(error, "it has more than 4 bytes");
        }
        look(&path, 5).unwrap();
        look(&path, 4).unwrap_err();
        std::fs::write(&path, [0xff]).unwrap();
        assert_eq!(
            read_text(&path, 5).unwrap_err().to_string(),
            "it is not text"
        );
        let missing = read(&dir.path().join("nothing"), 5).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_pipe_is_read_where_one_may_be_and_only_as_long_as_somebody_writes() {
        let dir = tempfile::tempdir().unwrap();
        let path = pipe(dir.path());
        let error = read(&path, 5).unwrap_err().to_string();
        assert_eq!(error, "it is a pipe, not a regular file");
        let begun = Instant::now();
        let error = read_or_pipe(&path, 5).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() < WITHOUT_WRITER * 2);
        // Whoever writes may come a little later, and take a while.
        let writer = thread::spawn({
            let path = path.clone();
            move || {
                thread::sleep(Duration::from_millis(100));
                let mut file = OpenOptions::new().write(true).open(path).unwrap();
                thread::sleep(WITHOUT_WRITER * 2);
                file.write_all(b"key").unwrap();
            }
        });
        assert_eq!(*read_text_or_pipe(&path, 5).unwrap(), "key");
        writer.join().unwrap();
        // And nobody is read to the end who has none.
        let endless = thread::spawn({
            let path = path.clone();
            move || {
                let mut file = OpenOptions::new().write(true).open(path).unwrap();
                while file.write_all(&[7; 100]).is_ok() {}
            }
        });
        let error = read_or_pipe(&path, 5).unwrap_err().to_string();
        assert_eq!(error, "it has more than 5 bytes");
        endless.join().unwrap();
    }
}
