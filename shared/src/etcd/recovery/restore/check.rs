//! The check before a restore: facts and a request in, findings out. The page runs it while the operator types;
//! the server runs it again, and its answer counts.

mod source;
mod survivors;
mod target;
mod versions;

use std::collections::BTreeMap;

pub(super) use self::survivors::AUTH_IS_ON;
use super::bump;
use super::cluster::{self, Cluster};
use super::observation::Observation;
use super::{MemberRequest, RestoreRequest, peer_url};
use crate::finding::{Finding, Report, Severity};
use crate::number::{grouped, signed};

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
    let members = &request.members;
    let count = members.len();
    if count > 0 && count.is_multiple_of(2) {
        report.push(
            Finding::warning(
                "members.even",
                "--initial-cluster",
                format!(
                    "A cluster of {count} members tolerates no more failures than one of {}.",
                    count - 1
                ),
            )
            .because("Quorum is more than half of the members.")
            .todo("Restore an odd number of members."),
        );
    }
    if count == 1 {
        report.push(
            Finding::note(
                "members.single",
                "--initial-cluster",
                "A cluster of 1 member stops when that member stops.",
            )
            .todo("Restore 3 members, or add members once it runs."),
        );
    }
    let urls: Vec<Vec<String>> = members.iter().map(written).collect();
    check_loopback(request, &urls, report);
    check_schemes(request, &urls, report);
    check_case(request, report);
    for (position, member) in members.iter().enumerate() {
        let field = format!("members[{position}].peer_urls");
        let client_port = urls[position].iter().find(|url| {
            peer_url::host_and_port(url).is_some_and(|address| address.ends_with(":2379"))
        });
        if let Some(url) = client_port {
            report.push(
                Finding::warning(
                    "member.url-client-port",
                    cluster::label(members, position),
                    format!("{url} uses port 2379, the default client port of etcd."),
                )
                .in_field(&field)
                .because("Members talk to each other on port 2380 by default. A port that serves clients cannot serve peers.")
                .todo("Use the peer port, such as 2380, unless this cluster is set up otherwise."),
            );
        }
        if member.peer_urls.len() > 1 {
            report.push(
                Finding::note(
                    "member.urls",
                    cluster::label(members, position),
                    format!(
                        "The member has {} peer URLs. Its ID is computed from all of them.",
                        member.peer_urls.len()
                    ),
                )
                .in_field(&field),
            );
        }
    }
}

/// The member's URLs as etcd writes them, without those that are refused.
fn written(member: &MemberRequest) -> Vec<String> {
    let urls = member.peer_urls.iter();
    urls.filter_map(|url| peer_url::normalize(url).ok())
        .collect()
}

/// Addresses that lead each machine to itself: good for all members on one machine, and for nothing else.
fn check_loopback(request: &RestoreRequest, urls: &[Vec<String>], report: &mut Report) {
    let count = urls.len();
    let local: Vec<(usize, &String)> = (0..)
        .zip(urls)
        .filter_map(|(position, urls)| Some((position, urls.iter().find(|url| is_loopback(url))?)))
        .collect();
    if count < 2 || local.is_empty() {
        return;
    }
    if local.len() == count {
        report.push(
            Finding::note(
                "members.one-machine",
                "--initial-cluster",
                format!("All {count} members are at localhost: they run on one machine and fail with it."),
            )
            .todo("Use the addresses of different machines, unless this is a test."),
        );
        return;
    }
    for (position, url) in local {
        report.push(
            Finding::warning(
                "member.url-loopback",
                cluster::label(&request.members, position),
                format!("{url} leads every machine to itself: members on other machines cannot reach it."),
            )
            .in_field(format!("members[{position}].peer_urls"))
            .because("The other members have addresses of their own, so they seem to run elsewhere.")
            .todo("Use an address that the other members can reach."),
        );
    }
}

