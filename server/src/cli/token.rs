//! `requorum token …`: tokens for programs without a browser.

use std::collections::HashMap;
use std::process::ExitCode;

use clap::Subcommand;

use requorum_shared::ledger::entry::act;

use super::location::LocationArguments;
use super::people::{Granted, act, run, said, table};
use super::terminal;
use crate::app::accounts::Accounts;
use crate::auth::store::StoredToken;
use crate::clock::{self, Clock as _, SystemClock};

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a token and print it, once.
    Create {
        /// The account that it belongs to. The token can do at most what the account can.
        #[arg(long, value_name = "NAME")]
        user: String,
        /// What it is for.
        #[arg(long, value_name = "TEXT")]
        name: String,
        #[command(flatten)]
        roles: Granted,
        /// After how many days it expires.
        #[arg(long, value_name = "N", default_value_t = 90)]
        days: u32,
        #[command(flatten)]
        place: LocationArguments,
    },
    /// List tokens, ended ones included.
    List {
        #[command(flatten)]
        place: LocationArguments,
    },
    /// Revoke a token: it is refused at once.
    Revoke {
        /// Its id, as in the list.
        id: String,
        #[command(flatten)]
        place: LocationArguments,
    },
}

/// Runs one.
pub(super) fn run_command(command: Command) -> ExitCode {
    match command {
        Command::Create {
            user,
            name,
            roles,
            days,
            place,
        } => run("token create", place, false, async |accounts| {
            create(accounts, &user, &name, roles, days).await
        }),
        Command::List { place } => run("token list", place, false, async |accounts| {
            list(accounts).await
        }),
        Command::Revoke { id, place } => run("token revoke", place, false, async |accounts| {
            let token = accounts.tokens.get(&id).await.map_err(said)?;
            let revoke = accounts.tokens.revoke(&id);
            let now = act(accounts, act::TOKEN_REVOKE, &*token.name, revoke).await?;
            let what = if now {
                "is revoked"
            } else {
                "was already revoked"
            };
            terminal::line(format_args!("{} {what}", token.name))?;
            Ok(())
        }),
    }
}

async fn create(
    accounts: &Accounts,
    user: &str,
    name: &str,
    roles: Granted,
    days: u32,
) -> anyhow::Result<()> {
    let owner = accounts.people.by_name(user).await.map_err(said)?;
    let grants = roles.grants();
    let subject = format!("{name} of {} for {days} days as {grants}", owner.name);
    let create = accounts.tokens.create(&owner, name, grants, days);
    let (secret, token) = act(accounts, act::TOKEN_CREATE, subject, create).await?;
    // The secret alone on standard output: a script can take it from there.
    terminal::complain(format_args!(
        "{} for {}, with: {}, until {}. It is shown once:",
        token.id,
        owner.name,
        token.grants,
        clock::text(token.expires_ms)
    ));
    terminal::line(format_args!("{secret}"))?;
    Ok(())
}

async fn list(accounts: &Accounts) -> anyhow::Result<()> {
    let names: HashMap<_, _> = accounts
        .people
        .list()
        .await
        .map_err(said)?
        .into_iter()
        .map(|user| (user.id, user.name))
        .collect();
    let now = SystemClock.now_ms();
    let rows: Vec<_> = accounts
        .tokens
        .list(None)
        .await
        .map_err(said)?
        .into_iter()
        .map(|token| {
            vec![
                token.id.clone(),
                token.name.clone(),
                names.get(&token.user_id).cloned().unwrap_or_default(),
                token.grants.to_string(),
                state(&token, now),
                match token.used_ms {
                    0 => "never".into(),
                    ms => clock::text(ms),
                },
            ]
        })
        .collect();
    table(
        &["ID", "NAME", "OWNER", "ROLES", "STATE", "LAST USED"],
        &rows,
    )
}

fn state(token: &StoredToken, now_ms: i64) -> String {
    if token.revoked_ms != 0 {
        return format!("revoked {}", clock::text(token.revoked_ms));
    }
    let word = if token.expires_ms <= now_ms {
        "ended"
    } else {
        "until"
    };
    format!("{word} {}", clock::text(token.expires_ms))
}
