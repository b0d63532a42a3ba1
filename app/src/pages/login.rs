//! Signing in.

use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::client::http;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::lead::Lead;
use crate::failure::Failure;
use crate::forms::account::{self, AccountErrors};
use crate::identity::Identity;
use crate::paths;

/// Name and password, or the identity provider; afterwards, back to where the person wanted to go.
#[component]
pub fn Login() -> impl IntoView {
    let identity = Identity::expect();
    let query = use_query_map();
    let navigate = use_navigate();
    let (name, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let errors = RwSignal::new(AccountErrors::default());
    let failure = RwSignal::new(None::<Failure>);
    let sign_in = Action::new_local(move |_: &()| async move {
        failure.set(None);
        match account::login(&name.get_untracked(), &password.get_untracked()) {
            Ok(request) => {
                errors.set(AccountErrors::default());
                match http::login(&request).await {
                    Ok(session) => identity.signed_in(session),
                    // A wrong password is this page's own business, not a reason to sign in.
                    Err(refused) => failure.set(Some(Failure {
                        kind: crate::failure::Kind::Refused,
                        ..refused
                    })),
                }
            }
            Err(found) => errors.set(found),
        }
    });
    // Whoever is signed in already, or just now, goes on.
    Effect::new(move |_| {
        if identity.is_person() {
            let to = paths::after_login(query.with_untracked(|q| q.get("next")).as_deref());
            navigate(
                &to,
                leptos_router::NavigateOptions {
                    replace: true,
                    ..Default::default()
                },
            );
        }
    });
    // Whoever comes back from the provider without a session brings the reason's code; the server has its words.
    let asked = |key| query.with_untracked(|q| q.get(key)).unwrap_or_default();
    let (failed, request) = (asked("failed"), asked("request"));
    let again = !failed.is_empty();
    let ways = LocalResource::new(move || {
        let (failed, request) = (failed.clone(), request.clone());
        async move {
            // Without an answer there is the form still, which says what is wrong when it is sent.
            let ways = http::ways_in(&failed, &request).await.unwrap_or_default();
            if let Some(refused) = ways.failure {
                failure.set(Some(Failure::refused(refused)));
            }
            ways.provider
        }
    });
    let provider = move || {
        let name = ways.get().flatten()?;
        let next = paths::after_login(query.with(|q| q.get("next")).as_deref());
        // A link that the router leaves alone: this address is the server's.
        Some(view! {
            <a class="button" rel="external" href=paths::provider(&next, again)>
                {format!("Sign in with {name}")}
            </a>
        })
    };
    let pending = sign_in.pending();
    view! {
        <div class="page">
            <Lead sentence="Sign in to Requorum." />
            <form
                class="gate"
                novalidate
                on:submit=move |ev| { ev.prevent_default(); sign_in.dispatch_local(()); }
            >
                {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                <Field id="name" label="Name" value=name autocomplete="username" error=Signal::derive(move || errors.get().name) />
                <Field id="password" label="Password" kind="password" value=password autocomplete="current-password" error=Signal::derive(move || errors.get().password) />
                <div class="acts">
                    <button type="submit" class="button primary" disabled=pending>"Sign in"</button>
                    {provider}
                </div>
            </form>
            <p class="muted">
                "To look at a snapshot no account is needed: " <a href=paths::inspect()>"Inspect"</a>
                " reads it in this browser and sends nothing."
            </p>
        </div>
    }
}
