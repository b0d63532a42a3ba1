//! Members as the file knows them, and the alarms they raised.

use leptos::prelude::*;
use requorum_shared::etcd::storage::inspection::Inspection;

use super::unreadable;
use crate::components::hash::{Copyable, Id};
use crate::components::properties::Properties;
use crate::components::table::arrows;
use crate::format;

pub(super) fn members(inspection: &Inspection) -> impl IntoView + use<> {
    let contents = inspection.details.contents.clone().unwrap_or_default();
    let unknown = contents
        .members
        .is_none()
        .then(|| view! { <p>{format!("Members: {}.", unreadable("members"))}</p> });
    let rows = contents
        .members
        .unwrap_or_default()
        .into_iter()
        .map(|member| {
            let name = if member.name.is_empty() {
                "(never started)".to_owned()
            } else {
                format::visible(&member.name)
            };
            view! {
                <tr>
                    <th scope="row" data-label="Name">{name}</th>
                    <td data-label="ID"><Id value=member.id /></td>
                    <td data-label="Role">{if member.learner { "learner" } else { "voter" }}</td>
                    <td data-label="Peer URLs">{lines(member.peer_urls)}</td>
                    <td data-label="Client URLs">{lines(member.client_urls)}</td>
                </tr>
            }
        })
        .collect_view();
    let former = contents.removed_members.unwrap_or_default();
    let removed = (!former.is_empty()).then(|| {
        let ids = former
            .iter()
            .cloned()
            .map(|id| view! { <li><Id value=id /></li> })
            .collect_view();
        view! { <section class="section"><h3>"Removed members"</h3><ul>{ids}</ul></section> }
    });
    let conf = contents.conf_state.map(|conf| {
        let list = |ids: Vec<String>| {
            if ids.is_empty() {
                "none".to_owned()
            } else {
                ids.join(", ")
            }
        };
        let rows = vec![
            (
                "Raft voters (confState)",
                view! { <span class="mono">{list(conf.voters)}</span> }.into_any(),
            ),
            (
                "Raft learners (confState)",
                view! { <span class="mono">{list(conf.learners)}</span> }.into_any(),
            ),
        ];
        view! { <Properties rows /> }
    });
    view! {
        {unknown}
        <p class="muted">"A restore replaces all of them with the members of the plan."</p>
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th><th scope="col">"ID"</th><th scope="col">"Role"</th>
                        <th scope="col">"Peer URLs"</th><th scope="col">"Client URLs"</th>
                    </tr>
                </thead>
                <tbody on:keydown=arrows>{rows}</tbody>
            </table>
        </div>
        {conf}
        {removed}
    }
}

fn lines(urls: Vec<String>) -> AnyView {
    if urls.is_empty() {
        return view! { <span class="muted">"none"</span> }.into_any();
    }
    let urls = urls
        .into_iter()
        .map(|url| view! { <div><Copyable value=url /></div> })
        .collect_view();
    view! { <div>{urls}</div> }.into_any()
}

pub(super) fn alarms(inspection: &Inspection) -> impl IntoView + use<> {
    let alarms = inspection
        .details
        .contents
        .as_ref()
        .and_then(|c| c.alarms.clone());
    let Some(alarms) = alarms else {
        return view! { <p>{format!("Alarms: {}.", unreadable("alarm"))}</p> }.into_any();
    };
    if alarms.is_empty() {
        return view! { <p class="muted">"No active alarms."</p> }.into_any();
    }
    let rows = alarms
        .into_iter()
        .map(|alarm| {
            view! {
                <tr>
                    <th scope="row" data-label="Alarm">{alarm.alarm}</th>
                    <td data-label="Raised by"><Id value=alarm.member_id /></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <p>"An active alarm survives a restore: NOSPACE makes the new cluster refuse writes until it is disarmed. The restore can clear it."</p>
        <div class="table-wrap">
            <table class="table">
                <thead><tr><th scope="col">"Alarm"</th><th scope="col">"Raised by member"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
