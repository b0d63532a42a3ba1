//! Snapshots in lists.

use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use super::pages::{count, tally};
use super::snapshots::snapshot;
use super::sql::Sql;
use crate::paging::{Cursor, Key, Slice, Tally};
use crate::snapshots::list::{Column, Order, SnapshotFilter, SnapshotList, or_below};
use crate::snapshots::store::{Headline, Snapshot};

#[async_trait]
impl SnapshotList for Database {
    async fn snapshot_rows(
        &self,
        filter: &SnapshotFilter,
        order: Order,
        slice: &Slice,
    ) -> anyhow::Result<Vec<Snapshot>> {
        let mut sql = Sql::new(
            "SELECT id, name, size, stored_ms, stored_by, origin, cluster, headline_json FROM snapshots WHERE 1 = 1",
        );
        filtered(&mut sql, filter)?;
        ordered(&mut sql, order, slice)?;
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter().map(snapshot).collect()
    }

    async fn count_snapshots(&self, filter: &SnapshotFilter) -> anyhow::Result<u64> {
        let mut sql = Sql::new("SELECT COUNT(*) FROM snapshots WHERE 1 = 1");
        filtered(&mut sql, filter)?;
        count(&sql.query().fetch_one(&self.pool).await?)
    }

    async fn tally_snapshots(&self) -> anyhow::Result<Vec<(Tally, u64)>> {
        sqlx::query(
            "SELECT cluster, verdict, COUNT(*), CAST(SUM(size) AS BIGINT) FROM snapshots GROUP BY cluster, verdict",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            let bytes = u64::try_from(row.try_get::<i64, _>(3)?)?;
            Ok((tally(row)?, bytes))
        })
        .collect()
    }
}

fn filtered(sql: &mut Sql, filter: &SnapshotFilter) -> sqlx::Result<()> {
    sql.and_clusters("cluster", &filter.clusters)?;
    for word in &filter.words {
        let mut like = String::from("%");
        for letter in word.chars() {
            if matches!(letter, '%' | '_' | '\\') {
                like.push('\\');
            }
            like.push(letter);
        }
        like.push('%');
        sql.push(
            " AND lower(name || ' ' || cluster || ' ' || id || ' ' || verdict || ' ' || version || ' ' || \
             stored_by) LIKE ",
        )
        .bind(like)?
        .push(" ESCAPE '\\'");
    }
    Ok(())
}

fn ordered(sql: &mut Sql, order: Order, slice: &Slice) -> sqlx::Result<()> {
    let column = match order.by {
        Column::Stored => "stored_ms",
        // As people look for a name: capital letters and small ones together.
        Column::Name => "lower(name)",
        Column::Cluster => "cluster",
        Column::Verdict => "verdict",
        Column::Revision => "revision",
        Column::Keys => "total_key",
        Column::Size => "size",
    };
    let (beyond, direction) = if order.descending {
        (" < ", " DESC")
    } else {
        (" > ", "")
    };
    if let Some(Cursor { key, id, .. }) = &slice.after {
        let bound = |sql: &mut Sql| match key {
            Key::Number(n) => sql.bind(*n).map(|_| ()),
            Key::Text(text) if order.by == Column::Name => {
                sql.push("lower(").bind(text.as_str())?.push(")");
                Ok(())
            }
            Key::Text(text) => sql.bind(text.as_str()).map(|_| ()),
        };
        sql.push(" AND (").push(column).push(beyond);
        bound(sql)?;
        sql.push(" OR (").push(column).push(" = ");
        bound(sql)?;
        sql.push(" AND id > ").bind(id.as_str())?.push("))");
    }
    sql.push(" ORDER BY ")
        .push(column)
        .push(direction)
        .push(", id");
    sql.limit(slice)?;
    Ok(())
}

impl Database {
    /// Fills in what lists read, in rows that were written before there was such a thing.
    pub(super) async fn head_old_snapshots(&self) -> anyhow::Result<()> {
        let rows = sqlx::query("SELECT id, headline_json FROM snapshots WHERE verdict = ''")
            .fetch_all(&self.pool)
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for row in &rows {
            // One that cannot be read is said to be so where it is shown.
            let Ok(headline) = serde_json::from_str::<Headline>(row.try_get(1)?) else {
                continue;
            };
            sqlx::query(
                "UPDATE snapshots SET verdict = $1, version = $2, revision = $3, total_key = $4 WHERE id = $5",
            )
            .bind(&headline.verdict)
            .bind(&headline.version)
            .bind(or_below(headline.revision))
            .bind(or_below(headline.total_key))
            .bind(row.try_get::<&str, _>(0)?)
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }
}
