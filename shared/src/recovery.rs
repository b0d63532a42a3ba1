//! The one place that knows every kind of recovery: what can be asked for, what it rests on, what its steps do.
//!
//! Everything else works with [`Plan`], [`Request`], [`Observation`] and [`Action`] as they are closed here. A new kind
//! of recovery is one variant in each, and an arm where the compiler asks for it.

#[cfg(feature = "schema")]
mod schema;

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
pub use self::schema::{KINDS, read, schema};

use crate::etcd::recovery::restore::observation::{self as etcd_restore, TargetState};
use crate::etcd::recovery::restore::{self, RestoreRequest, RestoreStep, Target};
use crate::finding::{Check, Outcome, Report};
use crate::handover::{Context, Handover};
use crate::inspection::{Labelled, PartName};
use crate::kinds::{Details, Inspection};
use crate::matrix::Expected;
use crate::nouns::Nouns;
use crate::plan::{self, Gate, Seal};
use crate::replan::{Difference, Recheck};
use crate::system::System;
use crate::value::Value;

/// The kind of [`Request::EtcdRestore`], as in JSON.
pub const ETCD_RESTORE: &str = "etcd.restore";

/// A sealed recovery of any system.
pub type Plan = plan::Plan<Request, Action>;
/// A step of any plan.
pub type Step = plan::Step<Action>;

/// What an operator asked for; one variant per kind of recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Request {
    /// A new etcd cluster from a snapshot.
    #[serde(rename = "etcd.restore")]
    EtcdRestore(RestoreRequest),
}

/// What a request rests on, as it was seen; one variant per kind of recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Observation {
    /// Of a restore: the snapshot and the target.
    #[serde(rename = "etcd.restore")]
    EtcdRestore(etcd_restore::Observation),
}

/// What a step does, by what carries it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", content = "do", rename_all = "kebab-case")]
pub enum Action {
    /// etcd's part of the console: it reads snapshots and writes members.
    Etcd(Box<RestoreStep>),
    /// A person.
    Person(Gate),
}

/// What carries steps out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// etcd's part of the console.
    Etcd,
    /// A person.
    Person,
}

/// Something that a plan rests on and that is stored apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A stored file, by its SHA-256, hexadecimal.
    File(String),
}

/// A folder that a plan writes to. One job at a time works on it, on what lies in it and on what it lies in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetDir {
    /// One of the server's allowed roots, by name.
    pub root: String,
    /// Below it, relative.
    pub path: String,
}

/// A file as an observation saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFile<'o> {
    /// Its name.
    pub name: &'o str,
    /// How the parts of its verdict came out.
    pub outcomes: [(PartName, Outcome); 3],
}

/// What a list says of a recovery in one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The names of the files that it rests on, in its order.
    pub file_names: Vec<String>,
    /// What matters most about a recovery of its kind, in the order to show it in. Lists are ordered by the first.
    pub headline: Vec<Labelled>,
    /// Where the result goes: `ROOT/PATH`; empty for a download.
    pub target: String,
}

/// Something that a completed job offers for download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its name, unique within the job: that of a part, such as a member's.
    pub name: String,
    /// What it is: `data directory of member m1`.
    pub label: String,
}

