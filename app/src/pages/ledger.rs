//! Who did what, and can I believe it?

pub mod acts;
pub mod entry;
pub mod export;
pub mod filters;
mod tail;
pub mod verification;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::client::grpc;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::entry_filter::Filter;
use crate::format;
use crate::ledger::rows::Row;
use crate::ledger::state::{LedgerStatus, Reading};
use crate::ledger::watch::LedgerWatch;
use crate::paths;

/// Acts on one page.
const PAGE: u32 = 50;

/// The ledger, newest first.
#[component]
pub fn Ledger() -> impl IntoView {
    let watch = LedgerWatch::expect();
    watch.attend();
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(|q| Filter::read(|key| q.get(key))));
    let before = Memo::new(move |_| query.with(|q| q.get("before")?.parse::<u64>().ok()));
    let first = LocalResource::new(first_day);
    let page = LocalResource::new(move || grpc::call(filter.get().request(before.get(), PAGE)));
    let sentence = Signal::derive(move || {
        let since = first.get().unwrap_or_default();
        let state = watch.state().get();
        watch.memory().with(|memory| state.sentence(memory, &since))
    });
    let shown = move |list| {
        let filter = filter.get_untracked();
        let live = before.get_untracked().is_none();
        view! { <acts::Acts list filter live /> }
    };
    view! {
        <div class="page">
            <PageHeader sentence below=move || view! { <p role="status">{move || checked(watch)}</p> } acts=verify_link />
            <div class="stack">
                <filters::Filters filter />
                <export::ExportBox filter />
            </div>
            {load(page, shown)}
        </div>
    }
}

fn verify_link() -> impl IntoView {
    view! { <a class="button" href=paths::ledger_verification()>"Verification details"</a> }
}

/// What was checked, in a line.
fn checked(watch: LedgerWatch) -> String {
    let state = watch.state().get();
    match (&state.status, &state.reading) {
        _ if state.wrong().is_some() => "What is listed below may be false.".into(),
        (LedgerStatus::Unreached { why }, _) => why.clone(),
        (LedgerStatus::Verified { before, now, .. }, _) if state.is_read() => format!(
            "All {} were read and match the signed checkpoint, which is consistent with the {} seen earlier.",
            format::count(now.size, "entry", "entries"),
            format::number(before.size)
        ),
        (LedgerStatus::Verified { before, now, .. }, Reading::Not | Reading::Stopped { .. }) => {
            format!(
                "The signed checkpoint of {} is consistent with the {} seen earlier. Not all entries have been read yet.",
                format::count(now.size, "entry", "entries"),
                format::number(before.size)
            )
        }
        (LedgerStatus::First { .. }, _) => {
            "Its key and checkpoint are now remembered; compare the key with a colleague's.".into()
        }
        (LedgerStatus::Unasked, _) => "Verifying.".into(),
        (_, _) => "Reading entries.".into(),
    }
}

/// The day of the first entry; empty when it cannot be had: then the sentence does without.
async fn first_day() -> String {
    let request = Filter::default().request(Some(1), 1);
    let list = grpc::call(request).await.unwrap_or_default();
    let first = list.entries.first().and_then(Row::read);
    first.map_or(String::new(), |row| format::day(row.entry.at_ms))
}
