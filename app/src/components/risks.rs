//! The warnings of a plan, as cards: what each means, what resolves it, who accepted it, and a box to tick once it is
//! read.

use std::collections::BTreeSet;

use leptos::prelude::*;
use requorum_shared::approval::AcceptedWarning;
use requorum_shared::finding::{Finding, Report, Severity};

use crate::components::findings::Findings;
use crate::components::status::Status;
use crate::components::time::Ago;
use crate::format;

/// What was read on this page.
pub type Read = BTreeSet<AcceptedWarning>;

/// A warning that a person accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Its name.
    pub warning: AcceptedWarning,
    /// What begins the line: `Accepted by Ben, `.
    pub by: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// How many of `needed` are not read.
pub fn unread(needed: &[AcceptedWarning], read: &Read) -> usize {
    let open = |warning: &&AcceptedWarning| !read.contains(*warning);
    needed.iter().filter(open).count()
}

/// Puts the focus on the first box that is not ticked.
pub fn focus_unread() {
    use leptos::wasm_bindgen::JsCast as _;
    let found = document().query_selector(".risk-read input:not(:checked)");
    if let Some(input) = found.ok().flatten()
        && let Ok(input) = input.dyn_into::<web_sys::HtmlElement>()
    {
        let _ = input.focus();
    }
}

/// Warnings with the same code share a card: what they mean and what resolves them is the same.
fn cards(report: &Report) -> Vec<(String, Vec<Finding>)> {
    let mut cards: Vec<(String, Vec<Finding>)> = Vec::new();
    let all = report.findings.iter();
    for finding in all.filter(|finding| finding.severity == Severity::Warning) {
        match cards.iter_mut().find(|(code, _)| *code == finding.code) {
            Some((_, same)) => same.push(finding.clone()),
            None => cards.push((finding.code.clone(), vec![finding.clone()])),
        }
    }
    cards
}

/// The section; nothing for a report without warnings and notes.
#[component]
pub fn Risks(
    /// The plan's sealed report.
    report: Report,
    /// What the person who looks has to accept with their next act; empty where they cannot act.
    needed: Signal<Vec<AcceptedWarning>>,
    /// What they have ticked.
    read: RwSignal<Read>,
    /// Who accepted what.
    accepted: Signal<Vec<Acceptance>>,
) -> impl IntoView {
    let count = report.count(Severity::Warning) as u64;
    let notes: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Note)
        .cloned()
        .collect();
    let cards = cards(&report);
    let index = (cards.len() > 1).then(|| index(&cards));
    let cards = cards
        .into_iter()
        .enumerate()
        .map(|(index, (code, findings))| {
            view! { <Card index code findings needed read accepted /> }
        })
        .collect_view();
    let warnings = (count > 0).then(|| {
        view! {
            <h2 id="risks">{format::count(count, "warning", "warnings")}</h2>
            {index}
            <ul class="risk-list">{cards}</ul>
        }
    });
    let notes = (!notes.is_empty()).then(|| {
        let n = format::count(notes.len() as u64, "note", "notes");
        view! {
            <details class="fold">
                <summary>{format!("{n} from the check")}</summary>
                <Findings findings=notes none="" />
            </details>
        }
    });
    let any = warnings.is_some() || notes.is_some();
    any.then(|| view! { <div class="section risks">{warnings} {notes}</div> })
}

/// All of them in a line each, so that none is below the first screen; a press leads to its card.
fn index(cards: &[(String, Vec<Finding>)]) -> impl IntoView + use<> {
    let rows = cards.iter().enumerate().map(|(at, (_, findings))| {
        let what = findings
            .first()
            .map(|finding| format::visible(&finding.what));
        let card = format!("risk-{at}");
        let href = format!("#{card}");
        // The address keeps its page: only the view and the focus move.
        let go = move |ev: web_sys::MouseEvent| {
            ev.prevent_default();
            show_card(&card);
        };
        view! { <li><a href=href rel="external" on:click=go>{what}</a></li> }
    });
    view! { <ol class="risk-index small">{rows.collect_view()}</ol> }
}

fn show_card(id: &str) {
    use leptos::wasm_bindgen::JsCast as _;
    let Some(title) = document().get_element_by_id(id) else {
        return;
    };
    title.scroll_into_view();
    if let Ok(title) = title.dyn_into::<web_sys::HtmlElement>() {
        let _ = title.focus();
    }
}

