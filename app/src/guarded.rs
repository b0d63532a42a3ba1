//! Pages for people who are signed in.

use leptos::prelude::*;

use crate::components::error_view::ErrorView;
use crate::failure::Failure;
use crate::identity::{Identity, Who};
use crate::paths;

/// Shows its children to signed-in people. Strangers are sent to the sign-in page by the frame, with the way back.
pub fn guarded<V: IntoView + 'static>(page: impl Fn() -> V + Send + Sync + 'static) -> AnyView {
    let identity = Identity::expect();
    identity.renew();
    let person = Memo::new(move |_| match identity.who() {
        Who::Asking => Gate::Wait,
        Who::Stranger => Gate::Stranger,
        Who::Person(session) => Gate::Open(session.name),
        Who::Unknown(failure) => Gate::Failed(failure),
    });
    (move || match person.get() {
        Gate::Wait | Gate::Stranger => {
            view! { <p class="loading" role="status">"Loading"</p> }.into_any()
        }
        Gate::Open(_) => page().into_any(),
        Gate::Failed(failure) => {
            let retry = Callback::new(move |()| identity.ask());
            view! {
                <div class="page">
                    <h1>"Your session could not be checked."</h1>
                    <ErrorView failure retry />
                    <p><a href=paths::inspect()>"Inspect files"</a> " works without the server."</p>
                </div>
            }
            .into_any()
        }
    })
    .into_any()
}

/// What the gate does, kept apart so that a renewed session draws no page again.
#[derive(Clone, PartialEq, Eq)]
enum Gate {
    Wait,
    Stranger,
    Open(String),
    Failed(Failure),
}
