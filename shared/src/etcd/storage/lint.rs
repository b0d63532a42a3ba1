//! What a sound file means for whoever restores it: oddities of the store, membership, and what survives.
//!
//! Each check is a small function, all of them run, and each finding says why it matters and what to do.

mod cluster;

use hashbrown::HashMap;

use crate::bbolt::Database;
use crate::finding::{Finding, Report};

use super::contents::Read;
use super::hashkv::user_key;
use super::inspection::Contents;
use super::mvcc::{Oddity, Walk};
use super::schema::{self, Revision, is_semver};
use super::version;

/// Above this etcd's default quota is exceeded, in bytes.
const DEFAULT_QUOTA: u64 = 2 << 30;
/// Entries of the compact revision that are looked at for an operation of two halves.
const MAX_ENTRIES_OF_REVISION: usize = 10_000;

/// Everything that was read of a file.
pub(super) struct Seen<'a> {
    pub(super) database: &'a Database<'a>,
    pub(super) walk: &'a Walk,
    pub(super) read: &'a Read,
    /// The file's name.
    pub(super) name: &'a str,
}

/// Runs all checks.
pub(super) fn lint(seen: &Seen<'_>, report: &mut Report) {
    let checks: [fn(&Seen<'_>, &mut Report); 17] = [
        oddities,
        missing_buckets,
        unknown_leases,
        leased_keys,
        deleted_and_made_again,
        alarms,
        auth,
        downgrade,
        versions,
        compaction,
        membership,
        duplicate_members,
        learners,
        quota,
        cluster::bootstrap,
        cluster::encryption,
        cluster::name,
    ];
    for check in checks {
        check(seen, report);
    }
}

fn contents<'a>(seen: &Seen<'a>) -> &'a Contents {
    &seen.read.contents
}

fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What the entries of bucket `key` should not be (spec 2.2).
fn oddities(seen: &Seen<'_>, report: &mut Report) {
    type Make = fn(String, String, String) -> Finding;
    let kinds: [(Oddity, Make, &str, &str, &str, &str); 7] = [
        (
            Oddity::RevisionKey,
            Finding::blocking,
            "mvcc.revision-key",
            "keys in bucket `key` are no revisions",
            "Servers crash at start on such a key; etcdutl 3.6 refuses the file.",
            "Use another snapshot, or another member's database.",
        ),
        (
            Oddity::Undecodable,
            Finding::blocking,
            "mvcc.undecodable",
            "values in bucket `key` cannot be decoded",
            "Servers crash at start on such a value; etcdutl 3.6 refuses the file.",
            "Use another snapshot, or another member's database.",
        ),
        (
            Oddity::Mark,
            Finding::warning,
            "mvcc.mark",
            "revisions have an 18th byte that is not `t`",
            "etcd reads them as puts, but never writes them: the byte was damaged, perhaps a deletion's.",
            "Compare HashKV with another member's file.",
        ),
        (
            Oddity::ModRevision,
            Finding::warning,
            "mvcc.mod-revision",
            "values name another mod_revision than the revision they are stored under",
            "The store contradicts itself: clients that compare revisions will misbehave.",
            "Compare HashKV with another member's file.",
        ),
        (
            Oddity::Version,
            Finding::warning,
            "mvcc.version",
            "puts have a version below 1",
            "etcd counts versions from 1; transactions that compare versions take such a key for absent.",
            "Compare HashKV with another member's file.",
        ),
        (
            Oddity::CreateRevision,
            Finding::warning,
            "mvcc.create-revision",
            "keys were made after they were last written",
            "The store contradicts itself.",
            "Compare HashKV with another member's file.",
        ),
        (
            Oddity::EmptyKey,
            Finding::note,
            "mvcc.empty-key",
            "puts have an empty key",
            "A revision bump of an earlier restore leaves one such marker; etcdutl 3.6 counts it as a key, and clients do not see it.",
            "",
        ),
    ];
    for (oddity, make, code, what, why, todo) in kinds {
        let Some((count, place)) = seen.walk.seen(oddity) else {
            continue;
        };
        let what = format!(
            "{count} {what}; the first on page {}, element {}.",
            place.page, place.index
        );
        let mut finding = make(code.to_owned(), "bucket key".to_owned(), what);
        finding = finding.because(why).todo(todo);
        if let Some(offset) = place.offset {
            finding = finding.at_offset(offset);
        }
        report.push(finding.at_page(place.page, seen.database.page_size()));
    }
}

