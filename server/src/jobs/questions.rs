//! What a job asks a person, and the sentences it ends with. Each choice names its consequence.

use requorum_shared::job::events::{Choice, Failure, Question, Then};
use requorum_shared::job::fold::JobView;
use requorum_shared::plan::{Gate, GateThen, Undo};
use requorum_shared::recovery::Plan;

/// A step failed.
pub(super) fn step_failed(plan: &Plan, job: &JobView, index: usize) -> Question {
    let number = index + 1;
    let step = &job.steps[index];
    let retry = choice(
        Then::Retry,
        format!("Try step {number} again"),
        "The step checks again what is there and continues from it. Nothing else changes.",
    );
    let mut choices = match step.failure {
        Failure::Ask => vec![retry],
        Failure::Stop | Failure::Refuse => Vec::new(),
    };
    choices.push(undo(plan, job));
    choices.extend(leave(plan, job));
    let after = match step.retries {
        0 => String::new(),
        1 => " twice".to_owned(),
        n => format!(" {} times", n + 1),
    };
    let text = format!(
        "Step {number}, “{}”, failed{after}: choose how to proceed.",
        title(plan, index)
    );
    question(job, index, text, &step.note, choices)
}

/// A step's probe could not tell whether it is done.
pub(super) fn unclear(plan: &Plan, job: &JobView, index: usize) -> Question {
    let number = index + 1;
    let effect = plan.steps.get(index).map_or("", |step| &step.effect);
    let mut choices = vec![
        choice(
            Then::Retry,
            "Look again".into(),
            "The step checks again what is there, and changes nothing before that is known.",
        ),
        choice(
            Then::Done,
            format!("Step {number} is done"),
            "The job takes your word for it and continues with the next step.",
        ),
        choice(
            Then::CarryOut,
            format!("Step {number} is not done: carry it out"),
            effect,
        ),
        undo(plan, job),
    ];
    choices.extend(leave(plan, job));
    let text = format!(
        "Whether step {number}, “{}”, is done could not be determined. Is it?",
        title(plan, index)
    );
    question(job, index, text, &job.steps[index].note, choices)
}

/// A question that the plan foresaw.
pub(super) fn gate(job: &JobView, index: usize, gate: &Gate) -> Question {
    let choices = gate.choices.iter().map(|choice| Choice {
        id: choice.id.clone(),
        label: choice.label.clone(),
        consequence: choice.consequence.clone(),
        then: match choice.then {
            GateThen::Continue => Then::Done,
            GateThen::Undo => Then::Undo,
            GateThen::Leave => Then::Leave,
        },
        confirm: choice.confirm.clone(),
    });
    let (text, evidence) = (gate.question.clone(), &gate.evidence);
    question(job, index, text, evidence, choices.collect())
}

/// A step could not be taken back.
pub(super) fn undo_failed(plan: &Plan, job: &JobView, index: usize) -> Question {
    let number = index + 1;
    let retry = choice(
        Then::Retry,
        format!("Try to roll step {number} back again"),
        "It checks again what is there and continues from it.",
    );
    let mut choices = match job.steps[index].failure {
        Failure::Ask => vec![retry],
        Failure::Stop | Failure::Refuse => Vec::new(),
    };
    choices.push(keep(number));
    let text = format!(
        "Step {number}, “{}”, could not be rolled back: choose how to proceed.",
        title(plan, index)
    );
    question(job, index, text, &job.steps[index].note, choices)
}

/// What a step did stays, and going back continues before it.
fn keep(number: usize) -> Choice {
    choice(
        Then::Leave,
        "End job, keep data".into(),
        &format!(
            "What step {number} did stays where it is and has to be cleaned up by hand. The steps before it are rolled \
             back."
        ),
    )
}

/// Going back has come to what a person did.
pub(super) fn undo_by_hand(plan: &Plan, job: &JobView, index: usize, how: &str) -> Question {
    let number = index + 1;
    let done = choice(
        Then::Done,
        format!("Step {number} is rolled back"),
        "The job takes your word for it and rolls back the steps before it.",
    );
    let text = format!(
        "Step {number}, “{}”, was done by hand. Roll it back by hand, too.",
        title(plan, index)
    );
    question(job, index, text, how, vec![done, keep(number)])
}

