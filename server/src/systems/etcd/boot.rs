//! The boot check: a second, throw-away restore of the same snapshot, whose members listen on sockets that no other
//! user of the machine can open, is started as a real cluster, and what it serves is compared with what the snapshot
//! holds.
//!
//! The placed members cannot be started as a cluster here: their membership names the peer addresses of the
//! machines that they are for. Everything else of the throw-away restore is the same: source, edits, version.
//! Then a copy of each placed member is started alone, which needs no other address: the very files boot. What
//! was started is said in the evidence, and nothing of it touches the placed members.

mod cluster;
mod placed;

use std::path::Path;

use requorum_shared::etcd::recovery::restore::{
    ExpectedService, MemberRequest, RestoreRequest, checks,
};
use requorum_shared::finding::{Check, Outcome};
use requorum_shared::number;

use self::cluster::Cluster;
use super::members::Dest;
use super::run::{Run, blocking, failed, free_bytes, spot};
use super::sockets::Sockets;
use crate::jobs::runner::StepError;
use crate::systems::Program;

/// Units of progress.
pub(super) const BOOTED: &str = "members booted";
pub(super) const COMPARED: &str = "members compared (HashKV)";
pub(super) const PLACED_BOOTED: &str = "members booted from their placed files";

/// Room that a booted member needs beside its database: etcd makes a second WAL segment ahead of need.
const BESIDE_DATABASE: u64 = 160 << 20;

/// Boots and compares.
pub(super) async fn check(
    run: &Run,
    binaries: &[Program],
    scratch: &Path,
    expected: &ExpectedService,
) -> Result<Vec<Check>, StepError> {
    let target = run.task.request.target_version;
    let Some(binary) = binaries.iter().find(|b| b.minor() == Some(target.minor())) else {
        let known: Vec<String> = binaries
            .iter()
            .map(|b| format!("{} at {}", b.version, b.path.display()))
            .collect();
        let known = if known.is_empty() {
            "no other version was found".to_owned()
        } else {
            format!("there is {}", known.join(", "))
        };
        return Ok(not_checked(
            run,
            &format!(
                "no etcd {target} was found on this server ({known}); its operator can add one with --etcd-bin"
            ),
        ));
    };
    let members = run.task.request.members.len() as u64;
    let need = members.saturating_mul(run.task.source.size.saturating_add(BESIDE_DATABASE));
    let free = free_bytes(scratch).unwrap_or(u64::MAX);
    if free < need {
        let (need, free) = number::sizes(need, free);
        return Ok(not_checked(
            run,
            &format!(
                "booting copies needs {need} in the server's data directory, and only {free} is free"
            ),
        ));
    }

    let folder = scratch.join(&run.context.job_id);
    let running = scratch.join(format!("{}.run", run.context.job_id));
    remove(&folder)?;
    remove(&running)?;
    let result = boot_and_look(run, binary, scratch, &running, expected).await;
    remove(&folder)?;
    remove(&running)?;
    result
}

async fn boot_and_look(
    run: &Run,
    binary: &Program,
    scratch: &Path,
    running: &Path,
    expected: &ExpectedService,
) -> Result<Vec<Check>, StepError> {
    let sockets = Sockets::make(running)
        .map_err(|error| failed(format!("{} cannot be made: {error}.", running.display())))?;
    let request = for_sockets(&run.task.request, &sockets);
    let start_revision = build(run, &request, scratch).await?;
    let line = format!(
        "Booting a throw-away restore of the same snapshot with etcd {}: {} on sockets that no other user \
         of this machine can open. Peer URLs and token differ from the plan's{}; the placed members are not touched.",
        binary.version,
        members(request.members.len()),
        if run.task.request.clean_up.auth {
            ""
        } else {
            ", authentication is off"
        },
    );
    run.context.progress.line(line);

    let folder = scratch.join(&run.context.job_id);
    let mut cluster = Cluster::start(binary, &folder, &request, &sockets).map_err(|error| {
        failed(format!(
            "{} cannot be started: {error}.",
            binary.path.display()
        ))
    })?;
    let looked = tokio::select! {
        looked = cluster.look(expected, &request, start_revision, &run.context.job_id, &run.context.progress) => Some(looked),
        () = run.context.cancel.cancelled() => None,
    };
    cluster.kill().await;
    let (mut seen, agreed) = looked.ok_or_else(stopped)?;
    remove(&folder)?;
    seen.extend(placed::check(run, binary, &folder, &sockets, agreed.as_ref()).await?);
    Ok(seen)
}

fn stopped() -> StepError {
    failed("The boot check was stopped.".into())
}

/// The same restore, for these sockets: a token of its own, and no passwords needed to look.
fn for_sockets(request: &RestoreRequest, sockets: &Sockets) -> RestoreRequest {
    let mut local = request.clone();
    local.token = format!("{}-boot-check", request.token);
    local.clean_up.auth = true;
    local.members = request
        .members
        .iter()
        .enumerate()
        .map(|(index, member)| MemberRequest {
            name: member.name.clone(),
            peer_urls: vec![sockets.of(index).peer_url()],
        })
        .collect();
    local
}

/// Builds the throw-away members; gives the revision that they must start at.
async fn build(run: &Run, request: &RestoreRequest, scratch: &Path) -> Result<i64, StepError> {
    let (run, request) = (run.clone(), request.clone());
    let scratch = scratch.to_owned();
    let context = run.context.clone();
    blocking(&context, move |cancel| {
        let spot = spot(&scratch, &run.context.job_id)
            .map_err(|error| failed(format!("{} cannot be opened: {error}.", scratch.display())))?;
        let dest = Dest::Folder(spot);
        run.restore_at(&dest, &request, cancel, |restore| {
            let built = restore.build()?;
            restore.place()?;
            Ok(built.edit.start_revision())
        })
    })
    .await
}

fn remove(folder: &Path) -> Result<(), StepError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(format!(
            "{} cannot be removed: {error}.",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// Without a boot everything is "not checked".
fn not_checked(run: &Run, why: &str) -> Vec<Check> {
    let unknown = |name| Check::new(name, Outcome::NotChecked, why);
    let members = run.task.request.member_names().into_iter();
    let placed = members.map(|member| unknown(checks::PLACED).of_part(member));
    let of_all = checks::of_all(&run.task.request).into_iter().map(unknown);
    of_all.chain(placed).collect()
}

fn members(count: usize) -> String {
    match count {
        1 => "1 member".into(),
        count => format!("{count} members"),
    }
}
