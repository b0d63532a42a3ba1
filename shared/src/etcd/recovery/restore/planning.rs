//! From a request that nothing blocks to the draft of a plan.

use super::observation::{Observation, SourceFacts, TargetState};
use super::{
    RestoreRequest, RestoreStep, RestoreTask, Target, bump, check, native_commands, need_bytes,
};
use crate::finding::{Finding, Outcome, Report};
use crate::plan::{Draft, Fact, Step, Undo};
use crate::value::Value;

/// The plan for `request`, with every choice made. `seen_at` is when the observation was taken, RFC 3339 in UTC.
///
/// # Errors
/// The whole report, when something in it blocks.
pub fn draft(
    request: &RestoreRequest,
    observation: &Observation,
    seen_at: &str,
) -> Result<Draft<RestoreStep>, Report> {
    let report = check_sealable(request, observation);
    if report.blocks() {
        return Err(report);
    }
    Ok(Draft {
        outcome: outcome(request, observation),
        facts: facts(request, observation, seen_at),
        report,
        steps: steps(request, observation),
    })
}

/// The [`check`], and whether the request survives being sealed. A restore without a plan may raise the revision by
/// more; a plan cannot say so.
pub fn check_sealable(request: &RestoreRequest, observation: &Observation) -> Report {
    /// The greatest whole number that canonical JSON (RFC 8785) keeps exactly.
    const MAX_EXACT: u64 = (1 << 53) - 1;
    let mut report = check(request, observation);
    let bump = request.bump_revision;
    if bump > MAX_EXACT && report.find("bump.overflow").is_none() {
        report.push(
            Finding::blocking(
                "bump.inexact",
                "--bump-revision",
                format!("A plan holds numbers exactly up to {MAX_EXACT}, and this is {bump}."),
            )
            .in_field("bump_revision")
            .because("Sealed plans are canonical JSON, where greater numbers are rounded.")
            .todo(format!("Raise it by less, such as {}.", bump::WHEN_UNKNOWN)),
        );
    }
    report
}

fn members(count: usize) -> String {
    match count {
        1 => "1 member".to_owned(),
        count => format!("{count} members"),
    }
}

fn outcome(request: &RestoreRequest, observation: &Observation) -> String {
    let source = &observation.source;
    let start = if request.bump_revision == 0 {
        source.current_revision
    } else {
        // The check has refused a bump that overflows.
        bump::raised(source.last_revision, request.bump_revision).unwrap_or(i64::MAX)
    };
    let revision = if request.bump_revision == 0 {
        format!("revision {start}")
    } else {
        format!("revision {start}, raised from {}", source.last_revision)
    };
    format!(
        "A new cluster of {} ({}) for etcd {}, with the keys of {} at {revision}, in {}.",
        members(request.members.len()),
        request.member_names().join(", "),
        request.target_version,
        source.name,
        observation.target.place,
    )
}

fn facts(request: &RestoreRequest, observation: &Observation, seen_at: &str) -> Vec<Fact> {
    let fact = |key: &str, value: Value, statement: String, source: &str| Fact {
        key: key.to_owned(),
        subject: key.split('.').next().unwrap_or(key).replace('-', " "),
        statement,
        value,
        volatile: false,
        source: source.to_owned(),
        seen_at: seen_at.to_owned(),
    };
    let source = &observation.source;
    let mut facts = vec![
        fact(
            "snapshot.sha256",
            Value::Sha256(source.sha256.clone()),
            format!(
                "{} has {} bytes and the SHA-256 {}.",
                source.name, source.size, source.sha256
            ),
            "the stored file",
        ),
        fact(
            "snapshot.trailer",
            Value::Text(proven(source).to_owned()),
            proof(source),
            "its inspection",
        ),
        fact(
            "snapshot.revision",
            Value::Revision(source.current_revision),
            format!(
                "Its last revision is {}; a server would start at {}.",
                source.last_revision, source.current_revision
            ),
            "its inspection",
        ),
    ];
    if let Some(fallback) = &source.fallback {
        facts.push(fact(
            "snapshot.older-meta",
            Value::Flag(true),
            fallback.clone(),
            "its inspection",
        ));
    }
    let target = &observation.target;
    let (is, statement) = match target.state {
        TargetState::Missing => ("missing", format!("{} does not exist.", target.place)),
        TargetState::Empty => ("empty", format!("{} is an empty folder.", target.place)),
        _ => ("unknown", format!("{} was not looked at.", target.place)),
    };
    const FILE_SYSTEM: &str = "the server's file system";
    facts.push(fact(
        "target.state",
        Value::Text(is.to_owned()),
        statement,
        FILE_SYSTEM,
    ));
    if let Some(free) = target.free_bytes {
        facts.push(Fact {
            // It changes with every breath; whether it is enough is checked.
            volatile: true,
            ..fact(
                "target.free-bytes",
                Value::Bytes(free),
                format!("{free} bytes are free there."),
                FILE_SYSTEM,
            )
        });
    }
    if !observation.cluster.is_empty() {
        facts.push(fact(
            "cluster.name",
            Value::Text(observation.cluster.clone()),
            format!("The snapshot is kept as one of {}.", observation.cluster),
            "the person who uploaded or assigned it",
        ));
    }
    if let Some(seen) = &request.last_seen {
        facts.push(fact(
            "old-cluster.last-seen",
            Value::Revision(seen.revision),
            format!("The newest revision seen was {}.", seen.revision),
            "the operator",
        ));
    }
    facts
}

