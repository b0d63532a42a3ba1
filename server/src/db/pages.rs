//! What the statements of lists have in common.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::sql::Sql;
use crate::paging::{Clusters, Cursor, Key, Slice, Tally};

impl Sql {
    /// `AND` the column is one of these.
    pub(super) fn and_clusters(
        &mut self,
        column: &'static str,
        clusters: &Clusters,
    ) -> sqlx::Result<&mut Self> {
        match clusters {
            Clusters::All => Ok(self),
            Clusters::These(names) => self.and_one_of(column, names),
        }
    }

    /// `AND` the column is one of these; never, when there is none.
    pub(super) fn and_one_of(
        &mut self,
        column: &'static str,
        values: &[String],
    ) -> sqlx::Result<&mut Self> {
        if values.is_empty() {
            return Ok(self.push(" AND 1 = 0"));
        }
        self.push(" AND ").push(column).push(" IN (");
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                self.push(", ");
            }
            self.bind(value.as_str())?;
        }
        Ok(self.push(")"))
    }

    /// The rows of a list by time, the newest first, from the cursor on, and no more than asked for.
    pub(super) fn newest(
        &mut self,
        ms: &'static str,
        id: &'static str,
        slice: &Slice,
    ) -> sqlx::Result<&mut Self> {
        if let Some(Cursor {
            key: Key::Number(last),
            id: last_id,
            ..
        }) = &slice.after
        {
            // The first comparison is what an index can begin at.
            self.push(" AND ").push(ms).push(" <= ").bind(*last)?;
            self.push(" AND (").push(ms).push(" < ").bind(*last)?;
            self.push(" OR ")
                .push(id)
                .push(" > ")
                .bind(last_id.as_str())?
                .push(")");
        }
        self.push(" ORDER BY ").push(ms).push(" DESC, ").push(id);
        self.limit(slice)
    }

    pub(super) fn limit(&mut self, slice: &Slice) -> sqlx::Result<&mut Self> {
        self.push(" LIMIT ")
            .bind(i64::try_from(slice.limit).unwrap_or(i64::MAX))
    }
}

/// A count that a row begins with.
pub(super) fn count(row: &AnyRow) -> anyhow::Result<u64> {
    Ok(u64::try_from(row.try_get::<i64, _>(0)?)?)
}

/// Cluster, state, count.
pub(super) fn tally(row: &AnyRow) -> anyhow::Result<Tally> {
    Ok(Tally {
        cluster: row.try_get(0)?,
        state: row.try_get(1)?,
        count: u64::try_from(row.try_get::<i64, _>(2)?)?,
    })
}
