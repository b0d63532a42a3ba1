//! `requorum inspect FILE…`: what is this file, and may it be trusted?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use requorum_shared::document::{Block, Cell, Section};
use requorum_shared::dossier;
use requorum_shared::inspection::{Labelled, PackedFile, Trust};
use requorum_shared::kinds::{self, Inspection, Options};
use requorum_shared::number::{grouped, human_size, signed};
use requorum_shared::unpack::UnpackError;
use requorum_shared::value::Value;

use crate::cli::findings::{self, outcome, write_finding};
use crate::cli::inspect_file::{FileError, InspectedFile, Unpacked};
use crate::cli::reading::{self, FAILED};
use crate::cli::terminal::{self, Text};

/// Look at any file: what it is, its main numbers, whether it can be trusted, and what is in it.
///
/// Kinds that are read: snapshots and databases of etcd, segments of its write-ahead log and .snap files; raft.db,
/// meta.json and peers.json of Dkron, Consul and Nomad; dossiers of this console. The state.bin beside a meta.json is
/// compared with the checksum in it. What is packed by ZIP (one entry), gzip or Zstandard is read
/// through, unpacked in the folder that TMPDIR names. Any other file is named by what it is.
///
/// Exit code 0 when nothing fails in any of the files; 1 when something does, or when a file cannot be read or is of an
/// unknown kind; 2 for wrong usage. Files are never written to and no lock is waited for.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print the whole inspections as JSON: one object per file, one after another.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let mut worst = 0;
    for (at, path) in arguments.files.iter().enumerate() {
        let code = match inspect(path) {
            Ok(inspection) => show(&inspection, arguments.json, at > 0),
            Err(code) => code,
        };
        worst = worst.max(code);
    }
    worst.into()
}

fn inspect(path: &Path) -> Result<Inspection, u8> {
    let file = reading::open(path)?;
    let mut inspection = match of_dossier(&file)? {
        Some(dossier) => dossier,
        None => match reading::unpacked(&file)? {
            None => read(&file)?,
            Some(Unpacked::Content { content, from }) => of_content(&content, from)?,
            Some(Unpacked::Refused(error)) => refused(&file, &error)?,
        },
    };
    reading::refuse_changed(&file, path)?;
    inspection = with_companion(inspection, path)?;
    if file.in_use() {
        findings::note_in_use(&mut inspection);
    }
    Ok(inspection)
}

/// Judges a file by the one that lies beside it, where its kind has such a companion.
fn with_companion(inspection: Inspection, path: &Path) -> Result<Inspection, u8> {
    let Some(name) = inspection.companion() else {
        return Ok(inspection);
    };
    let companion = match InspectedFile::open(&path.with_file_name(name)) {
        Ok(companion) => companion,
        // It was copied without: then it is said that the companion was not looked at.
        Err(FileError::Missing(_)) => return Ok(inspection),
        Err(error) => return Err(reading::complain(error)),
    };
    let source = companion.source().map_err(reading::complain)?;
    kinds::with_companion(inspection, &source, |_| {}).map_err(|error| {
        terminal::complain(format_args!("requorum: {}: {error}", companion.name()));
        FAILED
    })
}

fn read(file: &InspectedFile) -> Result<Inspection, u8> {
    let source = file.source().map_err(reading::complain)?;
    let scan = reading::scan(file, Options::default())?;
    Ok(kinds::inspect(scan, &file.name(), &source))
}

fn of_content(content: &InspectedFile, from: PackedFile) -> Result<Inspection, u8> {
    let mut inspection = match of_dossier(content)? {
        Some(dossier) => dossier,
        None => read(content)?,
    };
    inspection.unpacked_from = Some(from);
    Ok(inspection)
}

fn refused(file: &InspectedFile, error: &UnpackError) -> Result<Inspection, u8> {
    let mut inspection = read(file)?;
    kinds::not_unpacked(&mut inspection, error);
    Ok(inspection)
}

/// The inspection of a dossier; `None` of any other file.
fn of_dossier(file: &InspectedFile) -> Result<Option<Inspection>, u8> {
    let source = file.source().map_err(reading::complain)?;
    dossier::inspect(&source, &file.name()).map_err(|error| {
        terminal::complain(format_args!("requorum: {}: {error}", file.name()));
        FAILED
    })
}

