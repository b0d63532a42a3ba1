//! What a restore of etcd changes, on the page that reviews its plan.

use leptos::prelude::*;
use requorum_shared::etcd::recovery::restore::observation::Observation;
use requorum_shared::etcd::recovery::restore::{MemberRequest, RestoreRequest};
use requorum_shared::etcd::storage::inspection::MemberFacts;

use super::member_figure::{figure, words};
use crate::components::hash::{Copyable, Id};
use crate::components::properties::Properties;
use crate::format;
use crate::paths;

/// The members before and after, and every choice.
pub(in crate::systems) fn changes(request: &RestoreRequest, seen: Option<&Observation>) -> AnyView {
    let old = seen.and_then(|seen| seen.source.members.clone());
    view! {
        {figure(request, old.as_deref())}
        <details class="fold">
            <summary>"Members as a table"</summary>
            {members(request, old)}
        </details>
        <Properties rows=choices(request) />
    }
    .into_any()
}

fn choices(request: &RestoreRequest) -> Vec<(&'static str, AnyView)> {
    let bump = match (request.bump_revision, request.mark_compacted) {
        (0, _) => "not bumped".to_owned(),
        (n, true) => format!(
            "bumped by {}, older revisions marked compacted",
            format::number(n)
        ),
        (n, false) => format!("bumped by {}", format::number(n)),
    };
    let mut choices = vec![
        ("Snapshot", view! { <a href=paths::file(&request.snapshot)>"Open the file"</a> " " <Id value=request.snapshot.clone() /> }.into_any()),
        ("Token", token(&request.token)),
        ("Revision", bump.into_any()),
        ("Target etcd", request.target_version.to_string().into_any()),
        ("Clean-up", clean_ups(request).into_any()),
        ("Checksum", if request.skip_hash_check { "not required" } else { "must match" }.into_any()),
    ];
    if request.accept_older_meta {
        choices.push(("Newest meta page", "not required".into_any()));
    }
    choices
}

fn token(token: &str) -> AnyView {
    match token {
        "" => "none".into_any(),
        token => view! { <Copyable value=token /> }.into_any(),
    }
}

fn clean_ups(request: &RestoreRequest) -> String {
    let all = [
        (request.clean_up.alarms, "alarms cleared"),
        (request.clean_up.auth, "authentication turned off"),
        (request.clean_up.downgrade, "downgrade state deleted"),
        (request.clean_up.versions, "recorded versions lowered"),
    ];
    let chosen: Vec<_> = all
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, what)| *what)
        .collect();
    if chosen.is_empty() {
        "none".into()
    } else {
        chosen.join(", ")
    }
}

/// A member before and after.
#[derive(Debug, PartialEq)]
struct Change {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

impl Change {
    fn words(&self) -> &'static str {
        words(&self.before, &self.after)
    }
}

/// The new members in their order, then those who are not in it any more.
fn compared(old: &[MemberFacts], new: &[MemberRequest]) -> Vec<Change> {
    let before = |name: &str| old.iter().find(|m| m.name == name);
    let kept = new.iter().map(|member| Change {
        name: member.name.clone(),
        before: before(&member.name).map(|m| m.peer_urls.join(", ")),
        after: Some(member.peer_urls.join(", ")),
    });
    let gone = old
        .iter()
        .filter(|m| !new.iter().any(|member| member.name == m.name))
        .map(|m| Change {
            name: m.name.clone(),
            before: Some(m.peer_urls.join(", ")),
            after: None,
        });
    kept.chain(gone).collect()
}

fn members(request: &RestoreRequest, old: Option<Vec<MemberFacts>>) -> AnyView {
    let Some(old) = old else {
        let rows = request.members.iter().map(|m| {
            view! { <tr><th scope="row" data-label="Member">{m.name.clone()}</th><td data-label="Peer URLs" class="mono">{m.peer_urls.join(", ")}</td></tr> }
        });
        return view! {
            <div class="table-wrap">
                <table class="table">
                    <thead><tr><th scope="col">"New member"</th><th scope="col">"Peer URLs"</th></tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any();
    };
    let rows = compared(&old, &request.members).into_iter().map(|change| {
        let words = change.words();
        let url = |url: Option<String>| url.unwrap_or_else(|| "–".into());
        view! {
            <tr>
                <th scope="row" data-label="Member">{change.name}</th>
                <td data-label="In the snapshot" class="mono">{url(change.before)}</td>
                <td data-label="In the new cluster" class="mono">{url(change.after)}</td>
                <td data-label="Change">{words}</td>
            </tr>
        }
    });
    view! {
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr><th scope="col">"Member"</th><th scope="col">"In the snapshot"</th><th scope="col">"In the new cluster"</th><th scope="col">"Change"</th></tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_new_gone_moved_or_the_same() {
        let old: Vec<MemberFacts> = serde_json::from_value(serde_json::json!([
            {"id": "1", "name": "m1", "peer_urls": ["http://a:1"], "client_urls": [], "learner": false},
            {"id": "2", "name": "m2", "peer_urls": ["http://b:1"], "client_urls": [], "learner": false},
            {"id": "3", "name": "m3", "peer_urls": ["http://c:1"], "client_urls": [], "learner": false},
        ]))
        .unwrap();
        let new = ["m4 http://d:1", "m1 http://a:1", "m2 http://x:1"].map(|text| {
            let (name, url) = text.split_once(' ').unwrap();
            MemberRequest {
                name: name.into(),
                peer_urls: vec![url.into()],
            }
        });
        let all = compared(&old, &new);
        let words: Vec<_> = all.iter().map(|c| (c.name.as_str(), c.words())).collect();
        assert_eq!(
            words,
            [
                ("m4", "added"),
                ("m1", "same address"),
                ("m2", "new address"),
                ("m3", "removed")
            ]
        );
    }
}
