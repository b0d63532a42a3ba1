//! The parts, read: each by itself, so that one that is broken does not hide the others.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::acts::Acts;
use crate::canonical::{sha256_hex, to_canonical_json};
use crate::dossier::document::{Content, Inspected};
use crate::dossier::manifest::{FORMAT, Manifest};
use crate::dossier::name;
use crate::dossier::parts::{MAX_ENTRIES, MAX_EVENTS, MAX_INPUTS};
use crate::dossier::record::{self, Approvals, Proofs};
use crate::job::events::{Body, EndState, Event, Kept};
use crate::job::fold::JobView;
use crate::ledger::checkpoint::{Checkpoint, VerifyingKey};
use crate::ledger::entry::Entry;
use crate::plan::FORMAT as PLAN_FORMAT;
use crate::recovery::Plan;

/// The parts by name.
pub(super) type Parts<'a> = BTreeMap<&'a str, &'a [u8]>;

/// What every manifest names. The files' inspections may be gone.
pub(super) const REQUIRED: &[&str] = &[
    name::README,
    name::PAGE,
    name::PLAN,
    name::APPROVALS,
    name::JOURNAL,
    name::VERIFICATION,
    name::TIMINGS,
    name::REPORT,
    name::ENTRIES,
    name::PROOFS,
    name::CHECKPOINT,
    name::KEY,
];

/// Every part as what it should be, or why it is not.
pub(super) struct Opened<'a> {
    manifest: &'a Manifest,
    files: BTreeMap<String, crate::dossier::manifest::PartFacts>,
    /// The plan and its hash.
    pub(super) plan: Result<(Plan, String), String>,
    pub(super) events: Result<Vec<Event>, String>,
    view: JobView,
    pub(super) approvals: Result<Approvals, String>,
    pub(super) inspections: Result<Vec<Inspected>, String>,
    /// The entries of the ledger, and the bytes of each.
    pub(super) entries: Result<(Vec<Entry>, Vec<&'a [u8]>), String>,
    pub(super) acts: Result<Acts, String>,
    pub(super) proofs: Result<Proofs, String>,
    pub(super) key: Result<VerifyingKey, String>,
    pub(super) checkpoint: Result<Checkpoint, String>,
}

impl<'a> Opened<'a> {
    pub(super) fn new(parts: &Parts<'a>, manifest: &'a Manifest) -> Self {
        let plan = plan(parts);
        let events = lines(parts, name::JOURNAL, MAX_EVENTS, |line| {
            exactly::<Event>(line)
        });
        let entries = lines(parts, name::ENTRIES, MAX_ENTRIES, |line| {
            let entry = serde_json::from_slice::<Entry>(line);
            Ok((entry.map_err(|error| error.to_string())?, line))
        })
        .map(|entries| entries.into_iter().unzip());
        let key = text(parts, name::KEY).and_then(|text| {
            VerifyingKey::parse(text)
                .map_err(|error| format!("{} cannot be read: {error}.", name::KEY))
        });
        let checkpoint = match (&key, text(parts, name::CHECKPOINT)) {
            (Ok(key), Ok(note)) => Checkpoint::open(note, key)
                .map_err(|error| format!("It cannot be trusted: {error}.")),
            (Err(why), _) => Err(why.clone()),
            (_, Err(why)) => Err(why),
        };
        let acts = match &entries {
            Ok((entries, _)) => {
                let entries: &Vec<Entry> = entries;
                Acts::new(entries, &manifest.job, &manifest.plan_hash)
            }
            Err(why) => Err(why.clone()),
        };
        let view = match (&plan, &events) {
            (Ok((plan, _)), Ok(events)) => record::view(plan, events),
            _ => JobView::default(),
        };
        let readable = [name::PAGE, name::README];
        Self {
            manifest,
            files: manifest
                .parts
                .iter()
                .filter(|(name, _)| !readable.contains(&name.as_str()))
                .map(|(name, facts)| (name.clone(), facts.clone()))
                .collect(),
            approvals: whole(parts, name::APPROVALS).and_then(exactly_as(name::APPROVALS)),
            inspections: match parts.contains_key(name::INSPECTIONS) {
                true => lines(parts, name::INSPECTIONS, MAX_INPUTS, |line| {
                    serde_json::from_slice(line).map_err(|error| error.to_string())
                }),
                false => Ok(Vec::new()),
            },
            proofs: whole(parts, name::PROOFS).and_then(exactly_as(name::PROOFS)),
            plan,
            events,
            view,
            entries,
            acts,
            key,
            checkpoint,
        }
    }

