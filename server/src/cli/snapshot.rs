//! `requorum snapshot …`: one module per sub-command.

mod check;
mod foreign;
mod hashkv;
mod output;
mod restore;
mod status;

use std::process::ExitCode;

use clap::Subcommand;

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Status(status::Arguments),
    Check(check::Arguments),
    Hashkv(hashkv::Arguments),
    Restore(restore::Arguments),
}

/// Runs one.
pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Status(arguments) => status::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Hashkv(arguments) => hashkv::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
    }
}
