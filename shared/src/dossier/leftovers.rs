//! What is left to clean up once a job is over. Requorum deletes nothing by itself; a person has it removed.

use serde::{Deserialize, Serialize};

use crate::job::fold::{JobState, JobView, StepState};
use crate::nouns::Nouns;
use crate::number::size;
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
    if view.removed.is_some() {
        return Vec::new();
    }
    if view.state == JobState::Completed {
        return kept(plan, view);
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

fn kept(plan: &Plan, view: &JobView) -> Vec<LeftOver> {
    let Nouns {
        leftovers,
        contents,
        ..
    } = plan.request.nouns();
    let recorded: Vec<_> = view
        .folders_left()
        .map(|folder| LeftOver {
            what: format!(
                "{} ({} at the end of the job): {leftovers}, with {contents} in them.",
                folder.path,
                size(folder.bytes)
            ),
            how: match folder.is_known() {
                true => format!(
                    "Once they are where they belong, choose “Remove {leftovers}” on the job's page."
                ),
                false => format!(
                    "Once they are where they belong, delete {} on the server's host by hand: the console cannot tell \
                     whether it is still as the job left it.",
                    folder.path
                ),
            },
        })
        .collect();
    if !recorded.is_empty() {
        return recorded;
    }
    let kept = plan.request.keeps();
    kept.into_iter()
        .map(|(what, how)| LeftOver { what, how })
        .collect()
}
