//! What happened: the timeline, the steps, what was proven, what is left.

use super::{
    Block, Cell, Content, Mark, Section, number, outcome, section, status, table, text, when,
};
use crate::dossier::leftovers::left_overs;
use crate::dossier::record::Timings;
use crate::dossier::words;
use crate::finding::Outcome;
use crate::handover::{self, Handover};
use crate::job::fold::{JobState, StepState};
use crate::job::history::{History, Line, Topic};
use crate::job::text as job_text;
use crate::ledger::entry::{self, Phase, act};
use crate::matrix::Matrix;
use crate::plan::Undo;
use crate::recovery;

/// Lines of the log that are shown; the journal has all.
const SHOWN_LINES: usize = 300;

pub(super) fn left(content: &Content<'_>) -> Section {
    let left = left_overs(content.plan, content.view);
    let block = if left.is_empty() {
        let nothing = if content.view.state.is_over() {
            "Nothing to clean up."
        } else {
            "The job has changed nothing so far."
        };
        Block::Text(nothing.to_owned())
    } else {
        let rows = left
            .into_iter()
            .map(|left| vec![text(left.what), text(left.how)]);
        table(&["What remains", "How to remove it"], rows.collect())
    };
    section("Cleanup", vec![block])
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
    for line in lines(content) {
        if line.topic == Topic::Log || line.begins {
            continue;
        }
        let mut what = line.what;
        if line.topic == Topic::People && !line.detail.is_empty() {
            what = format!("{what} ({})", line.detail);
        }
        let cells = vec![text(line.who), text(what), status(line.mark, line.word)];
        rows.push((line.at_ms, cells));
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
        act::PLAN_WITHDRAW => "withdrew the plan",
        act::PLAN_BREAK_GLASS => "let the plan run without approval",
        act::REVIEW_CLOSE => "closed the review of the override",
        act::JOB_DOWNLOAD => "downloaded an artifact",
        other => act::phrase(other),
    }
}

/// The journal's lines.
fn lines(content: &Content<'_>) -> Vec<Line> {
    let (titles, leftovers) = (
        content.plan.titles(),
        content.plan.request.nouns().leftovers,
    );
    let mut history = History::new(&titles, hand_over_steps(content).titles(), leftovers);
    for event in content.events {
        history.apply(event);
    }
    history.lines
}

/// The steps of the hand-over, without what their commands depend on: the archive does not know the hosts.
fn hand_over_steps(content: &Content<'_>) -> Handover {
    let unknown = handover::Context::default();
    recovery::handover(content.plan, &content.view.checks, &unknown)
}

pub(super) fn hand_over(content: &Content<'_>) -> Option<Section> {
    let (handover, view) = (hand_over_steps(content), content.view);
    if view.state != JobState::Completed || handover.steps.is_empty() {
        return None;
    }
    let rows = handover
        .steps
        .iter()
        .map(|step| match view.handed(&step.id) {
            Some(done) => vec![
                text(&step.title),
                status(Mark::Pass, "done"),
                text(&done.by),
                Cell::When(done.at_ms),
                text(&done.note),
            ],
            None => vec![
                text(&step.title),
                status(Mark::NotChecked, "open"),
                text("–"),
                text("–"),
                text(""),
            ],
        });
    let rows = rows.collect();
    let mut said = job_text::handed_over(view.handed_count(handover.ids()), handover.steps.len());
    said.push_str(" Each was done by hand, on the word of the person who ticked it.");
    let columns = ["Step", "State", "Done by", "When", "Remark"];
    let mut blocks = vec![Block::Text(said), table(&columns, rows)];
    if !handover.warnings.is_empty() {
        let rows = handover.warnings.iter().map(|warning| {
            let said = [&warning.what, &warning.why, &warning.todo];
            let said: Vec<_> = said
                .into_iter()
                .filter(|s| !s.is_empty())
                .cloned()
                .collect();
            vec![text(&warning.subject), text(said.join(" "))]
        });
        blocks.push(Block::Text("Before you hand over the cluster:".to_owned()));
        blocks.push(table(&["About", "Warning"], rows.collect()));
    }
    Some(section("Hand-over", blocks))
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
            StepState::Unclear => status(Mark::NotChecked, "unclear"),
            StepState::UndoFailed => status(Mark::Fail, "NOT ROLLED BACK"),
            StepState::Left => status(Mark::Warning, "kept as it is"),
            StepState::Undoing => status(Mark::NotChecked, "rolling back"),
            StepState::Undone => status(Mark::Note, "rolled back"),
        };
        let back = match &step.undo {
            Undo::Nothing => "It changes nothing.".to_owned(),
            Undo::Back(how) => how.clone(),
            Undo::PointOfNoReturn(why) => format!("POINT OF NO RETURN: {why}"),
        };
        let title = match &seen.host {
            Some(host) => format!("{} (on {host})", step.title),
            None => step.title.clone(),
        };
        vec![
            number(step.number),
            text(title),
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
        "No.", "Step", "State", "Begun", "Took", "Evidence", "Rollback",
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
            "Carried out more than once: {}. The state is that of the last time.",
            again.join(", ")
        )));
    }
    section("Steps", blocks)
}

pub(super) fn verification(content: &Content<'_>) -> Section {
    let view = content.view;
    if view.checks.is_empty() {
        let none = "Nothing was verified: the job did not get that far.";
        return section(
            "Verification of the result",
            vec![Block::Text(none.to_owned())],
        );
    }
    let matrix = Matrix::of(&content.plan.request.verification(), &view.checks);
    let mut checks: Vec<_> = matrix.checks().collect();
    checks.sort_by_key(|check| match check.outcome {
        Outcome::Fail => 0,
        Outcome::NotChecked => 1,
        Outcome::Pass => 2,
    });
    let rows = checks.iter().map(|c| {
        vec![
            text(&c.name),
            text(c.part.as_deref().unwrap_or("all")),
            outcome(c.outcome),
            text(&c.evidence),
        ]
    });
    let rows = rows.collect();
    let mut blocks = vec![Block::Text(sentence(&words::tally(&view.checks)) + ".")];
    if view.checks_are_invalid() {
        blocks.insert(0, Block::Text(UNDONE.to_owned()));
    }
    let part = sentence(content.plan.request.nouns().part);
    let columns = ["Check", part.as_str(), "Outcome", "Evidence"];
    blocks.push(table(&columns, rows));
    section("Verification of the result", blocks)
}

/// Of checks of what is not there any more.
const UNDONE: &str = "INVALID: these checks applied to what was rolled back. They prove nothing about the present state.";

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
        blocks.push(Block::Text("The steps wrote no log lines.".to_owned()));
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
