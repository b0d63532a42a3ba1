//! The command line. Exit codes: 0 good, 1 bad file or failed operation, 2 usage.

mod audit;
mod backup;
mod dossier;
mod hardening;
mod objects;
mod oidc;
mod people;
mod place;
mod secrets;
mod serve;
mod snapshot;
mod token;
mod user;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Recovery console for quorum systems.
#[derive(Debug, Parser)]
#[command(name = "requorum", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Arguments>),
    /// Read, check and restore etcd snapshots, offline.
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    /// Verify and export the ledger, offline.
    #[command(subcommand)]
    Audit(audit::Command),
    /// The record of a recovery: exported from the data directory, and verified offline.
    #[command(subcommand)]
    Dossier(dossier::Command),
    /// Accounts, on the data directory.
    #[command(subcommand)]
    User(user::Command),
    /// Tokens for programs, on the data directory.
    #[command(subcommand)]
    Token(token::Command),
    Backup(backup::Arguments),
    RestoreState(backup::PutBackArguments),
    /// The master key of the sealed credentials, on the data directory.
    #[command(subcommand)]
    Secrets(secrets::Command),
}

impl Command {
    /// Whether it makes files in a data directory, or holds what is secret in one.
    fn keeps_a_data_directory(&self) -> bool {
        match self {
            Self::Serve(_)
            | Self::User(_)
            | Self::Token(_)
            | Self::Backup(_)
            | Self::RestoreState(_)
            | Self::Secrets(_) => true,
            Self::Snapshot(_) | Self::Audit(_) | Self::Dossier(_) => false,
        }
    }
}

/// Parses the arguments and runs the command.
pub fn run() -> ExitCode {
    let command = Cli::parse().command;
    hardening::outlive_file_size_limit();
    if command.keeps_a_data_directory() {
        hardening::keep_private();
    }
    match command {
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Snapshot(command) => snapshot::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Dossier(command) => dossier::run(command),
        Command::User(command) => user::run_command(command),
        Command::Token(command) => token::run_command(command),
        Command::Backup(arguments) => backup::run_backup(arguments),
        Command::RestoreState(arguments) => backup::run_put_back(&arguments),
        Command::Secrets(command) => secrets::run_command(command),
    }
}

/// Writes to standard output. Whoever has stopped reading is no reason to fail.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}
