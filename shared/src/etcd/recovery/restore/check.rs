//! The check before a restore: facts and a request in, findings out. The page runs it while the operator types;
//! the server runs it again, and its answer counts.

mod source;
mod survivors;
mod target;
mod versions;

use super::bump;
use super::cluster::{self, Cluster};
use super::observation::Observation;
use super::{RestoreRequest, peer_url};
use crate::finding::{Finding, Report};

/// The token that etcd takes when none is given.
pub const DEFAULT_TOKEN: &str = "etcd-cluster";

/// Checks everything and never stops at the first problem, unless that is more members than we restore. The findings
/// are in the order of the form: members, token, revision, the file, its version, what survives in it, the target.
pub fn check(request: &RestoreRequest, observation: &Observation) -> Report {
    let mut report = check_request(request);
    if cluster::too_many(&request.members).is_some() {
        return report;
    }
    report
        .findings
        .extend(check_file(request, observation).findings);
    report.in_field("target", |report| {
        target::check(request, observation, report)
    });
    report
}

/// The part of [`check`] that needs the request alone.
pub fn check_request(request: &RestoreRequest) -> Report {
    let mut report = Report::default();
    report.in_field("members", |report| {
        Cluster::check(&request.members, &request.token, report);
    });
    if cluster::too_many(&request.members).is_some() {
        return report;
    }
    report.in_field("members", |report| check_topology(request, report));
    report.in_field("token", |report| check_token(request, report));
    report.in_field("bump_revision", |report| check_flags(request, report));
    report
}

/// The part of [`check`] that holds the request against the file.
pub fn check_file(request: &RestoreRequest, observation: &Observation) -> Report {
    let mut report = Report::default();
    if !observation.source.is_restorable() {
        // Of a file that is refused, nothing else matters, and little of it is known.
        source::check(request, &observation.source, &mut report);
        return report;
    }
    report.in_field("token", |report| {
        check_old_ids(request, observation, report)
    });
    report.in_field("bump_revision", |report| {
        check_bump(request, observation, report)
    });
    source::check(request, &observation.source, &mut report);
    versions::check(request, &observation.source, &mut report);
    survivors::check(request, &observation.source, &mut report);
    report
}

/// Bytes that the result takes on the target's file system, all members together: each database with the pages
/// that the edits append, the `.snap`, and the one block of the WAL that is not a hole.
pub fn need_bytes(request: &RestoreRequest, observation: &Observation) -> u64 {
    const RAFT_FILES_AND_EDITS: u64 = 1024 * 1024;
    let each = observation
        .source
        .image_size
        .saturating_add(RAFT_FILES_AND_EDITS);
    each.saturating_mul(request.members.len() as u64)
}

fn check_topology(request: &RestoreRequest, report: &mut Report) {
    let count = request.members.len();
    if count > 0 && count.is_multiple_of(2) {
        report.push(
            Finding::warning(
                "members.even",
                "--initial-cluster",
                format!(
                    "A cluster of {count} can lose no more members than one of {}.",
                    count - 1
                ),
            )
            .because("Quorum is more than half.")
            .todo("Restore an odd number of members."),
        );
    }
    if count == 1 {
        report.push(
            Finding::note(
                "members.single",
                "--initial-cluster",
                "A cluster of one member stops when that member does.",
            )
            .todo("Restore three, or add members once it runs."),
        );
    }
    for (position, member) in request.members.iter().enumerate() {
        let field = format!("members[{position}].peer_urls");
        let alone = member
            .peer_urls
            .iter()
            .filter_map(|url| peer_url::normalize(url).ok())
            .find(|url| is_loopback(url));
        if let Some(url) = alone.filter(|_| count > 1) {
            report.push(
                Finding::note(
                    "member.url-loopback",
                    format!("member {}", cluster::shown(member.name.trim())),
                    format!("{url} can be reached on its own machine only."),
                )
                .in_field(&field)
                .todo("Use an address that the other members' machines can reach, unless all run on one."),
            );
        }
        let client_port = member
            .peer_urls
            .iter()
            .filter_map(|url| peer_url::normalize(url).ok())
            .find(|url| {
                peer_url::host_and_port(url).is_some_and(|address| address.ends_with(":2379"))
            });
        if let Some(url) = client_port {
            report.push(
                Finding::warning(
                    "member.url-client-port",
                    format!("member {}", member.name.trim()),
                    format!("{url} has port 2379, at which etcd serves clients by default."),
                )
                .in_field(&field)
                .because("Peers are reached at port 2380 by default; a port taken by clients cannot serve them.")
                .todo("Use the peer port, such as 2380, unless this cluster was set up otherwise."),
            );
        }
        if member.peer_urls.len() > 1 {
            report.push(
                Finding::note(
                    "member.urls",
                    format!("member {}", cluster::shown(member.name.trim())),
                    format!(
                        "The member has {} peer URLs; all of them enter its id.",
                        member.peer_urls.len()
                    ),
                )
                .in_field(&field),
            );
        }
    }
}

fn is_loopback(url: &str) -> bool {
    peer_url::host_and_port(url).is_some_and(|address| {
        address.starts_with("localhost:")
            || address.starts_with("127.")
            || address.starts_with("[::1]:")
    })
}

fn check_token(request: &RestoreRequest, report: &mut Report) {
    const SUBJECT: &str = "--initial-cluster-token";
    const FRESH: &str = "Use a token that was never used, such as etcd-prod-2026-11-21.";
    if request.token.is_empty() {
        report.push(
            Finding::warning("token.empty", SUBJECT, "There is no token.")
                .because("Ids are then made of the peer URLs alone, the same at each restore.")
                .todo(FRESH),
        );
    } else if request.token == DEFAULT_TOKEN {
        report.push(
            Finding::warning(
                "token.default",
                SUBJECT,
                format!("{DEFAULT_TOKEN} is the token that every cluster gets by default."),
            )
            .because("With the same URLs the new members get the ids of the old ones.")
            .todo(FRESH),
        );
    } else if request.token.trim() != request.token {
        report.push(
            Finding::warning(
                "token.space",
                SUBJECT,
                "The token begins or ends with white space.",
            )
            .because("It counts: whoever types the token without it computes other ids.")
            .todo("Remove it."),
        );
    }
}

