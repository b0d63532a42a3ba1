//! The first administrator, through the one-time link that the server printed.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::client::http;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::page_header::PageHeader;
use crate::failure::{Failure, Kind};
use crate::forms::account::{self, AccountErrors};
use crate::identity::Identity;
use crate::paths;
use requorum_shared::api::login::MIN_PASSWORD_CHARS;

/// Name and password twice. The token stands behind `#`, so that it reaches no server log.
#[component]
pub fn Setup() -> impl IntoView {
    let identity = Identity::expect();
    let navigate = use_navigate();
    let token = window()
        .location()
        .hash()
        .unwrap_or_default()
        .trim_start_matches('#')
        .trim_start_matches("token=")
        .to_owned();
    let has_token = !token.is_empty();
    let token = StoredValue::new(token);
    let (name, password, again) = (
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
    );
    let errors = RwSignal::new(AccountErrors::default());
    let failure = RwSignal::new(None::<Failure>);
    let make = Action::new_local(move |_: &()| {
        let navigate = navigate.clone();
        async move {
            failure.set(None);
            let request = account::setup(
                &token.get_value(),
                &name.get_untracked(),
                &password.get_untracked(),
                &again.get_untracked(),
            );
            match request {
                Ok(request) => {
                    errors.set(AccountErrors::default());
                    match http::setup(&request).await {
                        Ok(session) => {
                            identity.signed_in(session);
                            navigate(
                                &paths::overview(),
                                leptos_router::NavigateOptions {
                                    replace: true,
                                    ..Default::default()
                                },
                            );
                        }
                        Err(refused) => failure.set(Some(Failure {
                            kind: Kind::Refused,
                            ..refused
                        })),
                    }
                }
                Err(found) => errors.set(found),
            }
        }
    });
    let pending = make.pending();
    let form = move || {
        view! {
            <form class="panel gate" novalidate on:submit=move |ev| { ev.prevent_default(); make.dispatch_local(()); }>
                {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                <Field id="name" label="Name" value=name autocomplete="username" error=Signal::derive(move || errors.get().name) />
                <Field
                    id="password" label="Password" kind="password" value=password autocomplete="new-password"
                    hint=format!("At least {MIN_PASSWORD_CHARS} characters. A passphrase works well.")
                    error=Signal::derive(move || errors.get().password)
                />
                <Field
                    id="again" label="Password again" kind="password" value=again autocomplete="new-password"
                    error=Signal::derive(move || errors.get().again)
                />
                <div class="acts">
                    <button type="submit" class="button primary" disabled=pending>"Create administrator"</button>
                </div>
            </form>
        }
    };
    // A link that was used is refused before anything is typed. Without an answer there is the form, which says so.
    let used = LocalResource::new(|| async {
        let ways = http::ways_in("", "").await;
        ways.is_ok_and(|ways| !ways.waits_for_setup)
    });
    view! {
        <div class="page welcome">
            {move || {
                if !has_token {
                    return incomplete().into_any();
                }
                if used.get() == Some(true) && !identity.is_person() {
                    return done().into_any();
                }
                view! {
                    <PageHeader
                        sentence="Create the first administrator"
                        below=|| view! { <p>"This link works once. Until then this console has no accounts."</p> }
                    />
                    {form()}
                }
                .into_any()
            }}
        </div>
    }
}

fn incomplete() -> impl IntoView {
    view! {
        <PageHeader sentence="This link is incomplete" />
        <p>
            "The one-time link ends in # and a long code, which is missing here. Open the link exactly as "
            <code>"requorum serve"</code> " printed it."
        </p>
        <div class="acts"><a class="button" href=paths::login(None)>"Sign in"</a></div>
    }
}

fn done() -> impl IntoView {
    view! {
        <PageHeader sentence="This link no longer works" />
        <div class="notice warning" role="alert">
            <p><strong>"This console already has an administrator."</strong></p>
            <p>"Sign in, or ask an administrator for an invitation. If all passwords are lost, set one on the server: " <code>"requorum user password NAME"</code> "."</p>
        </div>
        <div class="acts"><a class="button primary" href=paths::login(None)>"Sign in"</a></div>
    }
}
