//! The database behind the stores: SQLite, one file in the data directory, or PostgreSQL, which several servers may
//! share. Every SQL statement is below this module, and no rule is.
//!
//! There is one set of statements. They keep to what both databases understand in the same way: `$1` for values,
//! texts, 64-bit integers, bytes. What differs is in the migrations and in [`dialect`].

mod approval_list;
mod approvals;
mod backup;
mod dialect;
mod failures;
mod file_list;
mod files;
mod hands;
mod job_list;
mod jobs;
mod ledger;
mod notices;
mod observations;
mod oidc;
mod pages;
mod plan_list;
mod plans;
mod removals;
mod secrets;
mod servers;
mod sessions;
mod sql;
mod time;
mod tokens;
mod transport;
mod users;
mod write_tx;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, Connection as _};
use tokio::sync::Semaphore;

use self::dialect::Dialect;
pub use self::notices::Notice;
use crate::config::DatabaseUrl;
use crate::counts::Writes;
use crate::random;

/// Connections of one process at the same time.
const MAX_CONNECTIONS: u32 = 8;

/// Which database.
#[derive(Debug, Clone)]
pub enum At {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL server.
    Url(DatabaseUrl),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url(url) => write!(f, "{url}"),
        }
    }
}

/// The database, migrated. Clones share it.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
    dialect: Dialect,
    at: At,
    /// Who of this process may write next.
    turns: Arc<Semaphore>,
    /// How often it has written.
    writes: Writes,
    /// This process, as others that share the database tell it from theirs.
    process: String,
    /// Whether others are being told something in passing.
    telling: Arc<AtomicBool>,
}

impl Database {
    /// Opens the database, makes the file where it is missing, and brings it to this version's schema.
    ///
    /// # Errors
    /// When it cannot be opened, or was written by a newer version.
    pub async fn open(at: &At) -> anyhow::Result<Self> {
        let open = async {
            let db = Self::connect(at, true).await?;
            db.dialect.migrations().run(&db.pool).await?;
            anyhow::Ok(db)
        };
        open.await.with_context(|| format!("opening {at}"))
    }

    /// Opens a database to read it, beside whoever writes it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub async fn open_to_read(at: &At) -> anyhow::Result<Self> {
        Self::connect(at, false)
            .await
            .with_context(|| format!("opening {at}"))
    }

    async fn connect(at: &At, to_write: bool) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let (dialect, url) = match at {
            At::File(path) => (Dialect::Sqlite, dialect::url_of(path, to_write)?),
            At::Url(url) => {
                transport::check(url)?;
                (Dialect::Postgres, url.with_password().to_owned())
            }
        };
        let options: AnyConnectOptions = url.parse()?;
        // The pool would try again and say in the end that it has waited; the first attempt says why.
        AnyConnection::connect_with(&options).await?.close().await?;
        let settings = dialect.settings(to_write);
        let pool = AnyPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(dialect.acquire_within())
            // A connection to a file does not get lost.
            .test_before_acquire(dialect == Dialect::Postgres)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    sqlx::raw_sql(settings).execute(connection).await?;
                    Ok(())
                })
            })
            .after_release(move |connection, _| {
                // A transaction that was cut off, or that a full disk kept from ending, must not meet the next who
                // gets this connection.
                Box::pin(async move {
                    if let Some(end) = dialect.end_whatever_is_open() {
                        sqlx::raw_sql(end).execute(&mut *connection).await?;
                    } else {
                        connection.ping().await?;
                    }
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(options)
            .await?;
        Ok(Self {
            pool,
            dialect,
            turns: Arc::new(Semaphore::new(1)),
            writes: Writes::default(),
            at: at.clone(),
            process: random::id(),
            telling: Arc::default(),
        })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> anyhow::Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// What kind of database it is, and where, without a password.
    pub fn describe(&self) -> (&'static str, String) {
        match &self.at {
            At::File(path) => ("SQLite", path.display().to_string()),
            At::Url(url) => ("PostgreSQL", url.place().to_owned()),
        }
    }

    /// Whether other servers may be at work on the same database.
    pub fn is_shared(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    /// How often this process has written; none where other servers write to the same database.
    pub fn writes(&self) -> Option<&Writes> {
        (!self.is_shared()).then_some(&self.writes)
    }

    /// Closes all connections; a file has all of its write-ahead log in it then.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
