//! What to do, once for the whole file. Where it says something, no finding says anything else: a command that one
//! line recommends is never one that another line, or the command, refuses.

use crate::etcd::storage::inspection::{CHOOSE, FileKind, Inspection};
use crate::etcd::storage::restore_options::{
    ACCEPT_OLDER_META, CLEAR_ALARMS, CLEAR_DOWNGRADE, LOWER_VERSIONS, SKIP_HASH_CHECK,
};
use crate::finding::{Outcome, Report, Severity};
use crate::inspection::PartName::{Checksum, Content, Structure};

/// Puts the advice into the verdict, and takes it out of the findings that it stands for.
pub(super) fn advise(inspection: &mut Inspection) {
    let (advice, covers) = of(inspection);
    for finding in &mut inspection.report.findings {
        if match covers {
            Covers::All => true,
            Covers::Code(code) => finding.code == code,
            Covers::Nothing => false,
        } {
            finding.todo.clear();
        }
    }
    inspection.verdict.advice = advice;
}

/// The findings that an advice stands for.
#[derive(Clone, Copy)]
enum Covers {
    Nothing,
    Code(&'static str),
    All,
}

fn of(inspection: &Inspection) -> (String, Covers) {
    if let Some(recognised) = &inspection.recognised {
        return (recognised.todo.clone(), Covers::All);
    }
    let report = &inspection.report;
    let verdict = &inspection.verdict;
    let unusable = [verdict.outcome(Structure), verdict.outcome(Content)].contains(&Outcome::Fail);
    let advice = match inspection.details.kind {
        FileKind::Unknown | FileKind::BigEndian => of_the_first(report).to_owned(),
        FileKind::OtherBbolt => CHOOSE.to_owned(),
        FileKind::Snapshot | FileKind::DatabaseCopy if unusable => another(inspection),
        FileKind::Snapshot if verdict.outcome(Checksum) == Outcome::Fail => {
            let again = "Get the file again from where it was saved, or use another snapshot.";
            if restorable(inspection) {
                format!(
                    "{again} If there is no other, a restore takes this one with {}; compare the restored keys with another source before you rely on them.",
                    options(report)
                )
            } else {
                again.to_owned()
            }
        }
        FileKind::DatabaseCopy
            if verdict.outcome(Checksum) == Outcome::NotChecked && restorable(inspection) =>
        {
            let advice = format!(
                "Compare its HashKV with another member's file. A restore takes it with {}.",
                options(report)
            );
            return (advice, Covers::Code("trailer.absent"));
        }
        FileKind::DatabaseCopy if report.find("trailer.absent").is_some() => {
            return (
                of_the_first(report).to_owned(),
                Covers::Code("trailer.absent"),
            );
        }
        FileKind::Snapshot | FileKind::DatabaseCopy => return (String::new(), Covers::Nothing),
    };
    (advice, Covers::All)
}

/// Whether a restore that is told to skip the trailer takes the file.
fn restorable(inspection: &Inspection) -> bool {
    let verdict = &inspection.verdict;
    [verdict.outcome(Structure), verdict.outcome(Content)] == [Outcome::Pass; 2]
}

/// Every choice without which a restore would refuse a file whose trailer does not prove it.
fn options(report: &Report) -> String {
    let mut options = vec![SKIP_HASH_CHECK];
    for (code, option) in [
        ("meta.fallback", ACCEPT_OLDER_META),
        ("version.unknown", LOWER_VERSIONS),
        ("meta-bucket.storage-version", LOWER_VERSIONS),
        ("alarm.key", CLEAR_ALARMS),
        ("cluster.downgrade", CLEAR_DOWNGRADE),
    ] {
        if report.find(code).is_some() && !options.contains(&option) {
            options.push(option);
        }
    }
    let named: Vec<String> = options.iter().map(ToString::to_string).collect();
    named.join(" and ")
}

/// What the first blocking finding says.
fn of_the_first(report: &Report) -> &str {
    let mut blocking = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Blocking && !finding.todo.is_empty());
    blocking.next().map_or("", |finding| &finding.todo)
}

/// A file that no restore takes: where a better one comes from.
fn another(inspection: &Inspection) -> String {
    let report = &inspection.report;
    let verdict = &inspection.verdict;
    for code in ["file.changed", "page.read"] {
        if let Some(finding) = report.find(code).filter(|f| !f.todo.is_empty()) {
            return finding.todo.clone();
        }
    }
    let mut advice = match verdict.outcome(Checksum) {
        _ if report.find("file.truncated").is_some() => {
            "Save or copy the snapshot again, and compare the sizes: this file cannot be restored."
        }
        Outcome::Pass if inspection.details.kind == FileKind::Snapshot => {
            "Use a snapshot or the database of another member: the trailer agrees, so the member was damaged already when this one was saved."
        }
        Outcome::Fail => {
            "Get the file again from where it was saved: its bytes changed afterwards. If that one is damaged too, use another snapshot, or the database of another member."
        }
        _ => "Use another snapshot, or the database of another member: this file cannot be restored.",
    }
    .to_owned();
    if let Some(finding) = report.find("meta.older-sound") {
        advice = format!("{advice} {}", finding.todo);
    }
    advice
}
