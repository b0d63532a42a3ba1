//! The inspections of a member's other files: a segment of its write-ahead log, and a `.snap` file.

use super::storage::inspect::members;
use super::storage::snap::{self, Snap, SnapError};
use super::storage::wal::{self, End, Wal};
use crate::document::{Block, Section, id, number, section, table, text};
use crate::finding::{Finding, Outcome, Report};
use crate::inspection::{FileFacts, Inspection, Judgement, Kind, Labelled, PartName};
use crate::number::grouped;
use crate::source::Source;
use crate::value::Value;

/// A segment of a member's write-ahead log.
pub const ETCD_WAL: Kind = Kind::new("etcd-wal");
/// The same for people.
pub const ETCD_WAL_LABEL: &str = "a segment of an etcd member's write-ahead log (WAL)";
/// A member's `.snap` file.
pub const ETCD_SNAP: Kind = Kind::new("etcd-snap");
/// The same for people.
pub const ETCD_SNAP_LABEL: &str = "an etcd member's .snap file";

/// Snapshot records and members that a table shows.
const SHOWN: usize = 1000;

/// Where the keys are: neither kind of file holds them.
const KEYS: &str = "The keys of this member are in member/snap/db.";

/// The inspection of a segment.
pub fn inspect_wal(file: FileFacts, source: &dyn Source) -> Inspection<Wal> {
    let wal = wal::read(source);
    let range = match (wal.first_index, wal.last_index) {
        (Some(first), Some(last)) => format!("entries {} to {}", grouped(first), grouped(last)),
        _ => "no entries".to_owned(),
    };
    let commit = wal.hard_state.as_ref().map(|state| state.commit);
    let committed = commit.map_or(String::new(), |commit| {
        format!(", committed up to {} for certain", grouped(commit))
    });
    let sentence = match &wal.end {
        End::Clean => format!("This segment of a write-ahead log is sound: {range}{committed}."),
        End::Torn { .. } => format!(
            "This segment of a write-ahead log ends in a record that was not written completely; all records before it are OK: {range}{committed}."
        ),
        End::Damaged { .. } => format!(
            "This segment of a write-ahead log is damaged: {range} can be read, and what follows is lost."
        ),
        End::Unreadable { why } => {
            format!("This segment of a write-ahead log cannot be read to its end: {why}.")
        }
    };
    let parts = [
        (PartName::Checksum, wal_checksum(&wal)),
        (PartName::Content, wal_content(&wal)),
    ];
    let mut headline = Vec::new();
    for (key, name, value) in [
        ("last_index", "Last index", wal.last_index),
        ("last_term", "Last term", wal.last_term),
        ("commit", "Committed", commit),
        ("first_index", "First index", wal.first_index),
    ] {
        if let Some(value) = value {
            headline.push(Labelled::new(key, name, Value::Index(value)));
        }
    }
    if let Some(member) = &wal.member_id {
        headline.push(Labelled::new(
            "member_id",
            "Member",
            Value::Id(member.clone()),
        ));
    }
    headline.push(Labelled::new("size", "Size", Value::Bytes(file.size)));
    let sections = wal_sections(&wal);
    let label = ETCD_WAL_LABEL;
    let mut inspection = Inspection::judged(ETCD_WAL, label, file, sentence, parts, wal);
    inspection.headline = headline;
    inspection.sections = sections;
    inspection
}

fn wal_checksum(wal: &Wal) -> Judgement {
    let records = grouped(wal.records);
    let at = format!(
        "after {records} records, at byte {}",
        grouped(wal.end_offset)
    );
    let mut report = Report::default();
    match &wal.end {
        End::Clean => Judgement::clean(
            Outcome::Pass,
            format!("the checksums of {records} records follow from each other"),
        ),
        End::Torn { why } => {
            report.push(
                Finding::warning("wal.torn", "the segment", format!("It ends {at}: {why}."))
                    .because("A server that was killed leaves such an end in its newest segment, and cuts it off when it starts: a record that was not written completely was not acknowledged. In an older segment records are lost.")
                    .todo("Nothing, if it is the newest segment of its member. Otherwise use another member.")
                    .at_offset(wal.end_offset),
            );
            let evidence = format!(
                "the checksums of {records} records follow from each other, and the next one is incomplete"
            );
            Judgement::new(Outcome::Pass, evidence, report)
        }
        End::Damaged { why } => {
            report.push(
                Finding::blocking("wal.damaged", "the segment", format!("It cannot be read further {at}: {why}."))
                    .because("The member does not start with it; what was written after this place is lost to it.")
                    .todo("Use another member. If there is none, restore from this member's database and say what may be missing.")
                    .at_offset(wal.end_offset),
            );
            Judgement::new(Outcome::Fail, format!("{why}, {at}"), report)
        }
        End::Unreadable { why } => {
            report.push(
                Finding::blocking(
                    "wal.read",
                    "the segment",
                    format!("It cannot be read on {at}: {why}."),
                )
                .todo("Copy the file, and inspect the copy.")
                .at_offset(wal.end_offset),
            );
            Judgement::new(
                Outcome::NotChecked,
                format!("it cannot be read on {at}"),
                report,
            )
        }
    }
}

fn wal_content(wal: &Wal) -> Judgement {
    let mut report = Report::default();
    if wal.member_id.is_none() {
        report.push(
            Finding::blocking(
                "wal.metadata",
                "the segment",
                "It does not say whose log it is.",
            )
            .because("Every segment that a server wrote begins with the ids of member and cluster.")
            .todo("Use another member."),
        );
        return Judgement::new(Outcome::Fail, "it does not say whose log it is", report);
    }
    let Some(state) = &wal.hard_state else {
        let evidence = "no record says up to where entries are committed";
        return Judgement::new(Outcome::NotChecked, evidence, report);
    };
    let evidence = match wal.last_index {
        Some(last) if last > state.commit => {
            let behind = grouped(last - state.commit);
            format!(
                "entries up to {} are committed; {behind} after them may be, but the log does not say",
                grouped(state.commit)
            )
        }
        Some(_) => format!("entries up to {} are committed", grouped(state.commit)),
        None => "it holds no entries yet".to_owned(),
    };
    Judgement::new(Outcome::Pass, evidence, report)
}

