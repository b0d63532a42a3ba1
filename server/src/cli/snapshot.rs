//! `requorum snapshot …`: one module per sub-command.

mod restore;

use std::process::ExitCode;

use clap::Subcommand;

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Restore(restore::Arguments),
}

/// Runs one.
pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Restore(arguments) => restore::run(&arguments),
    }
}
