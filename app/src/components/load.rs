//! Loading, error and data around a resource.

use leptos::prelude::*;

use crate::components::error_view::ErrorView;
use crate::components::page_header::PageHeader;
use crate::failure::{Failure, Kind};

/// Shows what a resource holds. While it loads anew, what was shown stays; when it gives the same value, nothing
/// is drawn again.
pub fn load<T, V>(
    resource: LocalResource<Result<T, Failure>>,
    show: impl Fn(T) -> V + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let value = Memo::new(move |_| resource.get());
    let retry = move || resource.refetch();
    (move || match value.get() {
        None => view! { <p class="loading" role="status">"Loading"</p> }.into_any(),
        Some(Err(failure)) => {
            view! { <ErrorView failure retry=Callback::new(move |()| retry()) /> }.into_any()
        }
        Some(Ok(data)) => show(data).into_any(),
    })
    .into_any()
}

/// [`load`] for a whole page, whose sentence comes with the data: until then, and when it cannot be had, the page has
/// a sentence all the same.
pub fn load_page<T, V>(
    resource: LocalResource<Result<T, Failure>>,
    crumbs: Vec<(String, String)>,
    show: impl Fn(T) -> V + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let value = Memo::new(move |_| resource.get());
    let retry = move || resource.refetch();
    (move || match value.get() {
        None => view! { <PageHeader crumbs=crumbs.clone() sentence="Loading" /> }.into_any(),
        Some(Err(failure)) => {
            let sentence = match failure.kind {
                Kind::NotFound => "Page not found",
                Kind::Offline => "The server does not answer",
                _ => "This page cannot be shown",
            };
            view! {
                <PageHeader crumbs=crumbs.clone() sentence=sentence />
                <ErrorView failure retry=Callback::new(move |()| retry()) />
            }
            .into_any()
        }
        Some(Ok(data)) => show(data).into_any(),
    })
    .into_any()
}
