//! `requorum audit …`: the ledger verified and exported offline, without trusting the server that wrote it.

mod export;
mod source;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) use self::source::key as given_key;

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Verify(verify::Arguments),
    Export(export::Arguments),
}

/// Runs one.
pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
    }
}

/// Runs `work` and says what went wrong on standard error.
pub(super) fn finish(name: &str, work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let result = super::runtime::small().and_then(|runtime| runtime.block_on(work));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::terminal::complain(format_args!("requorum {name}: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
