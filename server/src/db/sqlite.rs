//! SQLite: one file in the data directory.

mod approvals;
mod jobs;
mod ledger;
mod plans;
mod secrets;
mod sessions;
mod snapshots;
mod tokens;
mod users;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite as Driver, Transaction};

/// The database, migrated. Clones share it.
#[derive(Debug, Clone)]
pub struct Sqlite {
    pool: SqlitePool,
}

impl Sqlite {
    /// Opens the database, makes it where it is missing, and brings it to this version's schema.
    ///
    /// # Errors
    /// When the file cannot be opened, or was written by a newer version.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // The journal of a job is only worth something if it is on the medium before the effect.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        sqlx::migrate!("migrations/sqlite").run(&pool).await?;
        Ok(Self { pool })
    }

    /// Opens a database to read it, beside whoever writes it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub async fn open_to_read(path: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options);
        Ok(Self { pool: pool.await? })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> anyhow::Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes the file, with all of the write-ahead log in it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that may write: it takes the write lock at once, so that it cannot fail half-way for
    /// having read before another wrote.
    async fn write(&self) -> sqlx::Result<Transaction<'static, Driver>> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }
}