/// Going back has come to a step that cannot be taken back.
pub(super) fn no_way_back(plan: &Plan, job: &JobView, index: usize, why: &str) -> Question {
    let number = index + 1;
    let choices = vec![choice(
        Then::Leave,
        "End job, keep data".into(),
        &format!("What step {number} did stays. The steps before it are rolled back."),
    )];
    let text = format!(
        "Step {number}, “{}”, cannot be rolled back. Roll back the steps before it?",
        title(plan, index)
    );
    question(job, index, text, why, choices)
}

/// All was taken back.
pub(super) fn undone_sentence(job: &JobView) -> String {
    match &job.refused {
        Some(why) => format!("Stopped before anything was changed. {why}"),
        None => "All changes were rolled back.".into(),
    }
}

/// A person decided to leave something.
pub(super) fn left_sentence(plan: &Plan, job: &JobView) -> String {
    format!("Ended early, changes kept. {}", remains(plan, job))
}

/// What stays when nothing more happens.
fn remains(plan: &Plan, job: &JobView) -> String {
    let steps: Vec<String> = effects(plan, job)
        .map(|(number, _)| number.to_string())
        .collect();
    if steps.is_empty() {
        return "Nothing was changed.".into();
    }
    format!(
        "What remains is from step {}: {}",
        steps.join(", "),
        effects(plan, job)
            .filter_map(|(number, _)| plan.steps.get(number - 1))
            .map(|step| step.effect.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    )
}

/// The steps that may have changed something, by number, with how that is taken back.
pub(super) fn effects<'a>(
    plan: &'a Plan,
    job: &'a JobView,
) -> impl DoubleEndedIterator<Item = (usize, &'a str)> {
    plan.steps
        .iter()
        .zip(&job.steps)
        .enumerate()
        .filter(|(_, (_, seen))| seen.may_have_effect())
        .filter_map(|(index, (step, _))| match &step.undo {
            Undo::Nothing => None,
            Undo::Back(how) => Some((index + 1, how.as_str())),
            Undo::PointOfNoReturn(why) => Some((index + 1, why.as_str())),
        })
}

fn undo(plan: &Plan, job: &JobView) -> Choice {
    let undone: Vec<_> = effects(plan, job).map(|(_, how)| how).rev().collect();
    if undone.is_empty() {
        let consequence = "Nothing was changed so far; the job ends.";
        return choice(Then::Undo, "Stop the job".into(), consequence);
    }
    let consequence = format!(
        "What was done is rolled back, newest first: {}",
        undone.join(" ")
    );
    choice(Then::Undo, "Stop and roll back".into(), &consequence)
}

/// Only where there is something to keep: to stop would do the same otherwise.
fn leave(plan: &Plan, job: &JobView) -> Option<Choice> {
    effects(plan, job).next()?;
    Some(choice(
        Then::Leave,
        "End job, keep data".into(),
        &format!(
            "The job ends here and does not continue. {}",
            remains(plan, job)
        ),
    ))
}

fn question(
    job: &JobView,
    index: usize,
    text: String,
    evidence: &str,
    choices: Vec<Choice>,
) -> Question {
    Question {
        id: format!("q{}", job.asked + 1),
        step: index as u32 + 1,
        text,
        evidence: evidence.into(),
        choices,
    }
}

fn choice(then: Then, label: String, consequence: &str) -> Choice {
    let id = match then {
        Then::Retry => "retry",
        Then::CarryOut => "carry-out",
        Then::Done => "done",
        Then::Undo => "undo",
        Then::Leave => "leave",
    };
    Choice {
        id: id.into(),
        label,
        consequence: consequence.into(),
        then,
        confirm: None,
    }
}

fn title(plan: &Plan, index: usize) -> &str {
    plan.steps.get(index).map_or("", |step| &step.title)
}
