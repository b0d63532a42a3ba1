//! A failure: what happened, why as far as known, what to do next.

use leptos::prelude::*;

use crate::failure::{Failure, Kind};
use crate::paths;

/// Shows a failure in its one place.
#[component]
pub fn ErrorView(
    /// What failed.
    failure: Failure,
    /// Tries again, where that can help.
    #[prop(optional, into)]
    retry: Option<Callback<()>>,
) -> impl IntoView {
    let here = || {
        let location = window().location();
        format!(
            "{}{}",
            location.pathname().unwrap_or_default(),
            location.search().unwrap_or_default()
        )
    };
    let act = match failure.kind {
        Kind::SignedOut => {
            view! { <a class="button" href=paths::login(Some(&here()))>"Sign in"</a> }.into_any()
        }
        // What does not exist does not come to exist by asking again.
        Kind::NotFound => ().into_any(),
        _ => retry
            .map(|retry| {
                view! {
                    <button type="button" class="button" on:click=move |_| retry.run(())>
                        "Try again"
                    </button>
                }
            })
            .into_any(),
    };
    let request = (!failure.request_id.is_empty()).then(|| {
        view! { <p class="small muted">"Request " <code>{failure.request_id.clone()}</code></p> }
    });
    view! {
        <div class="notice fail" role="alert">
            <p><strong>{failure.what}</strong></p>
            {(!failure.next.is_empty()).then(|| view! { <p>{failure.next}</p> })}
            {request}
            <div class="acts">{act}</div>
        </div>
    }
}
