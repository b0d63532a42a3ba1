//! Jobs and their journals.

use async_trait::async_trait;
use requorum_shared::job::events::{Body, Event, Occurrence};
use requorum_shared::recovery::TargetDir;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::job_list;
use super::notices::Notice;
use super::pages::brief;
use super::sql::Sql;
use super::write_tx::WriteTx;
use crate::jobs::log::{Claim, Created, Holder, JobLog, JobRow, Same, Writer, target_of};

#[async_trait]
impl JobLog for Database {
    async fn create(
        &self,
        job: &JobRow,
        first: &Body,
        claim: Claim<'_>,
        same: Same<'_>,
    ) -> anyhow::Result<Created> {
        let mut tx = self.begin().await?;
        let has: Option<AnyRow> = sqlx::query("SELECT id FROM jobs WHERE plan_id = $1")
            .bind(&job.plan_id)
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(row) = has {
            return Ok(Created::HasJob(row.try_get(0)?));
        }
        let used =
            sqlx::query("UPDATE plans SET state = 'used' WHERE id = $1 AND state = 'approved'")
                .bind(&job.plan_id)
                .execute(&mut *tx)
                .await?;
        if used.rows_affected() != 1 {
            return Ok(Created::NotApproved);
        }
        // Its time may just have been over, and the file not needed any more.
        let removed: i64 = sqlx::query(
            "SELECT COUNT(*) FROM plan_inputs JOIN files ON files.id = plan_inputs.id \
             WHERE plan_inputs.plan_id = $1 AND files.removed_ms > 0",
        )
        .bind(&job.plan_id)
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
        if removed > 0 {
            return Ok(Created::NotApproved);
        }
        let plan_json: String =
            sqlx::query("SELECT plan_json FROM plan_documents WHERE plan_id = $1")
                .bind(&job.plan_id)
                .fetch_one(&mut *tx)
                .await?
                .try_get(0)?;
        let target = target_of(&plan_json);
        if let Some(target) = &target
            && let Some(holder) = holder(&mut *tx, target, same).await?
        {
            return Ok(Created::TargetTaken(holder));
        }
        let target = target.as_ref();
        sqlx::query(
            "INSERT INTO jobs (id, plan_id, started_by, created_ms, target_root, target_path, cluster, title, \
             number, file_names, headline_json, target) SELECT $1, id, $3, $4, $5, $6, cluster, outcome, number, \
             file_names, headline_json, target FROM plans WHERE id = $2",
        )
        .bind(&job.id)
        .bind(&job.plan_id)
        .bind(&job.started_by)
        .bind(job.created_ms)
        .bind(target.map_or("", |target| &target.root))
        .bind(target.map_or("", |target| &target.path))
        .execute(&mut *tx)
        .await?;
        // Whatever was found before it ran, it has to be looked into again.
        sqlx::query(
            "UPDATE reviews SET closed_by = '', closed_ms = 0, note = '' WHERE plan_id = $1",
        )
        .bind(&job.plan_id)
        .execute(&mut *tx)
        .await?;
        let first = Occurrence::from(first.clone());
        insert(&mut tx, &job.id, 1, job.created_ms, &first).await?;
        self.claim_sql(&job.id, claim)?
            .query()
            .execute(&mut *tx)
            .await?;
        tx.mark(None, Some(&job.id)).await?;
        tx.commit().await?;
        Ok(Created::Yes)
    }

    async fn holder(&self, target: &TargetDir, same: Same<'_>) -> anyhow::Result<Option<Holder>> {
        holder(&self.pool, target, same).await
    }

