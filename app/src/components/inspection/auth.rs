//! Users and roles; never a password hash.

use leptos::prelude::*;
use requorum_shared::etcd::inspection::Inspection;

use crate::format;

pub(super) fn auth(inspection: &Inspection) -> impl IntoView + use<> {
    let auth = inspection
        .contents
        .as_ref()
        .map(|c| c.auth.clone())
        .unwrap_or_default();
    let sentence = if auth.enabled {
        "Authentication is on, and stays on after a restore: clients need the passwords of that time. The restore can turn it off."
    } else {
        "Authentication is off in this file."
    };
    let roles = if auth.roles.is_empty() {
        "none".to_owned()
    } else {
        auth.roles.join(", ")
    };
    let table = (!auth.users.is_empty()).then(|| {
        let rows = auth
            .users
            .into_iter()
            .map(|user| {
                view! {
                    <tr>
                        <th scope="row" data-label="User">{user.name}</th>
                        <td data-label="Roles">{user.roles.join(", ")}</td>
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
        <p class="muted">{format!("Auth revision {}. Roles: {roles}.", format::number(auth.revision))}</p>
        {table}
    }
}
