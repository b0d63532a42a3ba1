//! A person who was invited, or whose password is set anew, follows the one-time link.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use requorum_shared::api::login::{Invitation, MIN_PASSWORD_CHARS};

use crate::client::http;
use crate::components::end_tokens::EndTokens;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::page_header::PageHeader;
use crate::components::properties::Properties;
use crate::components::time::Time;
use crate::failure::{Failure, Kind};
use crate::forms::account::{self, AccountErrors};
use crate::identity::Identity;
use crate::paths;

/// Who the link is for, then a password, twice. The token stands behind `#`, so that it reaches no server log.
#[component]
pub fn Join() -> impl IntoView {
    let hash = window().location().hash().unwrap_or_default();
    let token = hash
        .trim_start_matches('#')
        .trim_start_matches("token=")
        .to_owned();
    view! {
        <div class="page welcome">
            {if token.is_empty() { cut_short().into_any() } else { asked(token).into_any() }}
        </div>
    }
}

/// The server says first whose link it is: nobody types a password for a link that does not work.
fn asked(token: String) -> impl IntoView {
    let wanted = token.clone();
    let invitation = LocalResource::new(move || {
        let token = wanted.clone();
        async move { http::invitation(&token).await }
    });
    // Once it is known it stays: the link is used up by joining.
    let known = Memo::new(
        move |known: Option<&Option<Result<Invitation, Failure>>>| match known {
            Some(Some(Ok(invitation))) => Some(Ok(invitation.clone())),
            _ => invitation.get(),
        },
    );
    move || {
        match known.get() {
        None => view! { <PageHeader sentence="Checking this link" /> }.into_any(),
        Some(Ok(invitation)) => form(token.clone(), invitation).into_any(),
        Some(Err(failure)) if failure.code == LINK_INVALID => {
            view! { <PageHeader sentence="This link no longer works" /> <ErrorView failure /> {after_it()} }.into_any()
        }
        Some(Err(failure)) => {
            let retry = Callback::new(move |()| invitation.refetch());
            view! { <PageHeader sentence="This link cannot be checked" /> <ErrorView failure retry /> }.into_any()
        }
    }
    }
}

/// The code of a link that was used, was replaced or has expired.
const LINK_INVALID: &str = "join.link-invalid";

fn form(token: String, invitation: Invitation) -> impl IntoView {
    let identity = Identity::expect();
    let navigate = use_navigate();
    let token = StoredValue::new(token);
    let (password, again) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let end_tokens = RwSignal::new(true);
    let errors = RwSignal::new(AccountErrors::default());
    let failure = RwSignal::new(None::<Failure>);
    let name = StoredValue::new(invitation.name.clone());
    let join = Action::new_local(move |_: &()| {
        let navigate = navigate.clone();
        async move {
            failure.set(None);
            let typed = (password.get_untracked(), again.get_untracked());
            match account::join(
                &token.get_value(),
                &name.get_value(),
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
    let void =
        move || failure.with(|failure| failure.as_ref().is_some_and(|f| f.code == LINK_INVALID));
    let has_password = invitation.has_password;
    let (sentence, below) = if has_password {
        (
            "Choose a new password",
            "This link works once and signs you in. Your sessions in other browsers end.",
        )
    } else {
        (
            "Welcome to Requorum",
            "Choose a password. This link works once and signs you in.",
        )
    };
    let roles = if invitation.grants.is_empty() {
        "none yet: an administrator can give you one".to_owned()
    } else {
        invitation.grants.to_string()
    };
    let ends = crate::format::parse_rfc3339(&invitation.expires_at).unwrap_or_default();
    let facts = vec![
        (
            "Your name here",
            view! { <strong>{invitation.name.clone()}</strong> }.into_any(),
        ),
        ("Roles", roles.into_any()),
        ("Link created by", invitation.invited_by.into_any()),
        ("Link expires", view! { <Time ms=ends /> }.into_any()),
    ];
    let you = invitation.name;
    view! {
        <PageHeader sentence below=move || view! { <p>{below}</p> } />
        <Properties rows=facts />
        {move || Some(identity.name()).filter(|name| !name.is_empty() && *name != you).map(|name| view! {
            <div class="notice warning">
                <p>{format!("This browser is signed in as {name}. Setting this password signs in {you} instead.")}</p>
            </div>
        })}
        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        {move || void().then(after_it)}
        <form class="panel gate" novalidate on:submit=move |ev| { ev.prevent_default(); join.dispatch_local(()); }>
            // For password managers: the name belongs to the password.
            <input type="text" autocomplete="username" value=name.get_value() hidden readonly />
            <Field
                id="password" label="Password" kind="password" value=password autocomplete="new-password"
                hint=format!("At least {MIN_PASSWORD_CHARS} characters. A passphrase works well.")
                error=Signal::derive(move || errors.get().password)
            />
            <Field
                id="again" label="Password again" kind="password" value=again autocomplete="new-password"
                error=Signal::derive(move || errors.get().again)
            />
            {has_password.then(|| view! { <EndTokens end=end_tokens /> })}
            <div class="acts">
                <button type="submit" class="button primary" disabled=pending>"Set password and sign in"</button>
            </div>
        </form>
    }
}

/// What to do when the link does nothing any more.
fn after_it() -> impl IntoView {
    view! {
        <p>
            "If you already set a password with it, " <a href=paths::login(None)>"sign in"</a>
            ". Otherwise ask an administrator of this console for a new link, or set a password on the server: "
            <code>"requorum user password NAME"</code> "."
        </p>
    }
}

fn cut_short() -> impl IntoView {
    view! {
        <PageHeader sentence="This link is incomplete" />
        <p>"The one-time link ends in # and a long code, which is missing here. Open the link exactly as you received it."</p>
        <div class="acts"><a class="button" href=paths::login(None)>"Sign in"</a></div>
    }
}
