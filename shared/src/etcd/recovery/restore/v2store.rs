//! The legacy v2 tree, in which servers up to 3.5 look for the membership (spec 4.10).

use std::collections::BTreeMap;

use serde::Serialize;

use super::TargetVersion;
use super::cluster::{Cluster, Member};
use super::member_json;

/// How many events the tree's history holds. A server indexes the slots without looking at the array's
/// length, so all of them are written.
const HISTORY: usize = 1000;

/// How JSON says that a node never expires.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The whole tree, byte for byte as etcdctl 3.4 and etcdutl 3.5 write it. Later ones add the members in random
/// order; here the order is always that of the ids.
pub(super) fn json(cluster: &Cluster, version: TargetVersion) -> String {
    let members = cluster.members();
    let count = members.len() as u64;
    // Go sorts the keys of a map, and ids are written without leading zeros.
    let member_nodes: BTreeMap<String, Node> = (1..)
        .zip(members)
        .map(|(index, member)| (member.id.to_string(), member_node(index, member)))
        .collect();
    let members_folder = folder("/0/members".into(), 1, member_nodes);
    let store = Store {
        root: folder(
            "/".into(),
            0,
            BTreeMap::from([
                (
                    "0".into(),
                    folder(
                        "/0".into(),
                        0,
                        BTreeMap::from([("members".into(), members_folder)]),
                    ),
                ),
                ("1".into(), folder("/1".into(), 0, BTreeMap::new())),
            ]),
        ),
        watcher_hub: WatcherHub {
            event_history: EventHistory {
                queue: Queue {
                    events: events(members),
                    size: count,
                    front: 0,
                    back: count,
                    capacity: HISTORY,
                },
                start_index: 1,
                last_index: count,
            },
        },
        current_index: count,
        stats: Stats {
            // From 3.6 on the reference looks for something before it creates the members.
            gets_fail: u64::from(version >= TargetVersion::V3_6),
            create_success: count,
            ..Stats::default()
        },
        current_version: 2,
    };
    member_json::to_go_json(&store)
}

fn raft_attributes_path(member: &Member) -> String {
    format!("/0/members/{}/raftAttributes", member.id)
}

fn member_node(index: u64, member: &Member) -> Node {
    let attributes = Node {
        path: raft_attributes_path(member),
        created_index: index,
        modified_index: index,
        expire_time: NEVER,
        value: member_json::raft_attributes(member),
        children: None,
    };
    folder(
        format!("/0/members/{}", member.id),
        index,
        BTreeMap::from([("raftAttributes".into(), attributes)]),
    )
}

/// A folder always has `children`, if only none: without them it would be read as a file.
fn folder(path: String, index: u64, children: BTreeMap<String, Node>) -> Node {
    Node {
        path,
        created_index: index,
        modified_index: index,
        expire_time: NEVER,
        value: String::new(),
        children: Some(children),
    }
}

fn events(members: &[Member]) -> Vec<Option<Event>> {
    let mut slots: Vec<Option<Event>> = (1..)
        .zip(members)
        .map(|(index, member)| {
            Some(Event {
                action: "create",
                node: EventNode {
                    key: raft_attributes_path(member),
                    value: member_json::raft_attributes(member),
                    modified_index: index,
                    created_index: index,
                },
            })
        })
        .collect();
    slots.resize_with(HISTORY, || None);
    slots
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Store {
    root: Node,
    watcher_hub: WatcherHub,
    current_index: u64,
    stats: Stats,
    current_version: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    path: String,
    created_index: u64,
    modified_index: u64,
    expire_time: &'static str,
    value: String,
    children: Option<BTreeMap<String, Node>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WatcherHub {
    event_history: EventHistory,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventHistory {
    queue: Queue,
    start_index: u64,
    last_index: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Queue {
    events: Vec<Option<Event>>,
    size: u64,
    front: u64,
    back: u64,
    capacity: usize,
}

#[derive(Serialize)]
struct Event {
    action: &'static str,
    node: EventNode,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventNode {
    key: String,
    value: String,
    modified_index: u64,
    created_index: u64,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    gets_success: u64,
    gets_fail: u64,
    sets_success: u64,
    sets_fail: u64,
    delete_success: u64,
    delete_fail: u64,
    update_success: u64,
    update_fail: u64,
    create_success: u64,
    create_fail: u64,
    compare_and_swap_success: u64,
    compare_and_swap_fail: u64,
    compare_and_delete_success: u64,
    compare_and_delete_fail: u64,
    expire_count: u64,
    watchers: u64,
}
