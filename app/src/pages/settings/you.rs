//! Who am I here, what may I do, and where am I signed in?

use leptos::prelude::*;
use requorum_shared::api::v1::{
    EndSessionsRequest, ListSessionsRequest, ListSessionsResponse, SignInMethod,
};
use requorum_shared::permission::{Grants, Permission, Place, Role};

use crate::client::{grpc, http, whole};
use crate::components::end_tokens::EndTokens;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::sessions::SessionTable;
use crate::components::status::Status;
use crate::failure::{Failure, Kind};
use crate::format;
use crate::forms::account::{self, AccountErrors};
use crate::identity::Identity;
use requorum_shared::api::login::MIN_PASSWORD_CHARS;

/// The section.
#[component]
pub fn You() -> impl IntoView {
    let identity = Identity::expect();
    let sessions = LocalResource::new(|| whole::list_sessions(ListSessionsRequest::default()));
    let again = Callback::new(move |()| sessions.refetch());
    let sentence = Signal::derive(move || headline(&identity.name(), &identity.grants()));
    // Apart from the list: what was typed and said there outlives a change of sessions.
    let by_provider = Memo::new(move |_| match sessions.get() {
        Some(Ok(list)) => Some(
            list.sessions
                .iter()
                .any(|s| s.this && s.method() == SignInMethod::Oidc),
        ),
        _ => None,
    });
    let acts = move || {
        view! { <button type="button" class="button" on:click=move |_| identity.sign_out()>"Sign out of this browser"</button> }
    };
    view! {
        <PageHeader sentence acts />
        <section class="section"><h2>"Permissions"</h2>{rights(identity)}</section>
        {load(sessions, move |list| signed_in(list, again))}
        {move || by_provider.get().map(|by_provider| password(by_provider, again))}
    }
}

fn headline(name: &str, grants: &Grants) -> String {
    if grants.is_empty() {
        return format!("{name}: no role yet. Ask an administrator.");
    }
    format!("{name}: {grants}")
}