fn missing_buckets(seen: &Seen<'_>, report: &mut Report) {
    if !seen.read.has_meta && seen.walk.tree.buckets_complete {
        let what = "The file has no bucket `meta`.";
        let finding = Finding::warning("bucket.meta-missing", "bucket meta", what);
        report.push(
            finding
                .because("etcdutl 3.6 and 3.7 crash on it, and nothing says which revisions are compacted.")
                .todo("Find out how this file was made; a server's own file always has it."),
        );
    }
}

/// Keys that no lease will ever expire (spec 7.4).
fn unknown_leases(seen: &Seen<'_>, report: &mut Report) {
    if seen.walk.leased.is_empty() {
        return;
    }
    let Some(known) = &seen.read.lease_ids else {
        let what = "Whether all keys with a lease have one in the file was not checked.";
        report.push(
            Finding::note("lease.not-checked", "bucket lease", what).because(
                "Bucket `lease` could not be read whole, or has more than a million leases.",
            ),
        );
        return;
    };
    let mut unknown = seen.walk.leased.clone();
    unknown.retain(|(lease, _)| known.binary_search(lease).is_err());
    let keys: u64 = unknown.iter().map(|(_, count)| count).sum();
    if keys == 0 {
        return;
    }
    unknown.sort_unstable();
    let ids: Vec<_> = unknown
        .iter()
        .take(5)
        .map(|(id, _)| format!("{id:x}"))
        .collect();
    let more = if unknown.len() > 5 { ", …" } else { "" };
    let what = format!(
        "{} attached to leases that are not in the file: {}{more}.",
        plural(keys, "key is", "keys are"),
        ids.join(", ")
    );
    report.push(
        Finding::warning("lease.unknown", "bucket lease", what)
            .because("Such keys never expire: the server logs that it failed to attach a lease and keeps them.")
            .todo("After the restore, delete those that should have expired."),
    );
}

/// Keys that a restore gives another life (spec 7.4).
fn leased_keys(seen: &Seen<'_>, report: &mut Report) {
    let Some(known) = &seen.read.lease_ids else {
        return;
    };
    let attached = seen.walk.leased.iter();
    let attached = attached.filter(|(lease, _)| known.binary_search(lease).is_ok());
    let (mut leases, mut keys) = (0, 0);
    for (_, count) in attached {
        leases += 1;
        keys += count;
    }
    if keys == 0 {
        return;
    }
    let what = format!(
        "{} attached to {}.",
        plural(keys, "key is", "keys are"),
        plural(leases, "lease", "leases")
    );
    report.push(
        Finding::note("lease.keys", "bucket lease", what)
            .because("After a restore each lease runs again from its full time to live, or from its last checkpoint: keys whose lease no client renews are deleted then, also those that had expired by now."),
    );
}

/// A key deleted and made again in the transaction at which the store was compacted can vanish: etcd #22376.
fn deleted_and_made_again(seen: &Seen<'_>, report: &mut Report) {
    let Some(compact) = seen.read.marks.map(|marks| marks.compact()) else {
        return;
    };
    if compact < 0 {
        return;
    }
    let Some(page) = find_both_halves(seen.database, compact) else {
        return;
    };
    let what = format!(
        "Revision {compact} deletes a key and makes it again, and the store is compacted at exactly that revision."
    );
    report.push(
        Finding::warning(
            "mvcc.deleted-and-made-again",
            format!("revision {compact}"),
            what,
        )
        .because("etcd can lose the key's live value at such a compaction (etcd issue 22376).")
        .todo("Check that key after the restore.")
        .at_page(page, seen.database.page_size()),
    );
}

