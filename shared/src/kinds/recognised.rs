//! Files of no kind that is judged: it is said what they are, and whether they came whole.

use super::{Details, Inspection};
use crate::bbolt::ErrorKind;
use crate::bbolt::scan::{Remedies, Walk};
use crate::etcd::storage::inspection as etcd;
use crate::finding::{Finding, Outcome, Report, Severity};
use crate::inspection::{
    FileFacts, Judgement, Kind, Labelled, PageMap, PartName, Recognised, State,
};
use crate::raft::visit::Log;
use crate::value::Value;

/// A file that was recognised. `walk` is of the pages of a bbolt database, which are the same for every program.
pub(super) fn inspect(file: FileFacts, found: Recognised, walk: Option<Walk<Log>>) -> Inspection {
    let severity = match found.state {
        State::CutOff | State::Damaged => Severity::Blocking,
        State::Complete | State::Encrypted | State::Unknown => Severity::Note,
    };
    // What to do is said once, above.
    let finding = found.finding(severity).todo("");
    let (judgement, page_map) = match walk {
        Some(walk) => pages(walk, Some(finding)),
        None => {
            let (outcome, evidence) = wholeness(found.state);
            let report = Report {
                findings: vec![finding],
            };
            let judgement = Judgement::new(outcome, evidence, report);
            (judgement, PageMap::default())
        }
    };
    let mut inspection = named(
        found.kind(),
        &found.label,
        file,
        found.sentence.clone(),
        judgement,
    );
    inspection.verdict.advice.clone_from(&found.todo);
    inspection.page_map = page_map;
    inspection.recognised = Some(found);
    inspection
}

/// A file of which no first bytes are known.
pub(super) fn unknown(file: FileFacts, error: &ErrorKind, walk: Walk<Log>) -> Inspection {
    let (kind, label) = match error {
        ErrorKind::BigEndian => (Kind::BBOLT, "a bbolt database of a big-endian machine"),
        _ => (Kind::UNKNOWN, "a file in an unknown format"),
    };
    let sentence = match error {
        ErrorKind::Read(error) => format!("This file cannot be read: {error}."),
        ErrorKind::BigEndian => format!("This is {label} (s390x), and cannot be read here."),
        _ => format!("This is {label}."),
    };
    let (judgement, page_map) = pages(walk, None);
    let mut inspection = named(kind, label, file, sentence, judgement);
    inspection.page_map = page_map;
    inspection
}

/// A bbolt database that was looked at as etcd's and has no keys of it, as far as it can be read.
pub(super) fn of_another(inspection: etcd::Inspection) -> Inspection {
    const LABEL: &str = "a bbolt database of an unknown program";
    let mut inspection = Inspection::from(inspection);
    let lost = inspection.report.find("meta.fallback").is_some();
    let (sentence, advice) = match lost {
        true => (
            format!("This is {LABEL} that lost one of its meta pages; the other one is used."),
            Remedies::BBOLT.fallback,
        ),
        false => (format!("This is {LABEL}."), ""),
    };
    // The other parts are about a trailer and about keys.
    let mut findings = std::mem::take(&mut inspection.report.findings).into_iter();
    let verdict = &mut inspection.verdict;
    for part in &verdict.parts {
        let own = findings.by_ref().take(part.findings as usize);
        let own = own.map(|finding| finding.todo(""));
        if part.name == PartName::Structure {
            inspection.report.findings.extend(own);
        } else {
            own.for_each(drop);
        }
    }
    verdict
        .parts
        .retain(|part| part.name == PartName::Structure);
    (verdict.sentence, verdict.advice) = (sentence, advice.to_owned());
    inspection.label = LABEL.to_owned();
    inspection
}

fn named(
    kind: Kind,
    label: &str,
    file: FileFacts,
    sentence: String,
    structure: Judgement,
) -> Inspection {
    let size = Labelled::new("size", "Size", Value::Bytes(file.size));
    let parts = [(PartName::Structure, structure)];
    let mut inspection = Inspection::judged(kind, label, file, sentence, parts, Details::None);
    inspection.verdict.judged = false;
    inspection.headline = vec![size];
    inspection
}

/// Whether a file came whole, as far as its first bytes and its end tell.
fn wholeness(state: State) -> (Outcome, &'static str) {
    match state {
        State::Complete => (Outcome::Pass, "its end is where it belongs"),
        State::CutOff => (Outcome::Fail, "it ends too early"),
        State::Damaged => (Outcome::Fail, "its bytes were changed"),
        State::Encrypted => (Outcome::NotChecked, "it cannot be read without its key"),
        State::Unknown => (Outcome::NotChecked, "only its first bytes were looked at"),
    }
}

/// What the pages of a bbolt database say, behind what is said first.
fn pages(mut walk: Walk<Log>, first: Option<Finding>) -> (Judgement, PageMap) {
    let structure = walk.structure();
    let report = Report {
        findings: first.into_iter().chain(structure.report.findings).collect(),
    };
    let judgement = Judgement::new(structure.outcome, structure.evidence, report);
    let page_map = PageMap {
        page_size: walk.meta.map_or(0, |meta| meta.page_size),
        runs: walk.pages,
        stretch: walk.stretch,
        leaf_bytes: walk.leaf_bytes,
    };
    (judgement, page_map.or_none())
}
