//! The members before and after, drawn: the old ones at the left, the new ones at the right, a line between those that
//! keep their name.

use leptos::prelude::*;
use requorum_shared::etcd::recovery::restore::cluster::Cluster;
use requorum_shared::etcd::recovery::restore::{MemberRequest, RestoreRequest};
use requorum_shared::etcd::storage::inspection::MemberFacts;

use crate::components::hash::{Copyable, Id};
use crate::format;

/// A row of the figure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pair {
    old: Option<Node>,
    new: Option<Node>,
}

impl Pair {
    fn words(&self) -> &'static str {
        let urls = |node: &Option<Node>| node.as_ref().map(|node| node.urls.clone());
        words(&urls(&self.old), &urls(&self.new))
    }
}

/// What becomes of a member, by its addresses before and after.
pub(super) fn words<T: PartialEq>(before: &Option<T>, after: &Option<T>) -> &'static str {
    match (before, after) {
        (None, _) => "added",
        (_, None) => "removed",
        (before, after) if before == after => "same address",
        _ => "new address",
    }
}

/// A member in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    name: String,
    /// Empty where it is not known.
    id: String,
    urls: Vec<String>,
}

impl Node {
    fn of(member: &MemberFacts) -> Self {
        Self {
            name: match member.name.is_empty() {
                true => "(never started)".to_owned(),
                false => format::visible(&member.name),
            },
            id: member.id.clone(),
            urls: member.peer_urls.clone(),
        }
    }
}

/// The new members in their order, each beside the old one of its name; then the old ones that have no successor.
fn pairs(request: &RestoreRequest, old: &[MemberFacts]) -> Vec<Pair> {
    let cluster = Cluster::new(&request.members, &request.token).ok();
    let id = |member: &MemberRequest| {
        let found = cluster.as_ref().and_then(|all| all.member(&member.name));
        found.map(|one| one.id.to_string()).unwrap_or_default()
    };
    let same = |member: &&MemberFacts, name: &str| member.name == name;
    let new = request.members.iter().map(|member| Pair {
        old: old.iter().find(|one| same(one, &member.name)).map(Node::of),
        new: Some(Node {
            name: format::visible(&member.name),
            id: id(member),
            urls: member.peer_urls.clone(),
        }),
    });
    let gone = old
        .iter()
        .filter(|one| !request.members.iter().any(|new| same(one, &new.name)))
        .map(|one| Pair {
            old: Some(Node::of(one)),
            new: None,
        });
    new.chain(gone).collect()
}

/// The figure; `old` is absent where the old members are not known.
pub(super) fn figure(
    request: &RestoreRequest,
    old: Option<&[MemberFacts]>,
) -> impl IntoView + use<> {
    let known = old.is_some();
    let rows = pairs(request, old.unwrap_or_default())
        .into_iter()
        .map(|pair| {
            let way = known.then(|| pair.words());
            view! {
                <li class="member-pair">
                    {known.then(|| pair.old.map_or_else(|| gap().into_any(), |node| drawn(node, true).into_any()))}
                    {way.map(|words| view! { <span class="member-way small muted">{words}</span> })}
                    {pair.new.map_or_else(|| gap().into_any(), |node| drawn(node, false).into_any())}
                </li>
            }
        });
    let heads = known.then(|| {
        view! { <p class="member-heads small muted" aria-hidden="true"><span>"Old members"</span><span></span><span>"New members"</span></p> }
    });
    view! {
        <figure class="member-figure" class:new-only=!known>
            <figcaption class="small muted">{caption(request.members.len(), old.map(<[MemberFacts]>::len))}</figcaption>
            {heads}
            <ul>{rows.collect_view()}</ul>
        </figure>
    }
}

/// `3 members before, 3 members after.`
fn caption(new: usize, old: Option<usize>) -> String {
    let new = new as u64;
    match old {
        None => format!(
            "{}; the old members are unknown.",
            format::count(new, "new member", "new members")
        ),
        Some(old) => format!(
            "{} before, {} after.",
            format::count(old as u64, "member", "members"),
            format::count(new, "member", "members")
        ),
    }
}

fn gap() -> impl IntoView {
    view! { <span class="member-gap" aria-hidden="true"></span> }
}

fn drawn(node: Node, old: bool) -> impl IntoView {
    let Node { name, id, urls } = node;
    let word = match old {
        true => "Old member ",
        false => "New member ",
    };
    let name = match old {
        true => view! { <s>{name}</s> }.into_any(),
        false => view! { <strong>{name}</strong> }.into_any(),
    };
    let id = (!id.is_empty()).then(|| view! { <Id value=id /> });
    let urls = urls
        .into_iter()
        .map(|url| view! { <li><Copyable value=url /></li> });
    view! {
        <div class="member-node" class:old=old>
            <p><span class="visually-hidden">{word}</span>{name} " " {id}</p>
            <ul class="small">{urls.collect_view()}</ul>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_of_one_name_are_beside_each_other() {
        let old: Vec<MemberFacts> = serde_json::from_value(serde_json::json!([
            {"id": "1", "name": "m1", "peer_urls": ["http://a:1"], "client_urls": [], "learner": false},
            {"id": "2", "name": "", "peer_urls": ["http://b:1"], "client_urls": [], "learner": false},
        ]))
        .unwrap();
        let request: RestoreRequest = serde_json::from_value(serde_json::json!({
            "snapshot": "ab",
            "members": [
                {"name": "m1", "peer_urls": ["http://a:2380"]},
                {"name": "m3", "peer_urls": ["http://c:2380"]},
            ],
            "token": "t",
            "bump_revision": 0,
            "mark_compacted": false,
            "skip_hash_check": false,
            "target_version": "3.6",
            "clean_up": {"alarms": false, "auth": false, "downgrade": false, "versions": false},
            "target": {"kind": "download"},
        }))
        .unwrap();
        let pairs = pairs(&request, &old);
        let names: Vec<_> = pairs
            .iter()
            .map(|pair| {
                let name = |node: &Option<Node>| node.as_ref().map(|node| node.name.clone());
                (name(&pair.old), name(&pair.new))
            })
            .collect();
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(
            names,
            [
                (some("m1"), some("m1")),
                (None, some("m3")),
                (some("(never started)"), None),
            ]
        );
        // The new ones have the ids that the restore gives them.
        let first = pairs[0].new.as_ref().unwrap();
        assert!(!first.id.is_empty() && first.id != "1", "{first:?}");
        assert_ne!(first.id, pairs[1].new.as_ref().unwrap().id);
        let words: Vec<_> = pairs.iter().map(Pair::words).collect();
        assert_eq!(words, ["new address", "added", "removed"]);
        assert_eq!(caption(2, Some(2)), "2 members before, 2 members after.");
        assert_eq!(
            caption(1, None),
            "1 new member; the old members are unknown."
        );
    }
}
