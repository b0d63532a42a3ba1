//! What the statements of lists have in common.

use requorum_shared::recovery::Outline;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::dialect::Dialect;
use super::sql::Sql;
use crate::paging::{Clusters, Cursor, Key, Slice, Tally, number_of};
use crate::plans::brief::Brief;

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

    /// `AND` the column is one of these, of which there may be hundreds: one value, since values are looked up by
    /// their names.
    pub(super) fn and_one_of_many(
        &mut self,
        dialect: Dialect,
        column: &'static str,
        values: &[String],
    ) -> sqlx::Result<&mut Self> {
        let rows: Vec<_> = values.iter().map(|value| [value]).collect();
        let rows =
            serde_json::to_string(&rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let (from, to) = dialect.json_rows();
        self.push(" AND ").push(column);
        self.push(" IN (SELECT value ->> 0 FROM ").push(from);
        Ok(self.bind(rows)?.push(to).push(")"))
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

    /// `AND` each of these words is in one of the texts, which have small letters, and each number of a plan is that of
    /// the row.
    pub(super) fn and_found(
        &mut self,
        texts: &[&'static str],
        words: &[String],
    ) -> sqlx::Result<&mut Self> {
        for word in words {
            if let Some(wanted) = number_of(word) {
                self.push(" AND number = ").bind(wanted)?;
                continue;
            }
            self.push(" AND (1 = 0");
            for text in texts {
                self.push(" OR instr(")
                    .push(text)
                    .push(", lower(")
                    .bind(word.as_str())?
                    .push(")) > 0");
            }
            self.push(")");
        }
        Ok(self)
    }

    /// The rows of a list by a column, from the cursor on.
    fn in_order(
        &mut self,
        by: &'static str,
        id: &'static str,
        descending: bool,
        after: Option<&Cursor>,
    ) -> sqlx::Result<&mut Self> {
        if let Some(Cursor { key, id: last, .. }) = after {
            let bound = |sql: &mut Sql| match key {
                Key::Number(n) => sql.bind(*n).map(|_| ()),
                Key::Text(text) => {
                    sql.push("lower(").bind(text.as_str())?.push(")");
                    Ok(())
                }
            };
            self.push(" AND (")
                .push(by)
                .push(if descending { " < " } else { " > " });
            bound(self)?;
            self.push(" OR (").push(by).push(" = ");
            bound(self)?;
            self.push(" AND ")
                .push(id)
                .push(" > ")
                .bind(last.as_str())?
                .push("))");
        }
        self.push(" ORDER BY ").push(by);
        self.push(if descending { " DESC, " } else { ", " });
        Ok(self.push(id))
    }

    /// The part of a statement that joins the rows of a table with a page of what `inner` finds: it gives `found_id`,
    /// `place` in the order, and `fit`, how many it finds in all. One look at what is searched is enough for all that.
    pub(super) fn found(
        &mut self,
        inner: impl FnOnce(&mut Sql) -> sqlx::Result<()>,
        id: &'static str,
        descending: bool,
        slice: &Slice,
    ) -> sqlx::Result<&mut Self> {
        self.push("(SELECT everything.* FROM (");
        inner(self)?;
        self.push(") AS everything WHERE 1 = 1");
        self.in_order("place", "found_id", descending, slice.after.as_ref())?
            .limit(slice)?;
        self.push(") AS found ON found.found_id = ").push(id);
        self.in_order("found.place", "found.found_id", descending, None)
    }

    pub(super) fn limit(&mut self, slice: &Slice) -> sqlx::Result<&mut Self> {
        self.push(" LIMIT ")
            .bind(i64::try_from(slice.limit).unwrap_or(i64::MAX))
    }
}

/// Number, files, headline, target, from this column on.
pub(super) fn brief(row: &AnyRow, at: usize) -> anyhow::Result<Brief> {
    let files: &str = row.try_get(at + 1)?;
    Ok(Brief {
        number: u64::try_from(row.try_get::<i64, _>(at)?)?,
        outline: Outline {
            file_names: files.lines().map(str::to_owned).collect(),
            headline: serde_json::from_str(row.try_get(at + 2)?)?,
            target: row.try_get(at + 3)?,
        },
    })
}

/// How many fit in all, by the rows of a page that was [found](Sql::found). A page beyond the last does not say.
pub(super) fn fit(rows: &[AnyRow], slice: &Slice) -> anyhow::Result<Option<u64>> {
    match rows.first() {
        Some(row) => Ok(Some(u64::try_from(row.try_get::<i64, _>("fit")?)?)),
        None => Ok(slice.after.is_none().then_some(0)),
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