fn wal_sections(wal: &Wal) -> Vec<Section> {
    let known = |n: Option<u64>| n.map_or_else(|| text("none"), number);
    let ids = |n: &Option<String>| n.as_ref().map_or_else(|| text("unknown"), id);
    let mut facts = vec![
        ("Member".to_owned(), ids(&wal.member_id)),
        ("Cluster".to_owned(), ids(&wal.cluster_id)),
        ("Records".to_owned(), number(wal.records)),
        ("Entries".to_owned(), number(wal.entries)),
        ("First index".to_owned(), known(wal.first_index)),
        ("Last index".to_owned(), known(wal.last_index)),
        ("Last term".to_owned(), known(wal.last_term)),
    ];
    if wal.replaced > 0 {
        facts.push((
            "Entries that a later leader replaced".to_owned(),
            number(wal.replaced),
        ));
    }
    facts.push((
        "Changes of the membership".to_owned(),
        number(wal.membership_changes),
    ));
    if let Some(state) = &wal.hard_state {
        facts.push(("Term".to_owned(), number(state.term)));
        facts.push(("Voted for".to_owned(), id(&state.vote)));
        facts.push(("Committed for certain".to_owned(), number(state.commit)));
    }
    facts.push(("Records end at byte".to_owned(), number(wal.end_offset)));
    let mut sections = vec![section(
        "Log",
        vec![Block::Text(KEYS.to_owned()), Block::Facts(facts)],
    )];
    if !wal.snapshots.is_empty() {
        let rows = wal.snapshots.iter().rev().take(SHOWN).map(|snapshot| {
            let voters = snapshot
                .conf_state
                .as_ref()
                .map(|state| state.voters.join(", "));
            vec![
                number(snapshot.index),
                number(snapshot.term),
                text(voters.unwrap_or_else(|| "not recorded".to_owned())),
            ]
        });
        let rows = table(&["Index", "Term", "Voters"], rows.collect());
        sections.push(section("Snapshots that the log knows of", vec![rows]));
    }
    sections
}

/// The inspection of a `.snap` file.
pub fn inspect_snap(file: FileFacts, source: &dyn Source) -> Inspection<Option<Snap>> {
    let label = ETCD_SNAP_LABEL;
    let snap = match snap::read(source) {
        Ok(snap) => snap,
        Err(error) => {
            let finding = Finding::blocking(
                "snap.broken",
                "the file",
                format!("It cannot be used: {error}."),
            )
            .because("A server sets it aside as .snap.broken and looks for an older one.")
            .todo("Use an older .snap file of this member, or another member.");
            let report = Report {
                findings: vec![finding],
            };
            let part = match error {
                SnapError::Crc | SnapError::Read(_) => PartName::Checksum,
                _ => PartName::Structure,
            };
            let outcome = match error {
                SnapError::Read(_) | SnapError::TooLong => Outcome::NotChecked,
                _ => Outcome::Fail,
            };
            let parts = [(part, Judgement::new(outcome, error.to_string(), report))];
            let sentence = format!("This .snap file cannot be used: {error}.");
            return Inspection::judged(ETCD_SNAP, label, file, sentence, parts, None);
        }
    };
    let sentence = format!(
        "Snap file OK: the membership at index {} of term {}.",
        grouped(snap.index),
        snap.term
    );
    let content = match snap.conf_state.voters.len() {
        0 => Judgement::clean(Outcome::NotChecked, "it names no voters"),
        1 => Judgement::clean(Outcome::Pass, "1 voter"),
        n => Judgement::clean(Outcome::Pass, format!("{n} voters")),
    };
    let parts = [
        (
            PartName::Checksum,
            Judgement::clean(Outcome::Pass, "its checksum agrees"),
        ),
        (
            PartName::Structure,
            Judgement::clean(Outcome::Pass, "every message in it can be decoded"),
        ),
        (PartName::Content, content),
    ];
    let headline = vec![
        Labelled::new("index", "Index", Value::Index(snap.index)),
        Labelled::new("term", "Term", Value::Index(snap.term)),
        Labelled::count(
            "voters",
            "Voter",
            "Voters",
            snap.conf_state.voters.len() as u64,
        ),
    ];
    let mut facts = vec![
        ("Index".to_owned(), number(snap.index)),
        ("Term".to_owned(), number(snap.term)),
        ("Voters".to_owned(), text(snap.conf_state.voters.join(", "))),
        (
            "Learners".to_owned(),
            text(snap.conf_state.learners.join(", ")),
        ),
    ];
    if let Some(version) = &snap.cluster_version {
        facts.push(("Cluster version".to_owned(), text(version)));
    }
    let removed = snap.removed_members.join(", ");
    if !removed.is_empty() {
        facts.push(("Former members".to_owned(), text(removed)));
    }
    facts.retain(|(_, cell)| *cell != text(""));
    let mut sections = vec![section(
        "Snapshot",
        vec![Block::Text(KEYS.to_owned()), Block::Facts(facts)],
    )];
    if !snap.members.is_empty() {
        sections.push(members(&snap.members));
    }
    let mut inspection = Inspection::judged(ETCD_SNAP, label, file, sentence, parts, Some(snap));
    inspection.headline = headline;
    inspection.sections = sections;
    inspection
}
