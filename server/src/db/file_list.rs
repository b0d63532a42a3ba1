//! Files in lists.

use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use super::files::{FILE, file};
use super::pages::{count, tally};
use super::sql::Sql;
use crate::files::list::{Column, FileFilter, FileList, Order};
use crate::files::store::StoredFile;
use crate::paging::{Clusters, Cursor, Key, Slice, Tally};

#[async_trait]
impl FileList for Database {
    async fn file_rows(
        &self,
        filter: &FileFilter,
        order: Order,
        slice: &Slice,
    ) -> anyhow::Result<Vec<StoredFile>> {
        let mut sql = Sql::new("SELECT ");
        sql.push(FILE).push(" FROM files WHERE 1 = 1");
        filtered(&mut sql, filter)?;
        ordered(&mut sql, order, slice)?;
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter().map(file).collect()
    }

    async fn count_files(&self, filter: &FileFilter) -> anyhow::Result<u64> {
        let mut sql = Sql::new("SELECT COUNT(*) FROM files WHERE 1 = 1");
        filtered(&mut sql, filter)?;
        count(&sql.query().fetch_one(&self.pool).await?)
    }

    async fn tally_files(&self) -> anyhow::Result<Vec<(Tally, u64)>> {
        sqlx::query(
            "SELECT cluster, trust, COUNT(*), CAST(SUM(size) AS BIGINT) FROM files WHERE removed_ms = 0 \
             GROUP BY cluster, trust",
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

    async fn count_removed(&self, clusters: &Clusters) -> anyhow::Result<u64> {
        let mut sql = Sql::new("SELECT COUNT(*) FROM files WHERE removed_ms > 0");
        sql.and_clusters("cluster", clusters)?;
        count(&sql.query().fetch_one(&self.pool).await?)
    }
}

fn filtered(sql: &mut Sql, filter: &FileFilter) -> sqlx::Result<()> {
    sql.push(if filter.removed {
        " AND removed_ms > 0"
    } else {
        " AND removed_ms = 0"
    });
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
            " AND lower(name || ' ' || kind || ' ' || cluster || ' ' || id || ' ' || trust || ' ' || headline_text || \
             ' ' || uploaded_by) LIKE ",
        )
        .bind(like)?
        .push(" ESCAPE '\\'");
    }
    for (column, values) in [
        ("kind", &filter.kinds),
        ("trust", &filter.trusts),
        ("origin", &filter.origins),
    ] {
        if !values.is_empty() {
            sql.and_one_of(column, values)?;
        }
    }
    Ok(())
}

fn ordered(sql: &mut Sql, order: Order, slice: &Slice) -> sqlx::Result<()> {
    let column = match order.by {
        Column::Uploaded => "uploaded_ms",
        // As people look for a name: capital letters and small ones together.
        Column::Name => "lower(name)",
        Column::Cluster => "cluster",
        Column::Kind => "kind",
        Column::Trust => "trust",
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
