//! Somebody who was invited, or whose password is set anew, follows the one-time link.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use requorum_shared::api::login::MIN_PASSWORD_CHARS;

use crate::client::http;
use crate::components::end_tokens::EndTokens;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::lead::Lead;
use crate::failure::{Failure, Kind};
use crate::forms::account::{self, AccountErrors};
use crate::identity::Identity;
use crate::paths;

/// A password, twice. The token stands behind `#`, so that it reaches no server log.
#[component]
pub fn Join() -> impl IntoView {
    let hash = window().location().hash().unwrap_or_default();
    let token = hash
        .trim_start_matches('#')
        .trim_start_matches("token=")
        .to_owned();
    view! {
        <div class="page">
            {if token.is_empty() { cut_short().into_any() } else { whole(token).into_any() }}
        </div>
    }
}

fn whole(token: String) -> impl IntoView {
    let identity = Identity::expect();
    let navigate = use_navigate();
    let token = StoredValue::new(token);
    let (password, again) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let end_tokens = RwSignal::new(true);
    let errors = RwSignal::new(AccountErrors::default());
    let failure = RwSignal::new(None::<Failure>);
    let join = Action::new_local(move |_: &()| {
        let navigate = navigate.clone();
        async move {
            failure.set(None);
            let typed = (password.get_untracked(), again.get_untracked());
            match account::join(
                &token.get_value(),
                &typed.0,
                &typed.1,
                end_tokens.get_untracked(),
            ) {
                Ok(request) => {
                    errors.set(AccountErrors::default());
                    match http::join(&request).await {
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
    let pending = join.pending();
    let void = move || {
        failure.with(|failure| {
            failure
                .as_ref()
                .is_some_and(|f| f.code == "join.link-invalid")
        })
    };
    view! {
        <Lead
            sentence="Choose your password for this console."
            below=|| view! { <p>"This link works once, and signs you in. Sessions that you have elsewhere end."</p> }
        />
        // Whose link it is only its owner knows; who is signed in here may be somebody else.
        {move || Some(identity.name()).filter(|name| !name.is_empty()).map(|name| view! {
            <div class="notice warning">
                <p>{format!("This browser is signed in as {name}. Going on signs in whoever the link is for instead.")}</p>
            </div>
        })}
        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        {move || void().then(after_it)}
        <form class="gate" novalidate on:submit=move |ev| { ev.prevent_default(); join.dispatch_local(()); }>
            <Field
                id="password" label="Password" kind="password" value=password autocomplete="new-password"
                hint=format!("At least {MIN_PASSWORD_CHARS} characters. Several words do well.")
                error=Signal::derive(move || errors.get().password)
            />
            <Field
                id="again" label="Password again" kind="password" value=again autocomplete="new-password"
                error=Signal::derive(move || errors.get().again)
            />
            <EndTokens end=end_tokens />
            <div class="acts">
                <button type="submit" class="button primary" disabled=pending>"Set the password and sign in"</button>
            </div>
        </form>
    }
}

/// What to do when the link does nothing any more.
fn after_it() -> impl IntoView {
    view! {
        <p>
            "If you have set a password with it before, " <a href=paths::login(None)>"sign in"</a>
            ". If not, ask an administrator of this console for a new link; on the server itself, "
            <code>"requorum user password NAME"</code> " sets one."
        </p>
    }
}

fn cut_short() -> impl IntoView {
    view! {
        <Lead sentence="This link is not whole." />
        <p>"The one-time link ends in # and a long word, which is missing here. Open it exactly as you were given it."</p>
        <div class="acts"><a class="button" href=paths::login(None)>"Sign in"</a></div>
    }
}
