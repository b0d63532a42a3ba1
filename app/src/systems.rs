//! What the page knows of each system: where its plans are made and what they change, what an inspection of its files
//! shows beyond what every kind has, and which of several files is the best. Everything else on the page works with
//! what is the same for all.

pub mod etcd;

use leptos::prelude::{AnyView, Callback};
use requorum_shared::api::v1::Program;
use requorum_shared::etcd::recovery::restore::need_bytes;
use requorum_shared::inspection::Trust;
use requorum_shared::kinds::{Details, Inspection};
use requorum_shared::recovery::{self, Input, Observation, Plan, Request, served_by};

use crate::components::inspection::InspectionTab;
use crate::failure::{Failure, Kind};
use crate::format::capital;
use crate::paths;
use crate::plan_form::{Given, PlanForm};

/// A kind of recovery that people can plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The kind of its requests: `etcd.restore`.
    pub recovery: &'static str,
    /// What a person does: `Plan a restore`.
    pub title: &'static str,
    /// The same in a row of a list: `Restore`.
    pub verb: &'static str,
}

impl Offer {
    /// The address of its form for these files.
    pub fn path<'a>(&self, files: impl IntoIterator<Item = &'a str>) -> String {
        paths::new_plan(self.recovery, files)
    }
}

const ETCD_RESTORE: Offer = Offer {
    recovery: recovery::ETCD_RESTORE,
    title: "Plan a restore",
    verb: "Restore",
};

/// Every offer.
const OFFERS: &[Offer] = &[ETCD_RESTORE];

/// What can be planned with such a request; none for a kind that is not known.
pub fn offer(recovery: &str) -> Option<Offer> {
    OFFERS
        .iter()
        .find(|offer| offer.recovery == recovery)
        .copied()
}

/// What can be planned with a file of this kind, by the name of the kind.
pub fn offers(file_kind: &str) -> Vec<Offer> {
    let uses = |offer: &&Offer| recovery::file_kinds(offer.recovery).contains(&file_kind);
    OFFERS.iter().filter(uses).copied().collect()
}

/// The kinds of files that something can be planned with, by their names.
pub fn file_kinds() -> impl Iterator<Item = &'static str> {
    let kinds = OFFERS
        .iter()
        .map(|offer| recovery::file_kinds(offer.recovery));
    kinds.flatten().copied()
}

/// The form for a kind of recovery.
///
/// # Errors
/// When the kind is not known, or what is given is not what it needs.
pub fn plan_form(recovery: &str, given: Given) -> Result<PlanForm, Failure> {
    match recovery {
        recovery::ETCD_RESTORE => etcd::restore::plan_form(given),
        _ => Err(Failure {
            next: "Reload the page; it may be older than the server.".into(),
            ..Failure::new(
                Kind::NotFound,
                "This page does not know that kind of recovery.",
            )
        }),
    }
}

/// The form with which such a plan is made, filled in from this one.
pub fn form_from(plan: &Plan) -> String {
    let inputs = plan.request.inputs();
    let files = inputs.iter().map(|Input::File(id)| id.as_str());
    paths::new_plan_from(plan.request.kind(), files, &plan.id)
}

/// What a plan changes. `seen` is what it rests on as it is now, where that is known.
pub fn changes(request: &Request, seen: Option<&Observation>) -> AnyView {
    match request {
        Request::EtcdRestore(request) => {
            let seen = seen.map(|Observation::EtcdRestore(seen)| seen);
            etcd::changes(request, seen)
        }
    }
}

/// The file that a plan restores from, by its id.
pub fn source(request: &Request) -> &str {
    match request {
        Request::EtcdRestore(request) => &request.snapshot,
    }
}

/// The highest revision that the old cluster was seen to serve, where the request names one.
pub fn last_seen(request: &Request) -> Option<i64> {
    match request {
        Request::EtcdRestore(request) => request.last_seen.map(|seen| seen.revision),
    }
}

/// The programs of a server's host that steps use, each with what follows where it was not found.
const PROGRAMS: &[(&str, &str)] = &[(
    "etcd",
    "No etcd binary was found, so restored members are not started for a test: that check will say “not checked”. Set \
     --etcd-bin when starting the server.",
)];

