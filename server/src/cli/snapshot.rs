//! `requorum snapshot …`: one module per sub-command.

use std::process::ExitCode;

use clap::Subcommand;

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {}

/// Runs one.
pub(super) fn run(command: Command) -> ExitCode {
    match command {}
}
