//! `requorum snapshot check FILE`: may this file be trusted, and what is in it?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use requorum_shared::etcd::storage::inspection::{Contents, Inspection};
use requorum_shared::etcd::storage::scan::Options;
use requorum_shared::inspection::Trust;
use requorum_shared::kinds::{self, inspect_as_etcd};
use requorum_shared::number::{self, grouped, human_size, signed};

use crate::cli::findings::{self, outcome, write_finding};
use crate::cli::reading::{self, FAILED, ReadThrough};
use crate::cli::terminal::{self, Text};

/// Check a snapshot: its SHA-256 trailer, every page of its tree, and what its contents mean for a restore.
///
/// The three are reported separately, each as pass, fail or not checked, with every finding's place in the file,
/// what it means and what to do. Exit code 0 when nothing fails, 1 when something does. The file is never
/// written to and no lock is waited for; a database that a running server holds is read with a warning. What is packed
/// by ZIP (one entry), gzip or Zstandard is read through, unpacked in the folder that TMPDIR names.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The snapshot, or a copy of a member's member/snap/db.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the whole inspection as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    match check(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code.into(),
    }
}

fn check(arguments: &Arguments) -> Result<(), u8> {
    let ReadThrough {
        file,
        packed,
        not_unpacked,
    } = reading::read_through(&arguments.file)?;
    let source = file.source().map_err(reading::complain)?;
    let scan = reading::scan(
        &file,
        Options {
            prefixes: false,
            ..Options::default()
        },
    )?;
    let mut inspection = inspect_as_etcd(scan, &file.name(), &source);
    reading::refuse_changed(&file, &arguments.file)?;
    inspection.unpacked_from = packed;
    if let Some(error) = &not_unpacked {
        kinds::not_unpacked(&mut inspection, error);
    }
    if file.in_use() {
        findings::note_in_use(&mut inspection);
    }
    if arguments.json {
        match serde_json::to_string_pretty(&kinds::Inspection::from(inspection.clone())) {
            Ok(json) => terminal::print_json(&json),
            Err(error) => {
                terminal::complain(format_args!("requorum: {error}"));
                return Err(FAILED);
            }
        }
    } else {
        terminal::print(report(&inspection).as_str());
    }
    // Without numbers there is no snapshot to speak of, whatever else could be read.
    if inspection.trust() <= Trust::Damaged || inspection.details.status.is_none() {
        Err(FAILED)
    } else {
        Ok(())
    }
}

fn report(inspection: &Inspection) -> Text {
    let mut text = Text::default();
    let Inspection { file, verdict, .. } = inspection;
    text.line(format_args!("{}", verdict.sentence));
    text.line(format_args!("{}", headline(inspection)));
    if let Some(from) = &inspection.unpacked_from {
        let words = reading::unpacked_words(from, file.size);
        text.line(format_args!("{words}; it holds {}", inspection.label));
    }
    text.blank();
    for part in &verdict.parts {
        let name = part.name.label();
        text.line(format_args!(
            "{name:<10} {:<12} {}",
            outcome(part),
            part.evidence
        ));
    }
    if let Some(status) = &inspection.details.status {
        text.blank();
        text.line(format_args!(
            "HASH {:x}   REVISION {}   TOTAL KEYS {} (3.6) {} (3.5)   SIZE {}",
            status.hash,
            status.revision,
            status.total_key,
            status.total_key_35,
            human_size(status.total_size)
        ));
        if let Some(start) = inspection.start_revision().filter(|r| *r > status.revision) {
            let why = match status.revision {
                0 => "bucket key is empty",
                _ => "bucket key ends before the compaction",
            };
            text.line(format_args!(
                "A server starts at revision {}: {why}",
                signed(start)
            ));
        }
    }
    if let Some(hash_kv) = &inspection.details.hash_kv {
        text.line(format_args!(
            "HashKV {} at revision {}, compacted at {}",
            number::hash_kv(hash_kv.hash),
            hash_kv.hash_revision,
            hash_kv.compact_revision
        ));
    }
    if !file.sha256.is_empty() {
        text.line(format_args!("SHA-256 of the file {}", file.sha256));
    }
    if let Some(contents) = &inspection.details.contents {
        write_contents(&mut text, contents);
    }
    if !inspection.report.findings.is_empty() {
        text.blank();
        text.line(format_args!("Findings"));
    }
    for finding in &inspection.report.findings {
        write_finding(&mut text, finding);
    }
    if !verdict.advice.is_empty() {
        text.blank();
        text.line(format_args!("What to do"));
        text.line(format_args!("  {}", verdict.advice));
    }
    text
}

fn headline(inspection: &Inspection) -> String {
    let contents = inspection.details.contents.as_ref();
    let mut facts = Vec::new();
    if let Some(version) = contents.and_then(|contents| contents.written_by.as_ref()) {
        facts.push(format!("etcd {version}"));
    }
    match (inspection.start_revision(), contents) {
        (Some(revision), _) => facts.push(format!("revision {}", signed(revision))),
        (None, Some(_)) => facts.push("revision unknown".to_owned()),
        (None, None) => {}
    }
    if let Some(status) = &inspection.details.status {
        facts.push(format!("{} keys", grouped(status.total_key)));
    }
    facts.push(human_size(inspection.file.size));
    facts.push(inspection.file.name.clone());
    facts.join(", ")
}

fn write_contents(text: &mut Text, contents: &Contents) {
    const SHOWN: usize = 20;
    let members = contents.members.as_deref();
    match members {
        Some([]) => {}
        Some(_) => {
            text.blank();
            text.line(format_args!("Members"));
        }
        None => {
            text.blank();
            text.line(format_args!(
                "Members: unknown (bucket members cannot be read)"
            ));
        }
    }
    let members = members.unwrap_or_default();
    for member in members.iter().take(SHOWN) {
        let name = if member.name.is_empty() {
            "(never started)"
        } else {
            &member.name
        };
        let learner = if member.learner { " learner" } else { "" };
        let urls = member.peer_urls.join(",");
        text.line(format_args!("  {:<16} {name} {urls}{learner}", member.id));
    }
    if members.len() > SHOWN {
        text.line(format_args!("  and {} more", members.len() - SHOWN));
    }
    text.blank();
    let unknown = |bucket: &str| format!("unknown (bucket {bucket} cannot be read)");
    let revisions = match (contents.revisions, contents.tombstones) {
        (Some(revisions), Some(tombstones)) => {
            format!(
                "{} revisions ({} tombstones)",
                grouped(revisions),
                grouped(tombstones)
            )
        }
        _ => format!("revisions: {}", unknown("key")),
    };
    let compacted = match contents.compact_revision {
        Some(-1) => "never compacted".to_owned(),
        Some(revision) => format!("compacted at {}", signed(revision)),
        None => format!("compaction: {}", unknown("meta")),
    };
    let leases = match contents.lease_count {
        Some(count) => format!("{} leases", grouped(count)),
        None => format!("leases: {}", unknown("lease")),
    };
    let auth = match contents.auth.enabled {
        Some(true) => "auth on".to_owned(),
        Some(false) => "auth off".to_owned(),
        None => format!("auth: {}", unknown("auth")),
    };
    let free = match contents.free_bytes {
        Some(bytes) => format!("{} free", human_size(bytes)),
        None => "free pages: unknown (not every page could be reached)".to_owned(),
    };
    text.line(format_args!(
        "{revisions}, {compacted}; {leases}; {auth}; {free}"
    ));
    if contents.alarms.is_none() {
        text.line(format_args!("alarms: {}", unknown("alarm")));
    }
}
