//! Lists of one state: the choice, kept in the address.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use requorum_shared::api::v1::StateCount;

use crate::format;
use crate::paths;

/// The parameter of the address.
const KEY: &str = "state";

/// What the address says; empty for all.
pub(super) fn chosen() -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|q| q.get(KEY)).unwrap_or_default())
}

/// As a request says it.
pub(super) fn asked(chosen: &str) -> Vec<String> {
    if chosen.is_empty() {
        Vec::new()
    } else {
        vec![chosen.to_owned()]
    }
}

/// How many have one of these states.
pub(super) fn count(counts: &[StateCount], wanted: impl Fn(&str) -> bool) -> u64 {
    let of = counts.iter().filter(|count| wanted(&count.state));
    of.map(|count| count.count).sum()
}

/// The choice among the states that there are, each with how many have it.
pub(super) fn choice(
    counts: Signal<Vec<StateCount>>,
    word: impl Fn(&str) -> &'static str + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let location = use_location();
    let navigate = use_navigate();
    let now = chosen();
    let on_change = move |ev| {
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
    let offered = Memo::new(move |_| counts.with(|counts| offered(counts, &now.get())));
    let options = move || {
        let option = |(state, count): (String, u64)| {
            let label = format!("{} ({})", word(&state), format::number(count));
            let this = state.clone();
            view! { <option value=state selected=move || now.with(|now| *now == this)>{label}</option> }
        };
        offered.get().into_iter().map(option).collect_view()
    };
    view! {
        <div class="field">
            <label for="of-state">"State"</label>
            <select id="of-state" on:change=on_change>
                <option value="" selected=move || now.with(String::is_empty)>"all"</option>
                {options}
            </select>
        </div>
    }
}

/// The states that there are, and the one that the address says.
fn offered(counts: &[StateCount], chosen: &str) -> Vec<(String, u64)> {
    let mut offered: Vec<_> = counts.iter().map(|c| (c.state.clone(), c.count)).collect();
    if !chosen.is_empty() && !offered.iter().any(|(state, _)| state == chosen) {
        offered.push((chosen.to_owned(), 0));
    }
    offered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_counted_and_the_chosen_one_is_offered() {
        let counts = [("sealed", 3), ("void", 4)].map(|(state, count)| StateCount {
            state: state.into(),
            count,
        });
        assert_eq!(count(&counts, |state| state == "void"), 4);
        assert_eq!(count(&counts, |_| true), 7);
        assert_eq!(offered(&counts, "").len(), 2);
        assert_eq!(offered(&counts, "used")[2], ("used".to_owned(), 0));
        assert_eq!(asked("used"), ["used"]);
        assert!(asked("").is_empty());
    }
}