/// TLS between some members and none between others.
fn check_schemes(request: &RestoreRequest, urls: &[Vec<String>], report: &mut Report) {
    let with = |scheme: &str| -> Vec<usize> {
        let uses = |urls: &Vec<String>| urls.iter().any(|url| url.starts_with(scheme));
        (0..urls.len()).filter(|at| uses(&urls[*at])).collect()
    };
    let (plain, tls) = (with("http://"), with("https://"));
    if plain.is_empty() || tls.is_empty() {
        return;
    }
    // The fewer are the slip; among as many, those without TLS.
    let (odd, scheme) = match plain.len() <= tls.len() {
        true => (plain, "http"),
        false => (tls, "https"),
    };
    for position in odd {
        report.push(
            Finding::warning(
                "member.url-scheme",
                cluster::label(&request.members, position),
                format!("The member uses {scheme}, and other members do not."),
            )
            .in_field(format!("members[{position}].peer_urls"))
            .because("A peer that speaks TLS and one that does not cannot connect to each other.")
            .todo("Use https for all members, or http for all."),
        );
    }
}

/// Names that a person, or a file system, may take for one another.
fn check_case(request: &RestoreRequest, report: &mut Report) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (position, member) in request.members.iter().enumerate() {
        let name = member.name.as_str();
        match seen.get(&name.to_lowercase()) {
            Some(other) if *other != name => report.push(
                Finding::warning(
                    "member.name-case",
                    cluster::label(&request.members, position),
                    format!(
                        "{} and {} differ only in upper and lower case.",
                        cluster::shown(other),
                        cluster::shown(name)
                    ),
                )
                .in_field(format!("members[{position}].name"))
                .because("Names are folders too, and are easily mistaken for one another.")
                .todo("Choose another name."),
            ),
            Some(_) => {}
            None => {
                seen.insert(name.to_lowercase(), name);
            }
        }
    }
}

fn is_loopback(url: &str) -> bool {
    peer_url::host_and_port(url).is_some_and(|address| {
        let address = address.to_ascii_lowercase();
        address.starts_with("localhost:")
            || address.starts_with("127.")
            || address.starts_with("[::1]:")
    })
}

fn check_token(request: &RestoreRequest, report: &mut Report) {
    const SUBJECT: &str = "--initial-cluster-token";
    const FRESH: &str = "Use a new token, such as etcd-prod-2026-11-21.";
    let unusual = |c: &char| !(c.is_ascii_alphanumeric() || "-_.:+@/".contains(*c));
    if request.token.is_empty() {
        report.push(
            Finding::warning("token.empty", SUBJECT, "The token is empty.")
                .because("IDs then depend on the peer URLs alone and are the same at each restore: old members can join.")
                .todo(FRESH),
        );
    } else if request.token == DEFAULT_TOKEN {
        report.push(
            Finding::warning(
                "token.default",
                SUBJECT,
                format!("{DEFAULT_TOKEN} is the default token of every cluster."),
            )
            .because("With the same URLs the new members get the IDs of the old ones.")
            .todo(FRESH),
        );
    } else if request.token.trim() != request.token {
        report.push(
            Finding::warning(
                "token.space",
                SUBJECT,
                "The token starts or ends with white space.",
            )
            .because("White space counts: the same token typed without it gives other IDs.")
            .todo("Remove the white space."),
        );
    } else if let Some(c) = request.token.chars().find(unusual) {
        let what = match c.is_whitespace() {
            true => "The token contains white space.".to_owned(),
            false => format!("The token contains {c:?}."),
        };
        report.push(
            Finding::warning("token.characters", SUBJECT, what)
                .because(
                    "Flags, unit files and scripts need quotes around it, or read it differently.",
                )
                .todo("Use letters, digits, dots, dashes and underscores."),
        );
    }
}