/// Every line of the table of permissions, and whether it is the person's.
fn rights(identity: Identity) -> impl IntoView {
    let rows = move || {
        let grants = identity.grants();
        Permission::all()
            .map(|permission| {
                let (status, words) = right(permission, &grants);
                view! {
                    <tr>
                        <th scope="row" data-label="Permission">{format::capital(permission.what())}</th>
                        <td data-label="Allowed"><Status is=status /></td>
                        <td data-label="By role">{words}</td>
                    </tr>
                }
            })
            .collect_view()
    };
    view! {
        <div class="table-wrap">
            <table class="table">
                <thead><tr><th scope="col">"Permission"</th><th scope="col">"Allowed"</th><th scope="col">"By role"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

/// Whether somebody with these roles may, and by which of them, or who could.
fn right(permission: Permission, grants: &Grants) -> ((&'static str, &'static str), String) {
    match grants.allow(permission, Place::Anywhere) {
        Err(denied) => (("waits", "no"), denied.needs()),
        Ok(()) => {
            let by: Grants = grants
                .iter()
                .filter(|grant| permission.roles().contains(&grant.role))
                .cloned()
                .collect();
            let yes = ("pass", "yes");
            // Everybody may, with any role.
            if permission.roles().len() == Role::ALL.len() {
                return (yes, "Any role".into());
            }
            let wherever = by.allow(permission, Place::Console).is_ok();
            let extent = if wherever {
                ""
            } else {
                ", for these clusters only"
            };
            (yes, format!("As {by}{extent}."))
        }
    }
}

fn signed_in(list: ListSessionsResponse, again: Callback<()>) -> impl IntoView {
    let identity = Identity::expect();
    let failure = RwSignal::new(None::<Failure>);
    let sessions = list.sessions;
    let others = sessions.iter().filter(|session| !session.this).count() as u64;
    let this = sessions.iter().find(|session| session.this);
    let this = StoredValue::new(this.map(|session| session.id.clone()));
    let end = Action::new_local(move |id: &String| {
        let session_id = id.clone();
        async move {
            failure.set(None);
            if !session_id.is_empty() && this.get_value().as_ref() == Some(&session_id) {
                identity.sign_out();
                return;
            }
            let request = EndSessionsRequest {
                session_id,
                ..Default::default()
            };
            match grpc::call(request).await {
                Ok(_) => {
                    again.try_run(());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    let busy: Signal<bool> = end.pending().into();
    let where_words = match others {
        0 => "Only in this browser.".to_owned(),
        n => format!(
            "In this browser and {} more. If you do not recognize one, end it and change your password.",
            format::number(n)
        ),
    };
    view! {
        <section class="section">
            <h2>"Sessions"</h2>
            <p class="muted">{where_words}</p>
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
            <SessionTable sessions busy on_end=Callback::new(move |id: String| { end.dispatch_local(id); }) />
            {(others > 0).then(|| view! {
                <div class="acts">
                    <button type="button" class="button" disabled=busy on:click=move |_| { end.dispatch_local(String::new()); }>
                        {format!("End the {}", format::count(others, "other session", "other sessions"))}
                    </button>
                </div>
            })}
        </section>
    }
}

fn password(by_provider: bool, again: Callback<()>) -> impl IntoView {
    let form = if by_provider {
        view! { <p>"Your identity provider manages your password. Change it there."</p> }.into_any()
    } else {
        view! { <Password again /> }.into_any()
    };
    view! { <section class="section"><h2>"Password"</h2>{form}</section> }
}

/// The form that changes the password.
#[component]
fn Password(again: Callback<()>) -> impl IntoView {
    let identity = Identity::expect();
    let [current, new, repeated] = [(); 3].map(|()| RwSignal::new(String::new()));
    let errors = RwSignal::new(AccountErrors::default());
    let failure = RwSignal::new(None::<Failure>);
    let changed = RwSignal::new(None::<bool>);
    let end_tokens = RwSignal::new(true);
    let change = Action::new_local(move |_: &()| async move {
        failure.set(None);
        changed.set(None);
        let typed = [current, new, repeated].map(|field| field.get_untracked());
        let name = untrack(|| identity.name());
        match account::change(
            &name,
            &typed[0],
            &typed[1],
            &typed[2],
            end_tokens.get_untracked(),
        ) {
            Ok(request) => {
                errors.set(AccountErrors::default());
                match http::change_password(&request).await {
                    Ok(()) => {
                        for field in [current, new, repeated] {
                            field.set(String::new());
                        }
                        changed.set(end_tokens.try_get_untracked());
                        again.try_run(());
                    }
                    // A wrong password is this form's own business, not a reason to sign in.
                    Err(refused) => failure.set(Some(Failure {
                        kind: Kind::Refused,
                        ..refused
                    })),
                }
            }
            Err(found) => errors.set(found),
        }
    });
    let pending = change.pending();
    view! {
        <form class="gate" novalidate on:submit=move |ev| { ev.prevent_default(); change.dispatch_local(()); }>
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
            <p role="status" class="small">
                {move || changed.get().map(|tokens_too| match tokens_too {
                    true => "Password changed. Your sessions in other browsers, links and tokens have ended.",
                    false => "Password changed. Your sessions in other browsers and links have ended; your tokens have not.",
                })}
            </p>
            <Field
                id="current" label="Current password" kind="password" value=current autocomplete="current-password"
                error=Signal::derive(move || errors.get().current)
            />
            <Field
                id="new" label="New password" kind="password" value=new autocomplete="new-password"
                hint=format!("At least {MIN_PASSWORD_CHARS} characters.")
                error=Signal::derive(move || errors.get().password)
            />
            <Field
                id="again" label="New password again" kind="password" value=repeated autocomplete="new-password"
                error=Signal::derive(move || errors.get().again)
            />
            <EndTokens end=end_tokens />
            <div class="acts">
                <button type="submit" class="button" disabled=pending>"Change password"</button>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_said_with_the_role_that_gives_it() {
        let grants: Grants = "operator@prod, approver".parse().unwrap();
        let words = |permission| right(permission, &grants);
        assert_eq!(
            words(Permission::Approve),
            (("pass", "yes"), "As approver.".into())
        );
        assert_eq!(
            words(Permission::Run),
            (
                ("pass", "yes"),
                "As operator@prod, for these clusters only.".into()
            )
        );
        assert_eq!(
            words(Permission::People),
            (
                ("waits", "no"),
                "Managing users and roles needs the role admin.".into()
            )
        );
        assert_eq!(words(Permission::See).1, "Any role");
    }
}