impl Request {
    /// The kind, as in JSON: `etcd.restore`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EtcdRestore(_) => ETCD_RESTORE,
        }
    }

    /// Whose recovery it is.
    pub fn system(&self) -> System {
        match self {
            Self::EtcdRestore(_) => System::Etcd,
        }
    }

    /// What it rests on and that must be there.
    pub fn inputs(&self) -> Vec<Input> {
        match self {
            Self::EtcdRestore(request) => vec![Input::File(request.snapshot.clone())],
        }
    }

    /// What is looked at for it: requests with the same subject rest on the same observation.
    pub fn subject(&self) -> String {
        match self {
            Self::EtcdRestore(request) => match &request.target {
                Target::Folder { root, path } => {
                    format!("{} to {root}/{path}", request.snapshot)
                }
                Target::Download => format!("{} to a download", request.snapshot),
            },
        }
    }

    /// The folder that it writes to, its own while a job runs; none where other jobs cannot reach it.
    pub fn target(&self) -> Option<TargetDir> {
        match self {
            Self::EtcdRestore(request) => match &request.target {
                Target::Folder { root, path } => Some(TargetDir {
                    root: root.clone(),
                    path: path.clone(),
                }),
                Target::Download => None,
            },
        }
    }

    /// What a completed job offers for download.
    pub fn artifacts(&self) -> Vec<Artifact> {
        match self {
            Self::EtcdRestore(request) if request.target == Target::Download => request
                .member_names()
                .into_iter()
                .map(|name| Artifact {
                    label: format!("data directory of member {name}"),
                    name,
                })
                .collect(),
            Self::EtcdRestore(_) => Vec::new(),
        }
    }

    /// What will be checked of the result, in its places.
    pub fn verification(&self) -> Expected {
        match self {
            Self::EtcdRestore(request) => restore::checks::expected(request),
        }
    }

    /// The ids of the hand-over's steps, in order.
    pub fn handover_steps(&self) -> Vec<String> {
        match self {
            Self::EtcdRestore(request) => restore::handover::step_ids(request),
        }
    }

    /// The names of the parts of the target that its steps work on one by one.
    pub fn parts(&self) -> Vec<String> {
        match self {
            Self::EtcdRestore(request) => request.member_names(),
        }
    }

    /// What people call its parts and what it leaves.
    pub fn nouns(&self) -> Nouns {
        match self {
            Self::EtcdRestore(_) => restore::NOUNS,
        }
    }

    /// What a completed job keeps that a person has to remove some day, where its journal does not say it: what it is,
    /// and how it goes away.
    pub fn keeps(&self) -> Option<(String, String)> {
        let names = self.parts().join(", ");
        if names.is_empty() {
            return None;
        }
        let Nouns {
            leftovers,
            contents,
            ..
        } = self.nouns();
        Some(match self.target() {
            None => (
                format!(
                    "The console keeps the {leftovers} {names} for download, with {contents} in them."
                ),
                "Once they are where they belong, remove this job's folder below “downloads” in the console's data \
                 directory."
                    .to_owned(),
            ),
            Some(TargetDir { root, path }) => (
                format!(
                    "The {leftovers} {names} are in the folder {path} of the restore root {root}, with {contents} in \
                     them."
                ),
                "Once they are where they belong, remove that folder.".to_owned(),
            ),
        })
    }
}

impl Action {
    /// Whether the step works on each part of the request.
    pub fn is_of_parts(&self) -> bool {
        match self {
            Self::Etcd(step) => matches!(
                **step,
                RestoreStep::BuildMembers { .. }
                    | RestoreStep::PlaceMembers { .. }
                    | RestoreStep::VerifyMembers { .. }
                    | RestoreStep::BootMembers { .. }
            ),
            Self::Person(_) => false,
        }
    }

    /// What carries the step out.
    pub fn carrier(&self) -> Carrier {
        match self {
            Self::Etcd(_) => Carrier::Etcd,
            Self::Person(_) => Carrier::Person,
        }
    }

    /// The host that the step is carried out on, where that is not the console's own.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Etcd(_) | Self::Person(_) => None,
        }
    }

    /// The stored file that the step uses: its SHA-256, hexadecimal, and its bytes.
    pub fn file(&self) -> Option<(&str, u64)> {
        match self {
            Self::Etcd(step) => {
                let source = step.source();
                Some((&source.sha256, source.size))
            }
            Self::Person(_) => None,
        }
    }
}

impl Observation {
    /// The cluster that what was seen belongs to; empty for none.
    pub fn cluster(&self) -> &str {
        match self {
            Self::EtcdRestore(observation) => &observation.cluster,
        }
    }

    /// What was looked at, by name, and why it could not be where it could not.
    pub fn sources(&self) -> Vec<(&'static str, Option<String>)> {
        match self {
            Self::EtcdRestore(observation) => {
                let unseen = || "it was not looked at".to_owned();
                let file = match &observation.source.stored {
                    Some(stored) => stored.failure(),
                    None => Some(unseen()),
                };
                let target = match &observation.target.state {
                    TargetState::Unwritable { why } => Some(why.clone()),
                    TargetState::Unknown { why } => Some(why.clone().unwrap_or_else(unseen)),
                    _ => None,
                };
                vec![("file", file), ("target", target)]
            }
        }
    }