    async fn job(&self, id: &str) -> anyhow::Result<Option<JobRow>> {
        let row = sqlx::query(
            "SELECT jobs.id, jobs.plan_id, plan_json, started_by, created_ms, plans.cluster, \
             CASE WHEN EXISTS (SELECT 1 FROM reviews WHERE reviews.plan_id = plans.id) THEN 1 ELSE 0 END, plans.hash, \
             plans.number, plans.file_names, plans.headline_json, plans.target FROM jobs \
             JOIN plans ON plans.id = jobs.plan_id JOIN plan_documents ON plan_documents.plan_id = plans.id \
             WHERE jobs.id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(job).transpose()
    }

    async fn open_jobs(&self) -> anyhow::Result<Vec<String>> {
        sqlx::query("SELECT id FROM jobs WHERE over = 0 ORDER BY created_ms")
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(|row| Ok(row.try_get(0)?))
            .collect()
    }

    async fn events(&self, id: &str, since: u64) -> anyhow::Result<Vec<Event>> {
        sqlx::query(
            "SELECT seq, at_ms, body_json FROM job_events WHERE job_id = $1 AND seq > $2 ORDER BY seq",
        )
        .bind(id)
        .bind(i64::try_from(since).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(job_list::event)
        .collect()
    }

    async fn is_over(&self, id: &str) -> anyhow::Result<bool> {
        let row = sqlx::query("SELECT over FROM jobs WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map_or(Ok(1), |row| row.try_get::<i64, _>(0))? != 0)
    }

    async fn append(
        &self,
        id: &str,
        at_ms: i64,
        what: &Occurrence,
        writer: Writer<'_>,
    ) -> anyhow::Result<Option<Event>> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "SELECT COALESCE(MAX(seq), 0), \
             (SELECT lease_owner FROM jobs WHERE id = $1 AND over = 0), \
             COALESCE((SELECT closing FROM jobs WHERE id = $1), 0), \
             COALESCE((SELECT over FROM jobs WHERE id = $1), 0) FROM job_events WHERE job_id = $1",
        )
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
        let last = u64::try_from(row.try_get::<i64, _>(0)?)?;
        // None: there is no such job, or it is over.
        let owner = row.try_get::<Option<String>, _>(1)?;
        let closing = row.try_get::<i64, _>(2)? != 0;
        let over = row.try_get::<i64, _>(3)? != 0;
        let may = match (writer, &owner) {
            (Writer::Owner(writer) | Writer::OwnerAgain(writer, _), Some(owner)) => writer == owner,
            (Writer::PersonWhoSaw(seen), Some(_)) => seen == last && !closing,
            (Writer::OwnerWhoSaw { owner: w, saw, .. }, Some(owner)) => w == owner && saw == last,
            (Writer::PersonAfterEnd(seen), None) => over && seen == last,
            (Writer::PersonAfterEnd(_), Some(_)) | (_, None) => false,
        };
        // The entry that ends a job may be the one that was written.
        let tried = match writer {
            Writer::OwnerAgain(by, tried_ms)
            | Writer::OwnerWhoSaw {
                owner: by,
                tried_ms,
                ..
            } if owner.as_deref().is_none_or(|owner| owner == by) => tried_ms,
            _ => &[],
        };
        if !tried.is_empty()
            && let Some(event) = written(&mut tx, id, what, tried).await?
        {
            return Ok(Some(event));
        }
        if !may {
            return Ok(None);
        }
        insert(&mut tx, id, last + 1, at_ms, what).await?;
        if matches!(what.body, Body::Ended { .. }) {
            sqlx::query("UPDATE jobs SET over = 1 WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
        if matches!(writer, Writer::PersonWhoSaw(_) | Writer::PersonAfterEnd(_)) {
            tx.mark(None, None).await?;
        }
        self.tell(&mut tx, Notice::Job(id.to_owned())).await?;
        tx.commit().await?;
        Ok(Some(Event::new(last + 1, at_ms, what.clone())))
    }

    async fn claim(&self, id: &str, claim: Claim<'_>) -> anyhow::Result<bool> {
        let done = self.claim_sql(id, claim)?.query();
        Ok(done.execute(&self.pool).await?.rows_affected() == 1)
    }

    async fn abandoned(&self, now_ms: i64) -> anyhow::Result<Vec<String>> {
        let mut sql = Sql::new(
            "SELECT id FROM jobs WHERE over = 0 AND (lease_owner = '' OR lease_until_ms <= ",
        );
        self.now(&mut sql, now_ms)?
            .push(") ORDER BY created_ms, id");
        sql.query()
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(|row| Ok(row.try_get(0)?))
            .collect()
    }

    fn notify_ephemeral(&self, id: &str, event: &Event) {
        self.tell_in_passing(Notice::Passing(id.to_owned(), event.clone()));
    }

    async fn close_journal(&self, id: &str, owner: &str, saw: u64) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE jobs SET closing = 1 WHERE id = $1 AND over = 0 AND lease_owner = $2 AND \
             $3 = (SELECT COALESCE(MAX(seq), 0) FROM job_events WHERE job_id = $1)",
        )
        .bind(id)
        .bind(owner)
        .bind(i64::try_from(saw)?)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    async fn release(&self, id: &str, owner: &str) -> anyhow::Result<()> {
        sqlx::query(
            "UPDATE jobs SET lease_owner = '', lease_until_ms = 0 WHERE id = $1 AND lease_owner = $2",
        )
        .bind(id)
        .bind(owner)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn release_all(&self) -> anyhow::Result<()> {
        sqlx::query("UPDATE jobs SET lease_owner = '', lease_until_ms = 0")
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

impl Database {
    fn claim_sql(&self, id: &str, claim: Claim<'_>) -> sqlx::Result<Sql> {
        let mut sql = Sql::new("UPDATE jobs SET lease_owner = ");
        sql.bind(claim.owner)?.push(", lease_until_ms = ");
        self.now(&mut sql, claim.now_ms)?.push(" + ");
        sql.bind(claim.lease_ms)?.push(" WHERE id = ").bind(id)?;
        sql.push(" AND over = 0 AND (lease_owner IN ('', ");
        sql.bind(claim.owner)?.push(") OR lease_until_ms <= ");
        self.now(&mut sql, claim.now_ms)?.push(")");
        Ok(sql)
    }

    /// The time that leases go by: the caller's, or the database's where servers with clocks of their own share it.
    fn now<'s>(&self, sql: &'s mut Sql, now_ms: i64) -> sqlx::Result<&'s mut Sql> {
        if self.is_shared() {
            Ok(sql.push(self.dialect.now_ms()))
        } else {
            sql.bind(now_ms)
        }
    }
}

/// The job that is not over and has the same target.
async fn holder(
    from: impl sqlx::Executor<'_, Database = sqlx::Any>,
    target: &TargetDir,
    same: Same<'_>,
) -> anyhow::Result<Option<Holder>> {
    let rows = sqlx::query(
        "SELECT jobs.id, plans.cluster, started_by, target_root, target_path FROM jobs \
         JOIN plans ON plans.id = jobs.plan_id WHERE over = 0 AND target_path <> '' ORDER BY created_ms, jobs.id",
    )
    .fetch_all(from)
    .await?;
    for row in rows {
        let holder = Holder {
            id: row.try_get(0)?,
            cluster: row.try_get(1)?,
            started_by: row.try_get(2)?,
            target: TargetDir {
                root: row.try_get(3)?,
                path: row.try_get(4)?,
            },
        };
        if same(target, &holder.target) {
            return Ok(Some(holder));
        }
    }
    Ok(None)
}

/// The entry that one of these attempts has written.
async fn written(
    tx: &mut WriteTx,
    id: &str,
    what: &Occurrence,
    tried_ms: &[i64],
) -> anyhow::Result<Option<Event>> {
    let json = serde_json::to_string(what)?;
    for at_ms in tried_ms {
        let row: Option<AnyRow> = sqlx::query(
            "SELECT seq FROM job_events WHERE job_id = $1 AND at_ms = $2 AND body_json = $3 ORDER BY seq DESC LIMIT 1",
        )
        .bind(id)
        .bind(at_ms)
        .bind(&json)
        .fetch_optional(&mut **tx)
        .await?;
        if let Some(row) = row {
            let seq = u64::try_from(row.try_get::<i64, _>(0)?)?;
            return Ok(Some(Event::new(seq, *at_ms, what.clone())));
        }
    }
    Ok(None)
}

async fn insert(
    tx: &mut WriteTx,
    id: &str,
    seq: u64,
    at_ms: i64,
    what: &Occurrence,
) -> anyhow::Result<()> {
    sqlx::query("INSERT INTO job_events (job_id, seq, at_ms, body_json) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(i64::try_from(seq)?)
        .bind(at_ms)
        .bind(serde_json::to_string(what)?)
        .execute(&mut **tx)
        .await?;
    job_list::digest(tx, id, &Event::new(seq, at_ms, what.clone())).await
}

fn job(row: &AnyRow) -> anyhow::Result<JobRow> {
    Ok(JobRow {
        id: row.try_get(0)?,
        plan_id: row.try_get(1)?,
        plan_json: row.try_get(2)?,
        started_by: row.try_get(3)?,
        created_ms: row.try_get(4)?,
        cluster: row.try_get(5)?,
        broke_glass: row.try_get::<i64, _>(6)? != 0,
        plan_hash: row.try_get(7)?,
        brief: brief(row, 8)?,
    })
}
