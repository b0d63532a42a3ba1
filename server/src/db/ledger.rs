//! The ledger's rows.

use async_trait::async_trait;
use bytes::Bytes;
use requorum_shared::ledger::entry::Phase;
use requorum_shared::ledger::merkle::Hash;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::notices::Notice;
use super::sql::Sql;
use super::write_tx::WriteTx;
use crate::ledger;
use crate::ledger::store::{
    ActOutcome, AppendLock, Batch, Columns, Effect, Filter, Head, LedgerStore, Stored,
};

/// Rows per statement: below the number of values that a statement may have.
const ROWS_AT_ONCE: usize = 256;

/// An entry and, where one closes it, that one.
const SELECT: &str = "SELECT e.idx, e.canonical, c.canonical FROM ledger_entries e \
     LEFT JOIN ledger_entries c ON c.closes = e.idx WHERE e.idx < ";

/// The same of acts by how they came out: found by the entries that say so.
const SELECT_ENDED: &str = "SELECT e.idx, e.canonical, c.canonical FROM ledger_entries o \
     JOIN ledger_entries e ON e.idx = o.act_idx LEFT JOIN ledger_entries c ON c.closes = e.idx WHERE o.act_idx < ";

#[async_trait]
impl LedgerStore for Database {
    async fn head(&self) -> anyhow::Result<Option<Head>> {
        let row = sqlx::query(
            "SELECT c.size, c.note, (SELECT MAX(idx) + 1 FROM ledger_entries) \
             FROM (SELECT 1 AS one) o LEFT JOIN \
             (SELECT size, note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1) c ON one = 1",
        )
        .fetch_one(&self.pool)
        .await?;
        let size: Option<i64> = row.try_get(0)?;
        let note: Option<String> = row.try_get(1)?;
        let end: Option<i64> = row.try_get(2)?;
        if size.is_none() && end.is_none() {
            return Ok(None);
        }
        Ok(Some(Head {
            size: size.unwrap_or_default().try_into()?,
            note: note.unwrap_or_default(),
            end: end.unwrap_or_default().try_into()?,
        }))
    }

    async fn turn(&self) -> anyhow::Result<Box<dyn AppendLock>> {
        let mut tx = self.begin().await?;
        let end = sqlx::query("SELECT COALESCE(MAX(idx) + 1, 0) FROM ledger_entries");
        let end: i64 = end.fetch_one(&mut *tx).await?.try_get(0)?;
        Ok(Box::new(LedgerTurn {
            db: self.clone(),
            tx,
            end: end.try_into()?,
        }))
    }

    async fn entries(&self, start: u64, count: u64) -> anyhow::Result<Vec<Stored>> {
        let rows = sqlx::query(
            "SELECT idx, canonical, NULL FROM ledger_entries WHERE idx >= $1 AND idx < $2 ORDER BY idx",
        )
        .bind(signed(start))
        .bind(signed(start.saturating_add(count)))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(stored).collect()
    }

    async fn leaves(&self, start: u64, count: u64) -> anyhow::Result<Vec<Hash>> {
        let rows = sqlx::query(
            "SELECT leaf FROM ledger_entries WHERE idx >= $1 AND idx < $2 ORDER BY idx",
        )
        .bind(signed(start))
        .bind(signed(start.saturating_add(count)))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(hash).collect()
    }

    async fn nodes(&self, level: u8, start: u64, count: u64) -> anyhow::Result<Vec<Hash>> {
        let rows = sqlx::query(
            "SELECT hash FROM ledger_nodes WHERE level = $1 AND idx >= $2 AND idx < $3 ORDER BY idx",
        )
        .bind(i64::from(level))
        .bind(signed(start))
        .bind(signed(start.saturating_add(count)))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(hash).collect()
    }

