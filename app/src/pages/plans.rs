//! Plans: what was sealed, who decided, what ran.

pub mod new;
pub mod review;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use requorum_shared::api::v1::{ListPlansRequest, ListPlansResponse, PlanState, PlanSummary};

use crate::activity::Activity;
use crate::client::grpc;
use crate::columns::{Column, Columns};
use crate::components::columns::ColumnChoice;
use crate::components::empty::Empty;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::pager::{self, Pager};
use crate::components::short_name::{ShortName, content, files, target};
use crate::components::status::{self, Status};
use crate::components::table::{Clipped, Sort, SortHeading, arrows};
use crate::components::time::Ago;
use crate::failure::Failure;
use crate::format;
use crate::pages::{cluster_filter, search_filter, state_filter};
use crate::paths;

/// The columns after the name.
const COLUMNS: &[Column] = &[
    ("file", "Snapshot"),
    ("headline", "Revision"),
    ("target", "Target"),
    ("state", "State"),
    ("author", "Author"),
    ("sealed", "Age"),
];

/// The list.
#[component]
pub fn Plans() -> impl IntoView {
    let (cluster, state, place, search) = (
        cluster_filter::chosen(),
        state_filter::chosen(),
        pager::place(),
        search_filter::chosen(),
    );
    let query = use_query_map();
    let input = Memo::new(move |_| query.with(|q| q.get("input")).unwrap_or_default());
    let sort = Memo::new(move |_| Sort::parse(query.with(|q| q.get("sort")).as_deref(), "-sealed"));
    let list = LocalResource::new(move || {
        grpc::call(ListPlansRequest {
            page_token: place.get().after,
            cluster: cluster_filter::asked(&cluster.get()),
            states: state_filter::asked(&state.get(), PREFIX, PlanState::from_str_name),
            input: input.get(),
            query: search.get(),
            order_by: sort.get().word(),
            ..ListPlansRequest::default()
        })
    });
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&counts(&list)),
        _ => "Plans".into(),
    });
    let columns = Columns::remembered("plans", COLUMNS);
    let activity = Activity::expect();
    let acts = move || {
        let reviews = move || match activity.open_reviews() {
            0 => "Break-glass reviews".to_owned(),
            open => format!("Break-glass reviews ({open} open)"),
        };
        view! { <a href=paths::reviews()>{reviews}</a> }
    };
    view! {
        <div class="page">
            <PageHeader sentence acts />
            {filters(list, columns)}
            {move || (!input.with(String::is_empty)).then(of_one_file)}
            {load(list, move |list| table(list, sort, columns))}
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
fn counts(list: &ListPlansResponse) -> state_filter::Counts {
    let word = |state: PlanState| state_filter::word(state.as_str_name(), PREFIX);
    let counts = list.counts.iter();
    counts.map(|of| (word(of.state()), of.count)).collect()
}

/// Outside of what is drawn anew with each page, so that whoever is in a field stays there.
fn filters(
    list: LocalResource<Result<ListPlansResponse, Failure>>,
    columns: Columns,
) -> impl IntoView {
    let last =
        Memo::new(
            move |last: Option<&(Vec<String>, state_filter::Counts)>| match list.get() {
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
                    {search_filter::field("Search plans: name, id, file, person")}
                    {cluster_filter::choice(clusters)}
                    {state_filter::choice(counts, |state| status::plan(read(state)).1)}
                    <ColumnChoice columns />
                </div>
            }
        })
    }
}

fn of_one_file() -> impl IntoView {
    view! { <p>"Plans made from one file. " <a href=paths::plans()>"All plans"</a></p> }
}

fn headline(counts: &[(String, u64)]) -> String {
    let count = |wanted: &str| state_filter::count(counts, |state| state == wanted);
    match (counts.is_empty(), count("sealed"), count("approved")) {
        (true, ..) => "No plans yet".into(),
        (_, 0, 0) => "No open plans".into(),
        (_, 0, ready) => format!(
            "{} to run",
            format::count(ready, "plan ready", "plans ready")
        ),
        (_, waiting, _) => format!(
            "{} for approval",
            format::count(waiting, "plan waiting", "plans waiting")
        ),
    }
}

fn table(list: ListPlansResponse, sort: Memo<Sort>, columns: Columns) -> impl IntoView {
    if list.counts.is_empty() {
        return view! {
            <Empty text="A plan lists exactly what a restore will do, before anything changes. Create one from a stored snapshot.">
                <a class="button" href=paths::files()>"Choose a snapshot"</a>
            </Empty>
        }
        .into_any();
    }
    if list.total == 0 {
        return search_filter::nothing("plans").into_any();
    }
    let shown = list.plans.len();
    let rows = list.plans.into_iter().map(row).collect_view();
    view! {
        <div class="table-wrap">
            <table class="table lines" data-without=move || columns.without()>
                <thead>
                    <tr>
                        <SortHeading key="name" label="Name" sort />
                        <SortHeading key="file" label="Snapshot" sort />
                        <SortHeading key="headline" label="Revision" sort number=true />
                        <SortHeading key="target" label="Target" sort />
                        <SortHeading key="state" label="State" sort />
                        <SortHeading key="author" label="Author" sort />
                        <SortHeading key="sealed" label="Age" sort />
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
    let (state, mark) = match (plan.broke_glass, plan.state()) {
        // What may run by an override is not approved.
        (true, PlanState::Approved) => (("override", "not approved · override"), None),
        (broke_glass, state) => (
            status::plan(state),
            broke_glass.then(status::without_approval),
        ),
    };
    let all = status::plan_text(&plan).1;
    let revision = content(&plan.headline);
    view! {
        <tr>
            <th scope="row" data-label="Name"><ShortName to=paths::plan(&plan.id) name=plan.name headline=plan.headline /></th>
            <td data-label="Snapshot"><Clipped text=files(&plan.file_names) /></td>
            <td data-label="Revision" class="number wide-only">{revision}</td>
            <td data-label="Target" class="wide-only"><Clipped text=target(&plan.target) /></td>
            <td data-label="State" class="state">
                <span title=all><Status is=state /> " " {mark}</span>
            </td>
            <td data-label="Author"><Clipped text=plan.author /></td>
            <td data-label="Age"><Ago ms=plan.sealed_at_ms /></td>
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
        assert_eq!(headline(&list(&[])), "No plans yet");
        assert_eq!(
            headline(&list(&[("used", 1), ("invalidated", 1)])),
            "No open plans"
        );
        assert_eq!(headline(&list(&[("approved", 1)])), "1 plan ready to run");
        assert_eq!(
            headline(&list(&[("approved", 1), ("sealed", 5_000)])),
            "5\u{202f}000 plans waiting for approval"
        );
    }
}
