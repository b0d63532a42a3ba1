//! What it was about: the recovery in short, what it rested on, the ledger, the files.

use super::{
    Block, Cell, Content, Mark, Section, id, number, outcome, section, status, table, text, when,
};
use crate::dossier::record::Timings;
use crate::dossier::words;
use crate::finding::Severity;
use crate::job::text as job_text;
use crate::ledger::entry::{Outcome, act};
use crate::plan::{NO_NATIVE, Undo};

pub(super) fn in_short(content: &Content<'_>) -> Section {
    let (plan, view) = (content.plan, content.view);
    let timings = Timings::of(plan, content.events);
    let took = match timings.waited_ms {
        0 => words::took(timings.total_ms),
        waited => format!(
            "{}, of which {} waiting for a person",
            words::took(timings.total_ms),
            words::took(waited)
        ),
    };
    let no_return = plan
        .steps
        .iter()
        .filter(|step| matches!(step.undo, Undo::PointOfNoReturn(_)))
        .count();
    let steps = words::count(plan.steps.len(), "step", "steps");
    let proven = match view.checks.len() {
        0 => text("nothing was verified"),
        _ => text(words::tally(&view.checks)),
    };
    section(
        "Summary",
        vec![Block::Facts(vec![
            ("Planned outcome".to_owned(), text(plan.whole_outcome())),
            ("State".to_owned(), text(job_text::state(view.state))),
            ("Verification".to_owned(), proven),
            ("Started".to_owned(), when(timings.started_ms)),
            ("Last event".to_owned(), when(timings.last_ms)),
            ("Took".to_owned(), text(took)),
            (
                "Steps".to_owned(),
                text(match no_return {
                    0 => format!("{steps}, all reversible"),
                    n => format!("{steps}, {n} of them irreversible"),
                }),
            ),
            (
                "Plan".to_owned(),
                text(format!(
                    "{}, sealed {} by {}",
                    plan.id,
                    words::plain(&plan.sealed_at),
                    plan.author
                )),
            ),
            ("Plan's hash".to_owned(), id(&content.approvals.plan_hash)),
        ])],
    )
}

pub(super) fn rests_on(content: &Content<'_>) -> Section {
    let facts = content.plan.facts.iter().map(|fact| {
        let (subject, statement) = (text(&fact.subject), text(&fact.statement));
        vec![
            subject,
            statement,
            text(&fact.source),
            text(words::plain(&fact.seen_at)),
        ]
    });
    let mut blocks = vec![table(&["About", "Fact", "Source", "Seen"], facts.collect())];
    for inspection in &content.inspections {
        let verdict = &inspection.verdict;
        let parts = verdict.parts.iter();
        let rows = parts.map(|part| {
            vec![
                text(part.name.label()),
                outcome(part.outcome),
                text(&part.evidence),
            ]
        });
        blocks.push(Block::Text(format!(
            "The file {}, when it was stored: {}",
            inspection.file.name, verdict.sentence
        )));
        blocks.push(table(&["Part", "Outcome", "Evidence"], rows.collect()));
    }
    if content.inspections.is_empty() {
        blocks.push(Block::Text(
            "What was found in the plan's files is not in this dossier.".to_owned(),
        ));
    }
    let findings = &content.plan.report.findings;
    if findings.is_empty() {
        blocks.push(Block::Text(
            "No findings when the plan was sealed.".to_owned(),
        ));
    } else {
        blocks.push(Block::Text("Findings when the plan was sealed:".to_owned()));
        let rows = findings.iter().map(|finding| {
            let severity = match finding.severity {
                Severity::Note => status(Mark::Note, "note"),
                Severity::Warning => status(Mark::Warning, "warning"),
                Severity::Blocking => status(Mark::Fail, "BLOCKING"),
            };
            let said = [&finding.what, &finding.why, &finding.todo];
            let said: Vec<_> = said
                .into_iter()
                .filter(|s| !s.is_empty())
                .cloned()
                .collect();
            vec![severity, text(&finding.subject), text(said.join(" "))]
        });
        blocks.push(table(&["Severity", "About", "Finding"], rows.collect()));
    }
    section("Facts", blocks)
}

pub(super) fn commands(content: &Content<'_>) -> Section {
    let commands: Vec<_> = content
        .plan
        .steps
        .iter()
        .filter_map(|step| step.native.as_deref())
        .flat_map(str::lines)
        .map(ToOwned::to_owned)
        .collect();
    let block = if commands.is_empty() {
        Block::Text("No other tool has an equivalent command.".to_owned())
    } else {
        Block::Commands(commands)
    };
    // The commands of the other steps alone would look like all that it takes.
    let why = content.plan.fact(NO_NATIVE);
    let why = why.map(|fact| Block::Text(fact.statement.clone()));
    section(
        "Equivalent commands",
        why.into_iter().chain([block]).collect(),
    )
}

pub(super) fn ledger(content: &Content<'_>) -> Section {
    let rows = content.entries.iter().map(|entry| {
        let outcome = match entry.outcome {
            None => status(Mark::Note, "opened"),
            Some(Outcome::Done) => status(Mark::Pass, "done"),
            Some(Outcome::Failed) => status(Mark::Fail, "failed"),
            Some(Outcome::Refused) => status(Mark::Warning, "refused"),
            Some(Outcome::Unknown) => status(Mark::NotChecked, "unknown"),
        };
        vec![
            number(entry.index),
            Cell::When(entry.at_ms),
            text(&entry.who),
            text(super::run::sentence(act::phrase(&entry.act))),
            text(&entry.subject),
            outcome,
        ]
    });
    let checkpoint = content.checkpoint;
    let left_out = match usize::try_from(content.left_out).unwrap_or(usize::MAX) {
        0 => Vec::new(),
        count => vec![Block::Text(format!(
            "{} about them are left out: each was refused or failed and changed nothing, or downloaded the result. \
             The ledger has them.",
            words::count(count, "more act", "more acts")
        ))],
    };
    let blocks = vec![
        Block::Text(format!(
            "{} about this plan and this job, each with its proof up to the checkpoint of {}.",
            words::count(content.entries.len(), "entry", "entries"),
            words::count(checkpoint.size as usize, "entry", "entries"),
        )),
        Block::Facts(vec![
            ("Ledger".to_owned(), id(&checkpoint.origin)),
            (
                "Root of its tree".to_owned(),
                id(checkpoint.root.to_base64()),
            ),
            ("Key".to_owned(), id(&content.key)),
        ]),
        table(
            &["Entry", "When", "Who", "Act", "Subject", "Outcome"],
            rows.collect(),
        ),
    ];
    section("Ledger", blocks.into_iter().chain(left_out).collect())
}

pub(super) fn files(content: &Content<'_>) -> Section {
    let rows = content
        .files
        .iter()
        .map(|(name, part)| vec![text(name), number(part.size), id(&part.sha256)]);
    section(
        "Files and their hashes",
        vec![
            Block::Text(
                "This page is made of the files below, which are next to it. manifest.json names all of them and this \
                 page, and manifest.note is its signature."
                    .to_owned(),
            ),
            table(&["File", "Bytes", "SHA-256"], rows.collect()),
            Block::Text(
                "To verify it, drop the archive on the page /inspect of any console, or type:".to_owned(),
            ),
            Block::Commands(vec![
                "requorum dossier verify FILE --key KEY".to_owned(),
                "sha256sum -c SHA256SUMS".to_owned(),
            ]),
            Block::Text(
                "The key must come from a source other than this archive: from the console's settings, a colleague, or \
                 your notes. README.txt says more."
                    .to_owned(),
            ),
        ],
    )
}