#[component]
fn Card(
    index: usize,
    code: String,
    findings: Vec<Finding>,
    needed: Signal<Vec<AcceptedWarning>>,
    read: RwSignal<Read>,
    accepted: Signal<Vec<Acceptance>>,
) -> impl IntoView {
    let names: Vec<_> = findings.iter().map(AcceptedWarning::of).collect();
    let names = StoredValue::new(names);
    let told = |part: fn(&Finding) -> &str| {
        let mut told: Vec<String> = Vec::new();
        for finding in &findings {
            let text = part(finding);
            if !text.is_empty() && !told.iter().any(|known| known == text) {
                told.push(text.to_owned());
            }
        }
        told
    };
    let what = told(|finding| &finding.what);
    let facts = [
        ("What it means", told(|finding| &finding.why)),
        ("How to resolve it", told(|finding| &finding.todo)),
    ];
    let facts = facts
        .into_iter()
        .filter(|(_, texts)| !texts.is_empty())
        .map(|(name, texts)| {
            let texts = texts.into_iter();
            let texts = texts.map(|text| view! { <dd>{format::visible(&text)}</dd> });
            view! { <div><dt>{name}</dt>{texts.collect_view()}</div> }
        })
        .collect_view();
    let subject = findings.first().map(|finding| finding.subject.clone());
    let id = format!("risk-{index}");
    let (described, title) = (id.clone(), id);
    let ticked = move || {
        names.with_value(|names| read.with(|read| names.iter().all(|name| read.contains(name))))
    };
    let tick = move |ev| {
        let on = event_target_checked(&ev);
        read.update(|read| {
            for name in names.get_value() {
                if on {
                    read.insert(name);
                } else {
                    read.remove(&name);
                }
            }
        });
    };
    let is_needed = Memo::new(move |_| {
        names.with_value(|names| {
            needed.with(|needed| names.iter().any(|name| needed.contains(name)))
        })
    });
    let by = Memo::new(move |_| {
        let mut by: Vec<(String, i64)> = Vec::new();
        names.with_value(|names| {
            accepted.with(|accepted| {
                for one in accepted.iter().filter(|one| names.contains(&one.warning)) {
                    let line = (one.by.clone(), one.at_ms);
                    if !by.contains(&line) {
                        by.push(line);
                    }
                }
            });
        });
        by
    });
    view! {
        <li class="risk">
            <div class="risk-head">
                <Status is=("warning", "warning") />
                <span class="small muted">{subject.map(|subject| format::visible(&subject))}</span>
                <code class="small muted">{code}</code>
            </div>
            <h3 class="risk-what" id=title tabindex="-1">{what.into_iter().map(|text| view! { <span>{format::visible(&text)}</span> }).collect_view()}</h3>
            <dl class="risk-facts">{facts}</dl>
            {move || is_needed.get().then(|| view! {
                <label class="risk-read">
                    <input type="checkbox" aria-describedby=described.clone() prop:checked=ticked on:change=tick />
                    "I have read this"
                </label>
            })}
            {move || by.get().into_iter().map(|(by, ms)| view! { <p class="small">{by} <Ago ms /></p> }).collect_view()}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_of_one_code_share_a_card_and_are_counted_each() {
        let report = Report {
            findings: vec![
                Finding::warning("members.same-id", "member m1", "The same as n1."),
                Finding::note("bump.none", "x", "A note."),
                Finding::warning("alarms.active", "alarms", "NOSPACE."),
                Finding::warning("members.same-id", "member m2", "The same as n2."),
            ],
        };
        let cards = cards(&report);
        let shape: Vec<_> = cards
            .iter()
            .map(|(code, all)| (code.as_str(), all.len()))
            .collect();
        assert_eq!(shape, [("members.same-id", 2), ("alarms.active", 1)]);
        let needed = requorum_shared::approval::accepted::warnings(&report);
        let mut read = Read::new();
        assert_eq!(unread(&needed, &read), 3);
        read.insert(needed[0].clone());
        assert_eq!(unread(&needed, &read), 2);
        read.extend(needed.iter().cloned());
        assert_eq!(unread(&needed, &read), 0);
    }
}
