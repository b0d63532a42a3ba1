//! `requorum dossier …`: the record of a recovery, made and verified offline.

mod export;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Export(export::Arguments),
    Verify(verify::Arguments),
}

/// Runs one.
pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Export(arguments) => export::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    }
}