fn find_both_halves(database: &Database<'_>, main: i64) -> Option<u64> {
    let bucket = database.bucket(schema::KEY).ok()??;
    let mut cursor = bucket.cursor();
    let start = Revision {
        main,
        sub: 0,
        tombstone: false,
    };
    cursor.seek(&start.encode()).ok()?;
    let mut deleted: Vec<Vec<u8>> = Vec::new();
    let mut scratch = Vec::new();
    for _ in 0..MAX_ENTRIES_OF_REVISION {
        let entry = cursor.next().ok()??;
        let revision = Revision::parse(entry.key)?;
        if revision.main != main {
            return None;
        }
        let key = user_key(&entry, &mut scratch).ok()?;
        if revision.tombstone {
            deleted.push(key.to_vec());
        } else if deleted.iter().any(|deleted| deleted == key) {
            return Some(entry.page);
        }
    }
    None
}

fn alarms(seen: &Seen<'_>, report: &mut Report) {
    for alarm in contents(seen).alarms.iter().flatten() {
        let (why, todo) = match alarm.alarm.as_str() {
            "NOSPACE" => (
                "It survives a restore and blocks every write, even where there is space.",
                "Clear alarms with the restore, or disarm it after the first start.",
            ),
            "CORRUPT" => (
                "It survives a restore and blocks every request; it was raised because members disagreed.",
                "Compare HashKV of all members before trusting this file, then clear alarms with the restore.",
            ),
            _ => (
                "It survives a restore.",
                "Clear alarms with the restore, or disarm it after the first start.",
            ),
        };
        let what = format!(
            "{} alarm, raised by member {}.",
            alarm.alarm, alarm.member_id
        );
        let subject = format!("member {}", alarm.member_id);
        let finding = Finding::warning("alarm.active", subject, what);
        report.push(finding.because(why).todo(todo));
    }
}

fn auth(seen: &Seen<'_>, report: &mut Report) {
    let auth = &contents(seen).auth;
    if auth.enabled != Some(true) {
        return;
    }
    let count = |n: Option<usize>, one: &str, many: &str| {
        n.map_or_else(
            || format!("an unknown number of {many}"),
            |n| plural(n as u64, one, many),
        )
    };
    let what = format!(
        "Authentication is on, with {} and {}.",
        count(auth.users.as_ref().map(Vec::len), "user", "users"),
        count(auth.roles.as_ref().map(Vec::len), "role", "roles")
    );
    if let Some(problem) = &auth.problem {
        report.push(
            Finding::warning("auth.administration", "bucket authUsers", problem.what())
                .because(problem.why())
                .todo(problem.todo()),
        );
        return;
    }
    report.push(
        Finding::note("auth.enabled", "bucket auth", what)
            .because("It survives a restore: clients need the passwords of the time of the snapshot.")
            .todo("Have those passwords at hand, or turn authentication off with the restore and set new ones."),
    );
}

fn downgrade(seen: &Seen<'_>, report: &mut Report) {
    let Some(downgrade) = contents(seen).downgrade.as_ref().filter(|d| d.enabled) else {
        return;
    };
    let what = format!("A downgrade to {} is under way.", downgrade.target_version);
    report.push(
        Finding::warning("downgrade.enabled", "bucket cluster", what)
            .because("It survives a restore: servers of 3.5 with another version exit at start, those of 3.6 go on with the downgrade.")
            .todo("Delete the downgrade state with the restore, unless the downgrade is to go on."),
    );
}

