//! Jobs in lists, and the part of their rows that lists read.

use async_trait::async_trait;
use requorum_shared::job::events::Event;
use requorum_shared::job::fold::JobState;
use requorum_shared::job::text::word;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::dialect::Dialect;
use super::pages::{brief, count, fit, tally};
use super::sql::Sql;
use super::write_tx::WriteTx;
use crate::jobs::digest::{Digest, Summary};
use crate::jobs::list::{Column, FAILED, JobFilter, JobLine, JobList, Made, UNDER_WAY};
use crate::paging::{Slice, Tally};

/// What [`line`] reads.
macro_rules! line_columns {
    () => {
        "SELECT id, plan_id, title, cluster, \
         CASE WHEN EXISTS (SELECT 1 FROM reviews WHERE reviews.plan_id = jobs.plan_id) THEN 1 ELSE 0 END, \
         started_by, created_ms, state, sentence, updated_ms, ended_ms, steps_done, steps_total, failed_check, \
         number, file_names, headline_json, target, working"
    };
}

const LINES: &str = concat!(line_columns!(), " FROM jobs WHERE 1 = 1");

/// What jobs are found by.
const TEXTS: [&str; 1] = ["found_by"];

#[async_trait]
impl JobList for Database {
    async fn job_lines(&self, filter: &JobFilter, slice: &Slice) -> anyhow::Result<Vec<JobLine>> {
        if !filter.is_usual() {
            return Ok(self.find_jobs(filter, slice).await?.0);
        }
        let mut sql = Sql::new(LINES);
        filtered(&mut sql, self.dialect, filter)?;
        sql.newest("created_ms", "id", slice)?;
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter().map(line).collect()
    }

    async fn find_jobs(
        &self,
        filter: &JobFilter,
        slice: &Slice,
    ) -> anyhow::Result<(Vec<JobLine>, u64)> {
        // The index of what is searched has all that this looks at; with another the rows would be read.
        let mut sql = Sql::new(concat!(line_columns!(), ", found.fit"));
        sql.push(" FROM jobs JOIN ").found(
            |sql| {
                sql.push("SELECT id AS found_id, ")
                    .push(ordered_by(filter.order.by))
                    .push(" AS place, COUNT(*) OVER () AS fit FROM jobs")
                    .push(self.dialect.by_index(" INDEXED BY jobs_found"))
                    .push(" WHERE 1 = 1");
                filtered(sql, self.dialect, filter)
            },
            "jobs.id",
            filter.order.descending,
            slice,
        )?;
        let rows = sql.query().fetch_all(&self.pool).await?;
        let fit = match fit(&rows, slice)? {
            Some(fit) => fit,
            None => self.count_jobs(filter).await?,
        };
        let lines = rows.iter().map(line);
        Ok((lines.collect::<anyhow::Result<_>>()?, fit))
    }

    async fn count_jobs(&self, filter: &JobFilter) -> anyhow::Result<u64> {
        let mut sql = Sql::new("SELECT COUNT(*) FROM jobs");
        if !filter.words.is_empty() {
            sql.push(self.dialect.by_index(" INDEXED BY jobs_found"));
        }
        sql.push(" WHERE 1 = 1");
        filtered(&mut sql, self.dialect, filter)?;
        count(&sql.query().fetch_one(&self.pool).await?)
    }

    async fn tally_jobs(&self) -> anyhow::Result<Vec<Tally>> {
        let rows = sqlx::query("SELECT cluster, state, COUNT(*) FROM jobs GROUP BY cluster, state")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(tally).collect()
    }

    async fn tally_attention(&self, failed_since_ms: i64) -> anyhow::Result<Vec<Tally>> {
        let rows = sqlx::query(
            "SELECT cluster, $2, COUNT(*) FROM jobs WHERE over = 0 GROUP BY cluster \
             UNION ALL SELECT cluster, state, COUNT(*) FROM jobs WHERE state IN ('waiting', 'paused') \
             GROUP BY cluster, state \
             UNION ALL SELECT cluster, $3, COUNT(*) FROM jobs WHERE failed_check <> '' AND ended_ms >= $1 \
             GROUP BY cluster",
        )
        .bind(failed_since_ms.max(1))
        .bind(UNDER_WAY)
        .bind(FAILED)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(tally).collect()
    }

    async fn made(&self) -> anyhow::Result<Vec<Made>> {
        sqlx::query(
            "SELECT id, cluster, target_root, target_path FROM jobs WHERE state NOT IN ('queued', 'undone') \
             ORDER BY created_ms DESC, id",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            Ok(Made {
                id: row.try_get(0)?,
                cluster: row.try_get(1)?,
                root: row.try_get(2)?,
                path: row.try_get(3)?,
            })
        })
        .collect()
    }

    async fn open_job_lines(&self) -> anyhow::Result<Vec<JobLine>> {
        let mut sql = Sql::new(LINES);
        sql.push(" AND over = 0 ORDER BY created_ms, id");
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter().map(line).collect()
    }
}

