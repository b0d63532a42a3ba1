//! Signing in, and for a stranger what this is. Part of the first load: it waits for nothing but itself.

use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::client::http;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::page_header::PageHeader;
use crate::console_loader::ConsoleLoader;
use crate::failure::{Failure, Kind};
use crate::forms::account::{self, AccountErrors};
use crate::identity::Identity;
use crate::paths;

/// Name and password, or the identity provider; afterwards, back to where the person wanted to go.
#[component]
pub fn Login() -> impl IntoView {
    let identity = Identity::expect();
    let console_loader = ConsoleLoader::expect();
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
                        kind: Kind::Refused,
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
    // The rest of the page comes while the person types.
    let typing = Memo::new(move |_| !name.with(String::is_empty));
    Effect::new(move |_| {
        if typing.get() {
            // Where it cannot be had, the page after this one says so.
            console_loader.begin();
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
            let mut ways = http::ways_in(&failed, &request).await.unwrap_or_default();
            if let Some(refused) = ways.failure.take() {
                failure.set(Some(Failure::refused(refused)));
            }
            ways
        }
    });
    let provider = move || {
        let name = ways.get()?.provider?;
        let next = paths::after_login(query.with(|q| q.get("next")).as_deref());
        // A link that the router leaves alone: this address is the server's.
        Some(view! {
            <a class="button" rel="external" href=paths::provider(&next, again)>
                {format!("Sign in with {name}")}
            </a>
        })
    };
    let first = move || {
        ways.get().is_some_and(|ways| ways.waits_for_setup).then(|| {
            view! {
                <div class="notice warning">
                    <p><strong>"This console has no administrator yet."</strong></p>
                    <p>
                        "Open the one-time link that " <code>"requorum serve"</code>
                        " printed when it started: in its terminal, its container log or its journal. Restarting the server prints a new one."
                    </p>
                </div>
            }
        })
    };
    let pending = sign_in.pending();
    view! {
        <div class="page welcome">
            <PageHeader sentence="Sign in to Requorum" />
            <div class="welcome-columns">
                <form
                    class="panel gate"
                    novalidate
                    on:submit=move |ev| { ev.prevent_default(); sign_in.dispatch_local(()); }
                >
                    {first}
                    {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                    <Field id="name" label="Name" value=name autocomplete="username" error=Signal::derive(move || errors.get().name) />
                    <Field id="password" label="Password" kind="password" value=password autocomplete="current-password" error=Signal::derive(move || errors.get().password) />
                    <div class="acts">
                        <button type="submit" class="button primary" disabled=pending>"Sign in"</button>
                        {provider}
                    </div>
                </form>
                <section class="welcome-text">
                    <h2>"Recover a cluster that lost its quorum or its data"</h2>
                    <ul class="points">
                        <li>"Check a snapshot: is it complete, undamaged, the newest?"</li>
                        <li>"Plan a restore of etcd 3.4 to 3.7. Every step and every risk is shown before anything is touched."</li>
                        <li>"A second person approves; the run is verified and can be rolled back."</li>
                        <li>"Every act is recorded in a ledger that your own browser verifies."</li>
                    </ul>
                    <p>
                        "No account is needed to look at a file: " <a href=paths::inspect()>"Inspect a snapshot"</a>
                        " reads it in this browser and uploads nothing."
                    </p>
                    <p class="small muted"><a href=paths::help()>"Help: terms, keys and how approvals work"</a></p>
                </section>
            </div>
        </div>
    }
}