    /// What the readable parts are made of, when all of it could be read.
    pub(super) fn content(&self) -> Option<Content<'_>> {
        Some(Content {
            job: &self.manifest.job,
            console: &self.manifest.console,
            plan: &self.plan.as_ref().ok()?.0,
            events: self.events.as_ref().ok()?,
            view: &self.view,
            approvals: self.approvals.as_ref().ok()?,
            inspections: self.inspections.clone().unwrap_or_default(),
            entries: &self.entries.as_ref().ok()?.0,
            checkpoint: self.checkpoint.as_ref().ok()?,
            left_out: self.proofs.as_ref().ok()?.left_out,
            key: self.key.as_ref().ok()?.to_string(),
            files: self.files.clone(),
        })
    }
}

/// The manifest.
pub(super) fn manifest(parts: &Parts<'_>) -> Result<Manifest, String> {
    let bytes = whole(parts, name::MANIFEST)?;
    let format = serde_json::from_slice::<serde_json::Value>(bytes)
        .ok()
        .and_then(|value| Some(value.get("format")?.as_str()?.to_owned()));
    match format {
        Some(format) if format == FORMAT => exactly_as(name::MANIFEST)(bytes),
        Some(format) => Err(format!(
            "It is of the format {}, and this version reads {FORMAT}. Verify it with the version that made it, or a \
             later one.",
            format.chars().take(60).collect::<String>()
        )),
        None => Err(format!("{} is not that of a dossier.", name::MANIFEST)),
    }
}

fn plan(parts: &Parts<'_>) -> Result<(Plan, String), String> {
    let bytes = whole(parts, name::PLAN)?;
    let plan: Plan = exactly_as(name::PLAN)(bytes)?;
    if plan.format != PLAN_FORMAT {
        return Err(format!("{} is of the format {}.", name::PLAN, plan.format));
    }
    Ok((plan, sha256_hex(bytes)))
}

fn whole<'a>(parts: &Parts<'a>, name: &str) -> Result<&'a [u8], String> {
    parts
        .get(name)
        .copied()
        .ok_or_else(|| format!("{name} is missing."))
}

fn text<'a>(parts: &Parts<'a>, name: &str) -> Result<&'a str, String> {
    std::str::from_utf8(whole(parts, name)?).map_err(|_| format!("{name} is not text."))
}

fn exactly_as<T: DeserializeOwned>(name: &str) -> impl Fn(&[u8]) -> Result<T, String> + '_ {
    move |bytes| exactly(bytes).map_err(|why| format!("{name} cannot be read: {why}."))
}

