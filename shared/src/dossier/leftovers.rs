//! What is left to clean up once a job is over. Requorum deletes nothing by itself.

use serde::{Deserialize, Serialize};

use crate::etcd::recovery::restore::Target;
use crate::job_view::{JobState, JobView, StepState};
use crate::plan::{Plan, Request, Undo};

/// One thing that somebody may have to remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOver {
    /// What is there.
    pub what: String,
    /// How it goes away.
    pub how: String,
}

/// What is left of a job, as far as its journal knows.
pub fn left_overs(plan: &Plan, view: &JobView) -> Vec<LeftOver> {
    if view.state == JobState::Completed {
        return kept_for_download(plan);
    }
    plan.steps
        .iter()
        .zip(&view.steps)
        .filter(|(_, seen)| !matches!(seen.state, StepState::Waiting | StepState::Undone))
        .filter_map(|(step, seen)| {
            let how = match &step.undo {
                Undo::Nothing => return None,
                Undo::Back(how) => how.clone(),
                Undo::PointOfNoReturn(why) => format!("It cannot be taken back: {why}"),
            };
            let state = match seen.state {
                StepState::Done => "is done",
                StepState::Failed => "failed, and may have done a part",
                _ => "was begun",
            };
            let (number, title, effect) = (step.number, &step.title, &step.effect);
            Some(LeftOver {
                what: format!("Step {number}, “{title}”, {state}: {effect}"),
                how,
            })
        })
        .collect()
}

fn kept_for_download(plan: &Plan) -> Vec<LeftOver> {
    let Request::EtcdRestore(request) = &plan.request;
    if request.target != Target::Download {
        return Vec::new();
    }
    let names: Vec<_> = request.members.iter().map(|m| m.name.as_str()).collect();
    vec![LeftOver {
        what: format!(
            "The console keeps the restored members {} for download, with all keys and values in them.",
            names.join(", ")
        ),
        how: "Once they are where they belong, remove this job's folder below “downloads” in the console's data directory."
            .to_owned(),
    }]
}