/// Whether a new member gets the id of an old one.
fn check_old_ids(request: &RestoreRequest, observation: &Observation, report: &mut Report) {
    let Ok(cluster) = Cluster::new(&request.members, &request.token) else {
        return;
    };
    let old = observation.source.known_members();
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
                    format!("The new member gets ID {id}, the same as the old member {old_name}."),
                )
                .because(
                    "An old member that still runs joins the new cluster as if it belonged to it.",
                )
                .todo("Use a new token, and stop the old members before you start the new ones."),
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
                "The revision is bumped, but older revisions are not marked compacted.",
            )
            .because("Watches would resume across the gap and miss events without an error.")
            .todo("Add --mark-compacted."),
        );
    }
    if bump == 0 && request.mark_compacted {
        report.push(
            Finding::blocking(
                "bump.mark-alone",
                "--mark-compacted",
                "Older revisions are marked compacted, but the revision is not bumped.",
            )
            .in_field("mark_compacted")
            .because("The mark is written at the bumped revision.")
            .todo("Add --bump-revision, or remove --mark-compacted."),
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
                    "{} bumped by {} exceeds the largest revision, {}.",
                    signed(source.last_revision),
                    grouped(bump),
                    signed(i64::MAX)
                ),
            )
            .because("etcdutl wraps to negative revisions and reports success.")
            .todo(format!(
                "Bump by less, such as {}.",
                grouped(bump::WHEN_UNKNOWN)
            )),
        ),
        Some(start) if bump > 0 && start <= source.current_revision => report.push(
            Finding::blocking(
                "bump.below-compaction",
                BUMP,
                format!(
                    "Bumped by {} the revision is {}, but the file already records a compaction at {}.",
                    grouped(bump),
                    signed(start),
                    signed(source.current_revision)
                ),
            )
            .because("The server starts at the higher one, so the bump has no effect.")
            .todo(format!(
                "Bump by more than {}.",
                signed(source.current_revision.saturating_sub(source.last_revision))
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
            let kubernetes = source.is_of_kubernetes();
            let (severity, because) = match kubernetes {
                true => (
                    Severity::Warning,
                    "The snapshot is of a Kubernetes cluster: controllers and kubelets that saw a later revision keep \
                     stale caches and miss changes, without an error.",
                ),
                false => (
                    Severity::Note,
                    "Clients that saw a later revision, above all Kubernetes, keep stale caches and miss changes.",
                ),
            };
            report.push(
                Finding::new(
                    severity,
                    "bump.none",
                    BUMP,
                    format!(
                        "The revision is not bumped: it continues from {}.",
                        signed(source.current_revision)
                    ),
                )
                .because(because)
                .todo(format!(
                    "Bump the revision beyond anything that was served. Upstream recommends {}.",
                    grouped(bump::WHEN_UNKNOWN)
                )),
            );
        } else if request.bump_revision < bump::MIN_MARGIN
            && start.is_some_and(|start| start > source.current_revision)
        {
            report.push(
                Finding::warning(
                    "bump.small",
                    BUMP,
                    format!(
                        "A bump of {} is small: a busy cluster writes as many revisions within minutes.",
                        grouped(request.bump_revision)
                    ),
                )
                .because("Clients that saw a later revision keep stale caches and miss changes.")
                .todo(format!(
                    "Bump by {}, which upstream recommends, or enter the highest revision observed on the old cluster.",
                    grouped(bump::WHEN_UNKNOWN)
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
                    "The snapshot is {} revisions behind the highest revision observed, {}.",
                    signed(lost),
                    signed(seen.revision)
                ),
            )
            .in_field("last_seen")
            .because("Everything written in those revisions is lost.")
            .todo("Look for a newer snapshot or a surviving member first."),
        );
    }
    let advice = match suggestion.grown {
        Some(grown) => format!(
            "Bump by {}: {} to reach the highest revision observed, {} for writes since then, {} as margin.",
            grouped(suggestion.bump),
            grouped(suggestion.floor),
            grouped(grown),
            grouped(suggestion.margin)
        ),
        None => format!(
            "Bump by {}: {} to reach the highest revision observed, {} as margin. How much was written since then is \
                 unknown: state the writes per hour and the time unobserved, or bump by more.",
            grouped(suggestion.bump),
            grouped(suggestion.floor),
            grouped(suggestion.margin)
        ),
    };
    if start.is_some_and(|start| start < seen.revision) {
        report.push(
            Finding::warning(
                "bump.too-small",
                BUMP,
                format!(
                    "The new cluster starts at revision {}, below the highest revision observed, {}.",
                    signed(start.unwrap_or_default()),
                    signed(seen.revision)
                ),
            )
            .because("Clients that saw a later revision keep stale caches and miss changes.")
            .todo(advice),
        );
    } else if request.bump_revision
        < suggestion
            .floor
            .saturating_add(suggestion.grown.unwrap_or(0))
    {
        report.push(
            Finding::warning(
                "bump.no-margin",
                BUMP,
                "The bump does not cover writes after the highest revision observed.",
            )
            .because("Clients that saw a later revision keep stale caches and miss changes.")
            .todo(advice),
        );
    }
}

#[cfg(test)]
mod tests;
