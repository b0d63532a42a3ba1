//! Users and roles; never a password hash.

use leptos::prelude::*;
use requorum_shared::etcd::storage::inspection::Inspection;

use super::unreadable;
use crate::format;

pub(super) fn auth(inspection: &Inspection) -> impl IntoView + use<> {
    let auth = inspection
        .details
        .contents
        .as_ref()
        .map(|c| c.auth.clone())
        .unwrap_or_default();
    let sentence = match auth.enabled {
        Some(true) => "Authentication is on, and stays on after a restore: clients need the passwords of that time. The restore can turn it off.".to_owned(),
        Some(false) => "Authentication is off in this file.".to_owned(),
        None => format!("Whether authentication is on is {}.", unreadable("auth")),
    };
    let problem = auth.problem.map(|problem| {
        view! {
            <div class="notice warning">
                <p>{problem.what()}</p>
                <p>{problem.why()}</p>
                <p>{problem.todo()}</p>
            </div>
        }
    });
    let revision = auth
        .revision
        .map_or_else(|| unreadable("auth"), format::number);
    let roles = match auth.roles {
        Some(roles) if roles.is_empty() => "none".to_owned(),
        Some(roles) => format::visible(&roles.join(", ")),
        None => unreadable("authRoles"),
    };
    let users_unknown = auth
        .users
        .is_none()
        .then(|| view! { <p>{format!("Users: {}.", unreadable("authUsers"))}</p> });
    let users = auth.users.unwrap_or_default();
    let table = (!users.is_empty()).then(|| {
        let rows = users
            .into_iter()
            .map(|user| {
                view! {
                    <tr>
                        <th scope="row" data-label="User">{format::visible(&user.name)}</th>
                        <td data-label="Roles">{format::visible(&user.roles.join(", "))}</td>
                        <td data-label="Password">{if user.has_password { "set" } else { "none" }}</td>
                    </tr>
                }
            })
            .collect_view();
        view! {
            <div class="table-wrap">
                <table class="table">
                    <thead><tr><th scope="col">"User"</th><th scope="col">"Roles"</th><th scope="col">"Password"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    });
    view! {
        <p>{sentence}</p>
        {problem}
        <p class="muted">{format!("Auth revision {revision}. Roles: {roles}.")}</p>
        {users_unknown}
        {table}
    }
}
