//! A copy of a SQLite database, beside whoever writes to it.

use std::path::Path;

use anyhow::{Context as _, ensure};

use super::Database;

impl Database {
    /// Writes all rows, as they are at one moment, to a new file.
    ///
    /// # Errors
    /// When the rows are in PostgreSQL, which has its own way, or the file cannot be written.
    pub async fn copy_to(&self, file: &Path) -> anyhow::Result<()> {
        ensure!(
            !self.is_shared(),
            "the rows are in PostgreSQL: back them up with pg_dump, and with them the ledger's key and the stored \
             files"
        );
        let file = file.to_str().context("the backup's path is not UTF-8")?;
        sqlx::query("VACUUM INTO $1")
            .bind(file)
            .execute(&self.pool)
            .await
            .context("copying the database")?;
        Ok(())
    }
}
