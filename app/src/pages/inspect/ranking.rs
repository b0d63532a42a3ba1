//! Several files at once: which is the best, and why.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use requorum_shared::finding::Outcome;

use crate::bench::{Bench, Item, State};
use crate::components::bytes::Bytes;
use crate::components::status::Status;
use crate::components::table::arrows;
use crate::format;
use crate::paths::with_query;
use crate::systems::{Placed, rank};
use requorum_shared::inspection::Trust;
use requorum_shared::value::Value;

/// A table of all files: what could be judged, best first; then what could not.
pub(super) fn ranking(bench: Bench, selected: Signal<Option<u32>>) -> impl IntoView {
    let rows = Memo::new(move |_| rows(&bench.items()));
    let location = use_location();
    let body = move || {
        rows.get()
            .into_iter()
            .map(|row| {
                let location = location.clone();
                let job = row.job.to_string();
                let href = move || with_query(&location.pathname.get(), &location.search.get(), "file", &job);
                view! {
                    <tr aria-selected=move || (selected.get() == Some(row.job)).then_some("true")>
                        <th scope="row" data-label="File"><a href=href data-noscroll="">{row.name}</a></th>
                        <td data-label="Kind">{row.kind}</td>
                        <td data-label="Verdict"><Status is=row.status /></td>
                        <td data-label="Revision" class="number">{row.revision}</td>
                        <td data-label="Keys" class="number">{row.keys}</td>
                        <td data-label="Size" class="number"><Bytes n=row.size /></td>
                        <td data-label="Why it stands here">{row.why}</td>
                    </tr>
                }
            })
            .collect_view()
    };
    view! {
        <section class="section">
            <h2>"All files, best first"</h2>
            <div class="table-wrap">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"File"</th><th scope="col">"Kind"</th><th scope="col">"Verdict"</th>
                            <th scope="col" class="number">"Revision"</th><th scope="col" class="number">"Keys"</th>
                            <th scope="col" class="number">"Size"</th><th scope="col">"Why it stands here"</th>
                        </tr>
                    </thead>
                    <tbody on:keydown=arrows>{body}</tbody>
                </table>
            </div>
        </section>
    }
}

#[derive(Clone, PartialEq)]
struct Row {
    job: u32,
    name: String,
    kind: String,
    status: (&'static str, &'static str),
    revision: String,
    keys: String,
    size: u64,
    why: String,
}

fn rows(items: &[Item]) -> Vec<Row> {
    let done: Vec<_> = items
        .iter()
        .filter_map(|item| match &item.state {
            State::Done(looked) => Some((item, &looked.inspection)),
            _ => None,
        })
        .collect();
    let inspections: Vec<_> = done.iter().map(|(_, inspection)| *inspection).collect();
    let judged = rank(&inspections).into_iter().map(|Placed { index, why }| {
        let (item, inspection) = done[index];
        let status = match inspection.trust() {
            Trust::Whole => ("pass", "whole"),
            Trust::Unproven => ("not-checked", "unproven"),
            Trust::Broken => ("fail", "damaged"),
            Trust::None => ("fail", "no snapshot"),
        };
        let number = |key: &str| match inspection.value(key) {
            Some(Value::Revision(n)) => format::signed(*n),
            Some(Value::Count(n)) => format::number(*n),
            _ if inspection.etcd().is_some() => "unknown".into(),
            _ => "–".into(),
        };
        Row {
            job: item.job,
            name: item.name.clone(),
            kind: inspection.kind.to_string(),
            status,
            revision: number("revision"),
            keys: number("keys"),
            size: item.size,
            why,
        }
    });
    let rest = items.iter().filter_map(|item| {
        let (kind, status, why) = match &item.state {
            State::Done(_) => return None,
            State::Dossier(unpacked) => {
                let status = match (unpacked.verdict.whole, unpacked.verdict.approval) {
                    (false, _) => ("fail", "damaged"),
                    (true, Outcome::Pass) => ("pass", "whole"),
                    (true, _) => ("not-checked", "approval not shown"),
                };
                (
                    "dossier".to_owned(),
                    status,
                    unpacked.verdict.sentence.clone(),
                )
            }
            State::Reading(_, phase) => {
                let status = ("busy", "reading");
                ("–".to_owned(), status, format::capital(phase.words()))
            }
            State::Refused(refusal) => {
                let status = ("not-checked", "not checked");
                ("–".to_owned(), status, refusal.what.clone())
            }
        };
        Some(Row {
            job: item.job,
            name: item.name.clone(),
            kind,
            status,
            revision: "–".into(),
            keys: "–".into(),
            size: item.size,
            why,
        })
    });
    judged.chain(rest).collect()
}
