//! What `requorum user`, `token` and `secrets` have in common: the data directory's accounts, without a server and
//! beside a running one.

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use requorum_shared::api::login::MAX_PASSWORD_BYTES;
use requorum_shared::escape;
use requorum_shared::ledger::entry::{Draft, Outcome, named};
use requorum_shared::permission::{Grant, Grants};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use tracing_subscriber::EnvFilter;

use super::location::LocationArguments;
use super::terminal;
use crate::app::accounts::Accounts;
use crate::error::{ApiError, Result};
use crate::ledger;

/// Roles on the command line.
#[derive(Debug, Args)]
pub(super) struct Granted {
    /// viewer, operator, approver or admin, for all clusters or as `operator@prod-etcd` for one; may be given
    /// several times.
    #[arg(long = "role", value_name = "ROLE[@CLUSTER]", value_delimiter = ',')]
    roles: Vec<Grant>,
}

impl Granted {
    pub(super) fn grants(self) -> Grants {
        self.roles.into()
    }
}

/// Runs one command over the accounts and turns what goes wrong into a sentence.
pub(super) fn run(
    name: &str,
    place: LocationArguments,
    may_make: bool,
    act: impl AsyncFnOnce(&Accounts) -> anyhow::Result<()>,
) -> ExitCode {
    log_errors();
    let result = super::runtime::small().and_then(|runtime| {
        runtime.block_on(async {
            let accounts = Accounts::open(&place.place()?, may_make).await?;
            let result = act(&accounts).await;
            accounts.close().await;
            result
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(format_args!("requorum {name}: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Logs to standard error what a command has to say beside its answer.
pub(super) fn log_errors() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            EnvFilter::try_from_env("REQUORUM_LOG").unwrap_or_else(|_| EnvFilter::new("error")),
        )
        .init();
}

/// Carries an act out between two entries of the ledger. Who runs a command is known by their user id alone.
pub(super) async fn act<T>(
    accounts: &Accounts,
    act: &str,
    subject: impl Into<String>,
    work: impl Future<Output = Result<T>>,
) -> anyhow::Result<T> {
    act_in_cluster(accounts, act, "", subject, work).await
}

/// The same for an act on what belongs to a cluster, or to none where the name is empty.
pub(super) async fn act_in_cluster<T>(
    accounts: &Accounts,
    act: &str,
    cluster: &str,
    subject: impl Into<String>,
    work: impl Future<Output = Result<T>>,
) -> anyhow::Result<T> {
    let draft = Draft {
        who: format!("user id {}", rustix::process::getuid().as_raw()),
        from: "command line".to_owned(),
        act: act.to_owned(),
        subject: subject.into(),
        cluster: named(cluster),
        ..Draft::default()
    };
    let opened = accounts
        .ledger
        .open(draft)
        .await
        .context("nothing was done, because every act is recorded in the ledger first")?;
    let result = ledger::carrying_out(opened.index(), work).await;
    match &result {
        Ok(_) => opened.close(Outcome::Done, "").await,
        Err(error) => opened.close(Outcome::Failed, error.code).await,
    }
    result.map_err(said)
}

/// An error of the rules, as this program says it.
pub(super) fn said(error: ApiError) -> anyhow::Error {
    anyhow::anyhow!("{}", error.message)
}

/// Reads a password from standard input: from a pipe one line, from a terminal twice and unseen. Never from the
/// arguments, which everybody on the machine can read.
pub(super) fn read_password() -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let mut text = String::new();
        stdin
            .take(MAX_PASSWORD_BYTES as u64 + 3)
            .read_to_string(&mut text)
            .context("reading the password from standard input")?;
        let line = text.lines().next().unwrap_or_default().to_owned();
        ensure!(
            !line.is_empty(),
            "no password came on standard input; pipe it in, or run this in a terminal"
        );
        ensure!(
            text.lines().count() == 1,
            "the password must be the only line on standard input"
        );
        return Ok(line);
    }
    let first = ask("Password: ")?;
    if ask("The same again: ")? != first {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(first)
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    terminal::prompt(prompt)?;
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &silent)?;
    let mut line = String::new();
    let read = stdin.read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    terminal::complain(format_args!(""));
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Prints rows in columns as wide as they need.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let shown: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|cell| escape::value(cell).into_owned())
                .collect()
        })
        .collect();
    let width = |column: usize| {
        shown
            .iter()
            .map(|row| row[column].chars().count())
            .chain([head[column].len()])
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let head: Vec<_> = head.iter().map(ToString::to_string).collect();
    for row in std::iter::once(&head).chain(&shown) {
        let line: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        terminal::line(format_args!("{}", line.join("  ").trim_end()))?;
    }
    Ok(())
}
