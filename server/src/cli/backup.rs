//! `requorum backup` and `requorum restore-state`: the console's own state, copied and put back.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use requorum_shared::ledger::entry::act;
use requorum_shared::number::{self, grouped};

use super::location::LocationArguments;
use super::objects::ObjectsArguments;
use super::people::{act, log_errors, run};
use super::terminal::{self, Text};
use crate::app::accounts::Accounts;
use crate::app::backup::{PuttingBack, Wanted, is_apart, master_key_of};
use crate::backup::Manifest;

/// Back up the console: accounts, snapshots, plans, jobs, the ledger with its key, and the stored files. A server may
/// be running; what is copied is the state of one moment.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The new folder for the backup. It stays empty until the backup is complete.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Put the master key of the sealed credentials into the backup too: a person who has the backup can then read
    /// them.
    #[arg(long)]
    with_master_key: bool,
    #[command(flatten)]
    objects: ObjectsArguments,
    #[command(flatten)]
    place: LocationArguments,
}

/// Runs `requorum backup`.
pub(super) fn run_backup(arguments: Arguments) -> ExitCode {
    let Arguments {
        to,
        with_master_key,
        objects,
        place: place_arguments,
    } = arguments;
    let place = place_arguments.place();
    run("backup", place_arguments, false, async |accounts| {
        let place = place?;
        is_apart(&to, &place)?;
        let wanted = Wanted {
            files_elsewhere: objects.is_named(),
            master_key: with_master_key,
        };
        let subject = format!("the console, to {}", to.display());
        let work = accounts.back_up(&place, &to, wanted);
        let manifest = act(accounts, act::CONSOLE_BACKUP, subject, work).await?;
        let left_out = master_key_of(&place).filter(|_| !with_master_key);
        terminal::print(said(&manifest, &to.display().to_string(), left_out).as_str());
        Ok(())
    })
}

fn said(manifest: &Manifest, to: &str, master_key: Option<PathBuf>) -> Text {
    let (files, bytes) = manifest.objects();
    let mut text = Text::default();
    text.line(format_args!(
        "The console is backed up to {to}: its database, {} ledger entries with the ledger key, and {} stored \
         files ({}).",
        grouped(manifest.ledger_entries),
        grouped(files as u64),
        number::size(bytes)
    ));
    text.line(format_args!(
        "Not included: unfinished uploads, what jobs left, and downloads."
    ));
    if !manifest.elsewhere.is_empty() {
        text.line(format_args!(
            "Not included: {} stored files in the bucket, which are listed: back up the bucket separately.",
            manifest.elsewhere.len()
        ));
    }
    if let Some(path) = master_key {
        text.line(format_args!(
            "Not included: the master key of the sealed credentials. Keep a copy of {} elsewhere. Without it they \
             cannot be decrypted.",
            path.display()
        ));
    }
    text.line(format_args!(
        "Keep it as you keep the console itself: it holds the key that signs the ledger."
    ));
    text
}

/// Restore a backup into an empty data directory. Everyone has to sign in again.
#[derive(Debug, Args)]
pub(super) struct PutBackArguments {
    /// The backup.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The new data directory.
    #[arg(
        long,
        env = "REQUORUM_DATA_DIR",
        value_name = "DIR",
        default_value = "requorum-data"
    )]
    data_dir: PathBuf,
}

/// Runs `requorum restore-state`.
pub(super) fn run_put_back(arguments: &PutBackArguments) -> ExitCode {
    log_errors();
    let result = super::runtime::small().and_then(|runtime| runtime.block_on(put_back(arguments)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(format_args!("requorum restore-state: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn put_back(arguments: &PutBackArguments) -> anyhow::Result<()> {
    let putting = PuttingBack::begin(&arguments.from, &arguments.data_dir)?;
    let accounts = Accounts::open(&putting.place(), false).await?;
    let subject = format!("the backup of {}", putting.manifest.made_at);
    let ended = act(
        &accounts,
        act::CONSOLE_RESTORE,
        subject,
        accounts.end_all_sessions(),
    )
    .await;
    accounts.close().await;
    let ended = ended?;
    let manifest = putting.manifest.clone();
    putting.finish()?;
    let mut text = Text::default();
    text.line(format_args!(
        "The backup of {} is restored to {}; {ended} sessions were ended.",
        manifest.made_at,
        arguments.data_dir.display()
    ));
    text.line(format_args!(
        "Browsers that saw later entries of the ledger will report them as missing, which is correct."
    ));
    if !manifest.elsewhere.is_empty() {
        text.line(format_args!(
            "Its {} stored files lie in the bucket: start the server with --objects.",
            manifest.elsewhere.len()
        ));
    }
    terminal::print(text.as_str());
    Ok(())
}