fn versions(seen: &Seen<'_>, report: &mut Report) {
    let contents = contents(seen);
    let recorded = [
        (
            "clusterVersion",
            "bucket cluster",
            &contents.cluster_version,
        ),
        ("storageVersion", "bucket meta", &contents.storage_version),
    ];
    let unknown = recorded
        .into_iter()
        .filter_map(|(name, bucket, text)| Some((name, bucket, text.as_deref()?)))
        .filter(|(_, _, text)| !version::is_known(text))
        // That it is no version at all was said of it already.
        .filter(|(name, _, text)| *name != "storageVersion" || is_semver(text.as_bytes()));
    let before = report.findings.len();
    for (name, bucket, text) in unknown {
        let what =
            format!("{name} is {text:?}, no version of etcd that is known here (3.0 to 3.7).");
        report.push(
            Finding::warning("version.unknown", bucket, what)
                .because("Servers compare it with their own version: they refuse to start, or never get ready.")
                .todo("Have the restore write it anew (--lower-versions), or use the tools of that version."),
        );
    }
    if report.findings.len() > before {
        return;
    }
    let minor = |version: &str| {
        let mut parts = version.split('.').map(str::parse::<u32>);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    };
    let storage = contents.storage_version.as_deref().and_then(minor);
    let cluster = contents.cluster_version.as_deref().and_then(minor);
    if let (Some(storage), Some(cluster)) = (storage, cluster)
        && storage != cluster
    {
        let what = format!(
            "The data has the schema of {}.{}, the cluster ran as {}.{}.",
            storage.0, storage.1, cluster.0, cluster.1
        );
        report.push(
            Finding::note("version.differs", "bucket meta", what)
                .because("An upgrade or downgrade was under way when the snapshot was taken."),
        );
    }
}

fn compaction(seen: &Seen<'_>, report: &mut Report) {
    let Some(scheduled) = contents(seen).scheduled_compact_revision else {
        return;
    };
    let what = format!("A compaction at revision {scheduled} was asked for and has not ended.");
    report.push(
        Finding::note("compaction.pending", "bucket meta", what)
            .because("The first server to start from this file carries it out: older revisions are gone then."),
    );
}

/// Members that nobody knows (spec 7.3).
fn membership(seen: &Seen<'_>, report: &mut Report) {
    let contents = contents(seen);
    let Some(members) = &contents.members else {
        return;
    };
    for removed in contents.removed_members.iter().flatten() {
        if members.iter().any(|member| &member.id == removed) {
            let what = format!("Member {removed} is listed, and among the removed ones too.");
            let finding = Finding::warning("members.removed", format!("member {removed}"), what);
            report.push(
                finding
                    .because("A removed member may never return: servers refuse it.")
                    .todo("A restore replaces all members and forgets the removed ones."),
            );
        }
    }
    let conf = contents.conf_state.as_ref();
    let known = |id: &String| {
        conf.is_some_and(|conf| conf.voters.contains(id) || conf.learners.contains(id))
    };
    let strangers: Vec<_> = members.iter().filter(|member| !known(&member.id)).collect();
    if let Some(conf) = conf
        && !members.is_empty()
        && !conf.voters.is_empty()
    {
        let gone: Vec<_> = conf
            .voters
            .iter()
            .filter(|id| !members.iter().any(|member| &member.id == *id))
            .map(String::as_str)
            .collect();
        if strangers.len() == members.len() && gone.len() == conf.voters.len() {
            let what = format!(
                "meta/confState names other voters ({}) than bucket `members`.",
                gone.join(", ")
            );
            report.push(
                Finding::note("members.conf-state-of-old-cluster", "bucket meta", what)
                    .because("That is what a restore by etcd's own tools leaves until the first change of members; bucket `members` is right, and no server reads confState back."),
            );
            return;
        }
        if !gone.is_empty() {
            let what = format!("Voters {} are not in bucket `members`.", gone.join(", "));
            report.push(
                Finding::warning("members.missing", "bucket members", what)
                    .because("A change of members reached one record and not the other.")
                    .todo("A restore writes both anew from the members that you name."),
            );
        }
        if !strangers.is_empty() {
            report.push(zombies(strangers.iter().map(|member| member.id.as_str())));
        }
        return;
    }
    // Files of 3.4 have no confState; a name that occurs twice gives stale members away.
    let twice = members.iter().filter(|member| {
        !member.name.is_empty() && members.iter().filter(|m| m.name == member.name).count() > 1
    });
    let twice: Vec<_> = twice.map(|member| member.id.as_str()).collect();
    if !twice.is_empty() {
        report.push(zombies(twice.into_iter()));
    }
}