    async fn list(&self, filter: &Filter) -> anyhow::Result<Vec<Stored>> {
        let (select, order) = match filter.outcome {
            Some(ActOutcome::Ended(_)) => (SELECT_ENDED, " ORDER BY o.act_idx DESC LIMIT "),
            _ => (SELECT, " ORDER BY e.idx DESC LIMIT "),
        };
        let mut query = Sql::new(select);
        query.bind(signed(filter.before.unwrap_or(u64::MAX)))?;
        match filter.outcome {
            Some(ActOutcome::Ended(outcome)) => {
                query.push(" AND o.outcome = ").bind(outcome.name())?;
            }
            Some(ActOutcome::Open) => {
                query.push(" AND e.idx IN (SELECT idx FROM ledger_open)");
            }
            None => {}
        }
        for (column, value) in [
            (" AND e.who = ", &filter.who),
            (" AND e.act = ", &filter.act),
            (" AND e.cluster = ", &filter.cluster),
            (" AND e.plan = ", &filter.plan),
            (" AND e.job = ", &filter.job),
        ] {
            if !value.is_empty() {
                query.push(column).bind(value.as_str())?;
            }
        }
        if let Some(from_ms) = filter.from_ms {
            query.push(" AND e.at_ms >= ").bind(from_ms)?;
        }
        if let Some(until_ms) = filter.until_ms {
            query.push(" AND e.at_ms < ").bind(until_ms)?;
        }
        if filter.no_cluster {
            query.push(" AND e.cluster IS NULL");
        }
        if filter.acts_only || filter.outcome.is_some() {
            query.push(" AND e.closes IS NULL");
        }
        query.push(order).bind(i64::from(filter.limit))?;
        let rows = query.query().fetch_all(&self.pool).await?;
        rows.iter().map(stored).collect()
    }

    async fn open_acts(&self, writer: Option<&str>) -> anyhow::Result<Vec<Stored>> {
        let rows = sqlx::query(
            "SELECT e.idx, e.canonical, NULL FROM ledger_open o JOIN ledger_entries e ON e.idx = o.idx \
             WHERE $1 IS NULL OR o.writer = $1 ORDER BY e.idx",
        )
        .bind(writer)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(stored).collect()
    }

    async fn effects(&self) -> anyhow::Result<Vec<Effect>> {
        let rows = sqlx::query(
            "SELECT f.idx, f.subject, f.job FROM ledger_effects f JOIN ledger_open o ON o.idx = f.idx",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Effect {
                    index: row.try_get::<i64, _>(0)?.try_into()?,
                    subject: row.try_get(1)?,
                    job: row.try_get(2)?,
                })
            })
            .collect()
    }

    async fn columns(&self, start: u64, count: u64) -> anyhow::Result<Vec<Columns>> {
        let rows = sqlx::query(
            "SELECT idx, at_ms, closes, who, act, cluster, plan, job FROM ledger_entries \
             WHERE idx >= $1 AND idx < $2 ORDER BY idx",
        )
        .bind(signed(start))
        .bind(signed(start.saturating_add(count)))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let closes: Option<i64> = row.try_get(2)?;
                Ok(Columns {
                    index: row.try_get::<i64, _>(0)?.try_into()?,
                    at_ms: row.try_get(1)?,
                    closes: closes.map(u64::try_from).transpose()?,
                    who: row.try_get(3)?,
                    act: row.try_get(4)?,
                    cluster: row.try_get(5)?,
                    plan: row.try_get(6)?,
                    job: row.try_get(7)?,
                })
            })
            .collect()
    }
}

impl WriteTx {
    /// Notes, as a part of it, that the act under way has its effect by this.
    pub(super) async fn mark(
        &mut self,
        subject: Option<&str>,
        job: Option<&str>,
    ) -> sqlx::Result<()> {
        let Some(index) = ledger::under_way() else {
            return Ok(());
        };
        sqlx::query(
            "INSERT INTO ledger_effects (idx, subject, job) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(signed(index))
        .bind(subject)
        .bind(job)
        .execute(&mut **self)
        .await?;
        Ok(())
    }
}

struct LedgerTurn {
    db: Database,
    tx: WriteTx,
    end: u64,
}

#[async_trait]
impl AppendLock for LedgerTurn {
    fn end(&self) -> u64 {
        self.end
    }

