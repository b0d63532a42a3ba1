//! Jobs in lists, by what their rows say: no journal is read.

use requorum_shared::api::v1;
use requorum_shared::job::fold::JobState;
use requorum_shared::job::text::word;
use requorum_shared::permission::{Permission, Place};
use requorum_shared::plan::short_name;

use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{Result, bad_request};
use crate::jobs::list::{self, JobFilter, JobLine};
use crate::ops::authorize::{authorize, where_allowed};
use crate::paging::{self, Order, PageRequest};

/// A page of the jobs that the actor may see, newest first.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &v1::ListJobsRequest,
) -> Result<v1::ListJobsResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let columns = &list::Column::ALL;
    let order = Order::read(&request.order_by, list::Column::USUAL, columns, "job.order")?;
    // A token of one order is none of another.
    let name = match request.order_by.as_str() {
        "" => "jobs".to_owned(),
        by => format!("jobs {by}"),
    };
    let page = PageRequest::read(&name, request.page_size, &request.page_token)?;
    let states = states(&request.states)?;
    let seen = where_allowed(actor, Permission::See);
    let filter = JobFilter {
        states,
        words: paging::words(&request.query, "job.query")?,
        order,
        ..JobFilter::of(seen.clone().only(request.cluster.as_deref()))
    };
    let (lists, now) = (&app.lists, app.clock.now_ms());
    let tallies = lists.jobs.tally_jobs();
    let tallies = lists.counts.jobs.get(app.db.writes(), now, tallies).await?;
    let mut tallies = (*tallies).clone();
    tallies.retain(|tally| seen.have(&tally.cluster));
    let (lines, total) = if filter.words.is_empty() {
        let total = paging::count(&tallies, |tally| {
            let asked = filter.states.is_empty() || filter.states.contains(&tally.state);
            asked && filter.clusters.have(&tally.cluster)
        });
        (
            app.lists.jobs.job_lines(&filter, &page.slice()).await?,
            total,
        )
    } else {
        app.lists.jobs.find_jobs(&filter, &page.slice()).await?
    };
    let rows = lines
        .into_iter()
        .map(|line| (list::cursor(order, &line), summary(line)));
    let (jobs, next_page_token) = page.page(rows.collect());
    let counts = paging::by_state(&tallies).into_iter();
    let counts = counts.map(|(state, count)| v1::JobStateCount {
        state: from_word(state)
            .map_or(v1::JobState::Unspecified, v1::JobState::from)
            .into(),
        count,
    });
    Ok(v1::ListJobsResponse {
        jobs,
        next_page_token,
        total,
        counts: counts.collect(),
        clusters: paging::clusters(&tallies),
    })
}

/// The jobs that are not over, the oldest first. Whoever calls this has asked whether that may be seen.
pub(in crate::ops) async fn open(app: &App) -> Result<Vec<v1::JobSummary>> {
    let lines = app.lists.jobs.open_job_lines().await?;
    Ok(lines.into_iter().map(summary).collect())
}

/// For the API.
pub(in crate::ops) fn summary(line: JobLine) -> v1::JobSummary {
    let JobLine { summary, .. } = line;
    v1::JobSummary {
        id: line.id,
        plan_id: line.plan_id,
        title: line.title,
        state: v1::JobState::from(summary.state).into(),
        sentence: summary.sentence,
        started_at_ms: line.created_ms,
        updated_at_ms: summary.updated_ms,
        started_by: line.started_by,
        steps_done: summary.steps_done,
        steps_total: summary.steps_total,
        number: line.brief.number,
        name: short_name(&line.cluster, line.brief.number),
        headline: line.brief.outline.headline.iter().map(Into::into).collect(),
        file_names: line.brief.outline.file_names,
        target: line.brief.outline.target,
        cluster: line.cluster,
        broke_glass: line.broke_glass,
        ended_at_ms: summary.ended_ms,
        working: summary.working,
    }
}

/// The states that a list is asked for, as rows have them.
fn states(asked: &[i32]) -> Result<Vec<String>> {
    let read = |asked: &i32| {
        let state = v1::JobState::try_from(*asked).ok();
        let state = state.and_then(|state| JobState::try_from(state).ok());
        state.map(|state| word(state).to_owned()).ok_or_else(|| {
            bad_request(
                "job.state",
                format!(
                    "{asked} is not a known job state: {}.",
                    ALL.map(word).join(", ")
                ),
            )
        })
    };
    asked.iter().map(read).collect()
}

const ALL: [JobState; 8] = [
    JobState::Queued,
    JobState::Running,
    JobState::Paused,
    JobState::Waiting,
    JobState::Undoing,
    JobState::Completed,
    JobState::Undone,
    JobState::Left,
];

fn from_word(text: &str) -> Option<JobState> {
    ALL.into_iter().find(|state| word(*state) == text)
}
