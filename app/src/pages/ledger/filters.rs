//! What to look for in the ledger. The address holds it.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use requorum_shared::ledger::entry::act;

use crate::components::field::Field;
use crate::entry_filter::Filter;
use crate::format::capital;
use crate::paths;

/// The form, folded until something is looked for.
#[component]
pub fn Filters(
    /// What the address holds.
    filter: Memo<Filter>,
) -> impl IntoView {
    let typed = Typed::default();
    // The address is the state: a link changes the form too.
    Effect::new(move |_| typed.set(&filter.get()));
    let navigate = StoredValue::new_local(use_navigate());
    let go = move || {
        let filter = typed.filter();
        if typed
            .complaints()
            .iter()
            .all(|complaint| complaint.is_empty())
        {
            let to = paths::ledger_with(&filter.query());
            navigate.with_value(|navigate| navigate(&to, Default::default()));
        }
    };
    let on_submit = move |ev: web_sys::SubmitEvent| {
        ev.prevent_default();
        go();
    };
    let summary = move || {
        let words = filter.with(words);
        if words.is_empty() {
            "Filter".to_owned()
        } else {
            format!("Filter: {words}")
        }
    };
    let choices = act::ALL
        .iter()
        .map(|name| view! { <option value=*name>{capital(act::phrase(name))}</option> })
        .collect_view();
    view! {
        <details class="fold" open=move || !filter.with(Filter::is_empty)>
            <summary>{summary}</summary>
            <form class="filter" on:submit=on_submit>
                <Field id="who" label="Who" value=typed.who />
                <div class="field">
                    <label for="act">"Act"</label>
                    <select id="act" prop:value=typed.act on:change=move |ev| { typed.act.set(event_target_value(&ev)); go() }>
                        <option value="">"Any"</option>
                        {choices}
                    </select>
                </div>
                <Field id="cluster" label="Cluster" value=typed.cluster />
                <Field id="from" label="From (UTC)" value=typed.from error=Signal::derive(move || typed.complaints()[0].to_owned()) />
                <Field id="until" label="Before (UTC)" value=typed.until error=Signal::derive(move || typed.complaints()[1].to_owned()) />
                <Field id="plan" label="Plan's hash" value=typed.plan />
                <Field id="job" label="Job" value=typed.job />
                <div class="acts">
                    <button type="submit" class="button">"Show these"</button>
                    <a class="button plain" href=paths::ledger()>"Show all"</a>
                </div>
            </form>
        </details>
    }
}

/// What is typed.
#[derive(Clone, Copy)]
struct Typed {
    who: RwSignal<String>,
    act: RwSignal<String>,
    cluster: RwSignal<String>,
    from: RwSignal<String>,
    until: RwSignal<String>,
    plan: RwSignal<String>,
    job: RwSignal<String>,
}

impl Default for Typed {
    fn default() -> Self {
        let text = || RwSignal::new(String::new());
        Self {
            who: text(),
            act: text(),
            cluster: text(),
            from: text(),
            until: text(),
            plan: text(),
            job: text(),
        }
    }
}

impl Typed {
    fn all(&self) -> [RwSignal<String>; 7] {
        [
            self.who,
            self.act,
            self.cluster,
            self.from,
            self.until,
            self.plan,
            self.job,
        ]
    }

    fn set(&self, filter: &Filter) {
        for (signal, (_, value)) in self.all().into_iter().zip(filter.parts()) {
            signal.set(value.to_owned());
        }
    }

    fn filter(&self) -> Filter {
        let keys = Filter::default().parts().map(|(key, _)| key);
        let values = self.all().map(|signal| signal.get_untracked());
        Filter::read(|wanted| {
            let at = keys.iter().position(|key| *key == wanted)?;
            values.get(at).cloned()
        })
    }

    /// What is wrong with the two times.
    fn complaints(&self) -> [&'static str; 2] {
        [self.from, self.until].map(|signal| signal.with(|typed| Filter::complaint(typed)))
    }
}

/// A filter in words: `who ada, act seal a plan`.
fn words(filter: &Filter) -> String {
    let set = filter
        .parts()
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    set.map(|(key, value)| match key {
        "act" => format!("act {}", act::phrase(value)),
        "plan" | "job" => format!("{key} {}", crate::format::short_id(value)),
        _ => format!("{key} {value}"),
    })
    .collect::<Vec<_>>()
    .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_itself_in_words() {
        let filter = Filter {
            who: "ada".into(),
            act: act::PLAN_SEAL.into(),
            plan: "ab".repeat(32),
            ..Filter::default()
        };
        assert_eq!(words(&filter), "who ada, act seal a plan, plan ababab…abab");
        assert_eq!(words(&Filter::default()), "");
    }
}
