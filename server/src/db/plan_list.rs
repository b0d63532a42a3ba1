//! Plans in lists.

use std::collections::BTreeMap;

use async_trait::async_trait;
use requorum_shared::approval::Reversibility;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::pages::{count, fit, tally};
use super::plans::{PLANS, plan, plan_columns};
use super::sql::Sql;
use crate::paging::{Slice, Tally};
use crate::plans::list::{Column, OpenGroup, PlanFilter, PlanList};
use crate::plans::store::{PlanRow, PlanState};

/// Those that can still come to be run, once their time is not over. As the indexes have it.
const OPEN: &str = " AND state IN ('sealed', 'approved') AND expires_ms > ";

/// What plans are found by.
const TEXTS: [&str; 2] = ["found_by", "lower(decided_by)"];

/// The groups that are asked for: one value, however many there are, since values are looked up by their names.
const WANTED: &str = "WITH wanted (cluster, weight, author_id, voters, glass) AS MATERIALIZED (SELECT value ->> 0, \
    value ->> 1, value ->> 2, value ->> 3, CAST(value ->> 4 AS BIGINT) FROM ";

/// Whether a plan is in a group.
const IN_GROUP: &str = "wanted.cluster = plans.cluster AND wanted.weight = plans.weight \
    AND wanted.author_id = plans.author_id AND wanted.voters = plans.voters AND wanted.glass = plans.glass";

#[async_trait]
impl PlanList for Database {
    async fn plan_rows(&self, filter: &PlanFilter, slice: &Slice) -> anyhow::Result<Vec<PlanRow>> {
        if !filter.is_usual() {
            return Ok(self.find_plans(filter, slice).await?.0);
        }
        let mut sql = Sql::new(PLANS);
        if filter.is_by_input_alone() {
            // Which they are is found in the index of the inputs alone.
            sql.push("WHERE plans.id IN (SELECT plan_id FROM plan_inputs WHERE 1 = 1");
            on_input(&mut sql, filter)?;
            sql.newest("sealed_ms", "plan_id", slice)?
                .push(") ORDER BY sealed_ms DESC, plans.id");
            let rows = sql.query().fetch_all(&self.pool).await?;
            return rows.iter().map(plan).collect();
        }
        filtered(sql.push("WHERE 1 = 1"), filter)?;
        sql.newest("sealed_ms", "plans.id", slice)?;
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter().map(plan).collect()
    }

    async fn find_plans(
        &self,
        filter: &PlanFilter,
        slice: &Slice,
    ) -> anyhow::Result<(Vec<PlanRow>, u64)> {
        // The index of what is searched has all that this looks at; with another the rows would be read.
        let mut sql = Sql::new(concat!(plan_columns!(), ", found.fit"));
        sql.push(" FROM plans JOIN ").found(
            |sql| {
                sql.push("SELECT plans.id AS found_id, ");
                ordered_by(sql, filter)?;
                sql.push(" AS place, COUNT(*) OVER () AS fit FROM plans")
                    .push(self.dialect.by_index(" INDEXED BY plans_found"))
                    .push(" WHERE 1 = 1");
                filtered(sql, filter)
            },
            "plans.id",
            filter.order.descending,
            slice,
        )?;
        let rows = sql.query().fetch_all(&self.pool).await?;
        let fit = match fit(&rows, slice)? {
            Some(fit) => fit,
            None => self.count_plans(filter).await?,
        };
        let rows = rows.iter().map(plan);
        Ok((rows.collect::<anyhow::Result<_>>()?, fit))
    }

    async fn count_plans(&self, filter: &PlanFilter) -> anyhow::Result<u64> {
        if !filter.words.is_empty() {
            let mut sql = Sql::new("SELECT COUNT(*) FROM plans");
            sql.push(self.dialect.by_index(" INDEXED BY plans_found"))
                .push(" WHERE 1 = 1");
            filtered(&mut sql, filter)?;
            return count(&sql.query().fetch_one(&self.pool).await?);
        }
        let mut sql = Sql::new("SELECT COUNT(*) FROM ");
        if filter.is_by_input_alone() {
            on_input(sql.push("plan_inputs WHERE 1 = 1"), filter)?;
        } else {
            filtered(sql.push("plans WHERE 1 = 1"), filter)?;
        }
        count(&sql.query().fetch_one(&self.pool).await?)
    }

