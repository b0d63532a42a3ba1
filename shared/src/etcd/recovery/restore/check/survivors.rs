//! What a restore leaves in the database although it belongs to the old cluster's life, and the choice it
//! offers (spec 4.5, 7.3 to 7.6).

use super::super::RestoreRequest;
use super::super::observation::{ALARM_UNREADABLE, SourceFacts};
use crate::finding::{Finding, Report};
use crate::number::{bytes, grouped};

/// The quota of a server that was given none.
const DEFAULT_QUOTA: u64 = 2 * 1024 * 1024 * 1024;

/// The largest database that upstream suggests.
const LARGEST_SUGGESTED: u64 = 8 * 1024 * 1024 * 1024;

pub(super) fn check(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    report.in_field("clean_up.alarms", |report| alarms(request, source, report));
    report.in_field("clean_up.auth", |report| auth(request, source, report));
    report.in_field("snapshot", |report| {
        leases(source, report);
        members(source, report);
        quota(source, report);
        report.findings.extend(source.remarks.iter().cloned());
    });
}

fn alarms(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    if source
        .unreadable
        .iter()
        .any(|code| code == ALARM_UNREADABLE)
    {
        let what = "Bucket `alarm` has an entry that is not an alarm";
        report.push(if request.clean_up.alarms {
            let flag = "--clear-alarms";
            Finding::note(
                "alarms.cleared",
                flag,
                format!("{what}; the bucket is cleared."),
            )
        } else {
            Finding::blocking("alarms.unreadable", "alarms", format!("{what}."))
                .because("Servers crash on it when they start.")
                .todo("Clear the alarms (--clear-alarms).")
        });
    } else if source.alarms.is_empty() && request.clean_up.alarms {
        report.push(Finding::note(
            "alarms.clear-needless",
            "--clear-alarms",
            "The file has no active alarms: nothing to clear.",
        ));
    }
    if source.alarms.is_empty() {
        return;
    }
    let list = source
        .alarms
        .iter()
        .map(|alarm| format!("{} of member {}", alarm.alarm, alarm.member_id))
        .collect::<Vec<_>>()
        .join(", ");
    let corrupt = source.alarms.iter().any(|alarm| alarm.alarm == "CORRUPT");
    if corrupt {
        report.push(
            Finding::warning(
                "alarms.corrupt",
                "alarms",
                format!("The old cluster found that its members differ: {list}."),
            )
            .because("The data of this member may be the wrong one.")
            .todo("Compare HashKV with the other members' files before you restore this one."),
        );
    }
    report.push(if request.clean_up.alarms {
        Finding::note(
            "alarms.cleared",
            "--clear-alarms",
            format!("Active alarms are cleared (etcdutl does not): {list}."),
        )
    } else {
        Finding::warning(
            "alarms.active",
            "alarms",
            format!("The restored cluster keeps an active alarm: {list}."),
        )
        .because(match corrupt {
            true => "The new cluster refuses all requests until the alarm is disarmed.",
            false => "The new cluster refuses all writes until the alarm is disarmed, even with free space.",
        })
        .todo("Clear the alarms in the restore (--clear-alarms), or run etcdctl alarm disarm once the cluster runs.")
    });
}

const AUTH_ENABLED: &str = "auth.enabled";
const AUTH_BROKEN: &str = "auth.administration";
/// What a report says of a restore after which clients have to sign in: one of these.
pub(in crate::etcd::recovery::restore) const AUTH_IS_ON: [&str; 2] = [AUTH_ENABLED, AUTH_BROKEN];

fn auth(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    if let (Some(problem), true, false) = (
        &source.auth_problem,
        source.auth_enabled,
        request.clean_up.auth,
    ) {
        report.push(
            Finding::warning(AUTH_BROKEN, "authentication", problem.what())
                .because(problem.why())
                .todo(problem.todo()),
        );
        return;
    }
    match (source.auth_enabled, request.clean_up.auth) {
        (false, false) => {}
        (false, true) => report.push(Finding::note(
            "auth.disable-needless",
            "--disable-auth",
            "Authentication is off in the file: nothing to turn off.",
        )),
        (true, false) => report.push(
            Finding::warning(
                AUTH_ENABLED,
                "authentication",
                format!(
                    "Authentication stays on, with {} users and their passwords at the time of the snapshot.",
                    source.users
                ),
            )
            .because("Clients with newer passwords cannot sign in. Without the root password, you cannot either.")
            .todo("Have the root password ready, or turn authentication off in the restore (--disable-auth)."),
        ),
        (true, true) => report.push(
            Finding::warning(
                "auth.disabled",
                "--disable-auth",
                "Authentication is turned off (etcdutl does not): anyone who reaches the new cluster can read and write.",
            )
            .todo("Block clients until you have set the root password and run etcdctl auth enable."),
        ),
    }
}

fn leases(source: &SourceFacts, report: &mut Report) {
    if source.leases > 0 {
        report.push(
            Finding::note(
                "leases.restart",
                "leases",
                format!(
                    "{} leases restart with their full TTL when a leader is elected.",
                    grouped(source.leases)
                ),
            )
            .because("Keys that have expired since come back, and expire again after the TTL."),
        );
    }
}

/// The old members: none of them is taken over, whatever state the file has them in.
fn members(source: &SourceFacts, report: &mut Report) {
    let old = source.known_members();
    let learners = old.iter().filter(|member| member.learner).count();
    if learners > 0 {
        report.push(Finding::note(
            "members.learners",
            "members",
            format!(
                "{learners} learners of the old cluster are not restored as learners: all new members are voters."
            ),
        ));
    }
    // Members that cannot be read differ from nothing.
    let (Some(conf_state), Some(_)) = (&source.conf_state, &source.members) else {
        return;
    };
    let known = |id: &String| old.iter().any(|member| member.id == *id);
    let named = |id: &String| conf_state.voters.contains(id) || conf_state.learners.contains(id);
    let strangers: Vec<&str> = old
        .iter()
        .filter(|member| !named(&member.id))
        .map(|member| member.id.as_str())
        .collect();
    let absent = conf_state.voters.iter().filter(|id| !known(id)).count();
    if !strangers.is_empty() || absent > 0 {
        report.push(
            Finding::note(
                "members.conf-state",
                "members",
                "The member list of the file and its confState differ.",
            )
            .because(
                "A restore by etcd's own tools leaves the confState of the cluster before, and one by etcdctl 3.4 the members of the cluster before.",
            )
            .todo("Nothing to do: both are rewritten for the new members."),
        );
    }
}

fn quota(source: &SourceFacts, report: &mut Report) {
    let size = source.image_size;
    if size <= DEFAULT_QUOTA {
        return;
    }
    let gib = size.div_ceil(1024 * 1024 * 1024);
    report.push(
        Finding::warning(
            "quota.default-too-small",
            "--quota-backend-bytes",
            format!(
                "The database has {}, more than the default quota of 2 GiB.",
                bytes(size)
            ),
        )
        .because("With the default quota, the first write raises a NOSPACE alarm.")
        .todo(format!(
            "Start the new members with --quota-backend-bytes of at least {}.",
            (gib + 2) * 1024 * 1024 * 1024
        )),
    );
    if size > LARGEST_SUGGESTED {
        report.push(
            Finding::note(
                "quota.large",
                "--quota-backend-bytes",
                "The database is larger than 8 GiB, the largest size that upstream recommends.",
            )
            .todo("Compact and defragment once the cluster runs."),
        );
    }
}
