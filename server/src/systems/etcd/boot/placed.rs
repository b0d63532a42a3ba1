//! The very files that were placed: a copy of each member is started alone (`--force-new-cluster`), and must
//! serve what the throw-away cluster served.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cap_std::fs::Dir;
use requorum_shared::etcd::recovery::restore::checks::PLACED;
use requorum_shared::finding::{Check, Outcome};
use requorum_shared::number::{self, signed};

use super::cluster::{LOOK_EVERY, READY_WITHIN, agree, revision};
use super::{PLACED_BOOTED, remove, stopped};
use crate::jobs::runner::StepError;
use crate::systems::Program;
use crate::systems::etcd::client::{Client, HashKvResponse, wants_password};
use crate::systems::etcd::process::{Member, Process};
use crate::systems::etcd::run::{Run, blocking, failed};
use crate::systems::etcd::sockets::Sockets;

/// How long a member that answers may take until it answers the same as the cluster.
const SETTLES_WITHIN: Duration = Duration::from_secs(20);

/// The copy's name in the scratch folder.
const ALONE: &str = "member-alone";

/// What one member answered.
enum Answer {
    /// Its HashKV.
    Hash(HashKvResponse),
    /// It serves, and wants a password.
    Password,
}

/// Boots a copy of each, one after the other. The first that fails ends it.
pub(super) async fn check(
    run: &Run,
    binary: &Program,
    scratch: &Path,
    sockets: &Sockets,
    cluster: Option<&HashKvResponse>,
) -> Result<Vec<Check>, StepError> {
    let mut seen = Vec::new();
    let members = &run.task.request.members;
    let progress = &run.context.progress;
    let total = members.len() as u64;
    for member in members {
        progress.at_part(&member.name, 0, 1, PLACED_BOOTED);
    }
    for (index, member) in members.iter().enumerate() {
        let name = &member.name;
        if seen
            .iter()
            .any(|check: &Check| check.outcome == Outcome::Fail)
        {
            let why = "an earlier member's placed files do not boot";
            seen.push(Check::new(PLACED, Outcome::NotChecked, why).of_part(name));
            continue;
        }
        progress.at(index as u64, total, PLACED_BOOTED);
        copy(run, name, scratch).await?;
        // The members of the cluster have the numbers before.
        let number = members.len() + index;
        let alone = Member {
            name,
            data: &scratch.join(ALONE),
            log: sockets.file(&format!("{number}.log")),
            socket: &sockets.of(number),
            alone: true,
        };
        let answer = boot(run, binary, &alone, cluster).await;
        remove(scratch)?;
        seen.push(judged(answer?, &binary.version, cluster).of_part(name));
        progress.at_part(name, 1, 1, PLACED_BOOTED);
        progress.at(index as u64 + 1, total, PLACED_BOOTED);
    }
    Ok(seen)
}

/// What the copy of one member's files came to.
fn judged(
    answer: Result<Answer, String>,
    version: &str,
    cluster: Option<&HashKvResponse>,
) -> Check {
    let booted = format!(
        "a copy of the placed files booted as etcd {version}, alone with --force-new-cluster"
    );
    match answer {
        Err(what) => Check::new(PLACED, Outcome::Fail, what),
        Ok(Answer::Password) => Check::new(
            PLACED,
            Outcome::Pass,
            format!(
                "{booted}; it asks for a password, because authentication is on in the snapshot: HashKV was not \
                 compared"
            ),
        ),
        Ok(Answer::Hash(hash)) if cluster.is_some_and(|cluster| !agree(&[*cluster, hash])) => {
            let what = format!(
                "it serves HashKV {} at revision {}, and the throw-away cluster did not",
                number::hash_kv(hash.hash),
                signed(revision(&hash))
            );
            Check::new(PLACED, Outcome::Fail, what)
        }
        Ok(Answer::Hash(hash)) => {
            let compared = match cluster {
                Some(_) => "as the throw-away cluster",
                None => "which could not be compared",
            };
            let what = format!(
                "{booted}: HashKV {}, {compared}",
                number::hash_kv(hash.hash)
            );
            Check::new(PLACED, Outcome::Pass, what)
        }
    }
}

async fn copy(run: &Run, name: &str, scratch: &Path) -> Result<(), StepError> {
    let (run, name, to) = (run.clone(), name.to_owned(), scratch.to_owned());
    let context = run.context.clone();
    blocking(&context, move |_| {
        let copied = run.placed_folder()?.open_dir(&name).and_then(|from| {
            make(&to)?;
            copy_folder(&from, &to.join(ALONE))
        });
        copied.map_err(|error| {
            failed(format!(
                "{name} cannot be copied for its boot check: {error}."
            ))
        })
    })
    .await
}

fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn copy_folder(from: &Dir, to: &Path) -> std::io::Result<()> {
    make(to)?;
    for entry in from.entries()? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&entry.open_dir()?, &to.join(&name))?;
        } else if kind.is_file() {
            let mut source = entry.open()?.into_std();
            std::io::copy(&mut source, &mut File::create(to.join(&name))?)?;
        }
    }
    Ok(())
}

/// Starts the copy and asks it; what went wrong is an answer too.
async fn boot(
    run: &Run,
    binary: &Program,
    member: &Member<'_>,
    wanted: Option<&HashKvResponse>,
) -> Result<Result<Answer, String>, StepError> {
    let mut process = Process::start(binary, member).map_err(|error| {
        failed(format!(
            "{} cannot be started: {error}.",
            binary.path.display()
        ))
    })?;
    let client = Client::at(member.socket);
    let answer = tokio::select! {
        answer = ask(&mut process, &client, wanted) => Some(answer),
        () = run.context.cancel.cancelled() => None,
    };
    process.kill().await;
    answer.ok_or_else(stopped)
}

async fn ask(
    process: &mut Process,
    client: &Client,
    wanted: Option<&HashKvResponse>,
) -> Result<Answer, String> {
    let mut deadline = Instant::now() + READY_WITHIN;
    let mut answered = false;
    loop {
        if let Some(ended) = process.ended() {
            return Err(format!("it ended ({ended}): {}", process.last_words()));
        }
        let silent = match client.hash_kv().await {
            Ok(hash) => {
                let same = wanted.is_none_or(|wanted| agree(&[*wanted, hash]));
                if same || answered && Instant::now() > deadline {
                    return Ok(Answer::Hash(hash));
                }
                // A raised revision begins with a compaction: the answer may still change.
                if !answered {
                    answered = true;
                    deadline = Instant::now() + SETTLES_WITHIN;
                }
                String::new()
            }
            Err(status) if wants_password(&status) => return Ok(Answer::Password),
            Err(status) => status.message().to_owned(),
        };
        if !answered && Instant::now() > deadline {
            return Err(format!("after {} s: {silent}", READY_WITHIN.as_secs()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
