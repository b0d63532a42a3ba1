//! What waits for somebody: plans to approve or to run, questions of jobs, verifications that failed, reviews of
//! overrides. Only what that person can do something about.

use std::sync::Arc;

use requorum_shared::api::v1::{InboxItem, InboxKind, ListInboxRequest, ListInboxResponse};
use requorum_shared::job::fold::JobState;
use requorum_shared::job::text::word;
use requorum_shared::permission::{Permission, Place};
use requorum_shared::plan::short_name;

use super::approvals::{self, Rules, Wanted};
use super::authorize::{authorize, where_allowed};
use super::jobs;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{Result, bad_request};
use crate::jobs::list::{self as job_list, JobFilter, JobLine, UNDER_WAY};
use crate::paging::{self, Clusters, Cursor, PageRequest, Tally};

/// For how long a failed verification waits for somebody to look at it, in milliseconds.
const VERIFICATION_MS: i64 = 7 * 24 * 3_600_000;

/// The parts of the list, the most urgent first: what holds a job, then what holds a plan, then what is over.
const HELD: u8 = 0;
const PLANS: u8 = 1;
const FAILED: u8 = 2;
const REVIEWS: u8 = 3;

/// A page of it, and how much there is in all.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &ListInboxRequest,
) -> Result<ListInboxResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let page = PageRequest::read("waiting", request.page_size, &request.page_token)?;
    let mut inbox = Inbox {
        app,
        actor,
        rules: Rules::for_lists(app).await?,
        attention: attention(app).await?,
        page: &page,
        cluster: request.cluster.as_deref(),
        kinds: kinds(request)?,
        rows: Vec::new(),
        total: 0,
    };
    inbox.jobs(HELD).await?;
    inbox.plans().await?;
    inbox.jobs(FAILED).await?;
    inbox.reviews().await?;
    let seen = where_allowed(actor, Permission::See);
    let under_way = inbox.count(&seen, &[UNDER_WAY]);
    let Inbox { rows, total, .. } = inbox;
    let (items, next_page_token) = page.page(rows);
    Ok(ListInboxResponse {
        items,
        next_page_token,
        total,
        jobs_under_way: u32::try_from(under_way).unwrap_or(u32::MAX),
        open_reviews: approvals::open_reviews(app, actor).await?,
    })
}

/// A page on its way. What comes before where it begins is counted and not read.
struct Inbox<'a> {
    app: &'a App,
    actor: &'a Actor,
    rules: Rules,
    /// How many jobs there are to look at.
    attention: Arc<Vec<Tally>>,
    page: &'a PageRequest,
    /// The cluster that is asked for.
    cluster: Option<&'a str>,
    /// What is asked for.
    kinds: Vec<InboxKind>,
    rows: Vec<(Cursor, InboxItem)>,
    total: u64,
}