    async fn tally_plans(&self, now_ms: i64) -> anyhow::Result<Vec<Tally>> {
        let rows = sqlx::query(
            "SELECT cluster, state, COUNT(*), CAST(SUM(CASE WHEN state IN ('sealed', 'approved') AND expires_ms <= $1 \
             THEN 1 ELSE 0 END) AS BIGINT) FROM plans GROUP BY cluster, state",
        )
        .bind(now_ms)
        .fetch_all(&self.pool)
        .await?;
        let mut tallies = BTreeMap::new();
        for row in &rows {
            let Tally {
                cluster,
                state,
                count,
            } = tally(row)?;
            let expired = u64::try_from(row.try_get::<i64, _>(3)?)?;
            let over = PlanState::Expired.word().to_owned();
            *tallies.entry((cluster.clone(), over)).or_insert(0) += expired;
            *tallies.entry((cluster, state)).or_insert(0) += count - expired;
        }
        let tallies = tallies.into_iter().filter(|(_, count)| *count > 0);
        Ok(tallies
            .map(|((cluster, state), count)| Tally {
                cluster,
                state,
                count,
            })
            .collect())
    }

    async fn open_groups(&self, now_ms: i64) -> anyhow::Result<Vec<OpenGroup>> {
        let mut sql = Sql::new(
            "SELECT COUNT(*), cluster, weight, author_id, voters, glass FROM plans WHERE 1 = 1",
        );
        sql.push(OPEN)
            .bind(now_ms)?
            .push(" GROUP BY cluster, weight, author_id, voters, glass");
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter().map(group).collect()
    }

