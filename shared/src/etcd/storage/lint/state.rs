//! What survives a restore: alarms, authentication, a downgrade, recorded versions.

use crate::etcd::storage::restore_options::LOWER_VERSIONS;
use crate::etcd::storage::schema::is_semver;
use crate::etcd::storage::version;
use crate::finding::{Finding, Report};

use super::{Seen, contents, plural};

pub(super) fn alarms(seen: &Seen<'_>, report: &mut Report) {
    for alarm in contents(seen).alarms.iter().flatten() {
        let (why, todo) = match alarm.alarm.as_str() {
            "NOSPACE" => (
                "It survives a restore and blocks every write, even where there is space.",
                "Choose “Clear active alarms” in the restore (--clear-alarms), or disarm it after the first start.",
            ),
            "CORRUPT" => (
                "It survives a restore and blocks every request; it was raised because members disagreed.",
                "Compare HashKV of all members before trusting this file, then choose “Clear active alarms” in the \
                 restore (--clear-alarms).",
            ),
            _ => (
                "It survives a restore.",
                "Choose “Clear active alarms” in the restore (--clear-alarms), or disarm it after the first start.",
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

pub(super) fn auth(seen: &Seen<'_>, report: &mut Report) {
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
            .todo("Have those passwords at hand, or choose “Turn authentication off” in the restore (--disable-auth) and set new ones."),
    );
}

pub(super) fn downgrade(seen: &Seen<'_>, report: &mut Report) {
    let Some(downgrade) = contents(seen).downgrade.as_ref().filter(|d| d.enabled) else {
        return;
    };
    let what = format!("A downgrade to {} is under way.", downgrade.target_version);
    report.push(
        Finding::warning("downgrade.enabled", "bucket cluster", what)
            .because("It survives a restore: servers of 3.5 with another version exit at start, those of 3.6 continue the downgrade.")
            .todo("Choose “Delete the downgrade state” in the restore (--clear-downgrade), unless the downgrade is to continue."),
    );
}

pub(super) fn versions(seen: &Seen<'_>, report: &mut Report) {
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
        let what = format!("{name} is {text:?}, not a known version of etcd (3.0 to 3.7).");
        report.push(
            Finding::warning("version.unknown", bucket, what)
                .because("Servers compare it with their own version: they refuse to start, or never get ready.")
                .todo(format!("Choose {LOWER_VERSIONS} in the restore, or use the tools of that version.")),
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