    async fn append(self: Box<Self>, batch: &Batch) -> anyhow::Result<()> {
        let Self { db, mut tx, .. } = *self;
        for entries in batch.entries.chunks(ROWS_AT_ONCE) {
            let mut insert = Sql::new(
                "INSERT INTO ledger_entries (idx, leaf, canonical, at_ms, closes, who, act, cluster, plan, job) VALUES ",
            );
            insert.rows(entries, |row, new| {
                row.bind(signed(new.entry.index))?
                    .bind(&new.leaf.0[..])?
                    .bind(&new.canonical[..])?
                    .bind(new.entry.at_ms)?
                    .bind(new.entry.closes.map(signed))?
                    .bind(new.entry.who.as_str())?
                    .bind(new.entry.act.as_str())?
                    .bind(new.entry.cluster.as_deref())?
                    .bind(new.entry.plan.as_deref())?
                    .bind(new.entry.job.as_deref())?;
                Ok(())
            })?;
            insert.query().execute(&mut *tx).await?;
        }
        for node in &batch.nodes {
            sqlx::query("INSERT INTO ledger_nodes (level, idx, hash) VALUES ($1, $2, $3)")
                .bind(i64::from(node.level))
                .bind(signed(node.index))
                .bind(&node.hash.0[..])
                .execute(&mut *tx)
                .await?;
        }
        let opened: Vec<_> = batch
            .entries
            .iter()
            .filter(|new| new.entry.phase == Phase::Opened)
            .collect();
        for opened in opened.chunks(ROWS_AT_ONCE) {
            let mut insert = Sql::new("INSERT INTO ledger_open (idx, writer) VALUES ");
            insert.rows(opened, |row, new| {
                row.bind(signed(new.entry.index))?
                    .bind(batch.writer.as_str())?;
                Ok(())
            })?;
            insert.query().execute(&mut *tx).await?;
        }
        let closed: Vec<_> = batch
            .entries
            .iter()
            .filter_map(|new| new.entry.closes)
            .collect();
        for closed in closed.chunks(ROWS_AT_ONCE) {
            let mut delete = Sql::new("DELETE FROM ledger_open WHERE idx IN ");
            delete.rows([closed], |row, closed| {
                for index in closed {
                    row.bind(signed(*index))?;
                }
                Ok(())
            })?;
            delete.query().execute(&mut *tx).await?;
        }
        sqlx::query("INSERT INTO ledger_checkpoints (size, note) VALUES ($1, $2)")
            .bind(signed(batch.size))
            .bind(&batch.note)
            .execute(&mut *tx)
            .await?;
        db.tell(&mut tx, Notice::Ledger).await?;
        Ok(tx.commit().await?)
    }
}

/// Sizes and indexes are far below 2^63; what is not asks for nothing that exists.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn hash(row: &AnyRow) -> anyhow::Result<Hash> {
    let bytes: Vec<u8> = row.try_get(0)?;
    Hash::from_slice(&bytes)
        .ok_or_else(|| anyhow::anyhow!("a hash of the ledger has {} bytes", bytes.len()))
}

fn stored(row: &AnyRow) -> anyhow::Result<Stored> {
    Ok(Stored {
        index: row.try_get::<i64, _>(0)?.try_into()?,
        canonical: Bytes::from(row.try_get::<Vec<u8>, _>(1)?),
        closing: row.try_get::<Option<Vec<u8>>, _>(2)?.map(Bytes::from),
    })
}

/// What only tests do to a ledger.
#[cfg(test)]
impl Database {
    pub(crate) async fn checkpoints(&self) -> i64 {
        let count = sqlx::query("SELECT COUNT(*) FROM ledger_checkpoints");
        count
            .fetch_one(&self.pool)
            .await
            .unwrap()
            .try_get(0)
            .unwrap()
    }

    pub(crate) async fn run(&self, sql: &'static str) -> sqlx::Result<()> {
        sqlx::query(sql).execute(&self.pool).await.map(|_| ())
    }

    /// Runs `sql` as someone who has the file does: the triggers do not stop them.
    pub(crate) async fn tamper(&self, sql: &'static str) {
        for sql in [
            "DROP TRIGGER ledger_entries_are_final",
            "DROP TRIGGER ledger_entries_stay",
            "DELETE FROM ledger_open",
            sql,
        ] {
            self.run(sql).await.unwrap();
        }
    }
}
