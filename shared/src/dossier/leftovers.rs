//! What is left to clean up once a job is over. Requorum deletes nothing by itself.

use serde::{Deserialize, Serialize};

use crate::job::fold::{JobState, JobView, StepState};
use crate::plan::Undo;
use crate::recovery::Plan;

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
        return kept(plan);
    }
    plan.steps
        .iter()
        .zip(&view.steps)
        .filter(|(_, seen)| seen.may_have_effect())
        .filter_map(|(step, seen)| {
            let how = match &step.undo {
                Undo::Nothing => return None,
                Undo::Back(how) => how.clone(),
                Undo::PointOfNoReturn(why) => format!("It cannot be rolled back: {why}"),
            };
            let state = match seen.state {
                StepState::Done => "is done",
                StepState::Failed | StepState::Unclear => "failed, and may be partly done",
                StepState::UndoFailed => "could not be rolled back",
                StepState::Left => "was kept as it is",
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

fn kept(plan: &Plan) -> Vec<LeftOver> {
    let kept = plan.request.keeps();
    kept.into_iter()
        .map(|(what, how)| LeftOver { what, how })
        .collect()
}