/// Canonical JSON: there is one text for one value, so no two programs read different things in it.
fn exactly<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if to_canonical_json(&value).as_bytes() != bytes {
        return Err("it is not canonical JSON (RFC 8785)".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

fn lines<'a, T>(
    parts: &Parts<'a>,
    name: &str,
    most: usize,
    read: impl Fn(&'a [u8]) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let bytes = whole(parts, name)?;
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = bytes
        .strip_suffix(b"\n")
        .ok_or_else(|| format!("{name} does not end with a line end: it was cut off."))?;
    let mut all = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if at == most {
            return Err(format!("{name} has more than {most} lines."));
        }
        all.push(
            read(line)
                .map_err(|why| format!("Line {} of {name} cannot be read: {why}.", at + 1))?,
        );
    }
    Ok(all)
}

/// The folders that a job left, as its journal goes on.
struct Left {
    there: Vec<String>,
    begun: Vec<String>,
    all_removed: bool,
}

impl Left {
    fn new(kept: &Kept) -> Self {
        Self {
            there: kept.folders.iter().map(|f| f.path.clone()).collect(),
            begun: Vec::new(),
            all_removed: false,
        }
    }

    fn begin(&mut self, paths: &[String]) -> bool {
        self.begun.extend_from_slice(paths);
        !paths.is_empty() && paths.iter().all(|path| self.there.contains(path))
    }

    fn stop(&mut self, paths: &[String]) -> bool {
        let begun = !paths.is_empty() && paths.iter().all(|path| self.begun.contains(path));
        self.begun.retain(|path| !paths.contains(path));
        begun
    }

    /// A journal that does not say which ones says that all were removed.
    fn remove(&mut self, paths: &[String]) -> bool {
        if paths.is_empty() {
            self.there.clear();
            return !std::mem::replace(&mut self.all_removed, true);
        }
        let may = |path: &String| self.there.contains(path) && self.begun.contains(path);
        let may = !self.all_removed && paths.iter().all(may);
        self.there.retain(|path| !paths.contains(path));
        may
    }
}

/// Whether these events can be the journal of a job of this plan.
pub(super) fn in_order(plan: &Plan, events: &[Event]) -> Result<(), String> {
    let Some(Event {
        body: Body::Started { .. },
        ..
    }) = events.first()
    else {
        return Err("It does not begin with the start of the job.".to_owned());
    };
    let steps = plan.steps.len();
    let (mut begun, mut undoing) = (vec![false; steps], vec![false; steps]);
    let (mut question, mut ended) = (None, None);
    let mut left: Option<Left> = None;
    let mut open: Vec<_> = plan.request.handover_steps();
    for (at, event) in events.iter().enumerate() {
        let number = at as u64 + 1;
        if event.seq != number {
            return Err(format!(
                "Event {} is where event {number} belongs: events were removed, inserted, or moved.",
                event.seq
            ));
        }
        let may_follow = match event.body {
            Body::HandedOver { .. } => ended == Some(EndState::Completed),
            Body::RemovalBegun { .. }
            | Body::RemovalStopped { .. }
            | Body::LeftoversRemoved { .. } => true,
            _ => false,
        };
        if ended.is_some() && !may_follow {
            return Err(format!("Event {number} comes after the end."));
        }
        let index = |step: u32| {
            let index = (step as usize).wrapping_sub(1);
            let no_step =
                || format!("Event {number} is about step {step}, and the plan has {steps}.");
            if index < steps {
                Ok(index)
            } else {
                Err(no_step())
            }
        };
        let never = |what: &str| Err(format!("Event {number} ends {what} that was never begun."));
        match &event.body {
            Body::Started { .. } if at > 0 => {
                return Err(format!("Event {number} starts the job a second time."));
            }
            Body::StepStarted { step } => begun[index(*step)?] = true,
            Body::StepEnded { step, .. } if !std::mem::take(&mut begun[index(*step)?]) => {
                return never("a step");
            }
            Body::UndoStarted { step } => undoing[index(*step)?] = true,
            Body::UndoRetried { step, .. } if !undoing[index(*step)?] => {
                return never("an undo");
            }
            Body::UndoEnded { step, .. } if !std::mem::take(&mut undoing[index(*step)?]) => {
                return never("an undo");
            }
            Body::StepLog { step, .. } => {
                index(*step)?;
            }
            Body::StepProgress { .. } => {
                return Err(format!(
                    "Event {number} is of a kind that no journal keeps."
                ));
            }
            Body::Asked { question: asked } => {
                index(asked.step)?;
                question = Some(asked);
            }
            Body::Answered {
                question: id,
                choice,
                ..
            } => {
                let asked = question.take().filter(|asked| asked.id == *id);
                if !asked.is_some_and(|asked| asked.choices.iter().any(|c| c.id == *choice)) {
                    return Err(format!("Event {number} answers what was not asked."));
                }
            }
            Body::Kept { kept } if left.replace(Left::new(kept)).is_some() => {
                return Err(format!(
                    "Event {number} lists what the job left a second time."
                ));
            }
            Body::RemovalBegun { paths, .. }
                if ended.is_none() || !left.as_mut().is_some_and(|left| left.begin(paths)) =>
            {
                return Err(format!(
                    "Event {number} begins to remove what was not there to be removed."
                ));
            }
            Body::RemovalStopped { paths, .. }
                if ended.is_none() || !left.as_mut().is_some_and(|left| left.stop(paths)) =>
            {
                return Err(format!(
                    "Event {number} stops a removal that was never begun."
                ));
            }
            Body::LeftoversRemoved { paths, .. }
                if ended.is_none() || !left.as_mut().is_some_and(|left| left.remove(paths)) =>
            {
                return Err(format!(
                    "Event {number} removes what was not there to be removed."
                ));
            }
            Body::Ended { state, .. } => ended = Some(*state),
            Body::HandedOver { step, .. } => {
                let at = open.iter().position(|id| id == step);
                let Some(at) = at.filter(|_| ended.is_some()) else {
                    return Err(format!(
                        "Event {number} ticks a hand-over step that was not open."
                    ));
                };
                open.remove(at);
            }
            _ => {}
        }
    }
    Ok(())
}
