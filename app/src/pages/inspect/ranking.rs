//! Several files at once: which is the best of its cluster, and why.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use requorum_shared::finding::Outcome;
use requorum_shared::recovery::served_by;
use requorum_shared::value::Value;

use crate::components::bytes::Bytes;
use crate::components::revision_axis::{Point, RevisionAxis};
use crate::components::status::{self, Status};
use crate::components::table::arrows;
use crate::format;
use crate::open_files::{Item, OpenFiles, State};
use crate::paths::with_query;
use crate::systems::{Placed, Ranking, rank};

/// Columns of the table.
const COLUMNS: &str = "8";

/// A table of all files: by cluster and best first; then what could not be judged.
pub(super) fn ranking(
    open_files: OpenFiles,
    selected: Signal<Option<u32>>,
    close: Callback<u32>,
) -> impl IntoView {
    let groups = Memo::new(move |_| groups(&open_files.items()));
    let sentence = move || groups.with(|groups| sentence(groups));
    let body = move || {
        groups
            .get()
            .into_iter()
            .map(|group| {
                let heading = (!group.title.is_empty()).then(|| {
                    view! { <tr class="group"><th scope="rowgroup" colspan=COLUMNS>{group.title}</th></tr> }
                });
                let rows = group.rows.into_iter().map(|row| one(row, selected, close)).collect_view();
                view! { <tbody on:keydown=arrows>{heading}{rows}</tbody> }
            })
            .collect_view()
    };
    let axes = move || groups.with(|groups| groups.iter().filter_map(axis).collect_view());
    view! {
        <section class="section">
            <h2>{sentence}</h2>
            <div class="table-wrap">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"File"</th><th scope="col">"Kind"</th><th scope="col">"Verdict"</th>
                            <th scope="col" class="number">"Revision"</th><th scope="col" class="number">"Keys"</th>
                            <th scope="col" class="number">"Size"</th><th scope="col">"Reason"</th>
                            <th scope="col"><span class="visually-hidden">"Remove"</span></th>
                        </tr>
                    </thead>
                    {body}
                </table>
            </div>
            {axes}
        </section>
    }
}

fn one(row: Row, selected: Signal<Option<u32>>, close: Callback<u32>) -> impl IntoView {
    let location = use_location();
    let job = row.job;
    let href = move || {
        with_query(
            &location.pathname.get(),
            &location.search.get(),
            "file",
            &job.to_string(),
        )
    };
    let remove = format!("Remove {}", row.name);
    view! {
        <tr aria-selected=move || (selected.get() == Some(job)).then_some("true")>
            <th scope="row" data-label="File"><a href=href data-noscroll="">{row.name}</a></th>
            <td data-label="Kind">{row.kind}</td>
            <td data-label="Verdict"><Status is=row.status /></td>
            <td data-label="Revision" class="number">{row.revision}</td>
            <td data-label="Keys" class="number">{row.keys}</td>
            <td data-label="Size" class="number"><Bytes n=row.size /></td>
            <td data-label="Reason">{row.why}</td>
            <td><button type="button" class="button small" aria-label=remove on:click=move |_| close.run(job)>"Remove"</button></td>
        </tr>
    }
}

/// What the table says, in a sentence.
fn sentence(groups: &[Group]) -> String {
    let ranked: Vec<usize> = groups
        .iter()
        .filter(|group| !group.title.is_empty())
        .map(|group| group.rows.len())
        .collect();
    match ranked.as_slice() {
        [] => "Open files".to_owned(),
        [_] => "All files, best first".to_owned(),
        several if several.iter().all(|rows| *rows == 1) => format!(
            "These {} files are of different clusters: not ranked against each other",
            several.len()
        ),
        several => format!(
            "These {} files are of {} clusters: each ranked within its own",
            several.iter().sum::<usize>(),
            several.len()
        ),
    }
}

/// The revisions of a cluster's files on one axis, where there are two or more to compare.
fn axis(group: &Group) -> Option<AnyView> {
    let points: Vec<Point> = group
        .rows
        .iter()
        .filter_map(|row| {
            Some(Point {
                name: row.name.clone(),
                revision: row.at?,
                class: row.status.0,
                modified_ms: row.modified_ms,
            })
        })
        .collect();
    (points.len() > 1).then(|| view! { <RevisionAxis points /> }.into_any())
}

/// The files of one cluster, or those that are not compared.
#[derive(Clone, PartialEq)]
struct Group {
    /// The cluster; empty for what is of none.
    title: String,
    rows: Vec<Row>,
}

#[derive(Clone, PartialEq)]
struct Row {
    job: u32,
    name: String,
    kind: String,
    status: (&'static str, &'static str),
    revision: String,
    /// The same as a number.
    at: Option<i64>,
    keys: String,
    size: u64,
    modified_ms: Option<i64>,
    why: String,
}

fn groups(items: &[Item]) -> Vec<Group> {
    let done: Vec<_> = items
        .iter()
        .filter_map(|item| match &item.state {
            State::Done(looked) => Some((item, &looked.inspection)),
            _ => None,
        })
        .collect();
    let inspections: Vec<_> = done.iter().map(|(_, inspection)| *inspection).collect();
    let Ranking { placed, clusters } = rank(&inspections);
    let group = |title| Group {
        title,
        rows: Vec::new(),
    };
    let mut groups: Vec<Group> = clusters.into_iter().map(group).collect();
    let mut others = group(String::new());
    for Placed {
        index,
        why,
        cluster,
        revision,
    } in placed
    {
        let (item, inspection) = done[index];
        let status = status::trust(inspection.trust());
        let number = |key: &str| match inspection.value(key) {
            Some(Value::Revision(n)) => format::signed(*n),
            Some(Value::Count(n)) => format::number(*n),
            _ if !served_by(inspection).is_empty() => "unknown".into(),
            _ => "–".into(),
        };
        let row = Row {
            kind: inspection.kind.to_string(),
            status,
            revision: number("revision"),
            at: revision,
            keys: number("keys"),
            why,
            ..plain(item)
        };
        let group = cluster.and_then(|cluster| groups.get_mut(cluster));
        group.unwrap_or(&mut others).rows.push(row);
    }
    for item in items {
        let (kind, status, why) = match &item.state {
            State::Done(_) => continue,
            State::Dossier(unpacked) => {
                let verdict = &unpacked.verdict;
                let status = match (verdict.whole, verdict.approval) {
                    (false, _) => ("fail", "damaged"),
                    (true, Outcome::Pass) => ("pass", "valid"),
                    (true, _) => ("not-checked", "approval not shown"),
                };
                ("dossier".to_owned(), status, verdict.sentence.clone())
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
        others.rows.push(Row {
            kind,
            status,
            why,
            ..plain(item)
        });
    }
    if !others.rows.is_empty() {
        groups.push(others);
    }
    groups
}

/// What is known of a file before it is read.
fn plain(item: &Item) -> Row {
    Row {
        job: item.job,
        name: item.name.clone(),
        kind: String::new(),
        status: ("", ""),
        revision: "–".into(),
        at: None,
        keys: "–".into(),
        size: item.size,
        modified_ms: item.modified_ms,
        why: String::new(),
    }
}