/// What follows from the programs that were not found.
pub fn missing_programs(found: &[Program]) -> impl Iterator<Item = &'static str> {
    let is_found = move |name: &str| found.iter().any(|program| program.name == name);
    let missing = PROGRAMS.iter().filter(move |(name, _)| !is_found(name));
    missing.map(|(_, why)| *why)
}

/// Bytes that a plan needs at its destination, and what is free there, where that is known.
pub fn space(request: &Request, seen: &Observation) -> (u64, Option<u64>) {
    match (request, seen) {
        (Request::EtcdRestore(request), Observation::EtcdRestore(seen)) => {
            (need_bytes(request, seen), seen.target.free_bytes)
        }
    }
}

/// Where the result of a plan goes, as a person would name it.
pub fn place(seen: &Observation) -> &str {
    match seen {
        Observation::EtcdRestore(seen) => &seen.target.place,
    }
}

/// How new a file is, as far as it tells: its newest revision, and the newest time that is in it, by the clock of its
/// writer, in milliseconds since 1970. It was written then or later.
pub fn newest_in(inspection: &Inspection) -> (Option<i64>, Option<i64>) {
    match inspection.etcd() {
        Some(details) => (details.start_revision(), etcd::written_ms(details)),
        None => (None, None),
    }
}

/// The tabs that only this kind of file has. `on_copy_json` copies the whole inspection.
pub fn tabs(inspection: &Inspection, on_copy_json: Callback<()>) -> Vec<InspectionTab> {
    match &inspection.details {
        Details::Etcd(details) => {
            let readable = details.status.is_some()
                || details.contents.is_some()
                || !inspection.page_map.runs.is_empty();
            match inspection.clone().into_etcd().filter(|_| readable) {
                Some(inspection) => etcd::tabs(inspection, on_copy_json),
                None => Vec::new(),
            }
        }
        Details::None
        | Details::EtcdWal(_)
        | Details::EtcdSnap(_)
        | Details::RaftDb(_)
        | Details::RaftSnapshot(_)
        | Details::PeersJson(_) => Vec::new(),
    }
}

/// Whether a recovery can be planned from the file here.
pub fn is_restorable(inspection: &Inspection) -> bool {
    !served_by(inspection).is_empty() && inspection.trust() != Trust::Unknown
}

/// A file's place among several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Index into the list that was ranked.
    pub index: usize,
    /// Why it is there, one sentence.
    pub why: String,
    /// The cluster within which it is ranked: an index into [`Ranking::clusters`]; `None` for what is not compared.
    pub cluster: Option<usize>,
    /// Its place on the axis of its cluster, where that is known.
    pub revision: Option<i64>,
}

/// Several files, ranked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranking {
    /// The files, by cluster and from best to worst, then those that are not compared.
    pub placed: Vec<Placed>,
    /// What each cluster is called.
    pub clusters: Vec<String>,
}

/// The files of each system from best to worst, then those that are not compared.
pub fn rank(files: &[&Inspection]) -> Ranking {
    let restorable = files
        .iter()
        .enumerate()
        .filter(|(_, file)| is_restorable(file));
    let (of_etcd, databases): (Vec<_>, Vec<_>) = restorable
        .filter_map(|(index, file)| Some((index, etcd::rank::Database::of(file)?)))
        .unzip();
    let mut ranking = etcd::rank::rank(&databases);
    for one in &mut ranking.placed {
        one.index = of_etcd[one.index];
    }
    let others = (0..files.len()).filter(|index| !of_etcd.contains(index));
    ranking.placed.extend(others.map(|index| {
        let file = files[index];
        let label = capital(&file.label);
        let why = match file.verdict.judged {
            true => format!("{label}: not compared with other files."),
            false => format!("{label}: nothing can be recovered from it."),
        };
        Placed {
            index,
            why,
            cluster: None,
            revision: None,
        }
    }));
    ranking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_until_it_is_found() {
        let etcd = Program {
            name: "etcd".into(),
            ..Program::default()
        };
        let said: Vec<_> = missing_programs(&[]).collect();
        assert!(
            said.len() == 1 && said[0].contains("--etcd-bin"),
            "{said:?}"
        );
        assert_eq!(missing_programs(&[etcd]).next(), None);
    }
}