fn proven(source: &SourceFacts) -> &'static str {
    match source.bytes {
        Outcome::Pass => "agrees",
        Outcome::Fail => "differs",
        Outcome::NotChecked => "absent",
    }
}

fn proof(source: &SourceFacts) -> String {
    let bytes = match source.bytes {
        Outcome::Pass => "Its trailer's SHA-256 agrees",
        Outcome::Fail => "Its trailer's SHA-256 does not agree",
        Outcome::NotChecked => "It has no trailer to compare with",
    };
    format!("{bytes}, and every page of its tree is reached once.")
}

fn steps(request: &RestoreRequest, observation: &Observation) -> Vec<Step<RestoreStep>> {
    let source = &observation.source;
    let place = &observation.target.place;
    let count = members(request.members.len());
    let need = need_bytes(request, observation);
    let restore = RestoreTask {
        source: source.file(),
        request: request.clone(),
        cluster: observation.cluster.clone(),
    };
    let target = &request.target;
    let place_them = match target {
        Target::Folder { .. } => format!("Move them to {place}"),
        Target::Download => "Offer them for download".to_owned(),
    };
    let native = native_commands(
        request,
        &source.name,
        matches!(target, Target::Folder { .. }).then_some(place.as_str()),
    )
    .join("\n");
    vec![
        Step {
            number: 0,
            title: format!("Prove that {} is still the same file", source.name),
            probe: "Never taken as done: it is read again at each run.".to_owned(),
            effect: "Nothing changes. A file that differs voids the plan.".to_owned(),
            undo: Undo::Nothing,
            native: Some(format!("sha256sum {}", super::native::quote(&source.name))),
            action: RestoreStep::ProveSource {
                source: source.file(),
            },
        },
        Step {
            number: 0,
            title: format!("Prove that {place} can take {need} bytes"),
            probe: "Done when the members already stand there, finished.".to_owned(),
            effect: "Nothing changes. Anything that stands there voids the plan.".to_owned(),
            undo: Undo::Nothing,
            native: None,
            action: RestoreStep::ProveTarget {
                restore: restore.clone(),
                need_bytes: need,
            },
        },
        Step {
            number: 0,
            title: format!("Build {count} in one pass over the snapshot"),
            probe: "Done when the finished members stand beside their place, or at it.".to_owned(),
            effect: format!(
                "Writes the data folders of {count} under a temporary name beside {place}, where no server looks."
            ),
            undo: Undo::Back("Delete what was built under the temporary name.".to_owned()),
            native: Some(native),
            action: RestoreStep::BuildMembers {
                restore: restore.clone(),
            },
        },
        Step {
            number: 0,
            title: place_them,
            probe: "Done when every member stands there with the new cluster's ids.".to_owned(),
            effect: "Renames the finished folders; nothing is copied, nothing that exists is replaced."
                .to_owned(),
            undo: Undo::Back("Move them back beside their place, and delete them there.".to_owned()),
            native: None,
            action: RestoreStep::PlaceMembers {
                restore: restore.clone(),
            },
        },
        Step {
            number: 0,
            title: "Verify every file by reading it again".to_owned(),
            probe: "Never taken as done: it is read again at each run.".to_owned(),
            effect: "Nothing changes. Ids, log, membership and every untouched page are compared with what they must be."
                .to_owned(),
            undo: Undo::Nothing,
            native: None,
            action: RestoreStep::VerifyMembers {
                restore: restore.clone(),
            },
        },
        Step {
            number: 0,
            title: format!("Boot copies of them as etcd {} and compare what they serve", request.target_version),
            probe: "Never taken as done: they are booted again at each run.".to_owned(),
            effect: "Runs copies for a moment, on sockets that no other user of the server can open, and deletes the copies. Without an etcd of that version this is not checked."
                .to_owned(),
            undo: Undo::Nothing,
            native: None,
            action: RestoreStep::BootMembers {
                restore,
                expected: source.expected(),
            },
        },
    ]
}

#[cfg(test)]
mod tests;
