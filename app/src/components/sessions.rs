//! Where somebody is signed in.

use leptos::prelude::*;
use requorum_shared::api::v1::{PersonSession, SignInMethod};

use crate::components::time::Ago;
use crate::format;

/// How a session was opened, in words.
fn method_words(method: SignInMethod) -> &'static str {
    match method {
        SignInMethod::Password => "password",
        SignInMethod::Link => "a link",
        SignInMethod::Oidc => "identity provider",
        SignInMethod::Unspecified => "unknown",
    }
}

/// A table of sessions, each with a button that ends it.
#[component]
pub fn SessionTable(
    /// The sessions, newest first.
    sessions: Vec<PersonSession>,
    /// Whether one is being ended.
    #[prop(into)]
    busy: Signal<bool>,
    /// Ends the one with this id.
    #[prop(into)]
    on_end: Callback<String>,
) -> impl IntoView {
    let rows = sessions
        .into_iter()
        .map(|session| {
            let browser = format::browser(&session.agent);
            let label = if session.this {
                "Sign out here".to_owned()
            } else {
                format!("End the session of {browser} from {}", session.address)
            };
            let method = method_words(session.method());
            let id = session.id;
            view! {
                <tr>
                    <th scope="row" data-label="Browser">
                        <span>
                            <span title=session.agent>{browser}</span>
                            {session.this.then(|| view! { " " <span class="status pill pass">"this one"</span> })}
                        </span>
                    </th>
                    <td data-label="From" class="mono">{session.address}</td>
                    <td data-label="By">{method}</td>
                    <td data-label="Signed in"><Ago ms=session.opened_at_ms /></td>
                    <td data-label="Last seen"><Ago ms=session.seen_at_ms /></td>
                    <td data-label="Expires"><Ago ms=session.expires_at_ms /></td>
                    <td data-label="Act">
                        <button type="button" class="button small nowrap" aria-label=label disabled=busy on:click=move |_| on_end.run(id.clone())>
                            {if session.this { "Sign out" } else { "End" }}
                        </button>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Browser"</th><th scope="col">"From"</th><th scope="col">"By"</th>
                        <th scope="col">"Signed in"</th><th scope="col">"Last seen"</th><th scope="col">"Expires"</th>
                        <th scope="col"><span class="visually-hidden">"Act"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
