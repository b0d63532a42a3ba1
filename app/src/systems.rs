//! What the page knows of each system: where its plans are made and what they change, what an inspection of its files
//! shows beyond what every kind has, and which of several files is the best. Everything else on the page works with
//! what is the same for all.

mod etcd;

use leptos::prelude::{AnyView, Callback};
use requorum_shared::inspection::Trust;
use requorum_shared::kinds::{Details, Inspection};
use requorum_shared::recovery::{Observation, Request};

use crate::components::inspection::InspectionTab;
use crate::paths;

/// The page on which such a plan is made.
pub fn wizard(request: &Request) -> String {
    match request {
        Request::EtcdRestore(request) => paths::restore(&request.snapshot),
    }
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

/// Whether a restore can be planned from the file here.
pub fn is_restorable(inspection: &Inspection) -> bool {
    inspection.etcd().is_some() && inspection.trust() != Trust::None
}

/// A file's place among several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Index into the list that was ranked.
    pub index: usize,
    /// Why it is there, one sentence.
    pub why: String,
}

/// The files of each system from best to worst, then those that are not compared.
pub fn rank(files: &[&Inspection]) -> Vec<Placed> {
    let of_etcd: Vec<usize> = (0..files.len())
        .filter(|index| is_restorable(files[*index]))
        .collect();
    let databases: Vec<_> = of_etcd
        .iter()
        .filter_map(|index| etcd::rank::Database::of(files[*index]))
        .collect();
    let mut placed = etcd::rank::rank(&databases);
    for one in &mut placed {
        one.index = of_etcd[one.index];
    }
    let others = (0..files.len()).filter(|index| !of_etcd.contains(index));
    placed.extend(others.map(|index| {
        let file = files[index];
        let why = match file.verdict.judged {
            true => format!("This is {}, which is not compared with others.", file.label),
            false => "Not a snapshot of etcd.".to_owned(),
        };
        Placed { index, why }
    }));
    placed
}