impl Inbox<'_> {
    /// How many jobs of these clusters are counted under one of these.
    fn count(&self, clusters: &Clusters, under: &[&str]) -> u64 {
        paging::count(&self.attention, |tally| {
            under.contains(&tally.state.as_str()) && clusters.have(&tally.cluster)
        })
    }

    fn wants(&self, kind: InboxKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// Jobs that a person holds up, or whose verification failed lately.
    async fn jobs(&mut self, part: u8) -> Result<()> {
        let now = self.app.clock.now_ms();
        let held = [
            (InboxKind::Answer, JobState::Waiting),
            (InboxKind::Resume, JobState::Paused),
        ];
        let held = held.into_iter().filter(|(kind, _)| self.wants(*kind));
        let held: Vec<_> = held.map(|(_, state)| word(state).to_owned()).collect();
        if match part {
            HELD => held.is_empty(),
            _ => !self.wants(InboxKind::Verification),
        } {
            return Ok(());
        }
        let filter = JobFilter {
            states: match part {
                HELD => held,
                _ => Vec::new(),
            },
            failed_since_ms: (part == FAILED).then(|| now.saturating_sub(VERIFICATION_MS)),
            ..JobFilter::of(where_allowed(self.actor, Permission::Run).only(self.cluster))
        };
        let under = match part {
            HELD => filter.states.iter().map(String::as_str).collect(),
            _ => vec![job_list::FAILED],
        };
        let count = self.count(&filter.clusters, &under);
        self.total += count;
        if count == 0 || self.page.part() > part {
            return Ok(());
        }
        let slice = self.page.slice_of(part, self.rows.len());
        let lines = self.app.lists.jobs.job_lines(&filter, &slice).await?;
        self.rows.extend(lines.into_iter().map(|line| {
            let cursor = Cursor::at(line.created_ms, &line.id).in_part(part);
            (cursor, of_job(line))
        }));
        Ok(())
    }

    /// Plans to approve or to run.
    async fn plans(&mut self) -> Result<()> {
        let mut slice = self.page.slice_of(PLANS, self.rows.len());
        if self.page.part() > PLANS {
            slice.limit = 0;
        }
        let wanted = Wanted {
            cluster: self.cluster,
            to_approve: self.wants(InboxKind::Approve),
            to_run: self.wants(InboxKind::Run),
        };
        let (plans, count) =
            approvals::open_plans(self.app, self.actor, &self.rules, wanted, &slice).await?;
        self.total += count;
        for (row, kind, sentence) in plans {
            let cursor = Cursor::at(row.sealed_ms, &row.id).in_part(PLANS);
            let waiting = InboxItem {
                kind: kind.into(),
                id: row.id,
                name: short_name(&row.cluster, row.brief.number),
                title: row.outcome,
                sentence,
                cluster: row.cluster,
                since_ms: row.sealed_ms,
                by: row.author,
                working: false,
            };
            self.rows.push((cursor, waiting));
        }
        Ok(())
    }

    /// Reviews to close.
    async fn reviews(&mut self) -> Result<()> {
        if !self.wants(InboxKind::Review) {
            return Ok(());
        }
        let slice = self.page.slice_of(REVIEWS, self.rows.len());
        let (app, actor) = (self.app, self.actor);
        let (reviews, count) =
            approvals::reviews_to_close(app, actor, &self.rules, self.cluster, &slice).await?;
        self.total += count;
        self.rows.extend(reviews.into_iter().map(|review| {
            let cursor = Cursor::at(review.broken_at_ms, &review.id).in_part(REVIEWS);
            let waiting = InboxItem {
                kind: InboxKind::Review.into(),
                id: review.id,
                name: review.name,
                title: review.outcome,
                sentence: review.reason,
                cluster: review.cluster,
                since_ms: review.broken_at_ms,
                by: review.broken_by,
                working: false,
            };
            (cursor, waiting)
        }));
        Ok(())
    }
}

/// How many jobs there are to look at, as they were counted for everybody.
async fn attention(app: &App) -> Result<Arc<Vec<Tally>>> {
    let (lists, now) = (&app.lists, app.clock.now_ms());
    let tallies = lists
        .jobs
        .tally_attention(now.saturating_sub(VERIFICATION_MS));
    let counted = &lists.counts.attention;
    Ok(counted.get(app.db.writes(), now, tallies).await?)
}

/// The kinds that the list is asked for.
fn kinds(request: &ListInboxRequest) -> Result<Vec<InboxKind>> {
    let read = |kind: &i32| match InboxKind::try_from(*kind) {
        Ok(InboxKind::Unspecified) | Err(_) => Err(bad_request(
            "inbox.kind",
            format!("{kind} is not a known kind of inbox item."),
        )),
        Ok(kind) => Ok(kind),
    };
    request.kinds.iter().map(read).collect()
}

fn of_job(line: JobLine) -> InboxItem {
    let failed = line.summary.failed_check.clone();
    let state = line.summary.state;
    let summary = jobs::summary(line);
    let (kind, sentence) = match state {
        JobState::Waiting => (InboxKind::Answer, summary.sentence),
        JobState::Paused => (InboxKind::Resume, summary.sentence),
        _ => (InboxKind::Verification, failed),
    };
    InboxItem {
        kind: kind.into(),
        id: summary.id,
        working: summary.working,
        name: summary.name,
        title: summary.title,
        sentence,
        cluster: summary.cluster,
        since_ms: summary.updated_at_ms,
        by: summary.started_by,
    }
}
