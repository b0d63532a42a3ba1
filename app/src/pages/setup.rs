//! The first administrator, through the one-time link that the server printed.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::client::http;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::lead::Lead;
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
            <form class="gate" novalidate on:submit=move |ev| { ev.prevent_default(); make.dispatch_local(()); }>
                {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                <Field id="name" label="Name" value=name autocomplete="username" error=Signal::derive(move || errors.get().name) />
                <Field
                    id="password" label="Password" kind="password" value=password autocomplete="new-password"
                    hint=format!("At least {MIN_PASSWORD_CHARS} characters.")
                    error=Signal::derive(move || errors.get().password)
                />
                <Field
                    id="again" label="Password again" kind="password" value=again autocomplete="new-password"
                    error=Signal::derive(move || errors.get().again)
                />
                <div class="acts">
                    <button type="submit" class="button primary" disabled=pending>"Make the administrator"</button>
                </div>
            </form>
        }
    };
    view! {
        <div class="page">
            {if has_token {
                view! {
                    <Lead
                        sentence="Make the first administrator of this console."
                        below=|| view! { <p>"This link works once. Nobody else can sign in before."</p> }
                    />
                    {form()}
                }
                .into_any()
            } else {
                view! {
                    <Lead sentence="This link is not whole." />
                    <p>
                        "The one-time link ends in # and a long word, which is missing here. Open the link exactly as "
                        <code>"requorum serve"</code> " printed it."
                    </p>
                    <div class="acts"><a class="button" href=paths::login(None)>"Sign in"</a></div>
                }
                .into_any()
            }}
        </div>
    }
}
