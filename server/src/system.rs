//! What the system refuses a process: threads, memory, open files, large files. Asked for before the work begins
//! where a refusal in its middle would end the process, and said with what to raise.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Resource, getrlimit};
use thiserror::Error;

/// A refusal, in one sentence.
#[derive(Debug, Error)]
pub enum SystemError {
    /// No more threads.
    #[error(
        "the system refuses another thread ({0}): raise the limit on processes (ulimit -u, or the limit on pids of \
         the container or service){more}",
        more = or_address_space()
    )]
    Threads(io::Error),
    /// No more open files.
    #[error(
        "the system refuses another open file ({0}): raise the limit on open files (ulimit -n)"
    )]
    OpenFiles(io::Error),
    /// Too little address space.
    #[error(
        "{} MiB of address space are left to this process, and {} MiB are needed: raise the limit (ulimit -v)",
        .left >> 20, .needed >> 20
    )]
    AddressSpace {
        /// Bytes that may still be mapped.
        left: u64,
        /// Bytes that the work may need.
        needed: u64,
    },
}

/// A thread's stack that cannot be mapped is refused by the same error as one thread too many.
fn or_address_space() -> &'static str {
    match getrlimit(Resource::As).current {
        Some(_) => ", or the limit on memory (ulimit -v)",
        None => "",
    }
}

/// The files that a runtime which waits for signals opens.
pub const SIGNAL_FILES: usize = 8;

/// What to do about an error that comes from a limit on this process; `None` for any other.
pub fn advice(error: &io::Error) -> Option<&'static str> {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error)?;
    Some(match errno {
        Errno::MFILE => "Raise the limit on open files (ulimit -n)",
        Errno::NFILE => {
            "The whole system has no more open files: raise fs.file-max, or stop what has them open"
        }
        Errno::NOMEM => "Raise the limit on memory (ulimit -v), or free some",
        Errno::FBIG => "Raise the limit on file sizes (ulimit -f)",
        Errno::IO => {
            "The disk cannot read or write it: check the system's log, and copy what can be read with ddrescue"
        }
        _ => return None,
    })
}

/// Whether so many threads can run at once, beside those that do.
///
/// # Errors
/// [`SystemError::Threads`]; none of them is left.
pub fn check_threads(count: usize) -> Result<(), SystemError> {
    // None ends before all were tried, so that they are there at the same time.
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
    let mut threads = Vec::new();
    let mut result = Ok(());
    for _ in 0..count {
        let gate = Arc::clone(&gate);
        match thread::Builder::new().spawn(move || drop(gate.lock())) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                result = Err(SystemError::Threads(error));
                break;
            }
        }
    }
    drop(closed);
    for thread in threads {
        let _ = thread.join();
    }
    result
}

/// Whether so many files can be opened, beside those that are.
///
/// # Errors
/// [`SystemError::OpenFiles`]; none of them is left open.
pub fn check_open_files(count: usize) -> Result<(), SystemError> {
    reserve_open_files(count)
        .map(drop)
        .map_err(SystemError::OpenFiles)
}

/// Files that are open for nothing. Dropping them leaves room to clear away what was made when no other file can be
/// opened any more.
///
/// # Errors
/// When so many cannot be opened.
pub fn reserve_open_files(count: usize) -> io::Result<Vec<OwnedFd>> {
    (0..count)
        .map(|_| io::stderr().as_fd().try_clone_to_owned())
        .collect()
}

/// Whether so many bytes can still be mapped. An allocation that fails ends the process without a word.
///
/// # Errors
/// [`SystemError::AddressSpace`].
pub fn check_memory(needed: u64) -> Result<(), SystemError> {
    let Some(limit) = getrlimit(Resource::As).current else {
        return Ok(());
    };
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let used = pages.map_or(0, |pages| {
        pages.saturating_mul(rustix::param::page_size() as u64)
    });
    let left = limit.saturating_sub(used);
    if left < needed {
        return Err(SystemError::AddressSpace { left, needed });
    }
    Ok(())
}

/// Whether so many threads can run at once, with the memory that they and the program take.
///
/// # Errors
/// [`SystemError`].
pub fn check_workers(threads: usize) -> Result<(), SystemError> {
    check_reading(0, threads)
}

/// Whether the threads and the memory are there that reading a file of this size takes.
///
/// # Errors
/// [`SystemError`].
pub fn check_reading(size: u64, threads: usize) -> Result<(), SystemError> {
    /// Buffers, and what the program itself still takes.
    const FIXED: u64 = 64 << 20;
    /// Each thread's stack, and the address space that the allocator sets aside for it.
    const THREAD: u64 = 72 << 20;
    /// The allocator shares what it set aside among more threads than these.
    const MOST: usize = 16;
    /// What is remembered of a page and its keys is far less than one byte in 64.
    const SHARE: u64 = 64;
    check_memory(FIXED + THREAD * threads.min(MOST) as u64 + size / SHARE)?;
    check_threads(threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_from_other_errors() {
        let said = |errno: i32| advice(&io::Error::from_raw_os_error(errno)).unwrap_or_default();
        assert!(said(24).contains("ulimit -n"));
        assert!(said(27).contains("ulimit -f"));
        assert!(said(12).contains("ulimit -v"));
        assert_eq!(said(2), "");
        check_threads(3).unwrap();
    }
}