fn filtered(sql: &mut Sql, dialect: Dialect, filter: &JobFilter) -> sqlx::Result<()> {
    // The states that wait for a person, as the index has them.
    let mut states = filter.states.clone();
    states.sort();
    if states == ["paused", "waiting"] {
        sql.push(" AND state IN ('waiting', 'paused')");
    } else if !states.is_empty() {
        sql.and_one_of("state", &states)?;
    }
    if let Some(since) = filter.failed_since_ms {
        sql.push(" AND failed_check <> '' AND ended_ms >= ")
            .bind(since.max(1))?;
    }
    sql.and_found(&TEXTS, &filter.words)?;
    if !filter.plan_ids.is_empty() {
        sql.and_one_of_many(dialect, "plan_id", &filter.plan_ids)?;
    }
    sql.and_clusters("cluster", &filter.clusters)?;
    Ok(())
}

/// What the rows are ordered by.
fn ordered_by(column: Column) -> &'static str {
    match column {
        Column::Started => "created_ms",
        Column::Name => "lower(cluster || ' ' || CAST(1000000000000 + number AS TEXT))",
        Column::File => "lower(file_names)",
        Column::By => "lower(started_by)",
        Column::Ended => "ended_ms",
        // As `rank` says.
        Column::State => {
            "CASE state WHEN 'waiting' THEN 0 WHEN 'paused' THEN 1 WHEN 'undoing' THEN 2 WHEN 'running' THEN 3 \
             WHEN 'queued' THEN 4 WHEN 'left' THEN 5 WHEN 'undone' THEN 6 ELSE 7 END"
        }
    }
}

fn line(row: &AnyRow) -> anyhow::Result<JobLine> {
    let state: &str = row.try_get(7)?;
    let number = |at: usize| anyhow::Ok(u32::try_from(row.try_get::<i64, _>(at)?)?);
    Ok(JobLine {
        id: row.try_get(0)?,
        plan_id: row.try_get(1)?,
        title: row.try_get(2)?,
        cluster: row.try_get(3)?,
        broke_glass: row.try_get::<i64, _>(4)? != 0,
        started_by: row.try_get(5)?,
        created_ms: row.try_get(6)?,
        summary: Summary {
            state: state_of(state)?,
            sentence: row.try_get(8)?,
            updated_ms: row.try_get(9)?,
            ended_ms: row.try_get(10)?,
            steps_done: number(11)?,
            steps_total: number(12)?,
            failed_check: row.try_get(13)?,
            working: row.try_get::<i64, _>(18)? != 0,
        },
        brief: brief(row, 14)?,
    })
}

fn state_of(word: &str) -> anyhow::Result<JobState> {
    Ok(serde_json::from_value(serde_json::Value::String(
        word.to_owned(),
    ))?)
}

/// Writes what the journal says after this entry into the job's row, in the same turn.
pub(super) async fn digest(tx: &mut WriteTx, id: &str, event: &Event) -> anyhow::Result<()> {
    let row = sqlx::query("SELECT digest_json FROM jobs WHERE id = $1")
        .bind(id)
        .fetch_one(&mut **tx)
        .await?;
    let digest = serde_json::from_str(row.try_get(0)?).ok();
    let digest = match digest {
        Some(mut digest) if Digest::last_seq(&digest) + 1 == event.seq => {
            digest.apply(event);
            digest
        }
        // It is missing, or of another version: folded from the journal, which has this entry already.
        _ => folded(tx, id).await?,
    };
    write(tx, id, &digest).await
}

/// Folds a whole journal.
async fn folded(tx: &mut WriteTx, id: &str) -> anyhow::Result<Digest> {
    let plan = sqlx::query(
        "SELECT plan_json FROM plan_documents JOIN jobs ON jobs.plan_id = plan_documents.plan_id WHERE jobs.id = $1",
    )
    .bind(id)
    .fetch_one(&mut **tx)
    .await?;
    let rows =
        sqlx::query("SELECT seq, at_ms, body_json FROM job_events WHERE job_id = $1 ORDER BY seq")
            .bind(id)
            .fetch_all(&mut **tx)
            .await?;
    let events = rows.iter().map(event);
    let events: Vec<_> = events.collect::<anyhow::Result<_>>()?;
    Ok(Digest::of(plan.try_get(0)?, &events))
}

async fn write(tx: &mut WriteTx, id: &str, digest: &Digest) -> anyhow::Result<()> {
    let summary = digest.summary();
    sqlx::query(
        "UPDATE jobs SET state = $1, sentence = $2, updated_ms = $3, ended_ms = $4, steps_done = $5, \
         steps_total = $6, failed_check = $7, digest_json = $8, working = $9 WHERE id = $10",
    )
    .bind(word(summary.state))
    .bind(&summary.sentence)
    .bind(summary.updated_ms)
    .bind(summary.ended_ms)
    .bind(i64::from(summary.steps_done))
    .bind(i64::from(summary.steps_total))
    .bind(&summary.failed_check)
    .bind(serde_json::to_string(digest)?)
    .bind(i64::from(summary.working))
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Number, time, what happened.
pub(super) fn event(row: &AnyRow) -> anyhow::Result<Event> {
    Ok(Event::new(
        u64::try_from(row.try_get::<i64, _>(0)?)?,
        row.try_get(1)?,
        serde_json::from_str(row.try_get(2)?)?,
    ))
}