/// Prints an inspection; the exit code that it stands for.
fn show(inspection: &Inspection, json: bool, another: bool) -> u8 {
    if json {
        match serde_json::to_string_pretty(inspection) {
            Ok(json) => terminal::print_json(&json),
            Err(error) => {
                terminal::complain(format_args!("requorum: {error}"));
                return FAILED;
            }
        }
    } else {
        let mut text = Text::default();
        if another {
            text.blank();
        }
        write(&mut text, inspection);
        terminal::print(text.as_str());
    }
    match inspection.trust() {
        Trust::Unknown | Trust::Damaged => FAILED,
        Trust::Unproven | Trust::Verified => 0,
    }
}

fn write(text: &mut Text, inspection: &Inspection) {
    let file = &inspection.file;
    text.line(format_args!(
        "{}: {} ({})",
        file.name, inspection.label, inspection.kind
    ));
    text.line(format_args!("{}", inspection.verdict.sentence));
    let headline: Vec<String> = inspection.headline.iter().map(labelled).collect();
    if !headline.is_empty() {
        text.line(format_args!("{}", headline.join(", ")));
    }
    if let Some(packed) = &inspection.unpacked_from {
        let entry = packed
            .entry
            .as_ref()
            .map_or(String::new(), |entry| format!(", entry {entry:?}"));
        text.line(format_args!(
            "Unpacked from {} ({}, {}{entry})",
            packed.name,
            packed.kind,
            human_size(packed.size)
        ));
    }
    text.blank();
    for part in &inspection.verdict.parts {
        let name = part.name.label();
        text.line(format_args!(
            "{name:<10} {:<12} {}",
            outcome(part),
            part.evidence
        ));
    }
    if !file.sha256.is_empty() {
        text.line(format_args!("SHA-256    {}", file.sha256));
    }
    for section in &inspection.sections {
        write_section(text, section);
    }
    if !inspection.report.findings.is_empty() {
        text.blank();
        text.line(format_args!("Findings"));
    }
    for finding in &inspection.report.findings {
        write_finding(text, finding);
    }
    if !inspection.verdict.advice.is_empty() {
        text.blank();
        text.line(format_args!("What to do"));
        text.line(format_args!("  {}", inspection.verdict.advice));
    }
}

/// `revision 339`, `201 keys`, `etcd 3.6`.
fn labelled(labelled: &Labelled) -> String {
    let lower = labelled.label.to_lowercase();
    match &labelled.value {
        None => format!("{lower} unknown"),
        Some(Value::Version(version)) => format!("{} {version}", labelled.label),
        Some(Value::Count(n)) => {
            format!("{} {}", grouped(*n), labelled.noun(*n).to_lowercase())
        }
        Some(Value::Revision(n)) => format!("{lower} {}", signed(*n)),
        Some(Value::Index(n)) => format!("{lower} {}", grouped(*n)),
        Some(Value::Bytes(n)) => human_size(*n),
        Some(value) => format!("{lower} {value}"),
    }
}

fn write_section(text: &mut Text, section: &Section) {
    const SHOWN: usize = 50;
    text.blank();
    text.line(format_args!("{}", section.title));
    for block in &section.blocks {
        match block {
            Block::Text(paragraph) => text.line(format_args!("  {paragraph}")),
            Block::Facts(facts) => {
                for (name, value) in facts {
                    text.line(format_args!("  {name:<36} {}", cell(value)));
                }
            }
            Block::Table { columns, rows } => {
                text.line(format_args!("  {}", columns.join(" | ")));
                for row in rows.iter().take(SHOWN) {
                    let cells: Vec<String> = row.iter().map(cell).collect();
                    text.line(format_args!("  {}", cells.join(" | ")));
                }
                if let more @ 1.. = rows.len().saturating_sub(SHOWN) {
                    text.line(format_args!("  and {more} more"));
                }
            }
            Block::Commands(commands) => {
                for command in commands {
                    text.line(format_args!("  {command}"));
                }
            }
        }
    }
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Id(text) | Cell::Number(text) => text.clone(),
        Cell::Status(_, word) => word.clone(),
        Cell::When(ms) => jiff::Timestamp::from_millisecond(*ms)
            .map_or_else(|_| ms.to_string(), |at| at.to_string()),
    }
}
