//! The command line. Exit codes: 0 good, 1 bad file or failed operation, 2 usage.

mod audit;
mod backup;
mod dkron;
mod dossier;
mod findings;
mod hardening;
mod inspect;
mod inspect_file;
mod location;
mod objects;
mod oidc;
mod people;
mod reading;
mod runtime;
mod schema;
mod secrets;
mod serve;
mod slips;
mod snapshot;
mod terminal;
mod token;
mod user;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use requorum_shared::escape;

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
    Inspect(inspect::Arguments),
    /// Read, check and restore etcd snapshots, offline.
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    /// Read Dkron's servers and compose a peers.json, offline.
    #[command(subcommand)]
    Dkron(dkron::Command),
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
    Schema(schema::Arguments),
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
            Self::Inspect(_)
            | Self::Snapshot(_)
            | Self::Dkron(_)
            | Self::Audit(_)
            | Self::Dossier(_)
            | Self::Schema(_) => false,
        }
    }
}

/// Parses the arguments and runs the command.
pub fn run() -> ExitCode {
    let caught = hardening::outlive_file_size_limit();
    let command = match parse(std::env::args_os().collect()) {
        Ok(cli) => cli.command,
        Err(code) => return code,
    };
    // The server asks for far more at its start, and says so itself.
    if let Err(error) = caught
        && !matches!(command, Command::Serve(_))
    {
        terminal::complain(format_args!("requorum: {error}"));
    }
    if command.keeps_a_data_directory() {
        hardening::keep_private();
    }
    match command {
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Snapshot(command) => snapshot::run(command),
        Command::Dkron(command) => dkron::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Dossier(command) => dossier::run(command),
        Command::User(command) => user::run_command(command),
        Command::Token(command) => token::run_command(command),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Backup(arguments) => backup::run_backup(arguments),
        Command::RestoreState(arguments) => backup::run_put_back(&arguments),
        Command::Secrets(command) => secrets::run_command(command),
    }
}

/// Exit code of arguments that make no sense.
const USAGE: u8 = 2;

fn parse(arguments: Vec<OsString>) -> Result<Cli, ExitCode> {
    if let Some(slip) = arguments.iter().skip(1).find_map(|a| slips::look(a)) {
        terminal::complain(format_args!("requorum: {slip}"));
        return Err(USAGE.into());
    }
    let error = match Cli::try_parse_from(&arguments) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    let quotable = |argument: &OsString| {
        let text = argument.to_string_lossy();
        !text.chars().any(escape::is_hidden)
    };
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if asked_for || arguments.iter().all(quotable) {
        error.exit();
    }
    // It quotes what was given: said again about arguments that can be shown.
    let shown = arguments
        .iter()
        .map(|argument| escape::value(&argument.to_string_lossy()).into_owned());
    let error = Cli::try_parse_from(shown).err().unwrap_or(error);
    for line in error.render().to_string().lines() {
        terminal::complain(format_args!("{line}"));
    }
    Err(USAGE.into())
}
