//! Lists that are searched: what was typed, kept in the address; and what a list says that has nothing to show.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

use crate::paths;

/// The parameter of the address.
const KEY: &str = "q";
/// What narrows a list, as addresses have it.
const NARROWING: [&str; 4] = ["q", "state", "cluster", "input"];

/// What the address says; empty for all.
pub(super) fn chosen() -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|q| q.get(KEY)).unwrap_or_default())
}

/// The field. It stands outside of what is drawn anew with each page: whoever types stays in it.
pub(super) fn field(label: &'static str) -> impl IntoView {
    let (location, navigate, now) = (use_location(), use_navigate(), chosen());
    let on_input = move |ev| {
        let to = paths::narrowed(
            &location.pathname.get_untracked(),
            &location.search.get_untracked(),
            KEY,
            &event_target_value(&ev),
        );
        let options = NavigateOptions {
            replace: true,
            scroll: false,
            ..Default::default()
        };
        navigate(&to, options);
    };
    view! {
        <div class="field search">
            <label for="search">{label}</label>
            <input id="search" type="search" autocomplete="off" spellcheck="false" prop:value=now on:input=on_input />
        </div>
    }
}

/// What a list says that is narrowed to nothing: by what, and the way back to all of it.
pub(super) fn nothing(many: &'static str) -> impl IntoView {
    let (location, query) = (use_location(), use_query_map());
    let why = move || {
        let of = |key: &str| query.with(|q| q.get(key)).filter(|value| !value.is_empty());
        let parts = [
            of("q").map(|text| format!("the search “{text}”")),
            of("state").map(|state| format!("the state “{state}”")),
            of("cluster").map(|name| format!("the cluster “{name}”")),
            of("input").map(|_| "one file".to_owned()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => format!("No {many}."),
            false => format!("No {many} match {}.", parts.join(" and ")),
        }
    };
    let clear = move || {
        let (path, mut search) = (location.pathname.get(), location.search.get());
        let mut to = paths::first_page(&path, &search);
        for key in NARROWING {
            search = to.split_once('?').map_or("", |(_, query)| query).to_owned();
            to = paths::with_query(&path, &search, key, "");
        }
        to
    };
    view! {
        <div class="empty" role="status">
            <p>{why}</p>
            <div class="acts"><a class="button small" href=clear>"Clear filters"</a></div>
        </div>
    }
}
