//! What waits for somebody: plans to approve or to run, questions of jobs, verifications that failed, reviews of
//! broken glass. Only what that person can do something about.

use requorum_shared::api::v1::{ListWaitingResponse, Waiting};
use requorum_shared::finding::Outcome;
use requorum_shared::job_view::JobState;
use requorum_shared::permission::{Permission, Place};

use super::permit::permit;
use super::{approvals, jobs, plans};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::Result;

/// For how long a failed verification waits for somebody to look at it, in milliseconds.
const VERIFICATION_MS: i64 = 7 * 24 * 3_600_000;

/// The most urgent first: what holds a job, then what holds a plan, then what is over.
pub async fn list(app: &App, actor: &Actor) -> Result<ListWaitingResponse> {
    permit(app, actor, Permission::See, Place::Anywhere).await?;
    let may = |permission, cluster: &str| {
        let place = Place::Cluster(cluster);
        actor.grants.allow(permission, place).is_ok()
    };
    let mut answer = ListWaitingResponse::default();
    let mut failed = Vec::new();
    for job in jobs::seen(app, actor).await? {
        let summary = job.summary();
        if !job.state().is_over() {
            answer.jobs_under_way += 1;
        }
        if !may(Permission::Run, &summary.cluster) {
            continue;
        }
        let kind = match job.state() {
            JobState::Waiting => "answer",
            JobState::Paused => "resume",
            _ => "verification",
        };
        let waiting = Waiting {
            kind: kind.into(),
            id: summary.id,
            title: summary.title,
            sentence: summary.sentence,
            cluster: summary.cluster,
            since_ms: summary.updated_at_ms,
            by: summary.started_by,
        };
        let checks = job.checks().iter();
        let wrong: Vec<_> = checks.filter(|c| c.outcome == Outcome::Fail).collect();
        let recent = app.clock.now_ms() - summary.updated_at_ms < VERIFICATION_MS;
        if kind != "verification" {
            answer.waiting.push(waiting);
        } else if let Some(first) = wrong.first()
            && job.state().is_over()
            && recent
        {
            failed.push(Waiting {
                sentence: format!("{}: {}", first.name, first.evidence),
                ..waiting
            });
        }
    }
    for (summary, approval) in plans::open(app, actor).await? {
        let (kind, sentence) = match (approval.you_can, approval.you_can_run) {
            (true, _) => ("approve", approval.sentence),
            (false, true) => ("run", "Approved: it can be run.".to_owned()),
            (false, false) => continue,
        };
        answer.waiting.push(Waiting {
            kind: kind.into(),
            id: summary.id,
            title: summary.outcome,
            sentence,
            cluster: summary.cluster,
            since_ms: summary.sealed_at_ms,
            by: summary.author,
        });
    }
    answer.waiting.append(&mut failed);
    for review in approvals::list_reviews(app, actor, false).await?.reviews {
        answer.open_reviews += 1;
        if !review.you_can_close {
            continue;
        }
        answer.waiting.push(Waiting {
            kind: "review".into(),
            id: review.id,
            title: review.outcome,
            sentence: review.reason,
            cluster: review.cluster,
            since_ms: review.broken_at_ms,
            by: review.broken_by,
        });
    }
    Ok(answer)
}
