//! `requorum user …`: accounts without a browser, for a locked-out administrator and for automation. Whoever can
//! read the data directory already has all that it holds: these commands ask nobody.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use requorum_shared::ledger::entry::act;

use super::location::LocationArguments;
use super::people::{Granted, act, act_in_cluster, read_password, run, said, table};
use super::terminal;
use crate::app::accounts::Accounts;
use crate::auth::store::User;
use crate::clock;

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add an account. Its password is read from standard input.
    Add {
        /// The account's name.
        name: String,
        #[command(flatten)]
        roles: Granted,
        /// Print a one-time link instead, by which the person sets a password.
        #[arg(long)]
        invite: bool,
        #[command(flatten)]
        place: LocationArguments,
    },
    /// List the accounts.
    List {
        #[command(flatten)]
        place: LocationArguments,
    },
    /// Set an account's password, read from standard input. Its sessions, links and tokens end.
    Password {
        /// The account's name.
        name: String,
        /// Leave its tokens for programs as they are.
        #[arg(long)]
        keep_tokens: bool,
        #[command(flatten)]
        place: LocationArguments,
    },
    /// Give an account exactly these roles.
    Roles {
        /// The account's name.
        name: String,
        #[command(flatten)]
        roles: Granted,
        #[command(flatten)]
        place: LocationArguments,
    },
    /// Confirm that an account is in its owner's hands. For a day after an administrator created it, set its password
    /// by a link or gave it a role, its approvals do not count for that administrator's plans; after this they do.
    Confirm {
        /// The account's name.
        name: String,
        #[command(flatten)]
        place: LocationArguments,
    },
    /// Disable an account: its sessions end, its tokens are revoked, its unfinished uploads are cancelled.
    Disable {
        /// The account's name.
        name: String,
        #[command(flatten)]
        place: LocationArguments,
    },
    /// Enable an account again.
    Enable {
        /// The account's name.
        name: String,
        #[command(flatten)]
        place: LocationArguments,
    },
}

/// Runs one.
pub(super) fn run_command(command: Command) -> ExitCode {
    match command {
        Command::Add {
            name,
            roles,
            invite,
            place,
        } => run("user add", place, true, async |accounts| {
            add(accounts, &name, roles, invite).await
        }),
        Command::List { place } => run("user list", place, false, async |accounts| {
            list(accounts).await
        }),
        Command::Password {
            name,
            keep_tokens,
            place,
        } => run("user password", place, false, async |accounts| {
            let user = find(accounts, &name).await?;
            let password = read_password()?;
            let people = &accounts.people;
            let set = people.set_password(&user.id, password, !keep_tokens);
            let user = act(accounts, act::PEOPLE_PASSWORD, &*user.name, set).await?;
            let tokens = if keep_tokens {
                ""
            } else {
                ", and tokens revoked"
            };
            done(
                &user,
                &format!("has a new password; open sessions and links were ended{tokens}"),
            )
        }),
        Command::Roles { name, roles, place } => {
            run("user roles", place, false, async |accounts| {
                let user = find(accounts, &name).await?;
                let grants = roles.grants();
                let subject = format!("{} as {grants}", user.name);
                let set = accounts.people.set_grants(&user.id, grants, None);
                let user = act(accounts, act::PEOPLE_ROLES, subject, set).await?;
                done(&user, &format!("has: {}", roles_of(&user)))
            })
        }
        Command::Confirm { name, place } => run("user confirm", place, false, async |accounts| {
            let user = find(accounts, &name).await?;
            let confirm = accounts.people.confirm(&user.id);
            let user = act(accounts, act::PEOPLE_CONFIRM, &*user.name, confirm).await?;
            done(
                &user,
                "is confirmed as its owner's: approvals count from now on",
            )
        }),
        Command::Disable { name, place } => run("user disable", place, false, async |accounts| {
            let user = find(accounts, &name).await?;
            // One act: a server forgets the uploads that are left when this is killed in it.
            let disable = async {
                let user = accounts.people.disable(&user.id, None).await?;
                let cancelled = cancel_uploads(accounts, &user).await;
                Ok((user, cancelled))
            };
            let (user, cancelled) =
                act(accounts, act::PEOPLE_DISABLE, &*user.name, disable).await?;
            let ended = match cancelled? {
                0 => " and tokens revoked".to_owned(),
                1 => ", tokens revoked, and 1 unfinished upload cancelled".to_owned(),
                n => format!(", tokens revoked, and {n} unfinished uploads cancelled"),
            };
            done(&user, &format!("is disabled; sessions were ended{ended}"))
        }),
        Command::Enable { name, place } => run("user enable", place, false, async |accounts| {
            let user = find(accounts, &name).await?;
            let enable = accounts.people.enable(&user.id, None);
            let user = act(accounts, act::PEOPLE_ENABLE, &*user.name, enable).await?;
            done(&user, "may sign in again")
        }),
    }
}

async fn add(accounts: &Accounts, name: &str, roles: Granted, invite: bool) -> anyhow::Result<()> {
    let people = &accounts.people;
    let grants = roles.grants();
    let subject = format!("{} as {grants}", name.trim());
    if !invite {
        let add = people.add_with_password(name, grants, read_password()?);
        let user = act(accounts, act::PEOPLE_INVITE, subject, add).await?;
        return done(&user, &format!("was added with: {}", roles_of(&user)));
    }
    let invite = people.invite(name, grants, "the command line", "");
    let (user, link) = act(accounts, act::PEOPLE_INVITE, subject, invite).await?;
    done(&user, &format!("was added with: {}", roles_of(&user)))?;
    terminal::line(format_args!(
        "open this at the console's address, once, before {}: /join#token={}",
        clock::text(link.expires_ms),
        link.token
    ))?;
    Ok(())
}

/// What the account was sending is not wanted any more, and takes room from others. Gives how many it were.
async fn cancel_uploads(accounts: &Accounts, user: &User) -> anyhow::Result<usize> {
    let uploads = accounts.uploads_of(&user.id).await.map_err(said)?;
    for upload in &uploads {
        let subject = format!(
            "{}, {} bytes, begun by {}",
            upload.name, upload.length, upload.owner
        );
        let cancel = accounts.cancel_upload(upload);
        let cancelled = act_in_cluster(
            accounts,
            act::FILE_UPLOAD_CANCEL,
            &upload.cluster,
            subject,
            cancel,
        );
        cancelled
            .await
            .with_context(|| format!("{} is disabled, but an upload is left", user.name))?;
    }
    Ok(uploads.len())
}

async fn list(accounts: &Accounts) -> anyhow::Result<()> {
    let users = accounts.people.list().await.map_err(said)?;
    let rows: Vec<_> = users
        .iter()
        .map(|user| {
            let state = match user {
                User {
                    disabled_ms: 1.., ..
                } => "disabled",
                user if !user.is_usable() => "invited",
                User { subject, .. } if !subject.is_empty() => "identity provider",
                _ => "password",
            };
            vec![
                user.name.clone(),
                roles_of(user),
                state.into(),
                clock::text(user.created_ms),
            ]
        })
        .collect();
    table(&["NAME", "ROLES", "SIGNS IN BY", "SINCE"], &rows)
}

async fn find(accounts: &Accounts, name: &str) -> anyhow::Result<User> {
    accounts.people.by_name(name).await.map_err(said)
}

fn roles_of(user: &User) -> String {
    if user.grants.is_empty() {
        return "no role".into();
    }
    user.grants.to_string()
}

fn done(user: &User, what: &str) -> anyhow::Result<()> {
    terminal::line(format_args!("{} {what}", user.name))?;
    Ok(())
}
