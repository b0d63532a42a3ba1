//! What happened: the timeline, the steps, what was proven, what is left.

use super::{
    Block, Cell, Content, Mark, Section, number, outcome, section, status, table, text, when,
};
use crate::dossier::leftovers::left_overs;
use crate::dossier::record::Timings;
use crate::dossier::words;
use crate::finding::Outcome;
use crate::job::events::{Body, EndState, StepOutcome};
use crate::job::fold::StepState;
use crate::ledger::entry::{self, Phase, act};
use crate::plan::Undo;

/// Lines of the log that are shown; the journal has all.
const SHOWN_LINES: usize = 300;

pub(super) fn left(content: &Content<'_>) -> Section {
    let left = left_overs(content.plan, content.view);
    let block = if left.is_empty() {
        let nothing = if content.view.state.is_over() {
            "Nothing of this job is left to clean up."
        } else {
            "The job has changed nothing so far."
        };
        Block::Text(nothing.to_owned())
    } else {
        let rows = left
            .into_iter()
            .map(|left| vec![text(left.what), text(left.how)]);
        table(&["What is there", "How it goes away"], rows.collect())
    };
    section("Left to clean up", vec![block])
}

pub(super) fn timeline(content: &Content<'_>) -> Section {
    let mut rows: Vec<(i64, Vec<Cell>)> = Vec::new();
    for entry in content.entries {
        // What the journal tells itself is not told twice.
        let told = entry.act.starts_with("job.") && entry.act != act::JOB_DOWNLOAD;
        if told || entry.phase == Phase::Opened {
            continue;
        }
        let outcome = match entry.outcome {
            Some(entry::Outcome::Done) => status(Mark::Pass, "done"),
            Some(entry::Outcome::Failed) => status(Mark::Fail, "failed"),
            Some(entry::Outcome::Refused) => status(Mark::Warning, "refused"),
            Some(entry::Outcome::Unknown) | None => status(Mark::NotChecked, "unknown"),
        };
        let mut what = match entry.outcome {
            Some(entry::Outcome::Done) => past(&entry.act).to_owned(),
            _ => act::phrase(&entry.act).to_owned(),
        };
        if !entry.reason.is_empty() {
            what = format!("{what}: {}", entry.reason);
        }
        rows.push((
            entry.at_ms,
            vec![text(&entry.who), text(sentence(&what)), outcome],
        ));
    }
    for event in content.events {
        if let Some((who, what, outcome)) = happened(content, &event.body) {
            rows.push((event.at_ms, vec![text(who), text(what), outcome]));
        }
    }
    rows.sort_by_key(|(at_ms, _)| *at_ms);
    let rows = rows
        .into_iter()
        .map(|(at_ms, mut row)| {
            row.insert(0, Cell::When(at_ms));
            row
        })
        .collect();
    section(
        "Timeline",
        vec![table(&["When", "Who", "What", "Outcome"], rows)],
    )
}

/// What was done, of an act that was.
fn past(act: &str) -> &str {
    match act {
        act::PLAN_SEAL => "sealed the plan",
        act::PLAN_APPROVE => "approved the plan",
        act::PLAN_REJECT => "rejected the plan",
        act::PLAN_BREAK_GLASS => "let the plan run without approval",
        act::REVIEW_CLOSE => "closed the review of the broken glass",
        act::JOB_DOWNLOAD => "downloaded a restored member",
        other => act::phrase(other),
    }
}

/// An event as a line of the timeline; none for what the tables below tell better.
fn happened(content: &Content<'_>, body: &Body) -> Option<(String, String, Cell)> {
    let step = |number: &u32| {
        let index = (*number as usize).wrapping_sub(1);
        let title = content.plan.steps.get(index).map_or("", |step| &step.title);
        format!("Step {number}: {title}")
    };
    let console = entry::CONSOLE.to_owned();
    let done = || status(Mark::Pass, "done");
    Some(match body {
        Body::Started { by, .. } => (by.clone(), "Started the job".into(), done()),
        Body::Adopted { reason } => {
            let what = format!("Took the job up: {reason}");
            (console, what, status(Mark::Note, "noted"))
        }
        Body::StepEnded { step: n, outcome } => {
            let outcome = match outcome {
                StepOutcome::Done { .. } => done(),
                StepOutcome::AlreadyDone { .. } => status(Mark::Pass, "was done already"),
                StepOutcome::Failed { .. } => status(Mark::Fail, "FAILED"),
                StepOutcome::Unclear { .. } => status(Mark::NotChecked, "could not be told"),
            };
            (console, step(n), outcome)
        }
        Body::StepRetried { step: n, error, .. } => (
            console,
            format!("{} ({error})", step(n)),
            status(Mark::Warning, "retried"),
        ),
        Body::Refused { step: n, .. } => (
            console,
            format!("{}: the plan does not fit what is there", step(n)),
            status(Mark::Fail, "refused"),
        ),
        Body::Asked { question } => (
            console,
            format!("Asked: {}", question.text),
            status(Mark::Warning, "waited"),
        ),
        Body::Answered { choice, by, .. } => (by.clone(), format!("Answered: {choice}"), done()),
        Body::Paused { by } => (by.clone(), "Asked for a pause".into(), done()),
        Body::Resumed { by } => (by.clone(), "Ended the pause".into(), done()),
        Body::AbortRequested { by } => (by.clone(), "Asked to stop and undo".into(), done()),
        Body::UndoEnded { step: n, result } => {
            let outcome = match result {
                Ok(_) => status(Mark::Pass, "taken back"),
                Err(_) => status(Mark::Fail, "COULD NOT BE TAKEN BACK"),
            };
            (console, step(n), outcome)
        }
        Body::Ended { state, .. } => {
            let outcome = match state {
                EndState::Completed => status(Mark::Pass, "completed"),
                EndState::Undone => status(Mark::Note, "taken back"),
                EndState::Left => status(Mark::Warning, "left as it was"),
            };
            (console, "The job ended".into(), outcome)
        }
        Body::StepStarted { .. }
        | Body::StepProgress { .. }
        | Body::StepLog { .. }
        | Body::UndoStarted { .. }
        | Body::Verified { .. } => return None,
    })
}

