//! What was verified: checks by parts of the target, then the checks of all of them. Every place is there before
//! anything is checked, so that nothing moves when results come.

use leptos::prelude::*;
use requorum_shared::finding::{Check, Outcome};
use requorum_shared::matrix::{Expected, Matrix};
use requorum_shared::nouns::Nouns;

use crate::components::checks::{Checks, summary};
use crate::components::status::{self, Status};

/// The matrix, and the evidence of all checks below it.
#[component]
pub fn CheckMatrix(
    /// What will be checked.
    expected: Expected,
    /// What the parts of the target are called.
    nouns: Nouns,
    /// What was checked so far.
    #[prop(into)]
    checks: Signal<Vec<Check>>,
    /// Whether more will come: evidence is kept to one line then.
    live: bool,
) -> impl IntoView {
    let matrix = Memo::new(move |_| checks.with(|checks| Matrix::of(&expected, checks)));
    let said = move || {
        matrix.with(|matrix| {
            let checks: Vec<_> = matrix.checks().cloned().collect();
            let open = matrix.places().saturating_sub(checks.len());
            match (checks.len(), open) {
                (0, open) => format!("{open} checks pending."),
                (_, 0) => summary(&checks),
                (_, open) if live => format!("{} {open} pending.", summary(&checks)),
                (_, open) => format!("{} {open} were not reached.", summary(&checks)),
            }
        })
    };
    let body = move || matrix.with(|matrix| tables(matrix, nouns, live));
    let evidence = move || {
        let all: Vec<_> = matrix.with(|matrix| {
            let named = matrix.checks().map(|check| Check {
                name: check.full_name(),
                ..check.clone()
            });
            named.collect()
        });
        view! { <Checks checks=all /> }
    };
    view! {
        <p>{said}</p>
        {body}
        <details class="command">
            <summary>"Evidence of each check"</summary>
            <div class="command-body">{evidence}</div>
        </details>
    }
}

fn tables(matrix: &Matrix, nouns: Nouns, live: bool) -> impl IntoView + use<> {
    let Nouns { part, parts, .. } = nouns;
    let heads = matrix.parts.iter();
    let heads = heads
        .map(|name| view! { <th scope="col">{name.clone()}</th> })
        .collect_view();
    let rows = matrix.rows.iter().map(|(name, cells)| {
        let cells = cells
            .iter()
            .map(|check| view! { <td>{mark(check.as_ref())}</td> });
        view! { <tr><th scope="row">{name.clone()}</th>{cells.collect_view()}</tr> }
    });
    let rows = rows.collect_view();
    let of_all = matrix.of_all.iter().map(|(name, check)| {
        let evidence = check
            .as_ref()
            .map(|check| check.evidence.clone())
            .unwrap_or_default();
        view! {
            <tr>
                <th scope="row">{name.clone()}</th>
                <td>{word(check.as_ref())}</td>
                <td class="seen" title=evidence.clone()>{evidence.clone()}</td>
            </tr>
        }
    });
    let of_all = of_all.collect_view();
    // What is not fine is read without opening anything.
    let open = matrix
        .checks()
        .filter(|check| check.part.is_some() && check.outcome != Outcome::Pass);
    let open: Vec<_> = open
        .map(|check| view! { <li><Status is=status::outcome(check.outcome) /> " " {check.full_name()} ": " {check.evidence.clone()}</li> })
        .collect();
    let open = (!live && !open.is_empty()).then(|| view! { <ul class="matrix-open">{open}</ul> });
    let class = if live { "matrix live" } else { "matrix" };
    view! {
        <div class="matrix-wrap" tabindex="0" role="region" aria-label=format!("Checks of each {part}")>
            <table class=class>
                <thead><tr><th scope="col">{format!("Each {part}")}</th>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {open}
        <div class="matrix-wrap" tabindex="0" role="region" aria-label=format!("Checks of all {parts} together")>
            <table class=format!("{class} of-all")>
                <thead>
                    <tr><th scope="col">{format!("All {parts} together")}</th><th scope="col">"Outcome"</th><th scope="col">"Evidence"</th></tr>
                </thead>
                <tbody>{of_all}</tbody>
            </table>
        </div>
    }
}

/// A cell of the matrix: a mark, with its word for readers that do not see it.
fn mark(check: Option<&Check>) -> impl IntoView + use<> {
    let Some(check) = check else {
        return view! { <span class="muted" aria-hidden="true">"–"</span><span class="visually-hidden">"not yet"</span> }
            .into_any();
    };
    let (class, word) = status::outcome(check.outcome);
    view! {
        <span class=format!("status {class}") title=check.evidence.clone()><span class="visually-hidden">{word}</span></span>
    }
    .into_any()
}

fn word(check: Option<&Check>) -> impl IntoView + use<> {
    match check {
        Some(check) => view! { <Status is=status::outcome(check.outcome) /> }.into_any(),
        None => mark(None).into_any(),
    }
}
