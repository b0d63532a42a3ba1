//! What a person is told when the database or its disk cannot: that, and not that the server failed.

use std::io;

use super::{ApiError, Kind};

/// SQLite: the disk is full.
const FULL: u32 = 13;
/// SQLite: the disk fails, in one of many ways.
const DISK: u32 = 10;
/// SQLite: somebody else writes.
const BUSY: u32 = 5;
/// Seconds after which somebody may try again.
const TRY_AGAIN_AFTER: u64 = 10;

/// The answer, when this error is of that kind.
pub(super) fn answer(error: &anyhow::Error) -> Option<ApiError> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return of_disk(error.kind());
        }
        match cause.downcast_ref::<sqlx::Error>()? {
            sqlx::Error::Database(error) => of_database(&error.code()?),
            sqlx::Error::Io(error) => Some(of_disk(error.kind()).unwrap_or_else(away)),
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_) => Some(away()),
            _ => None,
        }
    })
}

fn of_disk(kind: io::ErrorKind) -> Option<ApiError> {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(full()),
        io::ErrorKind::ReadOnlyFilesystem => Some(failing()),
        _ => None,
    }
}

/// SQLite's codes are numbers of up to four digits, PostgreSQL's have five characters: a class of two and the rest.
fn of_database(code: &str) -> Option<ApiError> {
    match code.split_at_checked(2) {
        Some(("53", "100")) => return Some(full()),
        Some(("08" | "53", _)) | Some(("57", "P01" | "P02" | "P03")) if code.len() == 5 => {
            return Some(away());
        }
        _ => {}
    }
    // The last byte of an extended code is the plain one.
    match code.parse::<u32>().ok().filter(|_| code.len() < 5)? & 0xff {
        FULL => Some(full()),
        DISK => Some(failing()),
        BUSY => Some(away()),
        _ => None,
    }
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
        "This was not done: the server's disk refuses, which is what a full one does as well. Look at it, and into \
         the server's log, then try again; what was there before is untouched.",
    )
    .retry_after(TRY_AGAIN_AFTER)
}

fn away() -> ApiError {
    ApiError::new(
        Kind::Unavailable,
        "store.away",
        "This was not done: the server's database does not answer. Try again in a moment; the server's log has the \
         reason.",
    )
    .retry_after(TRY_AGAIN_AFTER)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_medium_that_cannot_is_told_from_a_fault() {
        let kind = |error: anyhow::Error| answer(&error).map(|answer| (answer.kind, answer.code));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let wrapped = Err::<(), _>(full).context("writing").unwrap_err();
        assert_eq!(kind(wrapped), Some((Kind::NoSpace, "store.no-room")));
        let gone = sqlx::Error::Io(io::ErrorKind::ConnectionReset.into());
        assert_eq!(kind(gone.into()), Some((Kind::Unavailable, "store.away")));
        assert_eq!(
            kind(sqlx::Error::PoolTimedOut.into()),
            Some((Kind::Unavailable, "store.away"))
        );
        assert_eq!(kind(sqlx::Error::RowNotFound.into()), None);
        assert_eq!(kind(anyhow::anyhow!("a fault")), None);
        // SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE, SQLITE_BUSY_SNAPSHOT, SQLITE_CONSTRAINT_UNIQUE.
        let of = |code| of_database(code).map(|answer| answer.code);
        assert_eq!(of("13"), Some("store.no-room"));
        assert_eq!(of("778"), Some("store.disk"));
        assert_eq!(of("4874"), Some("store.disk"));
        assert_eq!((of("517"), of("2067")), (Some("store.away"), None));
        // PostgreSQL: disk_full, admin_shutdown, connection_failure, unique_violation.
        assert_eq!(of("53100"), Some("store.no-room"));
        assert_eq!(
            (of("57P01"), of("08006")),
            (Some("store.away"), Some("store.away"))
        );
        assert_eq!(of("23505"), None);
    }
}