pub(super) fn steps(content: &Content<'_>) -> Section {
    let timings = Timings::of(content.plan, content.events);
    let rows = content
        .plan
        .steps
        .iter()
        .zip(&content.view.steps)
        .zip(&timings.steps);
    let rows = rows.map(|((step, seen), timing)| {
        let state = match seen.state {
            StepState::Waiting => status(Mark::Note, "not begun"),
            StepState::Running => status(Mark::NotChecked, "begun"),
            StepState::Done => status(Mark::Pass, "done"),
            StepState::Failed => status(Mark::Fail, "FAILED"),
            StepState::Unclear => status(Mark::NotChecked, "could not be told"),
            StepState::UndoFailed => status(Mark::Fail, "COULD NOT BE TAKEN BACK"),
            StepState::Left => status(Mark::Warning, "left as it was"),
            StepState::Undoing => status(Mark::NotChecked, "being taken back"),
            StepState::Undone => status(Mark::Note, "taken back"),
        };
        let back = match &step.undo {
            Undo::Nothing => "It changes nothing.".to_owned(),
            Undo::Back(how) => how.clone(),
            Undo::PointOfNoReturn(why) => format!("POINT OF NO RETURN: {why}"),
        };
        vec![
            number(step.number),
            text(&step.title),
            state,
            when(timing.started_ms),
            timing
                .took_ms
                .map_or_else(|| text("–"), |ms| number(words::took(ms))),
            text(&seen.note),
            text(back),
        ]
    });
    let columns = [
        "No.",
        "Step",
        "State",
        "Begun",
        "Took",
        "What was seen",
        "Way back",
    ];
    let mut blocks = vec![table(&columns, rows.collect())];
    let again: Vec<_> = timings
        .steps
        .iter()
        .filter(|step| step.attempts > 1)
        .map(|step| format!("step {} {} times", step.number, step.attempts))
        .collect();
    if !again.is_empty() {
        blocks.push(Block::Text(format!(
            "Carried out more than once: {}. The state is that of the last.",
            again.join(", ")
        )));
    }
    section("Steps", blocks)
}

pub(super) fn verification(content: &Content<'_>) -> Section {
    let mut checks: Vec<_> = content.view.checks.iter().collect();
    if checks.is_empty() {
        let none = "Nothing was verified: the job did not come that far.";
        return section(
            "Verification of the result",
            vec![Block::Text(none.to_owned())],
        );
    }
    checks.sort_by_key(|check| match check.outcome {
        Outcome::Fail => 0,
        Outcome::NotChecked => 1,
        Outcome::Pass => 2,
    });
    let rows = checks
        .iter()
        .map(|c| vec![text(&c.name), outcome(c.outcome), text(&c.evidence)])
        .collect();
    section(
        "Verification of the result",
        vec![
            Block::Text(sentence(&words::tally(&content.view.checks)) + "."),
            table(&["What must be true", "Outcome", "What was seen"], rows),
        ],
    )
}

pub(super) fn log(content: &Content<'_>) -> Section {
    let lines = &content.view.log;
    let rows: Vec<_> = lines
        .iter()
        .take(SHOWN_LINES)
        .map(|line| {
            let said = match &line.host {
                Some(host) => format!("{host}: {}", line.line),
                None => line.line.clone(),
            };
            vec![Cell::When(line.at_ms), number(line.step), text(said)]
        })
        .collect();
    let mut blocks = Vec::new();
    if rows.is_empty() {
        blocks.push(Block::Text(
            "The steps wrote no lines of their own.".to_owned(),
        ));
    } else {
        blocks.push(table(&["When", "Step", "Line"], rows));
    }
    if lines.len() > SHOWN_LINES {
        blocks.push(Block::Text(format!(
            "{} more lines are in journal.jsonl.",
            lines.len() - SHOWN_LINES
        )));
    }
    section("Log", blocks)
}

/// With a capital at its beginning.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