fn zombies<'a>(ids: impl Iterator<Item = &'a str>) -> Finding {
    let ids = ids.collect::<Vec<_>>().join(", ");
    let what =
        format!("Bucket `members` holds members of an earlier cluster: at least some of {ids}.");
    Finding::warning("members.stale", "bucket members", what)
        .because("Restores by etcdctl 3.4 leave them; 3.4 and 3.5 ignore them, an upgrade to 3.6 brings them back as voters that do not exist.")
        .todo("A restore by Requorum replaces all of them.")
}

/// Members that have the name or a peer URL of another one, whatever confState says of them.
fn duplicate_members(seen: &Seen<'_>, report: &mut Report) {
    if report.find("members.stale").is_some() {
        // They are named there, with the reason.
        return;
    }
    let members = contents(seen).members.as_deref().unwrap_or_default();
    let mut owners: HashMap<(&str, &str), Vec<&str>, std::hash::RandomState> = HashMap::default();
    for member in members {
        let names = std::iter::once(("name", member.name.as_str()));
        let urls = member
            .peer_urls
            .iter()
            .map(|url| ("peer URL", url.as_str()));
        for (kind, text) in names.chain(urls).filter(|(_, text)| !text.is_empty()) {
            let ids = owners.entry((kind, text)).or_default();
            if ids.last() != Some(&member.id.as_str()) {
                ids.push(&member.id);
            }
        }
    }
    let mut twice: Vec<_> = owners
        .into_iter()
        .filter(|(_, ids)| ids.len() > 1)
        .collect();
    twice.sort_unstable();
    for ((kind, text), ids) in twice {
        let what = format!(
            "Members {} have the same {kind}, {text}.",
            ids.join(" and ")
        );
        report.push(
            Finding::warning("members.duplicate", "bucket members", what)
                .because(
                    "At most one of them runs; the other one counts for the quorum all the same.",
                )
                .todo("A restore by Requorum replaces all members."),
        );
    }
}

fn learners(seen: &Seen<'_>, report: &mut Report) {
    let contents = contents(seen);
    let Some(conf) = &contents.conf_state else {
        return;
    };
    let members = contents.members.iter().flatten();
    for member in members.filter(|member| member.learner) {
        if conf.voters.contains(&member.id) {
            let what = format!("Member {} is marked as a learner and votes.", member.id);
            report.push(
                Finding::warning("members.learner-votes", format!("member {}", member.id), what)
                    .because("3.5.1 to 3.5.19 forgot to store promotions; 3.6 then refuses to start with too many learners.")
                    .todo("A restore makes every member a voter."),
            );
        }
    }
}

fn quota(seen: &Seen<'_>, report: &mut Report) {
    let Some(meta) = seen.walk.tree.meta else {
        return;
    };
    let size = meta.logical_size();
    if size <= DEFAULT_QUOTA {
        return;
    }
    let free = match contents(seen).free_bytes {
        Some(free) => format!("{free} of them free"),
        None => "how many of them are free is unknown".to_owned(),
    };
    let what = format!("The database has {size} bytes, {free}; the default quota is 2 GiB.");
    report.push(
        Finding::warning("quota.default", "file", what)
            .because("A restore does not make it smaller: at the first write the servers raise NOSPACE unless their quota is higher.")
            .todo("Set --quota-backend-bytes above the size on every member, or defragment after the start."),
    );
}
