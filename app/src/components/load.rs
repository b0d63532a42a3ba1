//! Loading, error and data around a resource.

use leptos::prelude::*;

use crate::components::error_view::ErrorView;
use crate::failure::Failure;

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
