//! A throw-away cluster while it runs: started, waited for, looked at.

use std::path::Path;
use std::time::{Duration, Instant};

use requorum_shared::etcd::recovery::restore::checks::{
    BOOTS, HASH_EQUAL, HASH_SOURCE, KEYS, LEADER, MEMBERS, REVISION, WRITES, of_all,
};
use requorum_shared::etcd::recovery::restore::{ExpectedService, RestoreRequest};
use requorum_shared::finding::{Check, Outcome};
use requorum_shared::number::{self, signed};

use super::{BOOTED, COMPARED};
use crate::jobs::context::Progress;
use crate::systems::Program;
use crate::systems::etcd::client::{
    Client, HashKvResponse, Refused, StatusResponse, is_by_alarm, is_for_now,
};
use crate::systems::etcd::process::{Member, Process};
use crate::systems::etcd::sockets::Sockets;

/// How long the members may take until they have a leader and know each other's names.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(90);
/// How long members may differ while each finishes the compaction that a raised revision begins with.
const EQUAL_WITHIN: Duration = Duration::from_secs(60);
/// How long a write is tried again while members change their leader.
const WRITTEN_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The running members.
#[derive(Debug)]
pub(super) struct Cluster {
    members: Vec<(String, Process, Client)>,
    version: String,
    /// The checks that are made of it.
    checks: Vec<&'static str>,
}

impl Cluster {
    pub(super) fn start(
        binary: &Program,
        folder: &Path,
        request: &RestoreRequest,
        sockets: &Sockets,
    ) -> std::io::Result<Self> {
        let mut members = Vec::new();
        for (index, member) in request.members.iter().enumerate() {
            let socket = sockets.of(index);
            let process = Process::start(
                binary,
                &Member {
                    name: &member.name,
                    data: &folder.join(&member.name),
                    log: sockets.file(&format!("{index}.log")),
                    socket: &socket,
                    alone: false,
                },
            )?;
            let client = Client::at(&socket);
            members.push((member.name.clone(), process, client));
        }
        Ok(Self {
            members,
            version: binary.version.clone(),
            checks: of_all(request),
        })
    }

    /// Ends all members.
    pub(super) async fn kill(self) {
        for (_, process, _) in self.members {
            process.kill().await;
        }
    }

    /// Waits until the cluster serves, compares, and writes a key with `id` in its name.
    pub(super) async fn look(
        &mut self,
        expected: &ExpectedService,
        request: &RestoreRequest,
        start_revision: i64,
        id: &str,
        progress: &Progress,
    ) -> (Vec<Check>, Option<HashKvResponse>) {
        let statuses = match self.ready(progress).await {
            Ok(statuses) => statuses,
            Err(checks) => return (checks, None),
        };
        let count = self.members.len();
        let mut checks = vec![
            Check::new(
                BOOTS,
                Outcome::Pass,
                format!(
                    "{} of a throw-away restore of the same snapshot booted as etcd {} on local sockets, with \
                     other peer URLs and token than the plan's",
                    super::members(count),
                    self.version
                ),
            ),
            leader(&statuses),
            self.member_names().await,
        ];
        let hashes = self.hashes(expected, start_revision, progress);
        let (hash_checks, agreed) = hashes.await;
        checks.extend(hash_checks);
        checks.push(self.keys(expected).await);
        // The last: a write changes revision, hash and count.
        checks.push(self.writes(id, request).await);
        (checks, agreed)
    }

