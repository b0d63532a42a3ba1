//! Plans: what was sealed, who decided, what ran.

pub mod review;

use leptos::prelude::*;
use requorum_shared::api::v1::{ListPlansRequest, ListPlansResponse, PlanSummary};

use crate::client::grpc;
use crate::components::empty::Empty;
use crate::components::hash::Id;
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::status::{self, Status};
use crate::components::table::arrows;
use crate::components::time::Time;
use crate::format;
use crate::pages::of_cluster;
use crate::paths;

/// The list.
#[component]
pub fn Plans() -> impl IntoView {
    let list = LocalResource::new(|| grpc::list_plans(ListPlansRequest {}));
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&list),
        _ => "Plans of this console.".into(),
    });
    let acts =
        || view! { <a class="button small" href=paths::reviews()>"Run without approval"</a> };
    view! { <div class="page"><Lead sentence acts />{load(list, table)}</div> }
}

fn headline(list: &ListPlansResponse) -> String {
    let waiting = list.plans.iter().filter(|p| p.state == "sealed").count() as u64;
    let ready = list.plans.iter().filter(|p| p.state == "approved").count() as u64;
    match (list.plans.len(), waiting, ready) {
        (0, ..) => "There is no plan yet.".into(),
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
    if list.plans.is_empty() {
        return view! {
            <Empty text="A plan says exactly what a restore will do, before anything is touched. It is made from a stored snapshot.">
                <a class="button" href=paths::snapshots()>"Choose a snapshot"</a>
            </Empty>
        }
        .into_any();
    }
    let names = of_cluster::names(list.plans.iter().map(|plan| plan.cluster.as_str()));
    let chosen = of_cluster::chosen();
    let rows = move || {
        let chosen = chosen.get();
        let plans = list
            .plans
            .iter()
            .filter(|plan| of_cluster::fits(&chosen, &plan.cluster));
        plans.cloned().map(row).collect_view()
    };
    view! {
        {of_cluster::filter(names)}
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
    }
    .into_any()
}

fn row(plan: PlanSummary) -> impl IntoView {
    let decided = (!plan.decided_by.is_empty()).then(|| format!("by {}", plan.decided_by));
    view! {
        <tr>
            <th scope="row" data-label="Outcome"><a href=paths::plan(&plan.id)>{plan.outcome}</a></th>
            <td data-label="Cluster">{of_cluster::shown(&plan.cluster)}</td>
            <td data-label="State"><span><Status is=status::plan(&plan.state) /> " " {decided} " " {plan.broke_glass.then(status::without_approval)}</span></td>
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
        let list = |states: &[&str]| ListPlansResponse {
            plans: states
                .iter()
                .map(|s| PlanSummary {
                    state: (*s).into(),
                    ..Default::default()
                })
                .collect(),
        };
        assert_eq!(headline(&list(&[])), "There is no plan yet.");
        assert_eq!(
            headline(&list(&["used", "void"])),
            "No plan waits for anything."
        );
        assert_eq!(headline(&list(&["approved"])), "1 plan is ready to run.");
        assert_eq!(
            headline(&list(&["approved", "sealed", "sealed"])),
            "2 plans wait for approval."
        );
    }
}
