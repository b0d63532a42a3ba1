//! `requorum secrets …`: the master key of the sealed credentials.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use requorum_shared::ledger::entry::act;

use super::location::LocationArguments;
use super::people::{act, run};
use super::terminal;
use crate::app::key_path;
use crate::secrets::master_key::{KeyPlace, MasterKey};

/// Holds the master key itself, where it is not in a file.
const KEY_VARIABLE: &str = "REQUORUM_MASTER_KEY";
/// Holds the one that follows it.
const NEW_KEY_VARIABLE: &str = "REQUORUM_NEW_MASTER_KEY";

/// Where the master key is.
#[derive(Debug, Args)]
pub(super) struct KeyArguments {
    /// The file with the master key of the sealed credentials. Created if it is missing and nothing is sealed yet. By
    /// default it lies in the data directory. REQUORUM_MASTER_KEY may hold the key itself instead.
    #[arg(long, env = "REQUORUM_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
}

impl KeyArguments {
    /// The place that was named, if one was.
    pub(super) fn place(self) -> anyhow::Result<Option<KeyPlace>> {
        let given = key_from(KEY_VARIABLE)?;
        ensure!(
            given.is_none() || self.master_key_file.is_none(),
            "--master-key-file and {KEY_VARIABLE} both name a master key; give one of them"
        );
        Ok(match given {
            Some(key) => Some(KeyPlace::Given(key)),
            None => self.master_key_file.map(KeyPlace::File),
        })
    }
}

fn key_from(variable: &str) -> anyhow::Result<Option<MasterKey>> {
    match std::env::var(variable) {
        Ok(text) if !text.is_empty() => MasterKey::parse(&text)
            .map(Some)
            .with_context(|| variable.to_owned()),
        _ => Ok(None),
    }
}

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Seal all credentials again under a new master key. A server may be running.
    Rotate {
        #[command(flatten)]
        key: KeyArguments,
        #[command(flatten)]
        place: LocationArguments,
    },
}

/// Runs one.
pub(super) fn run_command(command: Command) -> ExitCode {
    let Command::Rotate { key, place } = command;
    let usual = key_path::default_key_path(place.folder());
    run("secrets rotate", place, false, async |accounts| {
        let key_place = key.place()?.unwrap_or(usual);
        let new = key_from(NEW_KEY_VARIABLE)?;
        let rotate = accounts.rotate_master_key(&key_place, new);
        let done = act(accounts, act::SECRETS_ROTATE, "all credentials", rotate).await?;
        terminal::line(format_args!(
            "{} credentials are sealed under the master key {}; {} is no longer used. Older backups of the database \
             need the old key.",
            done.secrets, done.new_key, done.old_key
        ))?;
        Ok(())
    })
}