    /// Every member's status, once all have a leader.
    async fn ready(&mut self, progress: &Progress) -> Result<Vec<StatusResponse>, Vec<Check>> {
        let total = self.members.len() as u64;
        let mut booted = vec![false; self.members.len()];
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let mut statuses = Vec::new();
            let mut silent = Vec::new();
            for ((name, process, client), booted) in self.members.iter_mut().zip(&mut booted) {
                if let Some(ended) = process.ended() {
                    let what = format!("{name} ended ({ended}): {}", process.last_words());
                    return Err(self.nothing(BOOTS, &what));
                }
                match client.status().await {
                    Ok(status) if status.leader != 0 => {
                        statuses.push(status);
                        if !std::mem::replace(booted, true) {
                            progress.at_part(name, 1, 1, BOOTED);
                        }
                    }
                    Ok(_) => silent.push(format!("{name} has no leader")),
                    Err(status) => silent.push(format!("{name}: {}", status.message())),
                }
            }
            progress.at(statuses.len() as u64, total, BOOTED);
            if silent.is_empty() {
                return Ok(statuses);
            }
            if Instant::now() > deadline {
                let what = format!("after {} s: {}", READY_WITHIN.as_secs(), silent.join("; "));
                return Err(self.nothing(LEADER, &what));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn member_names(&self) -> Check {
        let mut planned: Vec<String> = self.members.iter().map(|(name, ..)| name.clone()).collect();
        planned.sort();
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let mut wrong = String::new();
            for (name, _, client) in &self.members {
                match client.member_names().await {
                    Ok(names) if names == planned => {}
                    // A member publishes its name once it serves.
                    Ok(names) => wrong = format!("{name} lists {}", names.join(", ")),
                    Err(status) => wrong = format!("{name}: {}", status.message()),
                }
            }
            if wrong.is_empty() {
                let evidence = format!("each member lists {}", planned.join(", "));
                return Check::new(MEMBERS, Outcome::Pass, evidence);
            }
            if Instant::now() > deadline {
                return Check::new(MEMBERS, Outcome::Fail, wrong);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn hashes(
        &self,
        expected: &ExpectedService,
        start_revision: i64,
        progress: &Progress,
    ) -> (Vec<Check>, Option<HashKvResponse>) {
        let deadline = Instant::now() + EQUAL_WITHIN;
        let hashes = loop {
            match self.hash_all(progress).await {
                Ok(hashes) if agree(&hashes) || Instant::now() > deadline => break hashes,
                Ok(_) => {}
                Err(what) if Instant::now() > deadline => {
                    let names = [HASH_EQUAL, HASH_SOURCE, REVISION].into_iter();
                    let checks = names
                        .filter(|name| self.checks.contains(name))
                        .map(|name| Check::new(name, Outcome::NotChecked, what.clone()));
                    return (checks.collect(), None);
                }
                Err(_) => {}
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        let said = |hash: &HashKvResponse| {
            format!(
                "{} at revision {}, compacted at {}",
                number::hash_kv(hash.hash),
                signed(revision(hash)),
                signed(hash.compact_revision)
            )
        };
        let equal = if agree(&hashes) {
            let evidence = hashes.first().map_or_else(String::new, said);
            Check::new(
                HASH_EQUAL,
                Outcome::Pass,
                format!("{evidence}, on all {}", hashes.len()),
            )
        } else {
            let each: Vec<String> = self
                .members
                .iter()
                .zip(&hashes)
                .map(|((name, ..), hash)| format!("{name} {}", said(hash)))
                .collect();
            Check::new(HASH_EQUAL, Outcome::Fail, each.join("; "))
        };
        let agreed = agree(&hashes).then(|| hashes.first().cloned()).flatten();
        let source = self.checks.contains(&HASH_SOURCE);
        let checks = [
            Some(equal),
            source.then(|| against_source(&hashes, expected)),
            Some(at_revision(&hashes, start_revision)),
        ];
        (checks.into_iter().flatten().collect(), agreed)
    }

    async fn hash_all(&self, progress: &Progress) -> Result<Vec<HashKvResponse>, String> {
        let mut hashes = Vec::new();
        let total = self.members.len() as u64;
        for (name, _, client) in &self.members {
            let hash = client.hash_kv().await.map_err(|status| {
                format!("{name} does not say its HashKV: {}", status.message())
            })?;
            hashes.push(hash);
            progress.at(hashes.len() as u64, total, COMPARED);
        }
        Ok(hashes)
    }

    /// The first check fails, and nothing after it can be made.
    fn nothing(&self, failed: &str, what: &str) -> Vec<Check> {
        let all = &self.checks;
        let at = all.iter().position(|name| *name == failed).unwrap_or(0);
        all.iter()
            .enumerate()
            .map(|(index, name)| match index.cmp(&at) {
                std::cmp::Ordering::Less => Check::new(*name, Outcome::Pass, "the processes run"),
                std::cmp::Ordering::Equal => Check::new(*name, Outcome::Fail, what),
                std::cmp::Ordering::Greater => {
                    Check::new(*name, Outcome::NotChecked, "the cluster did not come up")
                }
            })
            .collect()
    }

    /// Whether a key can be written by one member, read by another, and deleted.
    async fn writes(&self, id: &str, request: &RestoreRequest) -> Check {
        let key = format!("requorum-boot-check/{id}");
        let (Some((first, _, writer)), Some((last, _, reader))) =
            (self.members.first(), self.members.last())
        else {
            return Check::new(WRITES, Outcome::NotChecked, "there is no member");
        };
        let refused = |name: &str, status: &Refused| {
            // What it keeps by choice is a warning of the plan already, and no fault of the files.
            if is_by_alarm(status) && !request.clean_up.alarms {
                let why = format!(
                    "{name} refuses writes: {}. An alarm of the snapshot was kept; the new cluster refuses them too \
                     until it is disarmed",
                    status.message()
                );
                return Check::new(WRITES, Outcome::NotChecked, why);
            }
            Check::new(
                WRITES,
                Outcome::Fail,
                format!("{name}: {}", status.message()),
            )
        };
        let once = async || {
            writer.put(&key).await.map_err(|status| (first, status))?;
            let seen = reader.has(&key).await.map_err(|status| (last, status))?;
            let deleted = writer.delete(&key).await;
            let deleted = deleted.map_err(|status| (first, status))?;
            Ok::<_, (&String, Refused)>((seen, deleted))
        };
        let deadline = Instant::now() + WRITTEN_WITHIN;
        let (seen, deleted) = loop {
            match once().await {
                Ok(did) => break did,
                // The leader may change at any moment: that is no fault of the files.
                Err((_, status)) if is_for_now(&status) && Instant::now() < deadline => {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Err((name, status)) => return refused(name, &status),
            }
        };
        if seen && deleted == 1 {
            let did = format!(
                "one key was written by {first}, read by {last} and deleted, in the throw-away restore only"
            );
            Check::new(WRITES, Outcome::Pass, did)
        } else {
            let what = match seen {
                true => format!("{first} deleted {deleted} keys of the one that it had written"),
                false => format!("{last} does not serve the key that {first} has written"),
            };
            Check::new(WRITES, Outcome::Fail, what)
        }
    }

    async fn keys(&self, expected: &ExpectedService) -> Check {
        let Some(live_keys) = expected.live_keys else {
            return Check::new(
                KEYS,
                Outcome::NotChecked,
                "the snapshot's own keys could not be counted",
            );
        };
        let mut counts = Vec::new();
        for (name, _, client) in &self.members {
            match client.key_count().await {
                Ok(count) => counts.push((name, count)),
                Err(error) => {
                    return Check::new(
                        KEYS,
                        Outcome::NotChecked,
                        format!("{name}: {}", error.message()),
                    );
                }
            }
        }
        let each: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let all = counts
            .iter()
            .all(|(_, count)| u64::try_from(*count) == Ok(live_keys));
        let leases = expected.leases;
        if all {
            Check::new(KEYS, Outcome::Pass, format!("{live_keys} on each member"))
        } else if leases > 0 {
            // A lease that ends while the copies run takes its keys with it, as it would on the real members.
            Check::new(
                KEYS,
                Outcome::NotChecked,
                format!(
                    "the snapshot has {live_keys}; served were {}; {leases} leases may have ended meanwhile",
                    each.join(", ")
                ),
            )
        } else {
            Check::new(
                KEYS,
                Outcome::Fail,
                format!(
                    "the snapshot has {live_keys}; served were {}",
                    each.join(", ")
                ),
            )
        }
    }
}

fn leader(statuses: &[StatusResponse]) -> Check {
    let mut leaders: Vec<u64> = statuses.iter().map(|s| s.leader).collect();
    leaders.dedup();
    match leaders.as_slice() {
        [one] => Check::new(
            LEADER,
            Outcome::Pass,
            format!("all {} follow {one:x}", statuses.len()),
        ),
        several => Check::new(LEADER, Outcome::Fail, format!("they follow {several:x?}")),
    }
}

pub(super) fn revision(hash: &HashKvResponse) -> i64 {
    hash.header.as_ref().map_or(0, |h| h.revision)
}

pub(super) fn agree(hashes: &[HashKvResponse]) -> bool {
    hashes.windows(2).all(|pair| {
        pair[0].hash == pair[1].hash
            && pair[0].compact_revision == pair[1].compact_revision
            && revision(&pair[0]) == revision(&pair[1])
    })
}

fn against_source(hashes: &[HashKvResponse], expected: &ExpectedService) -> Check {
    let unknown = |why: String| Check::new(HASH_SOURCE, Outcome::NotChecked, why);
    let Some(source) = &expected.hash_kv else {
        return unknown("the snapshot's own HashKV could not be computed".into());
    };
    let Some(first) = hashes.first() else {
        return unknown("there is no member".into());
    };
    // etcd calls "never compacted" 0 or -1, depending on the version.
    let compacted = |revision: i64| revision.max(0);
    if compacted(first.compact_revision) != compacted(source.compact_revision)
        || revision(first) != source.revision.max(1)
    {
        return unknown(format!(
            "the copies are at revision {} and compacted at {}; the snapshot's hash is for {} and {}",
            signed(revision(first)),
            signed(first.compact_revision),
            signed(source.revision),
            signed(source.compact_revision)
        ));
    }
    if hashes.iter().all(|hash| hash.hash == source.hash) {
        Check::new(HASH_SOURCE, Outcome::Pass, number::hash_kv(source.hash))
    } else {
        Check::new(
            HASH_SOURCE,
            Outcome::Fail,
            format!(
                "the snapshot's is {}, the first member's {}",
                number::hash_kv(source.hash),
                number::hash_kv(first.hash)
            ),
        )
    }
}

fn at_revision(hashes: &[HashKvResponse], start_revision: i64) -> Check {
    let seen: Vec<i64> = hashes.iter().map(revision).collect();
    let text: Vec<String> = seen.iter().map(|served| signed(*served)).collect();
    let planned = signed(start_revision);
    let evidence = format!("planned {planned}, served {}", text.join(", "));
    let outcome = if !seen.is_empty() && seen.iter().all(|r| *r >= start_revision) {
        Outcome::Pass
    } else {
        Outcome::Fail
    };
    Check::new(REVISION, outcome, evidence)
}
