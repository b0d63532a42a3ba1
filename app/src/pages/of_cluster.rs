//! Lists of one cluster: the choice, kept in the address.

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use requorum_shared::permission::{Grants, Role, Scope};

use crate::paths;

/// The parameter of the address.
const KEY: &str = "cluster";
/// What stands there for what belongs to none; no cluster is called so.
const NONE: &str = "(none)";

/// The names in a list, each once; empty where nothing in it belongs to a cluster.
pub(super) fn names<'a>(clusters: impl Iterator<Item = &'a str>) -> Vec<String> {
    let all: BTreeSet<&str> = clusters.collect();
    if all.iter().all(|name| name.is_empty()) {
        return Vec::new();
    }
    all.into_iter().map(str::to_owned).collect()
}

/// The cluster of somebody who may bring in files for that one alone; empty for others.
pub(super) fn only(grants: &Grants) -> String {
    let mut scopes = grants
        .iter()
        .filter(|grant| grant.role == Role::Operator)
        .map(|grant| &grant.scope);
    match (scopes.next(), scopes.next()) {
        (Some(Scope::Cluster(name)), None) => name.clone(),
        _ => String::new(),
    }
}

/// What the address says; empty for all.
pub(super) fn chosen() -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|q| q.get(KEY)).unwrap_or_default())
}

/// Whether something of this cluster is in the choice.
pub(super) fn fits(chosen: &str, cluster: &str) -> bool {
    match chosen {
        "" => true,
        NONE => cluster.is_empty(),
        name => name == cluster,
    }
}

/// The choice, where there is one.
pub(super) fn choice(names: Vec<String>) -> impl IntoView {
    let location = use_location();
    let navigate = use_navigate();
    let now = chosen();
    let on_change = move |ev| {
        let to = paths::with_query(
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
    (!names.is_empty()).then(|| {
        let options = names
            .into_iter()
            .map(|name| {
                let (value, label) = match name.as_str() {
                    "" => (NONE.to_owned(), "of none".to_owned()),
                    _ => (name.clone(), name),
                };
                let this = value.clone();
                view! { <option value=value selected=move || now.with(|now| *now == this)>{label}</option> }
            })
            .collect_view();
        view! {
            <div class="field">
                <label for="of-cluster">"Cluster"</label>
                <select id="of-cluster" on:change=on_change>
                    <option value="" selected=move || now.with(String::is_empty)>"all"</option>
                    {options}
                </select>
            </div>
        }
    })
}

/// The choice alone above a list.
pub(super) fn filter(names: Vec<String>) -> impl IntoView {
    (!names.is_empty()).then(|| view! { <div class="filter">{choice(names)}</div> })
}

/// The name in a table.
pub(super) fn shown(cluster: &str) -> AnyView {
    match cluster {
        "" => view! { <span class="muted">"–"</span> }.into_any(),
        name => name.to_owned().into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_offered_where_there_is_one() {
        assert!(names(["", ""].into_iter()).is_empty());
        assert_eq!(names(["b", "", "a", "b"].into_iter()), ["", "a", "b"]);
        assert!(fits("", "a") && fits("a", "a") && fits(NONE, ""));
        assert!(!fits("a", "b") && !fits(NONE, "a") && !fits("a", ""));
    }

    #[test]
    fn whoever_may_for_one_cluster_alone_need_not_name_it() {
        for (grants, name) in [
            ("operator@lab", "lab"),
            ("operator@lab, approver@prod", "lab"),
            ("operator@lab, operator@prod", ""),
            ("operator, approver@lab", ""),
            ("viewer", ""),
        ] {
            assert_eq!(only(&grants.parse().unwrap()), name, "{grants}");
        }
    }
}
