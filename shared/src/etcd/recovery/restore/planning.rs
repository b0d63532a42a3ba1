//! From a request that nothing speaks against to a sealed plan.

use super::observation::{Observation, SourceFacts, TargetState};
use super::{RestoreRequest, RestoreStep, Target, bump, check, native_commands, need_bytes};
use crate::finding::{Finding, Outcome, Report};
use crate::plan::{Action, FORMAT, Fact, Plan, Request, Step, Undo};

/// The plan for `request`, with every choice made.
///
/// `id` is unique on its server, `author` who seals it, `sealed_at` when, RFC 3339 in UTC.
///
/// # Errors
/// The whole report, when something in it blocks.
pub fn plan(
    request: &RestoreRequest,
    observation: &Observation,
    id: &str,
    author: &str,
    sealed_at: &str,
) -> Result<Plan, Report> {
    let mut report = check(request, observation);
    check_exact(request, &mut report);
    if report.blocks() {
        return Err(report);
    }
    Ok(Plan {
        format: FORMAT.to_owned(),
        id: id.to_owned(),
        author: author.to_owned(),
        sealed_at: sealed_at.to_owned(),
        cluster: observation.cluster.clone(),
        outcome: outcome(request, observation),
        request: Request::EtcdRestore(request.clone()),
        facts: facts(observation, sealed_at),
        report,
        steps: steps(request, observation),
    })
}

/// Whether the request survives being sealed. A single restore may raise the revision by more; a plan cannot say so.
pub fn check_exact(request: &RestoreRequest, report: &mut Report) {
    /// The greatest whole number that canonical JSON (RFC 8785) keeps exactly.
    const MAX_EXACT: u64 = (1 << 53) - 1;
    let bump = request.bump_revision;
    if bump > MAX_EXACT && report.find("bump.overflow").is_none() {
        report.push(
            Finding::blocking(
                "bump.inexact",
                "--bump-revision",
                format!("A plan holds numbers exactly up to {MAX_EXACT}, and this is {bump}."),
            )
            .because("Sealed plans are canonical JSON, where greater numbers are rounded.")
            .todo(format!("Raise it by less, such as {}.", bump::WHEN_UNKNOWN)),
        );
    }
}

fn names(request: &RestoreRequest) -> Vec<String> {
    request
        .members
        .iter()
        .map(|member| member.name.clone())
        .collect()
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
        names(request).join(", "),
        request.target_version,
        source.name,
        observation.target.place,
    )
}

fn facts(observation: &Observation, seen_at: &str) -> Vec<Fact> {
    let fact = |subject: &str, statement: String, source: &str| Fact {
        subject: subject.to_owned(),
        statement,
        source: source.to_owned(),
        seen_at: seen_at.to_owned(),
    };
    let source = &observation.source;
    let mut facts = vec![
        fact(
            "snapshot",
            format!(
                "{} has {} bytes and the SHA-256 {}.",
                source.name, source.size, source.sha256
            ),
            "the stored file",
        ),
        fact("snapshot", proof(source), "its inspection"),
        fact(
            "snapshot",
            format!(
                "Its last revision is {}; a server would start at {}.",
                source.last_revision, source.current_revision
            ),
            "its inspection",
        ),
    ];
    if let Some(fallback) = &source.fallback {
        facts.push(fact("snapshot", fallback.clone(), "its inspection"));
    }
    let target = &observation.target;
    facts.push(fact(
        "target",
        match target.state {
            TargetState::Missing => format!("{} does not exist.", target.place),
            TargetState::Empty => format!("{} is an empty folder.", target.place),
            _ => format!("{} was not looked at.", target.place),
        },
        "the server's file system",
    ));
    if let Some(free) = target.free_bytes {
        facts.push(fact(
            "target",
            format!("{free} bytes are free there."),
            "the server's file system",
        ));
    }
    if !observation.cluster.is_empty() {
        facts.push(fact(
            "cluster",
            format!("The snapshot is kept as one of {}.", observation.cluster),
            "whoever brought or named it",
        ));
    }
    if let Some(seen) = &observation.seen {
        facts.push(fact(
            "old cluster",
            format!("The newest revision seen was {}.", seen.revision),
            "the operator",
        ));
    }
    facts
}