/// Whether a new member gets the id of an old one.
fn check_old_ids(request: &RestoreRequest, observation: &Observation, report: &mut Report) {
    let Ok(cluster) = Cluster::new(&request.members, &request.token) else {
        return;
    };
    let old = &observation.source.members;
    for member in cluster.members() {
        let id = member.id.to_string();
        if let Some(old) = old.iter().find(|old| old.id == id) {
            let old_name = if old.name.is_empty() {
                "without a name"
            } else {
                &old.name
            };
            report.push(
                Finding::warning(
                    "members.same-id",
                    format!("member {}", member.name),
                    format!("It gets the id {id}, which the old member {old_name} has."),
                )
                .because("An old member that still runs would talk to the new cluster as if it were its own.")
                .todo("Use a token that was never used, and make sure that the old members are stopped."),
            );
        }
    }
}

/// The two flags of the bump go together.
fn check_flags(request: &RestoreRequest, report: &mut Report) {
    const BUMP: &str = "--bump-revision";
    let bump = request.bump_revision;
    if bump > 0 && !request.mark_compacted {
        report.push(
            Finding::blocking(
                "bump.without-mark",
                BUMP,
                "The revision is raised, but the old revisions are not marked compacted.",
            )
            .because("Watches would resume across the gap without noticing what they missed.")
            .todo("Give --mark-compacted too."),
        );
    }
    if bump == 0 && request.mark_compacted {
        report.push(
            Finding::blocking(
                "bump.mark-alone",
                "--mark-compacted",
                "The old revisions are marked compacted, but the revision is not raised.",
            )
            .in_field("mark_compacted")
            .because("The mark is written at the raised revision.")
            .todo("Give --bump-revision too, or leave --mark-compacted out."),
        );
    }
}

fn check_bump(request: &RestoreRequest, observation: &Observation, report: &mut Report) {
    const BUMP: &str = "--bump-revision";
    let source = &observation.source;
    let bump = request.bump_revision;
    let start = bump::raised(source.last_revision, bump);
    match start {
        None => report.push(
            Finding::blocking(
                "bump.overflow",
                BUMP,
                format!(
                    "{} raised by {bump} is beyond the greatest revision, {}.",
                    source.last_revision,
                    i64::MAX
                ),
            )
            .because("etcdutl would go on into negative revisions and report success.")
            .todo(format!("Raise it by less, such as {}.", bump::WHEN_UNKNOWN)),
        ),
        Some(start) if bump > 0 && start <= source.current_revision => report.push(
            Finding::blocking(
                "bump.below-compaction",
                BUMP,
                format!(
                    "Raised by {bump} the revision is {start}, but the file already records a compaction at {}.",
                    source.current_revision
                ),
            )
            .because("The server would start at the higher one, and the raised revision would mean nothing.")
            .todo(format!(
                "Raise it by more than {}.",
                source.current_revision.saturating_sub(source.last_revision)
            )),
        ),
        Some(_) => {}
    }
    check_seen(request, observation, start, report);
}

/// What was seen served, against what the new cluster will start at.
fn check_seen(
    request: &RestoreRequest,
    observation: &Observation,
    start: Option<i64>,
    report: &mut Report,
) {
    const BUMP: &str = "--bump-revision";
    let source = &observation.source;
    let Some(seen) = &request.last_seen else {
        if request.bump_revision == 0 {
            report.push(
                Finding::note(
                    "bump.none",
                    BUMP,
                    format!("Revisions start again at {}.", source.current_revision),
                )
                .because(
                    "Clients that saw a later one, above all Kubernetes, keep stale caches and miss changes.",
                )
                .todo(format!(
                    "Raise it beyond anything that was served; {} is what upstream recommends.",
                    bump::WHEN_UNKNOWN
                )),
            );
        }
        return;
    };
    let suggestion = bump::suggest(source.current_revision, seen);
    let lost = seen.revision.saturating_sub(source.current_revision);
    if lost > 0 {
        report.push(
            Finding::warning(
                "source.older-than-seen",
                "snapshot",
                format!(
                    "The snapshot is {lost} revisions older than the newest that was seen, {}.",
                    seen.revision
                ),
            )
            .in_field("last_seen")
            .because("What was written in them is gone.")
            .todo("Look for a newer snapshot or a surviving member first."),
        );
    }
    let advice = format!(
        "Raise it by {}: {} to reach what was seen, {} for what may have been written since, {} to spare.",
        suggestion.bump, suggestion.floor, suggestion.grown, suggestion.margin
    );
    if start.is_some_and(|start| start < seen.revision) {
        report.push(
            Finding::warning(
                "bump.too-small",
                BUMP,
                format!(
                    "The new cluster starts at revision {}, below {}, which was seen.",
                    start.unwrap_or_default(),
                    seen.revision
                ),
            )
            .because("Clients that saw a later revision keep stale caches and miss changes.")
            .todo(advice),
        );
    } else if request.bump_revision < suggestion.floor.saturating_add(suggestion.grown) {
        report.push(
            Finding::warning(
                "bump.no-margin",
                BUMP,
                "The raised revision does not cover what may have been written after it was last seen.",
            )
            .because("Clients that saw a later revision keep stale caches and miss changes.")
            .todo(advice),
        );
    }
}

#[cfg(test)]
mod tests;
