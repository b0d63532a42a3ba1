//! What differs between the two databases, beside their migrations.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::ConnectOptions as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub(super) fn migrations(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &SQLITE,
            Self::Postgres => &POSTGRES,
        }
    }

    /// What every connection is told first. Its cache, 8 MB, holds the indexes that lists look at whole. A commit is on
    /// the medium when it returns, whatever else is the default: the journal of a job is only worth something if it is
    /// there before the effect.
    pub(super) fn settings(self, to_write: bool) -> &'static str {
        match (self, to_write) {
            (Self::Sqlite, true) => {
                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA cache_size = -8000;"
            }
            (Self::Sqlite, false) => "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON;",
            (Self::Postgres, true) => {
                "SET application_name = 'requorum'; SET synchronous_commit = on; SET lock_timeout = '10s'; \
                 SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '4s'; \
                 SET client_min_messages = error;"
            }
            (Self::Postgres, false) => {
                "SET application_name = 'requorum'; SET default_transaction_read_only = on; \
                 SET client_min_messages = error;"
            }
        }
    }

    /// How long a request waits for a connection before it is told that the database does not answer.
    pub(super) fn acquire_within(self) -> Duration {
        match self {
            Self::Sqlite => Duration::from_secs(10),
            Self::Postgres => Duration::from_secs(5),
        }
    }

    /// Which index a statement goes by, where the database would take a worse one. PostgreSQL keeps documents apart from
    /// their rows, and reads what it needs alone.
    pub(super) fn by_index(self, hint: &'static str) -> &'static str {
        match self {
            Self::Sqlite => hint,
            Self::Postgres => "",
        }
    }

    /// What stands before and after a value that is an array in JSON, to have its elements as the `value` of so many
    /// rows.
    pub(super) fn json_rows(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite => ("json_each(", ")"),
            Self::Postgres => (
                "jsonb_array_elements(CAST(",
                " AS JSONB)) AS elements (value)",
            ),
        }
    }

    /// The time in milliseconds since the Unix epoch, by the database's clock: it is the same for all that share it.
    pub(super) fn now_ms(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            Self::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// Begins a transaction that writes.
    pub(super) fn begin_to_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            // Whatever the server's default is: what is read under the lock is what is there.
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    /// Takes the one write lock until the transaction ends, where beginning it has not done so. PostgreSQL lets many
    /// write at once; here they take turns there too.
    pub(super) fn lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            // The number is "requorum", in ASCII.
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(8243119442166445421)"),
        }
    }

    /// How long others are waited for who write. Longer than PostgreSQL waits for a server that stands still while
    /// it holds the lock.
    pub(super) fn lock_within(self) -> Duration {
        Duration::from_secs(10)
    }

    /// Ends a transaction that the driver does not know of. Nothing happens where there is none.
    pub(super) fn end_whatever_is_open(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("ROLLBACK"),
        }
    }
}

/// The address of a file, as the driver wants it.
pub(super) fn url_of(path: &Path, to_write: bool) -> anyhow::Result<String> {
    let path = path
        .to_str()
        .context("its path is not UTF-8; choose another data directory")?;
    let options = SqliteConnectOptions::new()
        // The driver takes this for the beginning of an escape.
        .filename(path.replace('%', "%25"))
        .create_if_missing(to_write)
        .read_only(!to_write);
    Ok(options.to_url_lossy().to_string())
}
