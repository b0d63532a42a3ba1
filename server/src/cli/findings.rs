//! What is wrong with a file, as the commands print it.

use requorum_shared::finding::{Finding, Outcome, Severity};
use requorum_shared::inspection::{Inspection, Part};

use crate::cli::terminal::Text;

/// Says in an inspection that a running server holds the file.
pub(super) fn note_in_use<D>(inspection: &mut Inspection<D>) {
    let mut finding = in_use();
    if !inspection.verdict.advice.is_empty() {
        // A file that changes while it is read explains all the rest.
        inspection.verdict.advice = std::mem::take(&mut finding.todo);
    }
    inspection.push(finding);
}

fn in_use() -> Finding {
    let what = "A running server holds this file.";
    Finding::warning("file.in-use", "file", what)
        .because("Its pages may have moved while they were read: findings may come from that, and the last writes may be missing.")
        .todo("Save a snapshot with etcdctl, or copy the file after the server has stopped.")
}

/// The outcome of a part in a word.
pub(super) fn outcome(part: &Part) -> &'static str {
    match part.outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "FAIL",
        Outcome::NotChecked => "not checked",
    }
}

/// Prints a finding, with why it matters and what to do.
pub(super) fn write_finding(text: &mut Text, finding: &Finding) {
    let severity = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Blocking => "BLOCKING",
    };
    let place = finding.place.unwrap_or_default();
    let offset = place
        .offset
        .map_or(String::new(), |offset| format!(", at offset {offset:#x}"));
    text.line(format_args!(
        "  {severity} [{}] {}{offset}: {}",
        finding.code, finding.subject, finding.what
    ));
    for line in [&finding.why, &finding.todo] {
        if !line.is_empty() {
            text.line(format_args!("    {line}"));
        }
    }
}
