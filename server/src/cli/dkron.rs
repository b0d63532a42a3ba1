//! `requorum dkron …`: Dkron's servers, read offline. One module per sub-command.

mod folder;
mod inspect;
mod output;
mod peers;

use std::process::ExitCode;

use clap::Subcommand;

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Inspect(inspect::Arguments),
    Peers(peers::Arguments),
}

/// Runs one.
pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Peers(arguments) => peers::run(&arguments),
    }
}
