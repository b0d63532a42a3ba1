//! What a person is told when the disk of the database cannot: that, and not that the server failed. A database that
//! does not answer at all is another matter.

use std::io;

use rustix::io::Errno;

use super::{ApiError, Kind};

/// SQLite: the disk is full.
const FULL: u32 = 13;
/// SQLite: the disk fails, in one of many ways.
const DISK: u32 = 10;
/// SQLite: somebody else writes.
const BUSY: u32 = 5;
/// PostgreSQL: its disk is full.
const DISK_FULL: &str = "53100";
/// Seconds after which somebody may try again.
const TRY_AGAIN_AFTER: u64 = 10;

/// The answer, when this error is of that kind.
pub(super) fn answer(error: &anyhow::Error) -> Option<ApiError> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return of_disk(error);
        }
        match cause.downcast_ref::<sqlx::Error>()? {
            sqlx::Error::Database(error) => of_database(&error.code()?),
            sqlx::Error::Io(error) => of_disk(error),
            _ => None,
        }
    })
}

fn of_disk(error: &io::Error) -> Option<ApiError> {
    // The standard library has no kind for it.
    if Errno::from_io_error(error) == Some(Errno::IO) {
        return Some(broken());
    }
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(full()),
        io::ErrorKind::FileTooLarge => Some(limited()),
        io::ErrorKind::ReadOnlyFilesystem => Some(failing()),
        _ => None,
    }
}

/// SQLite's codes are numbers of up to four digits, PostgreSQL's have five characters.
fn of_database(code: &str) -> Option<ApiError> {
    if code == DISK_FULL {
        return Some(full());
    }
    // The last byte of an extended code is the plain one.
    match code.parse::<u32>().ok().filter(|_| code.len() < 5)? & 0xff {
        FULL => Some(full()),
        DISK => Some(failing()),
        BUSY => Some(busy()),
        _ => None,
    }
}

fn limited() -> ApiError {
    ApiError::new(
        Kind::NoSpace,
        "store.no-room",
        "This was not done: the server may not write a file as large as this one. Raise the limit on file sizes there \
         (ulimit -f) and try again; what was there before is untouched.",
    )
}

fn full() -> ApiError {
    ApiError::new(
        Kind::NoSpace,
        "store.no-room",
        "This was not done: the server's disk is full. Free some space in its data directory's file system and try \
         again; what was there before is untouched.",
    )
}

fn failing() -> ApiError {
    ApiError::new(
        Kind::Unavailable,
        "store.disk",
        "This was not done: the server's disk refused the write, as a full disk does. Check the disk and the server's \
         log, then try again; what was there before is untouched.",
    )
    .retry_after(TRY_AGAIN_AFTER)
}

fn broken() -> ApiError {
    ApiError::new(
        Kind::Unavailable,
        "store.disk",
        "The server's disk reported an input/output error (EIO), so this was not done: check the disk and the system's \
         log before you try again, because a failing disk can lose what is on it.",
    )
}

fn busy() -> ApiError {
    ApiError::new(
        Kind::Unavailable,
        "store.busy",
        "This was not done: another writer held the server's database for too long. Try again in a moment.",
    )
    .retry_after(TRY_AGAIN_AFTER)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_input_output_error_is_told_in_one_sentence() {
        let error = io::Error::from_raw_os_error(Errno::IO.raw_os_error());
        let told = ApiError::from(anyhow::Error::from(error).context("reading a part"));
        assert_eq!(told.message.matches(". ").count(), 0, "{}", told.message);
        assert!(told.message.contains("EIO") && told.message.ends_with('.'));
        assert!(!told.message.contains("os error"), "{}", told.message);
    }

    #[test]
    fn a_medium_that_cannot_is_told_from_a_fault() {
        let kind = |error: anyhow::Error| answer(&error).map(|answer| (answer.kind, answer.code));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let wrapped = Err::<(), _>(full).context("writing").unwrap_err();
        assert_eq!(kind(wrapped), Some((Kind::NoSpace, "store.no-room")));
        let full = sqlx::Error::Io(io::ErrorKind::StorageFull.into());
        assert_eq!(kind(full.into()), Some((Kind::NoSpace, "store.no-room")));
        let broken = || io::Error::from_raw_os_error(Errno::IO.raw_os_error());
        let wrapped = Err::<(), _>(broken()).context("reading").unwrap_err();
        assert_eq!(kind(wrapped), Some((Kind::Unavailable, "store.disk")));
        let broken = sqlx::Error::Io(broken());
        assert_eq!(kind(broken.into()), Some((Kind::Unavailable, "store.disk")));
        let gone = sqlx::Error::Io(io::ErrorKind::ConnectionReset.into());
        assert_eq!(kind(gone.into()), None);
        assert_eq!(kind(sqlx::Error::RowNotFound.into()), None);
        assert_eq!(kind(anyhow::anyhow!("a fault")), None);
        // SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE, SQLITE_BUSY_SNAPSHOT, SQLITE_CONSTRAINT_UNIQUE.
        let of = |code| of_database(code).map(|answer| answer.code);
        assert_eq!(of("13"), Some("store.no-room"));
        assert_eq!(of("778"), Some("store.disk"));
        assert_eq!(of("4874"), Some("store.disk"));
        assert_eq!((of("517"), of("2067")), (Some("store.busy"), None));
        // PostgreSQL: disk_full, admin_shutdown, unique_violation.
        assert_eq!(of("53100"), Some("store.no-room"));
        assert_eq!((of("57P01"), of("23505")), (None, None));
    }
}
