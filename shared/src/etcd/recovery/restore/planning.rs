//! From a request that nothing blocks to the draft of a plan.

use super::native::native_lines;
use super::observation::{Observation, SourceFacts, TargetState};
use super::{
    NativeSource, RestoreRequest, RestoreStep, RestoreTask, Target, bump, check, need_bytes,
};
use crate::finding::{Finding, Outcome, Report};
use crate::inspection::Labelled;
use crate::number::{self, grouped, signed};
use crate::plan::{Draft, Fact, NO_NATIVE, Step, Undo};
use crate::value::Value;

/// The facts that say how far a file proves itself.
const TRAILER: &str = "snapshot.trailer";
const OLDER_META: &str = "snapshot.older-meta";
/// The values of [`TRAILER`].
const AGREES: &str = "agrees";
const DIFFERS: &str = "differs";
const ABSENT: &str = "absent";

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
    Ok(drafted(request, observation, seen_at, report))
}

/// The [`draft`] for a comparison with a plan that was sealed: also where something blocks that may pass by itself.
pub fn redraft(
    request: &RestoreRequest,
    observation: &Observation,
    seen_at: &str,
) -> Option<Draft<RestoreStep>> {
    let report = check_sealable(request, observation);
    (!report.blocks_for_good()).then(|| drafted(request, observation, seen_at, report))
}

fn drafted(
    request: &RestoreRequest,
    observation: &Observation,
    seen_at: &str,
    report: Report,
) -> Draft<RestoreStep> {
    Draft {
        outcome: outcome(request, observation),
        caveat: caveat(request, observation),
        facts: facts(request, observation, seen_at),
        report,
        steps: steps(request, observation),
    }
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
                format!(
                    "A plan holds exact numbers up to {} only, and this is {}.",
                    grouped(MAX_EXACT),
                    grouped(bump)
                ),
            )
            .in_field("bump_revision")
            .because("Sealed plans are canonical JSON, where greater numbers are rounded.")
            .todo(format!(
                "Bump by less, such as {}.",
                grouped(bump::WHEN_UNKNOWN)
            )),
        );
    }
    report
}

/// What lists show of a restore: the newest revision of the snapshot, and the members of the new cluster.
pub fn headline(request: &RestoreRequest, observation: &Observation) -> Vec<Labelled> {
    // A file without keys has none.
    let revision = Some(observation.source.last_revision).filter(|revision| *revision != 0);
    let members = request.members.len() as u64;
    vec![
        Labelled::new("revision", "Revision", revision.map(Value::Revision)),
        Labelled::count("members", "Member", "Members", members),
    ]
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
        format!("revision {}", signed(start))
    } else {
        format!(
            "revision {}, bumped from {}",
            signed(start),
            signed(source.last_revision)
        )
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

/// What the outcome lacks where a file is restored that does not prove itself.
fn caveat(request: &RestoreRequest, observation: &Observation) -> Option<String> {
    let source = &observation.source;
    let mut what = Vec::new();
    if request.skip_hash_check {
        match proven(source) {
            DIFFERS => what.push("whose checksum does not match"),
            ABSENT => what.push("that no checksum proves"),
            _ => {}
        }
    }
    if request.accept_older_meta && source.fallback.is_some() {
        what.push("whose last commit is lost");
    }
    (!what.is_empty()).then(|| format!("It is made from a file {}.", what.join(" and ")))
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
                "{} has {} and the SHA-256 {}.",
                source.name,
                number::bytes(source.size),
                source.sha256
            ),
            "the stored file",
        ),
        fact(
            TRAILER,
            Value::Word(proven(source).to_owned()),
            proof(source).to_owned(),
            "its inspection",
        ),
        fact(
            "snapshot.structure",
            // The check has refused any other.
            Value::Word("pass".to_owned()),
            "Every page of its tree is reached once.".to_owned(),
            "its inspection",
        ),
        fact(
            "snapshot.revision",
            Value::Revision(source.current_revision),
            format!(
                "Its last revision is {}; etcd would start at {}.",
                signed(source.last_revision),
                signed(source.current_revision)
            ),
            "its inspection",
        ),
    ];
    if let Some(fallback) = &source.fallback {
        facts.push(fact(
            OLDER_META,
            Value::Index(fallback.txid),
            fallback.what.clone(),
            "its inspection",
        ));
    }
    if let NativeSource::Unfit { why } = &source.native {
        facts.push(fact(
            NO_NATIVE,
            Value::Word(why.word().to_owned()),
            format!(
                "No command of etcd's own tools restores this file: {}.",
                why.why()
            ),
            "its inspection",
        ));
    }
    let target = &observation.target;
    let (is, statement) = match target.state {
        TargetState::Missing => ("missing", format!("{} does not exist.", target.place)),
        TargetState::Empty => ("empty", format!("{} is an empty folder.", target.place)),
        _ => ("unknown", format!("{} was not checked.", target.place)),
    };
    const FILE_SYSTEM: &str = "the server's file system";
    facts.push(Fact {
        // What could not be looked at may be as it was.
        volatile: matches!(target.state, TargetState::Unknown { why: Some(_) }),
        ..fact(
            "target.state",
            Value::Word(is.to_owned()),
            statement,
            FILE_SYSTEM,
        )
    });
    if let Some(free) = target.free_bytes {
        facts.push(Fact {
            // It changes with every breath; whether it is enough is checked.
            volatile: true,
            ..fact(
                "target.free-bytes",
                Value::Bytes(free),
                format!("{} is free there.", number::size(free)),
                FILE_SYSTEM,
            )
        });
    }
    if !observation.cluster.is_empty() {
        facts.push(fact(
            "cluster.name",
            Value::Text(observation.cluster.clone()),
            format!("The snapshot belongs to {}.", observation.cluster),
            "the person who uploaded or assigned it",
        ));
    }
    const OPERATOR: &str = "the operator";
    if let Some(seen) = &request.last_seen {
        facts.push(fact(
            "old-cluster.last-seen",
            Value::Revision(seen.revision),
            format!(
                "The highest revision observed was {}.",
                signed(seen.revision)
            ),
            OPERATOR,
        ));
        if let Some(seconds) = seen.unwatched_seconds {
            facts.push(fact(
                "old-cluster.unwatched",
                Value::Seconds(seconds),
                format!(
                    "It may have gone on writing for {} s after that.",
                    grouped(seconds)
                ),
                OPERATOR,
            ));
        }
        if let Some(rate) = seen.per_hour {
            facts.push(fact(
                "old-cluster.revisions-per-hour",
                Value::Count(rate),
                format!("It was seen to write {} revisions per hour.", grouped(rate)),
                OPERATOR,
            ));
        }
    }
    facts
}

