//! The three parts of the verdict, and the sentence above them.

use crate::bbolt::ErrorKind;
use crate::bbolt::scan::only_bookkeeping_is_newer;
use crate::etcd::storage::inspection::{DatabaseDetails, ETCD_DB, FileKind};
use crate::etcd::storage::mvcc::Walk;
use crate::etcd::storage::trailer::{Digests, LENGTH, MISMATCH, TRAILER_SIZE, Trailer, ZERO};
use crate::finding::{Finding, Outcome, Report, Severity};
use crate::inspection::{Judgement, Recognised, State};
use crate::number::grouped;

use super::loss::loss;

/// The trailer and the length (spec 3.1).
pub(super) fn checksum(digests: Option<&Digests>, walk: &Walk, kind: FileKind) -> Judgement {
    let mut report = Report::default();
    let Some(digests) = digests else {
        let evidence = "the file was not hashed".to_owned();
        return Judgement::new(Outcome::NotChecked, evidence, report);
    };
    if matches!(kind, FileKind::Unknown | FileKind::BigEndian) {
        let evidence = "there is no database to verify".to_owned();
        return Judgement::new(Outcome::NotChecked, evidence, report);
    }
    const AGAIN: &str = "Save the snapshot again, or take another one.";
    let end = digests.size.saturating_sub(TRAILER_SIZE as u64);
    let expected = walk.tree.meta.map_or(0, |meta| meta.logical_size());
    // Why a trailer is gone or no longer that of the rest.
    let hint = { walk.tree.metas.as_ref() }
        .and_then(only_bookkeeping_is_newer)
        .map_or(String::new(), |hint| format!(" {hint}"));
    let (outcome, evidence) = match digests.trailer() {
        Trailer::Intact => {
            if expected < end {
                let what = format!(
                    "The database in it has {} bytes, the file holds {} before its trailer.",
                    grouped(expected),
                    grouped(end)
                );
                report.push(Finding::note("trailer.size", "file", what).because(
                    "A server's stream has exactly the database; the rest was there when the trailer was made.",
                ));
            }
            (Outcome::Pass, "the SHA-256 trailer matches".to_owned())
        }
        Trailer::Within { before, after } => {
            let own = digests.size.saturating_sub(before).saturating_sub(after);
            let at = grouped((before + own).saturating_sub(TRAILER_SIZE as u64));
            let around = around(before, own, after, &mut report);
            let evidence = format!("the SHA-256 trailer matches, at byte {at}; {around}");
            (Outcome::Pass, evidence)
        }
        Trailer::Wrong => {
            let what = format!("The last 32 bytes are not the SHA-256 of the rest.{hint}");
            report.push(
                Finding::blocking(MISMATCH, "file", what)
                    .because("The file was altered, damaged or opened for writing after it was saved; which of its bytes are wrong is unknown.")
                    .todo(AGAIN)
                    .at_offset(end),
            );
            (
                Outcome::Fail,
                "the SHA-256 trailer does not match".to_owned(),
            )
        }
        Trailer::Zero => {
            let what = "Where the SHA-256 belongs are 32 zeros.";
            report.push(
                Finding::blocking(ZERO, "file", what)
                    .because("Space was set aside for the file and its end was never written.")
                    .todo(AGAIN)
                    .at_offset(end),
            );
            (Outcome::Fail, "the SHA-256 trailer is all zeros".to_owned())
        }
        Trailer::BadLength => {
            let what = format!(
                "The length of {} bytes is neither that of a snapshot (32 more than a multiple of 512) nor that of a \
                 database (a multiple of 512).{hint}",
                grouped(digests.size)
            );
            report.push(
                Finding::blocking(LENGTH, "file", what)
                    .because("The file was cut short or padded on its way.")
                    .todo(AGAIN)
                    .at_offset(digests.size),
            );
            (
                Outcome::Fail,
                "wrong file size for a snapshot (probably truncated)".to_owned(),
            )
        }
        Trailer::Absent => {
            let what = format!(
                "The file has no SHA-256 trailer: it is a copy of a database, or a snapshot that lost its end.{hint}"
            );
            report.push(
                Finding::warning("trailer.absent", "file", what)
                    .because("Its bytes cannot be verified, and a copied database may lag behind the member's write-ahead log.")
                    .todo("Compare HashKV with another member's file."),
            );
            (
                Outcome::NotChecked,
                "no SHA-256 trailer to verify".to_owned(),
            )
        }
    };
    if let Some(image) = digests.image.filter(|image| image.start > 0)
        && outcome != Outcome::Pass
    {
        let own = digests.size.saturating_sub(image.start);
        around(image.start, own, 0, &mut report);
    }
    Judgement::new(outcome, evidence, report)
}

