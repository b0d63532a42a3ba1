//! A verified dossier as the inspection of a file.

use super::verify::Verdict;
use crate::document::{Block, Mark, outcome, section, status, table, text};
use crate::finding::Outcome;
use crate::inspection::{FileFacts, Inspection, Judgement, Kind, Labelled, PartName};
use crate::value::Value;

/// The record of a recovery.
pub const DOSSIER: Kind = Kind::new("dossier");

/// The inspection of a dossier that was verified.
pub fn inspection<D>(mut verdict: Verdict, file: FileFacts, details: D) -> Inspection<D> {
    let failed = verdict
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Fail)
        .count();
    let bytes = match (verdict.whole, failed) {
        (true, _) => Judgement::clean(Outcome::Pass, "every part is unchanged since it was signed"),
        (false, 1) => Judgement::clean(Outcome::Fail, "1 check fails"),
        (false, n) => Judgement::clean(Outcome::Fail, format!("{n} checks fail")),
    };
    let approval = match verdict.approval {
        Outcome::Pass => "enough people approved exactly this plan",
        Outcome::Fail => "not enough people approved this plan",
        Outcome::NotChecked => "whether enough people approved could not be checked",
    };
    let parts = [
        (PartName::Bytes, bytes),
        (
            PartName::Meaning,
            Judgement::clean(verdict.approval, approval),
        ),
    ];
    let checks = verdict.checks.iter().map(|check| {
        vec![
            text(&check.name),
            outcome(check.outcome),
            text(&check.evidence),
        ]
    });
    let checks = table(&["Check", "Outcome", "Evidence"], checks.collect());
    let mut sections = vec![section("Checks", vec![checks])];
    let document = verdict.document.take();
    if let Some(document) = document {
        let notices = document.notices.into_iter();
        let rows: Vec<_> = notices
            .map(|(mark, notice)| vec![status(mark, word(mark)), text(notice)])
            .collect();
        if !rows.is_empty() {
            sections.push(section("Notices", vec![table(&["", "Notice"], rows)]));
        }
        sections.push(section("Outcome", vec![Block::Text(document.sentence)]));
        sections.extend(document.sections);
    }
    let label = "the dossier of a recovery";
    let mut inspection = Inspection::judged(DOSSIER, label, file, verdict.sentence, parts, details);
    if let Some(job) = verdict.job {
        inspection
            .headline
            .push(Labelled::new("job", "Job", Value::Id(job)));
    }
    inspection.sections = sections;
    inspection
}

fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Pass => "pass",
        Mark::Fail => "FAIL",
        Mark::Warning => "warning",
        Mark::NotChecked => "not checked",
        Mark::Note => "note",
    }
}
