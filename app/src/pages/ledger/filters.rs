//! What to look for in the ledger. The address holds it.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use requorum_shared::ledger::entry::act;

use crate::components::field::Field;
use crate::entry_filter::{Filter, OUTCOMES, moment};
use crate::format::{self, Zone, capital};
use crate::paths;
use crate::times::Times;

/// The form, folded until something is looked for.
#[component]
pub fn Filters(
    /// What the address holds.
    filter: Memo<Filter>,
) -> impl IntoView {
    let typed = Typed::default();
    let times = Times::expect();
    // What the two moments are in UTC, by the zone that they were typed in.
    let in_utc = StoredValue::new(<[String; 2]>::default());
    Effect::new(move |_| {
        let typed = [typed.from.get(), typed.until.get()];
        in_utc.set_value(moments_in_utc(&typed, untrack(move || times.zone())));
    });
    // The address is the state: a link changes the form too. Another zone changes what the same moments look like in
    // it, and nothing else that is typed.
    Effect::new(move |before: Option<(Filter, Zone)>| {
        let (filter, zone) = (filter.get(), times.zone());
        match before {
            Some((of, was)) if of == filter => {
                if was != zone {
                    in_utc.with_value(|moments| typed.show_moments(moments, zone));
                }
            }
            _ => typed.set(&filter, zone),
        }
        (filter, zone)
    });
    let navigate = StoredValue::new_local(use_navigate());
    let go = move || {
        let zone = untrack(move || times.zone());
        let filter = typed.filter(zone);
        if typed
            .complaints(zone)
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
        let zone = times.zone();
        let words = filter.with(|filter| words(filter, zone));
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
    let outcomes = OUTCOMES
        .iter()
        .map(|(word, _)| view! { <option value=*word>{capital(word)}</option> })
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
                <div class="field">
                    <label for="outcome">"Outcome"</label>
                    <select id="outcome" prop:value=typed.outcome on:change=move |ev| { typed.outcome.set(event_target_value(&ev)); go() }>
                        <option value="">"Any"</option>
                        {outcomes}
                    </select>
                </div>
                <Field id="cluster" label="Cluster" value=typed.cluster />
                {move || moments(typed, times.zone())}
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

/// The fields for the two moments, which are typed as times are shown.
fn moments(typed: Typed, zone: Zone) -> impl IntoView {
    let of = match zone {
        Zone::Utc => "UTC",
        Zone::Local => "local time",
    };
    let error = |at: usize| Signal::derive(move || typed.complaints(zone)[at].to_owned());
    view! {
        <Field id="from" label=format!("From ({of})") value=typed.from error=error(0) />
        <Field id="until" label=format!("Before ({of})") value=typed.until error=error(1) />
    }
}

/// What is typed.
#[derive(Clone, Copy)]
struct Typed {
    who: RwSignal<String>,
    act: RwSignal<String>,
    outcome: RwSignal<String>,
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
            outcome: text(),
            cluster: text(),
            from: text(),
            until: text(),
            plan: text(),
            job: text(),
        }
    }
}

impl Typed {
    fn all(&self) -> [RwSignal<String>; 8] {
        [
            self.who,
            self.act,
            self.outcome,
            self.cluster,
            self.from,
            self.until,
            self.plan,
            self.job,
        ]
    }

    fn set(&self, filter: &Filter, zone: Zone) {
        for (signal, (key, value)) in self.all().into_iter().zip(filter.parts()) {
            signal.set(shown(key, value, zone));
        }
    }

    fn show_moments(&self, [from, until]: &[String; 2], zone: Zone) {
        self.from.set(shown("from", from, zone));
        self.until.set(shown("until", until, zone));
    }

    fn filter(&self, zone: Zone) -> Filter {
        let keys = Filter::default().parts().map(|(key, _)| key);
        let mut values = self.all().map(|signal| signal.get_untracked());
        for (key, value) in keys.iter().zip(&mut values) {
            *value = in_utc(key, value, zone);
        }
        Filter::read(|wanted| {
            let at = keys.iter().position(|key| *key == wanted)?;
            values.get(at).cloned()
        })
    }

    /// What is wrong with the two times.
    fn complaints(&self, zone: Zone) -> [&'static str; 2] {
        [self.from, self.until].map(|signal| {
            let complaint = signal.with(|typed| Filter::complaint(typed));
            match zone {
                Zone::Local if !complaint.is_empty() => {
                    "Not a time: write it as 2026-11-21 or 2026-11-21T14:02, in local time."
                }
                _ => complaint,
            }
        })
    }
}

/// Whether the part with this key is a moment.
fn is_moment(key: &str) -> bool {
    matches!(key, "from" | "until")
}

/// A part of the address, whose moments are in UTC, as the chosen zone shows it.
fn shown(key: &str, value: &str, zone: Zone) -> String {
    match (zone, moment(value)) {
        (Zone::Local, Some(ms)) if is_moment(key) => format::stamp(ms),
        _ => value.to_owned(),
    }
}

/// What was typed, as the address has it.
fn in_utc(key: &str, typed: &str, zone: Zone) -> String {
    match (zone, moment(typed)) {
        (Zone::Local, Some(ms)) if is_moment(key) => {
            let text = format::utc(format::from_zone(ms));
            text.trim_end_matches(" UTC").replace(' ', "T")
        }
        _ => typed.to_owned(),
    }
}

/// Both moments as the address has them.
fn moments_in_utc([from, until]: &[String; 2], zone: Zone) -> [String; 2] {
    [in_utc("from", from, zone), in_utc("until", until, zone)]
}

/// A filter in words: `who ada, act seal a plan`.
fn words(filter: &Filter, zone: Zone) -> String {
    let set = filter
        .parts()
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    set.map(|(key, value)| match key {
        "act" => format!("act {}", act::phrase(value)),
        "plan" | "job" => format!("{key} {}", format::short_id(value)),
        _ => format!("{key} {}", shown(key, value, zone)),
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
            outcome: "failed".into(),
            plan: "ab".repeat(32),
            ..Filter::default()
        };
        let words = |filter: &Filter| words(filter, Zone::Utc);
        assert_eq!(
            words(&filter),
            "who ada, act seal a plan, outcome failed, plan ababab…abab"
        );
        assert_eq!(words(&Filter::default()), "");
    }

    #[test]
    fn moments_are_in_utc_in_the_address_and_otherwise_as_they_are_shown() {
        // The zone of the test is UTC, whatever is asked for: the text alone changes.
        assert_eq!(
            in_utc("from", "2026-11-21", Zone::Local),
            "2026-11-21T00:00:00"
        );
        assert_eq!(
            shown("until", "2026-11-21T14:02", Zone::Local),
            "2026-11-21 14:02:00"
        );
        for (key, text) in [("from", "yesterday"), ("who", "2026-11-21")] {
            assert_eq!(in_utc(key, text, Zone::Local), text);
            assert_eq!(shown(key, text, Zone::Local), text);
        }
        assert_eq!(in_utc("from", "2026-11-21", Zone::Utc), "2026-11-21");
    }
}
