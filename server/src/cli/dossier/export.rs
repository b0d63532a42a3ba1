//! `requorum dossier export`: the dossier of a job, from a data directory.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use crate::app::dossier;
use crate::cli::audit::finish;
use crate::cli::location::LocationArguments;
use crate::dossier::DossierError;

/// Write the dossier of a job: plan, approvals, journal, verification and ledger proofs in one signed archive.
///
/// Nothing is written to the console, and the ledger does not record an export made this way. Exit code 0 when it was
/// written, 1 when not.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The job.
    #[arg(long, value_name = "ID")]
    job: String,
    #[command(flatten)]
    place: LocationArguments,
    /// Where to. Nothing that exists is replaced.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    finish("dossier export", export(arguments))
}

async fn export(arguments: &Arguments) -> anyhow::Result<()> {
    let books = dossier::read(&arguments.place.place()?).await?;
    let dossier = match books.dossier(&arguments.job).await {
        Err(DossierError::NoJob) => anyhow::bail!(
            "there is no job {}: its address in the console ends with its id",
            arguments.job
        ),
        made => made?,
    };
    let context = || format!("writing {}", arguments.output.display());
    let mut file = File::create_new(&arguments.output).with_context(context)?;
    file.write_all(&dossier.bytes).with_context(context)?;
    file.sync_all().with_context(context)
}