    async fn rows_of_groups(
        &self,
        groups: &[OpenGroup],
        most: bool,
        now_ms: i64,
        slice: &Slice,
    ) -> anyhow::Result<Vec<PlanRow>> {
        if groups.is_empty() || slice.limit == 0 {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(WANTED);
        let (from, to) = self.dialect.json_rows();
        sql.push(from).bind(named(groups)?)?.push(to);
        sql.push(") ").push(PLANS);
        if most {
            // From the newest on, until there are enough.
            sql.push("WHERE (plans.cluster, plans.weight, plans.author_id, plans.voters, plans.glass) IN ")
                .push("(SELECT * FROM wanted)");
            sql.push(OPEN).bind(now_ms)?;
            sql.newest("sealed_ms", "plans.id", slice)?;
        } else {
            // Which they are is found in the index of the groups alone.
            sql.push("WHERE plans.id IN (SELECT plans.id FROM plans JOIN wanted ON ")
                .push(IN_GROUP)
                .push(" WHERE 1 = 1")
                .push(OPEN)
                .bind(now_ms)?;
            sql.newest("sealed_ms", "plans.id", slice)?
                .push(") ORDER BY sealed_ms DESC, plans.id");
        }
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter().map(plan).collect()
    }
}

/// The groups as rows of JSON, in the order of `WANTED`.
fn named(groups: &[OpenGroup]) -> serde_json::Result<String> {
    let rows = groups.iter().map(|group| {
        (
            &group.cluster,
            group.weight.word(),
            &group.author_id,
            group.voters.join(","),
            i32::from(group.broke_glass),
        )
    });
    serde_json::to_string(&rows.collect::<Vec<_>>())
}

fn on_input(sql: &mut Sql, filter: &PlanFilter) -> sqlx::Result<()> {
    sql.and_clusters("cluster", &filter.clusters)?;
    sql.push(" AND id = ").bind(filter.input.as_str())?;
    Ok(())
}

fn filtered(sql: &mut Sql, filter: &PlanFilter) -> sqlx::Result<()> {
    sql.and_clusters("plans.cluster", &filter.clusters)?;
    let has = |state| filter.states.contains(&state);
    let (sealed, approved) = (has(PlanState::Sealed), has(PlanState::Approved));
    let decided: Vec<_> = filter
        .states
        .iter()
        .filter(|state| !state.is_alive())
        .collect();
    if sealed && approved && decided.is_empty() {
        sql.push(OPEN).bind(filter.now_ms)?;
    } else if !filter.states.is_empty() {
        sql.push(" AND (1 = 0");
        for state in &filter.states {
            sql.push(" OR (state = ").bind(state.word())?;
            if state.is_alive() {
                sql.push(" AND expires_ms > ").bind(filter.now_ms)?;
            }
            sql.push(")");
        }
        if has(PlanState::Expired) {
            sql.push(" OR (state IN ('sealed', 'approved') AND expires_ms <= ")
                .bind(filter.now_ms)?
                .push(")");
        }
        sql.push(")");
    }
    for (column, value) in [
        (" AND hash = ", &filter.hash),
        (" AND plans.author_id = ", &filter.author_id),
    ] {
        if !value.is_empty() {
            sql.push(column).bind(value.as_str())?;
        }
    }
    if !filter.input.is_empty() {
        sql.push(" AND plans.id IN (SELECT plan_id FROM plan_inputs WHERE id = ")
            .bind(filter.input.as_str())?
            .push(")");
    }
    if filter.under_way {
        sql.push(" AND EXISTS (SELECT 1 FROM jobs WHERE jobs.plan_id = plans.id AND over = 0)");
    }
    if filter.since_ms > 0 {
        sql.push(" AND sealed_ms >= ").bind(filter.since_ms)?;
    }
    sql.and_found(&TEXTS, &filter.words)?;
    if !filter.naming.is_empty() {
        sql.push(" AND EXISTS (SELECT 1 FROM plan_documents WHERE plan_id = plans.id AND plan_json LIKE ")
            .bind(format!("%{}%", filter.naming))?
            .push(")");
    }
    Ok(())
}

/// What the rows are ordered by.
fn ordered_by(sql: &mut Sql, filter: &PlanFilter) -> sqlx::Result<()> {
    match filter.order.by {
        Column::Sealed => sql.push("sealed_ms"),
        Column::Name => {
            sql.push("lower(plans.cluster || ' ' || CAST(1000000000000 + number AS TEXT))")
        }
        Column::File => sql.push("lower(file_names)"),
        Column::Headline => sql.push("headline_number"),
        Column::Author => sql.push("lower(author)"),
        Column::Target => sql.push("lower(target)"),
        Column::State => {
            // As `rank` says.
            sql.push("CASE WHEN state IN ('sealed', 'approved') AND expires_ms <= ")
                .bind(filter.now_ms)?
                .push(
                    " THEN 6 WHEN state = 'sealed' THEN 0 WHEN state = 'approved' THEN 1 WHEN state = 'used' THEN 2 \
                     WHEN state = 'rejected' THEN 3 WHEN state = 'withdrawn' THEN 4 WHEN state = 'invalidated' THEN 5 \
                     ELSE 6 END",
                )
        }
    };
    Ok(())
}

fn group(row: &AnyRow) -> anyhow::Result<OpenGroup> {
    let voters: &str = row.try_get(4)?;
    Ok(OpenGroup {
        count: count(row)?,
        cluster: row.try_get(1)?,
        // One that cannot be read is as heavy as a plan can be.
        weight: Reversibility::from_word(row.try_get(2)?).unwrap_or(Reversibility::Destructive),
        author_id: row.try_get(3)?,
        voters: voters
            .split(',')
            .filter(|voter| !voter.is_empty())
            .map(str::to_owned)
            .collect(),
        broke_glass: row.try_get::<i64, _>(5)? != 0,
    })
}