fn proven(source: &SourceFacts) -> &'static str {
    match source.checksum {
        Outcome::Pass => AGREES,
        Outcome::Fail => DIFFERS,
        Outcome::NotChecked => ABSENT,
    }
}

fn proof(source: &SourceFacts) -> &'static str {
    match source.checksum {
        Outcome::Pass => "Its checksum matches.",
        Outcome::Fail => "Its checksum does not match.",
        Outcome::NotChecked => "It has no checksum.",
    }
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
        Target::Folder { .. } => format!("Move the members to {place}"),
        Target::Download => "Offer the members for download".to_owned(),
    };
    let native = native_lines(
        request,
        &source.name,
        &source.native,
        matches!(target, Target::Folder { .. }).then_some(place.as_str()),
    );
    // Where a command belongs and is missing, the step says why.
    let no_native = match &native {
        Ok(_) => String::new(),
        Err(why) => format!(" etcd's own tools cannot do this from this file: {why}."),
    };
    vec![
        Step {
            number: 0,
            title: format!("Verify the SHA-256 of {} again", source.name),
            probe: "Always repeated: the file is read at each run.".to_owned(),
            effect: "Changes nothing. A file that differs invalidates the plan.".to_owned(),
            undo: Undo::Nothing,
            native: Some(format!("sha256sum {}", super::native::quote(&source.name))),
            action: RestoreStep::ProveSource {
                source: source.file(),
            },
        },
        Step {
            number: 0,
            title: match target {
                Target::Folder { .. } => {
                    format!("Check that {place} is empty and has {} free", number::size(need))
                }
                Target::Download => format!("Check that {} are free for {place}", number::size(need)),
            },
            probe: "Done if the finished members are already there.".to_owned(),
            effect: format!(
                "Changes nothing. Needs {}. Anything that already exists there invalidates the plan.",
                number::size(need)
            ),
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
            probe: "Done if the finished members are in their temporary or final folder.".to_owned(),
            effect: format!(
                "Writes the data directories of {count} to a temporary folder beside {place}, which no etcd reads.{no_native}"
            ),
            undo: Undo::Back("Delete the temporary folder.".to_owned()),
            native: native.ok().map(|lines| lines.join("\n")),
            action: RestoreStep::BuildMembers {
                restore: restore.clone(),
            },
        },
        Step {
            number: 0,
            title: place_them,
            probe: "Done if every member is there with the IDs of the new cluster.".to_owned(),
            effect: "Renames the finished folders. Copies nothing and replaces nothing that exists."
                .to_owned(),
            undo: Undo::Back("Move the members back to the temporary folder and delete them.".to_owned()),
            native: None,
            action: RestoreStep::PlaceMembers {
                restore: restore.clone(),
            },
        },
        Step {
            number: 0,
            title: "Read every restored file again and verify it".to_owned(),
            probe: "Always repeated: the files are read at each run.".to_owned(),
            effect: "Changes nothing. Compares IDs, log, membership and all pages with what the plan expects."
                .to_owned(),
            undo: Undo::Nothing,
            native: None,
            action: RestoreStep::VerifyMembers {
                restore: restore.clone(),
            },
        },
        Step {
            number: 0,
            title: format!("Boot copies as etcd {} and compare what they serve", request.target_version),
            probe: "Always repeated: copies are booted at each run.".to_owned(),
            effect: "Runs copies on private sockets for a moment, then deletes them. Skipped if the server has no etcd of that version."
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
