//! `requorum snapshot status FILE`: the numbers that etcdutl prints, from one pass.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use requorum_shared::etcd::storage::inspect::status_of;
use requorum_shared::etcd::storage::scan::Options;
use requorum_shared::etcd::storage::status::status_text;
use requorum_shared::finding::{Report, Severity};

use crate::cli::reading::{self, FAILED};
use crate::cli::terminal;

use super::foreign;
use super::output::{CountingArgument, WriteOut};

/// Print hash, revision, keys, size and version of a snapshot, as etcdutl does.
///
/// The whole page tree is checked on the way; for a damaged file only the faults are printed. Like etcdutl, status does
/// not look at the SHA-256 trailer, which takes longer than all the rest: `snapshot check` does. The file is never
/// written to and no lock is waited for; a database that a running server holds is read with a warning. What is packed
/// by ZIP (one entry), gzip or Zstandard is read through, unpacked in the folder that TMPDIR names.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The snapshot, or a copy of a member's member/snap/db.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How it is written
    #[arg(short, long, value_name = "FORMAT", default_value = "simple")]
    write_out: WriteOut,
    /// Whose TOTAL KEYS and columns
    #[arg(long, value_name = "VERSION", default_value = "3.6")]
    counting: CountingArgument,
}

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    match status(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code.into(),
    }
}

fn status(arguments: &Arguments) -> Result<(), u8> {
    let read = reading::read_through(&arguments.file)?;
    read.tell();
    foreign::refuse(&read, &arguments.file)?;
    let file = read.file;
    let options = Options {
        hash: false,
        hash_kv: false,
        prefixes: false,
    };
    let source = file.source().map_err(reading::complain)?;
    let scan = reading::scan(&file, options)?;
    let walk = scan.walk(&source);
    let status = status_of(&walk, &source);
    let undecodable = walk.undecodable();
    let report = walk.into_report();
    reading::refuse_changed(&file, &arguments.file)?;
    if let Some((count, page)) = undecodable {
        let name = file.name();
        terminal::complain(format_args!(
            "requorum: {name}: {count} entries of bucket key cannot be decoded, the first on page {page}: servers crash at start on them"
        ));
        if arguments.counting == CountingArgument::V3_6 {
            terminal::complain(format_args!(
                "Live keys cannot be counted then; --counting 3.5 counts pairs. Run `requorum snapshot check` for what to do."
            ));
            return Err(FAILED);
        }
    }
    match status {
        Some(status) if !report.blocks() => {
            warn(&report);
            let text = status_text(
                &status,
                arguments.write_out.into(),
                arguments.counting.into(),
            );
            terminal::print(&text);
            Ok(())
        }
        _ => {
            refuse(&file.name(), &report);
            Err(FAILED)
        }
    }
}

/// What is odd about a file whose numbers can still be printed.
fn warn(report: &Report) {
    for finding in &report.findings {
        if finding.severity == Severity::Warning {
            terminal::complain(format_args!(
                "requorum: {}: {}",
                finding.subject, finding.what
            ));
        }
    }
}

fn refuse(name: &str, report: &Report) {
    const SHOWN: usize = 10;
    let blocking = || {
        let all = report.findings.iter();
        all.filter(|finding| finding.severity == Severity::Blocking)
    };
    terminal::complain(format_args!(
        "requorum: {name} is damaged or not an etcd snapshot; nothing about it can be relied on:"
    ));
    for finding in blocking().take(SHOWN) {
        terminal::complain(format_args!("  {}: {}", finding.subject, finding.what));
    }
    if blocking().count() == 0 {
        terminal::complain(format_args!("  file: It has no bucket `key`."));
    }
    let more = blocking().count().saturating_sub(SHOWN);
    if more > 0 {
        terminal::complain(format_args!("  and {more} more"));
    }
    terminal::complain(format_args!(
        "Run `requorum snapshot check` for what each means and what to do."
    ));
}