/// Names the bytes around what a server sent, `own` bytes long.
fn around(before: u64, own: u64, after: u64, report: &mut Report) -> String {
    const LEFT_OUT: &str =
        "They are left out here and by a restore; etcd's own tools refuse a file with them.";
    let end = before + own;
    let mut name = |code: &str, what: &str, todo: String, offset: u64| {
        report.push(
            Finding::warning(code, "file", format!("{what}."))
                .because(LEFT_OUT)
                .todo(todo)
                .at_offset(offset),
        );
    };
    let front = not_part_of_it(before, "in front of");
    let behind = not_part_of_it(after, "behind");
    if let Some(what) = &front {
        // To be copied into a command: no spaces in the numbers.
        let todo = format!("For etcd's own tools, keep only the {own} bytes from offset {before}.");
        name("file.bytes-before", what, todo, 0);
    }
    if let Some(what) = &behind {
        let todo = format!("For etcd's own tools, truncate the file to {end} bytes first.");
        name("file.bytes-after", what, todo, end);
    }
    let all: Vec<String> = [front, behind].into_iter().flatten().collect();
    all.join("; ")
}

fn not_part_of_it(bytes: u64, place: &str) -> Option<String> {
    match bytes {
        0 => None,
        1 => Some(format!("1 byte {place} the snapshot is not part of it")),
        n => Some(format!(
            "{} bytes {place} the snapshot are not part of it",
            grouped(n)
        )),
    }
}

/// Every page once, every key in order.
pub(super) fn structure(walk: &mut Walk) -> Judgement {
    let structure = walk.tree.structure();
    Judgement::new(structure.outcome, structure.evidence, structure.report)
}

/// The three parts for a file that was recognised as what it is: that is the finding, and nothing is advised that
/// only a database allows.
pub(super) fn recognised(
    recognised: &Recognised,
    [_, structure, content]: [Judgement; 3],
) -> (Judgement, Judgement, Judgement) {
    let mut report = Report::default();
    report.push(recognised.finding(Severity::Blocking));
    let bytes = if recognised.kind() == ETCD_DB {
        let evidence = match recognised.state {
            State::CutOff => "the end of the file is missing".to_owned(),
            _ => format!("it is {}", recognised.label),
        };
        Judgement::new(Outcome::Fail, evidence, report)
    } else {
        let evidence = "there is no etcd database to verify".to_owned();
        let structure = format!("it is {}", recognised.label);
        return (
            Judgement::new(Outcome::NotChecked, evidence, Report::default()),
            Judgement::new(Outcome::Fail, structure, report),
            Judgement::new(
                Outcome::NotChecked,
                "no etcd content".to_owned(),
                Report::default(),
            ),
        );
    };
    if recognised.state == State::Damaged {
        let evidence = "its pages are not where they belong".to_owned();
        return (
            bytes,
            Judgement::new(Outcome::Fail, evidence, Report::default()),
            Judgement::new(
                Outcome::NotChecked,
                "none of it can be used".to_owned(),
                Report::default(),
            ),
        );
    }
    (bytes, structure, content)
}

