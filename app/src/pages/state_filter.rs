//! Lists of one state: the choice, kept in the address.

use crate::format;
use crate::paths;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

/// The parameter of the address.
const KEY: &str = "state";

/// What the address says; empty for all.
pub(super) fn chosen() -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|q| q.get(KEY)).unwrap_or_default())
}

/// How many have each state, by its word.
pub(super) type Counts = Vec<(String, u64)>;

/// A state as addresses have it: the name that the API gives it, in small letters and without the enum's own.
pub(super) fn word(name: &str, prefix: &str) -> String {
    let name = name.strip_prefix(prefix).unwrap_or(name);
    name.to_ascii_lowercase()
}

/// As a request says it. What is no state is asked for as one that is not known, which the server refuses.
pub(super) fn asked<S: Into<i32>>(
    chosen: &str,
    prefix: &str,
    read: impl Fn(&str) -> Option<S>,
) -> Vec<i32> {
    if chosen.is_empty() {
        return Vec::new();
    }
    let name = format!("{prefix}{}", chosen.to_ascii_uppercase());
    vec![read(&name).map_or(0, Into::into)]
}

/// How many have one of these states.
pub(super) fn count(counts: &[(String, u64)], wanted: impl Fn(&str) -> bool) -> u64 {
    let of = counts.iter().filter(|(state, _)| wanted(state));
    of.map(|(_, count)| count).sum()
}

/// The choice among the states that there are, each with how many have it.
pub(super) fn choice(
    counts: Signal<Counts>,
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
fn offered(counts: &[(String, u64)], chosen: &str) -> Counts {
    let mut offered = counts.to_vec();
    if !chosen.is_empty() && !offered.iter().any(|(state, _)| state == chosen) {
        offered.push((chosen.to_owned(), 0));
    }
    offered
}

#[cfg(test)]
mod tests {
    use requorum_shared::api::v1::PlanState;

    use super::*;

    #[test]
    fn states_are_counted_and_the_chosen_one_is_offered() {
        let counts = [("sealed", 3), ("expired", 4)].map(|(state, n)| (state.to_owned(), n));
        assert_eq!(count(&counts, |state| state == "expired"), 4);
        assert_eq!(count(&counts, |_| true), 7);
        assert_eq!(offered(&counts, "").len(), 2);
        assert_eq!(offered(&counts, "used")[2], ("used".to_owned(), 0));
        let read = |word: &str| asked(word, "PLAN_STATE_", PlanState::from_str_name);
        assert_eq!(read("used"), [i32::from(PlanState::Used)]);
        assert_eq!(read("odd"), [0]);
        assert!(read("").is_empty());
        assert_eq!(word(PlanState::Used.as_str_name(), "PLAN_STATE_"), "used");
    }
}
