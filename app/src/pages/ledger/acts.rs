//! Acts in a table, newest first. New ones are let in by themselves only while nothing could jump.

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::v1::ListEntriesResponse;
use requorum_shared::ledger::entry::{Entry, act};

use super::tail::{Line, follow};
use crate::client::grpc;
use crate::components::status::Status;
use crate::components::table::{Clipped, arrows};
use crate::components::time::Ago;
use crate::entry_filter::Filter;
use crate::format;
use crate::ledger::rows::{Row, fold, insert_ended};
use crate::paths;

/// Rows that a page holds at most: below that, what is older is on the next.
const MOST: usize = 500;
/// Scrolled down further than this, a person is reading.
const NEAR_TOP: f64 = 120.0;

/// The table, and what has come since.
#[component]
pub fn Acts(
    /// What the server listed.
    list: ListEntriesResponse,
    /// Whose it is.
    filter: Filter,
    /// Whether new acts belong on this page.
    live: bool,
) -> impl IntoView {
    let listed = list.entries.len();
    let first: Vec<Row> = list.entries.iter().filter_map(Row::read).collect();
    let unreadable = listed - first.len();
    let more = RwSignal::new(!list.next_page_token.is_empty());
    let rows = RwSignal::new(first);
    let waiting = RwSignal::new(Vec::<Entry>::new());
    let line = RwSignal::new(Line::Connecting);
    let body = NodeRef::<leptos::html::Tbody>::new();
    let filter = StoredValue::new(filter);
    let take = move |entry: Entry| {
        filter.with_value(|filter| {
            if let Some(opened) = entry.closes
                && filter.admits(&entry)
            {
                let request = filter.request(Some(opened + 1), 1);
                spawn_local(async move {
                    // Without an answer there is no connection, and the line says so.
                    let list = grpc::call(request).await.unwrap_or_default();
                    let act = list.entries.first().and_then(Row::read);
                    if let Some(act) = act.filter(|act| act.entry.index == opened) {
                        let is_last = !more.try_get_untracked().unwrap_or(true);
                        let cut = rows.try_update(|rows| insert_ended(rows, act, is_last, MOST));
                        if cut == Some(true) {
                            more.try_set(true);
                        }
                    }
                });
                return;
            }
            rows.update(|rows| {
                fold(rows, entry, filter);
                if rows.len() > MOST {
                    rows.truncate(MOST);
                    more.set(true);
                }
            });
        });
    };
    let on_entry = move |entry: Entry| {
        let closes_a_row = entry.closes.is_some_and(|closes| {
            rows.with_untracked(|rows| rows.iter().any(|r| r.entry.index == closes))
        });
        let quiet = || waiting.with_untracked(Vec::is_empty) && at_top() && !holds_focus(body);
        if closes_a_row || quiet() {
            take(entry);
        } else {
            waiting.update(|waiting| waiting.push(entry));
        }
    };
    if live {
        follow(list.size, line, on_entry);
    }
    let fresh = Memo::new(move |_| {
        let is_new = |entry: &&Entry| filter.with_value(|filter| filter.admits(entry));
        waiting.with(|waiting| waiting.iter().filter(is_new).count() as u64)
    });
    let let_in = move |_| {
        for entry in waiting.get_untracked() {
            take(entry);
        }
        waiting.set(Vec::new());
    };
    let older = move || {
        let last = rows.with(|rows| rows.last().map(|row| row.entry.index));
        let query = filter.with_value(Filter::query);
        more.get().then_some(last).flatten().map(|last| {
            let href = paths::with_query(&paths::ledger(), &query, "before", &last.to_string());
            view! { <a class="button" href=href>"Older"</a> }
        })
    };
    let newest = (!live).then(|| {
        let href = paths::ledger_with(&filter.with_value(Filter::query));
        view! { <a class="button" href=href>"Newest"</a> }
    });
    let none = move || {
        rows.with(Vec::is_empty)
            .then(|| view! { <p class="muted">"No entries match these filters."</p> })
    };
    view! {
        <section class="section" aria-label="Acts">
            <div class="live-line">
                <p class="small muted" role="status">{move || if live { line.get().words() } else { "Older entries; new ones are on the first page.".to_owned() }}</p>
                {move || (fresh.get() > 0).then(|| view! {
                    <button type="button" class="button small primary" on:click=let_in>{format!("{} new", format::number(fresh.get()))}</button>
                })}
            </div>
            {(unreadable > 0).then(|| view! {
                <p class="status fail">{format!("{} cannot be read and are not shown", format::count(unreadable as u64, "entry", "entries"))}</p>
            })}
            <div class="table-wrap" class:is-empty=move || rows.with(Vec::is_empty)>
                <table class="table lines acts-table">
                    <thead>
                        <tr>
                            <th scope="col">"Time"</th><th scope="col">"Who"</th><th scope="col">"Act"</th>
                            <th scope="col">"Subject"</th><th scope="col">"Outcome"</th><th scope="col">"Cluster"</th>
                            <th scope="col">"Plan"</th>
                        </tr>
                    </thead>
                    <tbody node_ref=body on:keydown=arrows>
                        <For each=move || rows.get() key=|row| (row.entry.index, row.closing.is_some()) children=row />
                    </tbody>
                </table>
            </div>
            {none}
            <div class="acts">{newest}{older}</div>
        </section>
    }
}

fn row(row: Row) -> impl IntoView {
    let outcome = row.outcome();
    let reason = row.reason().to_owned();
    let entry = row.entry;
    let plan = entry.plan.clone().map(|plan| {
        let query = Filter {
            plan: plan.clone(),
            ..Filter::default()
        }
        .query();
        view! { <a class="id" href=paths::ledger_with(&query) title=plan.clone()>{format::short_id(&plan)}</a> }
    });
    let who = if entry.who.is_empty() {
        view! { <span class="muted">"anonymous"</span> }.into_any()
    } else {
        entry.who.clone().into_any()
    };
    view! {
        <tr>
            <th scope="row" data-label="Time">
                <span>
                    <a href=paths::ledger_entry(entry.index)><Ago ms=entry.at_ms /></a>
                    {entry.clock_back_ms.map(|ms| view! { " " <ClockBack ms /> })}
                </span>
            </th>
            <td data-label="Who">{who}</td>
            <td data-label="Act">{format::capital(act::phrase(&entry.act))}</td>
            <td data-label="Subject" class="subject"><Clipped text=entry.subject /></td>
            <td data-label="Outcome">
                <Status is=outcome />
                {(!reason.is_empty()).then(|| view! { " " <span class="small muted clip reason" title=reason.clone()>{reason.clone()}</span> })}
            </td>
            <td data-label="Cluster" class="wide-only">{entry.cluster.unwrap_or_else(|| "–".into())}</td>
            <td data-label="Plan" class="wide-only">{plan.map_or_else(|| "–".into_any(), IntoAny::into_any)}</td>
        </tr>
    }
}

/// That the server's clock went backwards before an entry, and by how much.
#[component]
pub fn ClockBack(
    /// By how many milliseconds.
    ms: i64,
) -> impl IntoView {
    let by = format::duration(ms as f64);
    view! { <span class="status pill warning">{format!("clock set back by {by}")}</span> }
}

fn at_top() -> bool {
    window().scroll_y().is_ok_and(|y| y < NEAR_TOP)
}

fn holds_focus(body: NodeRef<leptos::html::Tbody>) -> bool {
    let active = document().active_element();
    body.get_untracked()
        .is_some_and(|body| body.contains(active.as_deref().map(AsRef::as_ref)))
}
