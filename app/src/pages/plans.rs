//! Plans: what was sealed, who decided, what ran.

pub mod review;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use requorum_shared::api::v1::{ListPlansRequest, ListPlansResponse, PlanState, PlanSummary};

use crate::client::grpc;
use crate::components::empty::Empty;
use crate::components::hash::Id;
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::pager::{self, Pager};
use crate::components::status::{self, Status};
use crate::components::table::arrows;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;
use crate::pages::{of_cluster, of_state};
use crate::paths;

/// The list.
#[component]
pub fn Plans() -> impl IntoView {
    let (cluster, state, place) = (of_cluster::chosen(), of_state::chosen(), pager::place());
    let query = use_query_map();
    let input = Memo::new(move |_| query.with(|q| q.get("input")).unwrap_or_default());
    let list = LocalResource::new(move || {
        grpc::call(ListPlansRequest {
            page_token: place.get().after,
            cluster: of_cluster::asked(&cluster.get()),
            states: of_state::asked(&state.get(), PREFIX, PlanState::from_str_name),
            input: input.get(),
            ..ListPlansRequest::default()
        })
    });
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&counts(&list)),
        _ => "Plans of this console.".into(),
    });
    let acts =
        || view! { <a class="button small" href=paths::reviews()>"Run without approval"</a> };
    view! {
        <div class="page">
            <Lead sentence acts />
            {filters(list)}
            {move || (!input.with(String::is_empty)).then(of_one_file)}
            {load(list, table)}
        </div>
    }
}

/// What the API's names of states begin with.
const PREFIX: &str = "PLAN_STATE_";

fn read(word: &str) -> PlanState {
    let name = format!("{PREFIX}{}", word.to_ascii_uppercase());
    PlanState::from_str_name(&name).unwrap_or_default()
}

/// How many have each state.
fn counts(list: &ListPlansResponse) -> of_state::Counts {
    let word = |state: PlanState| of_state::word(state.as_str_name(), PREFIX);
    let counts = list.counts.iter();
    counts.map(|of| (word(of.state()), of.count)).collect()
}

/// Outside of what is drawn anew with each page, so that whoever is in a field stays there.
fn filters(list: LocalResource<Result<ListPlansResponse, Failure>>) -> impl IntoView {
    let last = Memo::new(
        move |last: Option<&(Vec<String>, of_state::Counts)>| match list.get() {
            Some(Ok(list)) => (list.clusters.clone(), counts(&list)),
            _ => last.cloned().unwrap_or_default(),
        },
    );
    let clusters = Signal::derive(move || last.get().0);
    let counts = Signal::derive(move || last.get().1);
    let any = Memo::new(move |_| !counts.with(Vec::is_empty));
    move || {
        any.get().then(|| {
            view! {
                <div class="filter">
                    {of_cluster::choice(clusters)}
                    {of_state::choice(counts, |state| status::plan(read(state)).1)}
                </div>
            }
        })
    }
}

fn of_one_file() -> impl IntoView {
    view! { <p>"Plans that rest on one file. " <a href=paths::plans()>"All plans"</a></p> }
}

fn headline(counts: &[(String, u64)]) -> String {
    let count = |wanted: &str| of_state::count(counts, |state| state == wanted);
    match (counts.is_empty(), count("sealed"), count("approved")) {
        (true, ..) => "There is no plan yet.".into(),
        (_, 0, 0) => "No plan waits for anything.".into(),
        (_, 0, ready) => format!(
            "{} to run.",
            format::count(ready, "plan is ready", "plans are ready")
        ),
        (_, waiting, _) => format!(
            "{} for approval.",
            format::count(waiting, "plan waits", "plans wait")
        ),
    }
}

fn table(list: ListPlansResponse) -> impl IntoView {
    if list.counts.is_empty() {
        return view! {
            <Empty text="A plan says exactly what a restore will do, before anything is touched. It is made from a stored snapshot.">
                <a class="button" href=paths::files()>"Choose a snapshot"</a>
            </Empty>
        }
        .into_any();
    }
    if list.total == 0 {
        return view! {
            <p class="muted">"No plan fits. " <a href=paths::plans()>"All plans"</a></p>
        }
        .into_any();
    }
    let shown = list.plans.len();
    let rows = list.plans.into_iter().map(row).collect_view();
    view! {
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Outcome"</th><th scope="col">"Cluster"</th><th scope="col">"State"</th>
                        <th scope="col">"Author"</th><th scope="col">"Sealed"</th><th scope="col">"Hash"</th>
                    </tr>
                </thead>
                <tbody on:keydown=arrows>{rows}</tbody>
            </table>
        </div>
        <Pager shown total=list.total next=list.next_page_token one="plan" many="plans" />
    }
    .into_any()
}

fn row(plan: PlanSummary) -> impl IntoView {
    let state = status::plan(plan.state());
    let decided = (!plan.decided_by.is_empty()).then(|| format!("by {}", plan.decided_by));
    view! {
        <tr>
            <th scope="row" data-label="Outcome"><a href=paths::plan(&plan.id)>{plan.outcome}</a></th>
            <td data-label="Cluster">{of_cluster::shown(&plan.cluster)}</td>
            <td data-label="State"><span><Status is=state /> " " {decided} " " {plan.broke_glass.then(status::without_approval)}</span></td>
            <td data-label="Author">{plan.author}</td>
            <td data-label="Sealed"><Time ms=plan.sealed_at_ms /></td>
            <td data-label="Hash"><Id value=plan.hash /></td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_comes_before_what_is_ready() {
        let list = |states: &[(&str, u64)]| {
            let count = |(state, count): &(&str, u64)| ((*state).to_owned(), *count);
            states.iter().map(count).collect::<Vec<_>>()
        };
        assert_eq!(headline(&list(&[])), "There is no plan yet.");
        assert_eq!(
            headline(&list(&[("used", 1), ("invalidated", 1)])),
            "No plan waits for anything."
        );
        assert_eq!(
            headline(&list(&[("approved", 1)])),
            "1 plan is ready to run."
        );
        assert_eq!(
            headline(&list(&[("approved", 1), ("sealed", 5_000)])),
            "5\u{202f}000 plans wait for approval."
        );
    }
}
