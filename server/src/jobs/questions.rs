//! What a job asks a person, and the sentences it ends with. Each choice names its consequence.

use requorum_shared::events::{Choice, Question};
use requorum_shared::plan::{Plan, Undo};

use super::decide::{Standing, StepStanding};

/// Try again.
pub const RETRY: &str = "retry";
/// Stop and take back what was done.
pub const UNDO: &str = "undo";
/// Keep what is there.
pub const LEAVE: &str = "leave";

/// A step failed.
pub(super) fn step_failed(plan: &Plan, standing: &Standing, index: usize, error: &str) -> Question {
    let number = index + 1;
    let undone = effects(plan, standing)
        .map(|(_, how)| how)
        .rev()
        .collect::<Vec<_>>();
    question(
        standing,
        index,
        format!("Step {number}, “{}”, failed. What now?", title(plan, index)),
        error,
        vec![
            choice(
                RETRY,
                format!("Try step {number} again"),
                "The step looks again at what is there and goes on from it. Nothing else changes."
                    .into(),
            ),
            choice(
                UNDO,
                "Stop and undo".into(),
                if undone.is_empty() {
                    "Nothing was changed so far; the job ends.".into()
                } else {
                    format!(
                        "What was done is taken back, newest first: {}",
                        undone.join(" ")
                    )
                },
            ),
            choice(
                LEAVE,
                "Leave it as it is".into(),
                format!(
                    "The job ends here and will not go on. {}",
                    remains(plan, standing)
                ),
            ),
        ],
    )
}

/// A step could not be taken back.
pub(super) fn undo_failed(plan: &Plan, standing: &Standing, index: usize, error: &str) -> Question {
    let number = index + 1;
    question(
        standing,
        index,
        format!(
            "Step {number}, “{}”, could not be taken back. What now?",
            title(plan, index)
        ),
        error,
        vec![
            choice(
                RETRY,
                format!("Try to take step {number} back again"),
                "It looks again at what is there and goes on from it.".into(),
            ),
            choice(
                LEAVE,
                "Leave it as it is".into(),
                format!(
                    "What step {number} did stays where it is, and somebody has to clear it up by hand. The \
                     steps before it are taken back."
                ),
            ),
        ],
    )
}

/// Going back has come to a step that cannot be taken back.
pub(super) fn no_way_back(plan: &Plan, standing: &Standing, index: usize, why: &str) -> Question {
    let number = index + 1;
    question(
        standing,
        index,
        format!(
            "Step {number}, “{}”, cannot be taken back. Go on without it?",
            title(plan, index)
        ),
        why,
        vec![choice(
            LEAVE,
            "Leave it as it is".into(),
            format!("What step {number} did stays. The steps before it are taken back."),
        )],
    )
}

/// All is done.
pub(super) fn completed_sentence(plan: &Plan) -> String {
    plan.outcome.clone()
}

/// All was taken back.
pub(super) fn undone_sentence() -> String {
    "Everything that was done was taken back.".into()
}

/// A person decided to leave something.
pub(super) fn left_sentence(plan: &Plan, standing: &Standing) -> String {
    format!("Left as it is. {}", remains(plan, standing))
}

/// What stays when nothing more happens.
fn remains(plan: &Plan, standing: &Standing) -> String {
    let steps: Vec<String> = effects(plan, standing)
        .map(|(number, _)| number.to_string())
        .collect();
    if steps.is_empty() {
        return "Nothing was changed.".into();
    }
    format!(
        "What remains is from step {}: {}",
        steps.join(", "),
        effects(plan, standing)
            .filter_map(|(number, _)| plan.steps.get(number - 1))
            .map(|step| step.effect.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    )
}

/// The steps that may have changed something, with how that is taken back.
fn effects<'a>(
    plan: &'a Plan,
    standing: &'a Standing,
) -> impl DoubleEndedIterator<Item = (usize, &'a str)> {
    plan.steps
        .iter()
        .zip(&standing.steps)
        .enumerate()
        .filter_map(|(index, (step, standing))| {
            let untouched = matches!(standing, StepStanding::Waiting | StepStanding::Undone);
            match &step.undo {
                _ if untouched => None,
                Undo::Nothing => None,
                Undo::Back(how) => Some((index + 1, how.as_str())),
                Undo::PointOfNoReturn(why) => Some((index + 1, why.as_str())),
            }
        })
}

fn question(
    standing: &Standing,
    index: usize,
    text: String,
    evidence: &str,
    choices: Vec<Choice>,
) -> Question {
    Question {
        id: format!("q{}", standing.asked + 1),
        step: index as u32 + 1,
        text,
        evidence: evidence.into(),
        choices,
    }
}

fn choice(id: &str, label: String, consequence: String) -> Choice {
    Choice {
        id: id.into(),
        label,
        consequence,
    }
}

fn title(plan: &Plan, index: usize) -> &str {
    plan.steps.get(index).map_or("", |step| &step.title)
}
