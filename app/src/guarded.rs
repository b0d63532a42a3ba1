//! Pages that only a person who is signed in sees.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_navigate};

use crate::components::error_view::ErrorView;
use crate::failure::Failure;
use crate::identity::{Identity, Who};
use crate::paths;

/// Shows its children to signed-in people, and sends strangers to the sign-in page with the way back.
pub fn guarded<V: IntoView + 'static>(page: impl Fn() -> V + Send + Sync + 'static) -> AnyView {
    let identity = Identity::expect();
    identity.renew();
    let location = use_location();
    let navigate = use_navigate();
    let person = Memo::new(move |_| match identity.who() {
        Who::Asking => Gate::Wait,
        Who::Stranger => Gate::Stranger,
        Who::Person(session) => Gate::Open(session.name),
        Who::Unknown(failure) => Gate::Failed(failure),
    });
    Effect::new(move |_| {
        if person.get() == Gate::Stranger {
            let here = format!(
                "{}{}",
                location.pathname.get_untracked(),
                window().location().search().unwrap_or_default()
            );
            navigate(
                &paths::login(Some(&here)),
                leptos_router::NavigateOptions {
                    replace: true,
                    ..Default::default()
                },
            );
        }
    });
    (move || match person.get() {
        Gate::Wait | Gate::Stranger => view! { <p class="loading" role="status">"Loading"</p> }.into_any(),
        Gate::Open(_) => page().into_any(),
        Gate::Failed(failure) => {
            let retry = Callback::new(move |()| identity.ask());
            view! {
                <div class="page">
                    <h1>"The server cannot say who you are."</h1>
                    <ErrorView failure retry />
                    <p>"Files can be inspected all the same: " <a href=paths::inspect()>"Inspect"</a> " needs no server."</p>
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
