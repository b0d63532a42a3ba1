//! `requorum dossier verify`: does this archive hold together, and is it our console's?

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use requorum_shared::dossier::{self, Verdict, zip};
use requorum_shared::finding::Outcome;

use crate::cli::audit::given_key;
use crate::cli::inspect_file::open_regular;
use crate::cli::terminal::{self, Text};

/// Verify a dossier: every part against its signed manifest, the plan's hash, the approvals, the journal, and the
/// ledger's proofs.
///
/// Each check is pass, fail or not checked. Exit code 0 when nothing fails and enough people approved, 1 when something
/// fails or the file cannot be read, 2 for wrong usage, 3 when nothing fails but it could not be checked whether enough
/// people approved. Nothing is written, and no server is asked.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The dossier.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The ledger's key as you know it (name+id+key), or a file that holds it. Not the one in the archive.
    #[arg(long, value_name = "KEY_OR_FILE")]
    key: Option<String>,
    /// How the verdict is printed.
    #[arg(short, long, value_enum, default_value_t)]
    write_out: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A sentence, and a line per check
    #[default]
    Simple,
    /// One JSON object
    Json,
}

/// The exit code when nothing fails, and the approval itself could not be checked.
const NOT_SHOWN: u8 = 3;

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    match verify(arguments) {
        Ok(code) => code,
        Err(error) => {
            terminal::complain(format_args!("requorum dossier verify: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn verify(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let known = arguments.key.as_deref().map(given_key).transpose()?;
    let bytes = read(&arguments.file)?;
    let verdict = dossier::verify(&bytes, known.as_ref());
    match arguments.write_out {
        Format::Simple => terminal::print(text(&verdict).as_str()),
        Format::Json => terminal::print_json(&serde_json::to_string_pretty(&verdict)?),
    }
    Ok(match (verdict.whole, verdict.approval) {
        (false, _) => ExitCode::FAILURE,
        (true, Outcome::Pass) => ExitCode::SUCCESS,
        // Whoever relies on this exit code relies on its having been allowed.
        (true, _) => ExitCode::from(NOT_SHOWN),
    })
}

/// The file, and no more of it than shows that it is too long.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let (file, _) = open_regular(path)?;
    let mut bytes = Vec::new();
    let most = zip::MAX_ARCHIVE_BYTES as u64 + 1;
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(verdict: &Verdict) -> Text {
    let mut text = Text::default();
    text.line(format_args!("{}", verdict.sentence));
    if let Some(document) = &verdict.document {
        text.line(format_args!("{}", document.sentence));
    }
    for (name, value) in [
        ("Job", &verdict.job),
        ("Plan", &verdict.plan_hash),
        ("Key", &verdict.key),
    ] {
        if let Some(value) = value {
            text.line(format_args!("{name:<5} {value}"));
        }
    }
    text.blank();
    for check in &verdict.checks {
        let outcome = match check.outcome {
            Outcome::Pass => "pass",
            Outcome::Fail => "FAIL",
            Outcome::NotChecked => "not checked",
        };
        text.line(format_args!("{outcome:<12} {}", check.name));
        text.line(format_args!("{:13}{}", "", check.evidence));
    }
    text
}
