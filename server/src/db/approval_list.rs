//! Votes and reviews of many plans at once.

use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use super::approvals::{REVIEWS, review, vote};
use super::pages::count;
use super::sql::Sql;
use crate::paging::Slice;
use crate::plans::approval_list::{ApprovalList, ReviewFilter, ReviewGroup};
use crate::plans::approvals::{Review, Vote};

#[async_trait]
impl ApprovalList for Database {
    async fn votes_on(&self, plan_ids: &[String]) -> anyhow::Result<Vec<(String, Vote)>> {
        let mut sql = Sql::new(
            "SELECT user_id, \"user\", plan_hash, at_ms, entry, accepted_json, plan_id FROM plan_votes WHERE 1 = 1",
        );
        sql.and_one_of_many(self.dialect, "plan_id", plan_ids)?
            .push(" ORDER BY at_ms, user_id");
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| Ok((row.try_get(6)?, vote(row)?)))
            .collect()
    }

    async fn reviews_on(&self, plan_ids: &[String]) -> anyhow::Result<Vec<Review>> {
        let mut sql = Sql::new(REVIEWS);
        sql.push("WHERE 1 = 1")
            .and_one_of_many(self.dialect, "reviews.plan_id", plan_ids)?;
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter().map(review).collect()
    }

    async fn review_rows(
        &self,
        filter: &ReviewFilter,
        slice: &Slice,
    ) -> anyhow::Result<Vec<Review>> {
        let mut sql = Sql::new(REVIEWS);
        filtered(&mut sql, filter)?;
        sql.newest("reviews.broken_ms", "reviews.id", slice)?;
        let rows = sql.query().fetch_all(&self.pool).await?;
        rows.iter().map(review).collect()
    }

    async fn count_reviews(&self, filter: &ReviewFilter) -> anyhow::Result<u64> {
        let mut sql =
            Sql::new("SELECT COUNT(*) FROM reviews JOIN plans ON plans.id = reviews.plan_id ");
        filtered(&mut sql, filter)?;
        count(&sql.query().fetch_one(&self.pool).await?)
    }

    async fn review(&self, id: &str) -> anyhow::Result<Option<Review>> {
        let mut sql = Sql::new(REVIEWS);
        sql.push("WHERE reviews.id = ").bind(id)?;
        let row = sql.query().fetch_optional(&self.pool).await?;
        row.as_ref().map(review).transpose()
    }

    async fn open_reviews(&self) -> anyhow::Result<Vec<ReviewGroup>> {
        sqlx::query(
            "SELECT COUNT(*), plans.cluster, broken_by_id FROM reviews JOIN plans ON plans.id = reviews.plan_id \
             WHERE closed_ms = 0 GROUP BY plans.cluster, broken_by_id",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            Ok(ReviewGroup {
                count: count(row)?,
                cluster: row.try_get(1)?,
                broken_by_id: row.try_get(2)?,
            })
        })
        .collect()
    }
}

fn filtered(sql: &mut Sql, filter: &ReviewFilter) -> sqlx::Result<()> {
    sql.push(if filter.closed {
        "WHERE closed_ms <> 0"
    } else {
        "WHERE closed_ms = 0"
    });
    sql.and_clusters("plans.cluster", &filter.clusters)?;
    Ok(())
}
