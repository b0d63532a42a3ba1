//! May the file be restored at all?

use super::super::RestoreRequest;
use super::super::observation::{SourceFacts, StoredState};
use crate::etcd::storage::inspection::{CHOOSE, FileKind};
use crate::etcd::storage::trailer::BROKEN;
use crate::finding::{Finding, Outcome, Report};
use crate::number::bytes;

const SUBJECT: &str = "snapshot";

/// What is about the file and no choice of its own is about the request's choice of the file.
pub(super) fn check(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    report.in_field("snapshot", |report| check_file(request, source, report));
}

fn check_file(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    if request.snapshot != source.sha256 {
        report.push(
            Finding::blocking(
                "source.other",
                SUBJECT,
                "The inspected file is not the one in the request.",
            )
            .todo("Choose the snapshot again."),
        );
    }
    check_stored(source, report);
    if !check_kind(source, report) {
        return;
    }
    if source.is_restorable() {
        report.in_field("skip_hash_check", |report| {
            check_trailer(request, source, report);
        });
        report.in_field("accept_older_meta", |report| {
            check_meta(request, source, report);
        });
    } else {
        note_trailer(source, report);
    }
    check_content(source, report);
}

/// Whether the file is still where it was stored.
fn check_stored(source: &SourceFacts, report: &mut Report) {
    let name = &source.name;
    match &source.stored {
        None | Some(StoredState::Kept) => {}
        Some(StoredState::Missing) => report.push(
            Finding::blocking(
                "source.missing",
                SUBJECT,
                format!("{name} is not in the store any more."),
            )
            .because("Only what was found in it is left, and nothing can be restored from that.")
            .todo("Upload the file again, or choose another one."),
        ),
        Some(StoredState::OtherSize { size }) => report.push(
            Finding::blocking(
                "source.changed",
                SUBJECT,
                format!(
                    "{name} has {} in the store, but had {} when it was inspected.",
                    bytes(*size),
                    bytes(source.size)
                ),
            )
            .because(
                "It is not the file that was inspected: it was changed or cut off in the store.",
            )
            .todo("Upload the file again, and find out who can write to the store."),
        ),
        Some(StoredState::Unknown { why }) => report.push(
            Finding::blocking(
                "source.unseen",
                SUBJECT,
                format!("The store could not be asked for {name}: {why}"),
            )
            .volatile()
            .because("Whether the file is still there is unknown.")
            .todo("Try again once the store answers."),
        ),
    }
}

/// Whether it is a database of etcd.
fn check_kind(source: &SourceFacts, report: &mut Report) -> bool {
    let (what, todo) = match source.kind {
        FileKind::Snapshot | FileKind::DatabaseCopy => return true,
        FileKind::OtherBbolt => (
            "The file is a bbolt database, but not an etcd database: the buckets key and meta are missing.",
            CHOOSE,
        ),
        FileKind::BigEndian => (
            "The file was written on a big-endian machine (s390x).",
            "Restore it on such a machine: others cannot read its pages.",
        ),
        FileKind::Unknown => ("The file is not an etcd database.", CHOOSE),
    };
    report.push(Finding::blocking("source.kind", SUBJECT, what).todo(todo));
    false
}

/// The trailer of a file that is refused whatever its trailer says: it helps to tell when the damage came.
fn note_trailer(source: &SourceFacts, report: &mut Report) {
    if source.kind == FileKind::Snapshot && source.checksum == Outcome::Fail {
        report.push(Finding::note(
            "trailer.wrong",
            SUBJECT,
            format!("The checksum does not match: {}.", source.checksum_evidence),
        ));
    }
}

fn check_trailer(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    let without_proof =
        "Only the checksum shows damaged values: keys can hold wrong data without an error.";
    match (source.kind, source.checksum) {
        (FileKind::Snapshot, Outcome::Pass) => {
            if request.skip_hash_check {
                report.push(Finding::note(
                    "trailer.skip-needless",
                    "--skip-hash-check",
                    "The checksum matches: the check does not need to be skipped.",
                ));
            }
        }
        (FileKind::Snapshot, Outcome::Fail) => report.push(if request.skip_hash_check {
            Finding::warning(
                "trailer.ignored",
                "--skip-hash-check",
                format!(
                    "The checksum does not match ({}). The file is restored without it, as chosen.",
                    source.checksum_evidence
                ),
            )
            .because(without_proof)
            .todo("Use another snapshot if there is one. Compare the restored keys with another source before you rely on them.")
        } else {
            Finding::blocking(
                "trailer.wrong",
                SUBJECT,
                format!("The checksum does not match: {}.", source.checksum_evidence),
            )
            .because("The file changed after it was saved, in transfer or on disk.")
            .todo("Copy the file again. If there is no other, accept it without its checksum (--skip-hash-check).")
        }),
        (FileKind::Snapshot, Outcome::NotChecked) => report.push(
            Finding::blocking(
                "trailer.unchecked",
                SUBJECT,
                "The checksum has not been verified yet.",
            )
            .todo("Wait for the inspection to finish."),
        ),
        _ => report.push(if request.skip_hash_check {
            Finding::warning(
                "trailer.none",
                "--skip-hash-check",
                "The file has no checksum: nothing proves that its values are as they were written.",
            )
            .because("It is a copy from a data directory: the last writes may be only in the WAL, and damaged values do not show.")
            .todo("Use a snapshot if there is one. Compare the restored keys with another source.")
        } else {
            Finding::blocking(
                "trailer.missing",
                SUBJECT,
                "The file has no checksum: it was copied from a data directory, or it is truncated.",
            )
            .because(without_proof)
            .todo("If it is a copy of member/snap/db, accept it without a checksum (--skip-hash-check). If not, copy the file again.")
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
                "The newest meta page is valid: the older one does not need to be accepted.",
            ));
        }
        return;
    };
    let finding = if request.accept_older_meta {
        Finding::warning("meta.fallback", FLAG, fallback.what.clone())
            .because("It is restored from the older meta page, as chosen: the last commit, or more, may be missing.")
            .todo("Use another snapshot if there is one. Compare the revision with the last one served, and the keys with another source.")
    } else {
        let finding = Finding::blocking("meta.fallback", SUBJECT, fallback.what.clone());
        if report.blocks() {
            // What to do was said: one advice.
            finding.because("The last commit, or more, may be missing. That has to be accepted too (--accept-older-meta).")
        } else {
            finding
                .because("The last commit, or more, may be missing.")
                .todo("Use another snapshot, or another member's file. If there is none, accept the older meta page (--accept-older-meta).")
        }
    };
    report.push(finding);
}

fn check_content(source: &SourceFacts, report: &mut Report) {
    let first = source
        .broken
        .iter()
        .find(|finding| !BROKEN.contains(&finding.code.as_str()))
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
            .because("etcd walks the page tree when it starts, and refuses to start.")
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
    match (source.structure, source.content) {
        (Outcome::Pass, Outcome::Fail) => report.push(
            Finding::blocking(
                "source.unservable",
                SUBJECT,
                format!("The page tree is intact, but etcd cannot serve its content.{first}"),
            )
            .todo("Use another snapshot, or another member's file."),
        ),
        (Outcome::Pass, Outcome::NotChecked) => report.push(
            Finding::blocking(
                "source.content-unchecked",
                SUBJECT,
                "The content could not be checked.",
            )
            .todo("Use another snapshot, or another member's file."),
        ),
        _ => {}
    }
}