fn proof(source: &SourceFacts) -> String {
    let bytes = match source.bytes {
        Outcome::Pass => "Its trailer's SHA-256 agrees",
        Outcome::Fail => "Its trailer's SHA-256 does not agree",
        Outcome::NotChecked => "It has no trailer to compare with",
    };
    format!("{bytes}, and every page of its tree is reached once.")
}

fn steps(request: &RestoreRequest, observation: &Observation) -> Vec<Step> {
    let source = &observation.source;
    let place = &observation.target.place;
    let count = members(request.members.len());
    let need = need_bytes(request, observation);
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
    let drafts = [
        Draft {
            title: format!("Prove that {} is still the same file", source.name),
            probe: "Never taken as done: it is read again at each run.".to_owned(),
            effect: "Nothing changes. A file that differs voids the plan.".to_owned(),
            undo: Undo::Nothing,
            native: Some(format!("sha256sum {}", super::native::quote(&source.name))),
            step: RestoreStep::ProveSource {
                sha256: source.sha256.clone(),
                size: source.size,
            },
        },
        Draft {
            title: format!("Prove that {place} can take {need} bytes"),
            probe: "Done when the members already stand there, finished.".to_owned(),
            effect: "Nothing changes. Anything that stands there voids the plan.".to_owned(),
            undo: Undo::Nothing,
            native: None,
            step: RestoreStep::ProveTarget {
                target: target.clone(),
                need_bytes: need,
            },
        },
        Draft {
            title: format!("Build {count} in one pass over the snapshot"),
            probe: "Done when the finished members stand beside their place, or at it.".to_owned(),
            effect: format!(
                "Writes the data folders of {count} under a temporary name beside {place}, where no server looks."
            ),
            undo: Undo::Back("Delete what was built under the temporary name.".to_owned()),
            native: Some(native),
            step: RestoreStep::BuildMembers {
                request: request.clone(),
            },
        },
        Draft {
            title: place_them,
            probe: "Done when every member stands there with the new cluster's ids.".to_owned(),
            effect: "Renames the finished folders; nothing is copied, nothing that exists is replaced."
                .to_owned(),
            undo: Undo::Back("Move them back beside their place, and delete them there.".to_owned()),
            native: None,
            step: RestoreStep::PlaceMembers {
                target: target.clone(),
                members: names(request),
            },
        },
        Draft {
            title: "Verify every file by reading it again".to_owned(),
            probe: "Never taken as done: it is read again at each run.".to_owned(),
            effect: "Nothing changes. Ids, log, membership and every untouched page are compared with what they must be."
                .to_owned(),
            undo: Undo::Nothing,
            native: None,
            step: RestoreStep::VerifyMembers {
                request: request.clone(),
            },
        },
        Draft {
            title: format!("Boot copies of them as etcd {} and compare what they serve", request.target_version),
            probe: "Never taken as done: they are booted again at each run.".to_owned(),
            effect: "Runs copies for a moment, on sockets that no other user of the server can open, and deletes the copies. Without an etcd of that version this is not checked."
                .to_owned(),
            undo: Undo::Nothing,
            native: None,
            step: RestoreStep::BootMembers {
                target: target.clone(),
                members: names(request),
                target_version: request.target_version,
            },
        },
    ];
    (1..)
        .zip(drafts)
        .map(|(number, draft)| draft.number(number))
        .collect()
}

/// A step before it has its number.
struct Draft {
    title: String,
    probe: String,
    effect: String,
    undo: Undo,
    native: Option<String>,
    step: RestoreStep,
}

impl Draft {
    fn number(self, number: u32) -> Step {
        Step {
            number,
            title: self.title,
            probe: self.probe,
            effect: self.effect,
            undo: self.undo,
            native: self.native,
            action: Action::EtcdRestore(self.step),
        }
    }
}

#[cfg(test)]
mod tests;
