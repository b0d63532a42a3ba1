//! Lists of one cluster: the choice, kept in the address.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use requorum_shared::permission::{Grants, Role, Scope};

use crate::paths;

/// The parameter of the address.
const KEY: &str = "cluster";
/// What stands there for what belongs to none; no cluster is called so.
const NONE: &str = "(none)";

/// The cluster of somebody who may upload files for that one alone; empty for others.
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

/// As a request says it.
pub(super) fn asked(chosen: &str) -> Option<String> {
    match chosen {
        "" => None,
        NONE => Some(String::new()),
        name => Some(name.to_owned()),
    }
}

/// The choice, where there is one: among these names, or to leave the one that the address has.
pub(super) fn choice(names: Signal<Vec<String>>) -> impl IntoView {
    let location = use_location();
    let navigate = use_navigate();
    let now = chosen();
    let on_change = Callback::new(move |name: String| {
        let to = paths::narrowed(
            &location.pathname.get_untracked(),
            &location.search.get_untracked(),
            KEY,
            &name,
        );
        let options = NavigateOptions {
            replace: true,
            scroll: false,
            ..Default::default()
        };
        navigate(&to, options);
    });
    let offered = Memo::new(move |_| names.with(|names| offered(names, &now.get())));
    let is_offered = Memo::new(move |_| !offered.with(Vec::is_empty));
    let options = move || {
        let option = |name: String| {
            let (value, label) = match name.as_str() {
                "" => (NONE.to_owned(), "no cluster".to_owned()),
                _ => (name.clone(), name),
            };
            let this = value.clone();
            view! { <option value=value selected=move || now.with(|now| *now == this)>{label}</option> }
        };
        offered.get().into_iter().map(option).collect_view()
    };
    move || {
        is_offered.get().then(|| {
            view! {
                <div class="field">
                    <label for="of-cluster">"Cluster"</label>
                    <select id="of-cluster" on:change=move |ev| on_change.run(event_target_value(&ev))>
                        <option value="" selected=move || now.with(String::is_empty)>"all"</option>
                        {options}
                    </select>
                </div>
            }
        })
    }
}

/// The names to choose from, and what the address says; empty where nothing belongs to a cluster.
fn offered(names: &[String], chosen: &str) -> Vec<String> {
    let mut offered = names.to_vec();
    if let Some(asked) = asked(chosen)
        && !offered.contains(&asked)
    {
        offered.push(asked);
    } else if offered.iter().all(String::is_empty) {
        offered.clear();
    }
    offered
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
    fn none_is_a_choice_of_its_own() {
        assert_eq!(asked(""), None);
        assert_eq!(asked(NONE).as_deref(), Some(""));
        assert_eq!(asked("prod").as_deref(), Some("prod"));
    }

    #[test]
    fn a_choice_is_offered_where_there_is_one() {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert!(offered(&names(&[""]), "").is_empty());
        assert_eq!(offered(&names(&["", "a"]), ""), ["", "a"]);
        assert_eq!(offered(&names(&[]), "gone"), ["gone"], "a way back");
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