    /// The files that were seen, in the order of the request's inputs.
    pub fn files(&self) -> Vec<SeenFile<'_>> {
        match self {
            Self::EtcdRestore(observation) => {
                let source = &observation.source;
                vec![SeenFile {
                    name: &source.name,
                    outcomes: [
                        (PartName::Checksum, source.checksum),
                        (PartName::Structure, source.structure),
                        (PartName::Content, source.content),
                    ],
                }]
            }
        }
    }

    /// Compares what was seen of its file with a file that was inspected elsewhere. The name does not matter. `None`
    /// when that file is of another kind.
    pub fn file_differences(&self, here: &Inspection) -> Option<Vec<Difference>> {
        match self {
            Self::EtcdRestore(observation) => {
                let here = here.clone().into_etcd()?;
                let here = etcd_restore::SourceFacts::from(&here);
                Some(observation.source.differences(&here))
            }
        }
    }
}

/// The kinds of requests that can use a file; none where it is of a kind that no recovery uses. Whether this one is good
/// enough is for the check to say.
pub fn served_by(file: &Inspection) -> &'static [&'static str] {
    match &file.details {
        Details::Etcd(_) => &[ETCD_RESTORE],
        Details::None
        | Details::EtcdWal(_)
        | Details::EtcdSnap(_)
        | Details::RaftDb(_)
        | Details::RaftSnapshot(_)
        | Details::PeersJson(_) => &[],
    }
}

/// The kinds of files that requests of this kind use, by their names.
pub fn file_kinds(kind: &str) -> &'static [&'static str] {
    match kind {
        ETCD_RESTORE => &["etcd-snapshot", "etcd-db"],
        _ => &[],
    }
}

/// What is left to people once all steps of a plan are done, given what was proven of the result.
pub fn handover(plan: &Plan, checks: &[Check], context: &Context) -> Handover {
    match &plan.request {
        Request::EtcdRestore(request) => {
            let files = plan.steps.iter().filter_map(|step| step.action.file());
            let revision = plan.fact("snapshot.revision").map(|fact| &fact.value);
            let facts = restore::handover::Facts {
                plan: &plan.id,
                size: files.map(|(_, size)| size).max().unwrap_or(0),
                revision: match revision {
                    Some(Value::Revision(revision)) => Some(*revision),
                    _ => None,
                },
                report: &plan.report,
                checks,
            };
            restore::handover::handover(request, facts, context)
        }
    }
}

/// What a list says of it in one line.
pub fn outline(request: &Request, observation: &Observation) -> Outline {
    match (request, observation) {
        (Request::EtcdRestore(asked), Observation::EtcdRestore(seen)) => Outline {
            file_names: vec![seen.source.name.clone()],
            headline: restore::headline(asked, seen),
            target: request
                .target()
                .map(|target| format!("{}/{}", target.root, target.path))
                .unwrap_or_default(),
        },
    }
}

/// All that speaks for and against a request, given what was seen. The page and the server run the same.
pub fn check(request: &Request, observation: &Observation) -> Report {
    match (request, observation) {
        (Request::EtcdRestore(request), Observation::EtcdRestore(observation)) => {
            restore::check_sealable(request, observation)
        }
    }
}

/// The plan for a request, with every choice made.
///
/// # Errors
/// The whole report, when something in it blocks.
pub fn plan(request: &Request, observation: &Observation, seal: Seal) -> Result<Plan, Report> {
    match (request, observation) {
        (Request::EtcdRestore(asked), Observation::EtcdRestore(observation)) => {
            let draft = restore::draft(asked, observation, &seal.sealed_at)?;
            let action = |step| Action::Etcd(Box::new(step));
            Ok(draft.seal(seal, request.clone(), action))
        }
    }
}

/// Makes a sealed plan again from what is seen now, and compares.
pub fn recheck(sealed: &Plan, observation: &Observation) -> Recheck {
    let seal = Seal {
        id: sealed.id.clone(),
        author: sealed.author.clone(),
        sealed_at: sealed.sealed_at.clone(),
        cluster: observation.cluster().to_owned(),
    };
    let report = check(&sealed.request, observation);
    let made = made_again(&sealed.request, observation, seal);
    Recheck::of(sealed, made.as_ref(), report)
}

/// [`plan`], also where something blocks that may pass by itself: what follows from the rest is compared all the same.
fn made_again(request: &Request, observation: &Observation, seal: Seal) -> Option<Plan> {
    match (request, observation) {
        (Request::EtcdRestore(asked), Observation::EtcdRestore(observation)) => {
            let draft = restore::redraft(asked, observation, &seal.sealed_at)?;
            let action = |step| Action::Etcd(Box::new(step));
            Some(draft.seal(seal, request.clone(), action))
        }
    }
}

#[cfg(test)]
mod tests;
