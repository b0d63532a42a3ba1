//! Break-glass overrides, and who reviewed them.

use leptos::prelude::*;
use requorum_shared::api::v1::{
    CloseReviewRequest, ListReviewsRequest, ListReviewsResponse, Review,
};

use crate::activity::Activity;
use crate::client::grpc;
use crate::components::break_glass::BreakGlassNotice;
use crate::components::dialog::Dialog;
use crate::components::empty::Empty;
use crate::components::error_view::ErrorView;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::pager::{self, Pager};
use crate::components::status::Status;
use crate::components::time::Ago;
use crate::failure::Failure;
use crate::format;
use crate::paths;

/// So many are not too many to unfold.
const FEW: usize = 3;

/// All reviews, the open ones first.
#[component]
pub fn Reviews() -> impl IntoView {
    let place = pager::place();
    let list = LocalResource::new(move || {
        grpc::call(ListReviewsRequest {
            page_token: place.get().after,
            ..ListReviewsRequest::default()
        })
    });
    let again = Callback::new(move |()| list.refetch());
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&list),
        _ => "Break-glass reviews".into(),
    });
    let crumbs = vec![("Plans".to_owned(), paths::plans())];
    view! {
        <div class="page">
            <PageHeader crumbs sentence />
            {load(list, move |list| show(list, again))}
        </div>
    }
}

fn headline(list: &ListReviewsResponse) -> String {
    match (list.total, list.open) {
        (0, _) => "No break-glass overrides".into(),
        (_, 0) => "All break-glass overrides are reviewed.".into(),
        (_, open) => format!(
            "{} review.",
            format::count(
                open,
                "break-glass override needs",
                "break-glass overrides need"
            )
        ),
    }
}

fn show(list: ListReviewsResponse, again: Callback<()>) -> impl IntoView {
    if list.total == 0 {
        return view! {
            <Empty text="If a plan cannot wait for approval, an operator can run it with an override and a reason. Each override is listed here until an approver reviews it.">
                <a class="button" href=paths::plans()>"Plans"</a>
            </Empty>
        }
        .into_any();
    }
    let shown = list.reviews.len();
    let few = shown <= FEW;
    let items = list
        .reviews
        .into_iter()
        .map(|review| one(review, few, again));
    view! {
        <ul class="reviews">{items.collect_view()}</ul>
        <Pager shown total=list.total next=list.next_page_token one="review" many="reviews" />
    }
    .into_any()
}

/// One line, which unfolds, unfolded where there are few.
fn one(review: Review, few: bool, again: Callback<()>) -> impl IntoView {
    let is_open = review.closed_at_ms == 0;
    let is = match is_open {
        true => ("warning", "open"),
        false => ("pass", "reviewed"),
    };
    let name = match review.name.is_empty() {
        true => review.outcome.clone(),
        false => review.name.clone(),
    };
    let by = format!("Override by {}", format::visible(&review.broken_by));
    let at_ms = review.broken_at_ms;
    let job = (!review.job_id.is_empty()).then(
        || view! { <a class="button small" href=paths::job(&review.job_id)>"Open the job"</a> },
    );
    let cluster = (!review.cluster.is_empty()).then(|| format!("Cluster: {}", review.cluster));
    let close = is_open.then(|| {
        if review.you_can_close {
            let id = review.id.clone();
            view! { <Close id again /> }.into_any()
        } else {
            view! { <p class="why-not">{review.why_not.clone()}</p> }.into_any()
        }
    });
    view! {
        <li>
            <details class="fold" open=few>
                <summary>
                    <span class="review-line">
                        <span class="line-name">{name}</span>
                        <Status is />
                        <span class="small">{by}</span>
                        <span class="small muted"><Ago ms=at_ms /></span>
                    </span>
                </summary>
                <div class="stack">
                    <div class="file-row-head"><a href=paths::plan(&review.plan_id)>{review.outcome.clone()}</a> {cluster}</div>
                    <BreakGlassNotice review />
                    <div class="acts">{close} {job}</div>
                </div>
            </details>
        </li>
    }
}

/// Closes a review with what was found.
#[component]
fn Close(id: String, again: Callback<()>) -> impl IntoView {
    let open = RwSignal::new(false);
    let note = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<Failure>);
    let activity = Activity::expect();
    let close = Action::new_local(move |_: &()| {
        let request = CloseReviewRequest {
            id: id.clone(),
            note: note.get_untracked(),
        };
        async move {
            failure.set(None);
            match grpc::call(request).await {
                Ok(_) => {
                    open.set(false);
                    activity.ask();
                    again.try_run(());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    view! {
        <button type="button" class="button primary small" on:click=move |_| open.set(true)>"Close review"</button>
        <Dialog open label="Close review">
            <form on:submit=move |ev| { ev.prevent_default(); close.dispatch_local(()); }>
                <h2>"Close review"</h2>
                <p>"Check the plan, its job and the ledger. Then note whether the override was justified and what follows. Your name is recorded. Closing the review rejects a plan that has not run yet."</p>
                <div class="field">
                    <label for="note">"Findings"</label>
                    <textarea id="note" rows="4" required autofocus prop:value=note on:input=move |ev| note.set(event_target_value(&ev))></textarea>
                </div>
                {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                <div class="dialog-acts">
                    <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                    <button type="submit" class="button primary" disabled=move || close.pending().get() || note.with(|n| n.trim().is_empty())>"Close review"</button>
                </div>
            </form>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_counts_what_is_open() {
        let list = |total, open| ListReviewsResponse {
            total,
            open,
            ..ListReviewsResponse::default()
        };
        assert_eq!(headline(&list(0, 0)), "No break-glass overrides");
        assert!(headline(&list(1, 0)).starts_with("All"));
        assert_eq!(
            headline(&list(1, 1)),
            "1 break-glass override needs review."
        );
        assert_eq!(
            headline(&list(3, 2)),
            "2 break-glass overrides need review."
        );
    }
}
