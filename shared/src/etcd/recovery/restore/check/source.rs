//! May the file be restored at all?

use super::super::RestoreRequest;
use super::super::observation::SourceFacts;
use crate::etcd::storage::inspection::FileKind;
use crate::finding::{Finding, Outcome, Report};

const SUBJECT: &str = "snapshot";

pub(super) fn check(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    if request.snapshot != source.sha256 {
        report.push(
            Finding::blocking(
                "source.other",
                SUBJECT,
                "The file that was inspected is not the one that was asked for.",
            )
            .todo("Choose the snapshot again."),
        );
    }
    if !check_kind(source, report) {
        return;
    }
    if source.is_restorable() {
        check_trailer(request, source, report);
        check_meta(request, source, report);
    } else {
        note_trailer(source, report);
    }
    check_content(source, report);
}

/// Whether it is a database of etcd.
fn check_kind(source: &SourceFacts, report: &mut Report) -> bool {
    let (what, todo) = match source.kind {
        FileKind::Snapshot | FileKind::DatabaseCopy => return true,
        FileKind::OtherBbolt => (
            "The file is a bbolt database, but not one of etcd: it lacks the buckets key and meta.",
            "Choose a file that etcdctl snapshot save wrote, or a member's member/snap/db.",
        ),
        FileKind::BigEndian => (
            "The file was written by a big-endian machine (s390x).",
            "Restore it there: other machines cannot read its pages.",
        ),
        FileKind::Unknown => (
            "The file is not an etcd database.",
            "Choose a file that etcdctl snapshot save wrote, or a member's member/snap/db.",
        ),
    };
    report.push(Finding::blocking("source.kind", SUBJECT, what).todo(todo));
    false
}

/// The trailer of a file that is refused whatever its trailer says: it helps to tell when the damage came.
fn note_trailer(source: &SourceFacts, report: &mut Report) {
    if source.kind == FileKind::Snapshot && source.bytes == Outcome::Fail {
        report.push(Finding::note(
            "trailer.wrong",
            SUBJECT,
            format!(
                "The file is not what the server sent: {}.",
                source.bytes_evidence
            ),
        ));
    }
}

fn check_trailer(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    let without_proof = "Nothing else can show a value that was damaged.";
    match (source.kind, source.bytes) {
        (FileKind::Snapshot, Outcome::Pass) => {
            if request.skip_hash_check {
                report.push(Finding::note(
                    "trailer.skip-needless",
                    "--skip-hash-check",
                    "The trailer agrees: the check need not be skipped.",
                ));
            }
        }
        (FileKind::Snapshot, Outcome::Fail) => report.push(if request.skip_hash_check {
            Finding::warning(
                "trailer.ignored",
                "--skip-hash-check",
                format!(
                    "The file is not what the server sent ({}), and you chose to restore it all the same.",
                    source.bytes_evidence
                ),
            )
            .because(without_proof)
            .todo("Compare the restored keys with another source before you rely on them.")
        } else {
            Finding::blocking(
                "trailer.wrong",
                SUBJECT,
                format!("The file is not what the server sent: {}.", source.bytes_evidence),
            )
            .because("Bytes changed after it was saved, in transfer or on the disk.")
            .todo("Get the file again; only if there is no other, accept it with --skip-hash-check.")
        }),
        (FileKind::Snapshot, Outcome::NotChecked) => report.push(
            Finding::blocking(
                "trailer.unchecked",
                SUBJECT,
                "The file has not been compared with its trailer yet.",
            )
            .todo("Let the inspection finish."),
        ),
        _ => report.push(if request.skip_hash_check {
            Finding::warning(
                "trailer.none",
                "--skip-hash-check",
                "The file has no trailer: nothing proves that its values are as they were written.",
            )
            .because("It was copied from a data directory, where the last writes may be in the WAL only.")
            .todo("Compare the restored keys with another source if there is one.")
        } else {
            Finding::blocking(
                "trailer.missing",
                SUBJECT,
                "The file has no trailer: it was copied from a data directory, or its end was cut off.",
            )
            .because(without_proof)
            .todo("If you copied member/snap/db, accept it with --skip-hash-check; if not, get the file again.")
        }),
    }
}

/// A file that lost its newest meta page is of an earlier moment than its name and place suggest.
fn check_meta(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    const FLAG: &str = "--accept-older-meta";
    let Some(fallback) = &source.fallback else {
        if request.accept_older_meta {
            report.push(Finding::note(
                "meta.accept-needless",
                FLAG,
                "The newest meta page can be used: nothing older needs to be accepted.",
            ));
        }
        return;
    };
    let finding = if request.accept_older_meta {
        Finding::warning("meta.fallback", FLAG, fallback.clone())
            .because("You chose to restore it all the same: the last commit, or more, may be missing from the result.")
            .todo("Compare the revision with what the cluster last served, and the keys with another source.")
    } else {
        let finding = Finding::blocking("meta.fallback", SUBJECT, fallback.clone());
        if report.blocks() {
            // What to do was said: one advice.
            finding.because("The last commit, or more, may be missing from the result; that has to be accepted too (--accept-older-meta).")
        } else {
            finding
                .because("The last commit, or more, may be missing from the result.")
                .todo("Use another snapshot, or another member's file; only if there is none, accept it with --accept-older-meta.")
        }
    };
    report.push(finding);
}

fn check_content(source: &SourceFacts, report: &mut Report) {
    let first = source
        .broken
        .iter()
        .find(|finding| !finding.code.starts_with("trailer."))
        .map_or(String::new(), |finding| {
            format!(" First: {}: {}", finding.subject, finding.what)
        });
    match source.structure {
        Outcome::Pass => {}
        Outcome::Fail => report.push(
            Finding::blocking(
                "source.damaged",
                SUBJECT,
                format!("The page tree is damaged.{first}"),
            )
            .because("A server walks the whole tree when it starts, and refuses to.")
            .todo("Use another snapshot, or another member's file."),
        ),
        Outcome::NotChecked => report.push(
            Finding::blocking(
                "source.unchecked",
                SUBJECT,
                "The page tree has not been checked.",
            )
            .todo("Inspect the file first."),
        ),
    }
    match (source.structure, source.meaning) {
        (Outcome::Pass, Outcome::Fail) => report.push(
            Finding::blocking(
                "source.unservable",
                SUBJECT,
                format!("The pages are sound, but a server cannot serve what they hold.{first}"),
            )
            .todo("Use another snapshot, or another member's file."),
        ),
        (Outcome::Pass, Outcome::NotChecked) => report.push(
            Finding::blocking(
                "source.meaning-unchecked",
                SUBJECT,
                "What the file holds could not be checked.",
            )
            .todo("Use another snapshot, or another member's file."),
        ),
        _ => {}
    }
}