/// Revisions, membership, what survives a restore.
pub(super) fn content(report: Report, kind: FileKind, walk: &Walk) -> Judgement {
    if !matches!(kind, FileKind::Snapshot | FileKind::DatabaseCopy) || walk.tree.buckets.is_empty()
    {
        let evidence = "no etcd content".to_owned();
        return Judgement::new(Outcome::NotChecked, evidence, Report::default());
    }
    let evidence = match report.findings.len() {
        0 => "no issues found".to_owned(),
        1 => "1 finding".to_owned(),
        n => format!("{n} findings"),
    };
    if report.blocks() {
        return Judgement::new(Outcome::Fail, evidence, report);
    }
    if walk.key_space.is_none() {
        let evidence = format!("only the readable part was checked: {evidence}");
        return Judgement::new(Outcome::NotChecked, evidence, report);
    }
    Judgement::new(Outcome::Pass, evidence, report)
}

/// The headline.
pub(super) fn sentence(
    details: &DatabaseDetails,
    walk: &Walk,
    bytes: &Judgement,
    structure: &Judgement,
    content: &Judgement,
) -> String {
    match details.kind {
        FileKind::BigEndian => {
            return "This database was written on a big-endian machine (s390x) and cannot be read here.".to_owned();
        }
        FileKind::OtherBbolt if structure.report.find("meta.fallback").is_some() => {
            return "Do not restore this file: one meta page is lost, and the other one leads to no etcd data.".to_owned();
        }
        FileKind::OtherBbolt => {
            return "This is a bbolt database, but not etcd's: it has no bucket `key`.".to_owned();
        }
        FileKind::Unknown => return unknown(walk),
        FileKind::Snapshot | FileKind::DatabaseCopy => {}
    }
    const DO_NOT: &str = "Do not restore this file:";
    if structure.outcome == Outcome::Fail {
        let unreadable = grouped(walk.tree.pages_unreadable);
        let truncated = structure.report.find("file.truncated").is_some();
        let pages = match walk.tree.pages_unreadable {
            _ if truncated => structure.evidence.clone(),
            0 => structure.evidence.clone(),
            _ => format!(
                "{unreadable} of {} pages cannot be read",
                grouped(details.high_water_mark)
            ),
        };
        let loss = loss(walk, &pages).unwrap_or_else(|| structure.evidence.clone());
        return format!("{DO_NOT} {loss}.");
    }
    if bytes.outcome == Outcome::Fail {
        let why = if bytes.report.find(LENGTH).is_some() {
            "wrong file size for a snapshot (probably truncated)"
        } else if bytes.report.find(ZERO).is_some() {
            "its checksum is all zeros: the end of the file was never written"
        } else {
            "the checksum does not match: the file changed after it was saved"
        };
        return format!("{DO_NOT} {why}.");
    }
    if content.outcome == Outcome::Fail {
        return format!("{DO_NOT} its structure is OK, but etcd cannot use its content.");
    }
    if structure.report.find("meta.fallback").is_some() {
        return "One of the two meta pages is damaged: the last commit, or more, may be missing."
            .to_owned();
    }
    if bytes.outcome == Outcome::NotChecked {
        return match details.kind {
            FileKind::DatabaseCopy => {
                "Structure OK, but no checksum (raw member/snap/db copy).".to_owned()
            }
            _ => "Structure OK, but the checksum was not verified.".to_owned(),
        };
    }
    let parts = [bytes, structure, content];
    let count = |part: &Judgement| part.report.count(Severity::Warning);
    let with = match parts.map(count).iter().sum::<usize>() {
        0 => String::new(),
        1 => " with 1 warning".to_owned(),
        n => format!(" with {n} warnings"),
    };
    format!("Snapshot OK{with}: checksum, structure and content verified.")
}

fn unknown(walk: &Walk) -> String {
    match walk.tree.error.as_ref().map(|error| error.kind()) {
        Some(ErrorKind::Empty) => "This file is empty.".to_owned(),
        Some(ErrorKind::Read(error)) => format!("This file cannot be read: {error}."),
        Some(ErrorKind::TooSmall { size }) => format!(
            "This is not an etcd snapshot: the file is too small to be an etcd database ({} bytes).",
            grouped(*size)
        ),
        _ => "This is not an etcd snapshot: it has no usable meta page.".to_owned(),
    }
}
