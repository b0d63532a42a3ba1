//! The headline of a database and what else there is to read, in the form that every kind of file has.

use crate::document::{Block, Cell, Section, id, number, section, table, text};
use crate::etcd::storage::inspection::{
    Contents, DatabaseDetails, KeyFacts, KubernetesFacts, MemberFacts,
};
use crate::inspection::{FileFacts, Labelled};
use crate::value::Value;

/// Members that are listed.
const SHOWN: usize = 1000;
/// Prefixes and kinds that are listed here; the details have more.
const LISTED: usize = 20;

/// Version, revision, keys, size: as far as known.
pub(super) fn headline(file: &FileFacts, details: &DatabaseDetails) -> Vec<Labelled> {
    let mut headline = Vec::new();
    if let Some(contents) = &details.contents {
        if let Some(version) = &contents.written_by {
            let version = Value::Version(version.clone());
            headline.push(Labelled::new("etcd_version", "etcd", version));
        }
        let revision = details.start_revision().map(Value::Revision);
        headline.push(Labelled::new("revision", "Revision", revision));
    }
    if let Some(status) = &details.status {
        headline.push(Labelled::count("keys", "Key", "Keys", status.total_key));
    }
    if let Some(members) = details
        .contents
        .as_ref()
        .and_then(|contents| contents.members.as_ref())
    {
        let members = members.len() as u64;
        headline.push(Labelled::count("members", "Member", "Members", members));
    }
    headline.push(Labelled::new("size", "Size", Value::Bytes(file.size)));
    headline
}

/// Numbers, members, what is in the small buckets.
pub(super) fn sections(details: &DatabaseDetails) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut facts: Vec<(String, Cell)> = Vec::new();
    let mut fact = |name: &str, value: Cell| facts.push((name.to_owned(), value));
    if let Some(status) = &details.status {
        fact("HASH", id(format!("{:x}", status.hash)));
        fact("Revision", number(status.revision));
        fact("Keys, as 3.6 counts", number(status.total_key));
        fact("Keys, as 3.5 counts", number(status.total_key_35));
        fact("Total size", number(status.total_size));
    }
    if let Some(hash_kv) = &details.hash_kv {
        fact("HashKV", number(hash_kv.hash));
        fact("HashKV is of revision", number(hash_kv.hash_revision));
    }
    if let Some(contents) = &details.contents {
        contents_facts(contents, &mut fact);
    }
    if !facts.is_empty() {
        sections.push(section("Contents", vec![Block::Facts(facts)]));
    }
    let members = details
        .contents
        .as_ref()
        .and_then(|contents| contents.members.as_ref());
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        sections.push(self::members(members));
    }
    let keys = details
        .contents
        .as_ref()
        .and_then(|contents| contents.keys.as_ref());
    if let Some(keys) = keys.filter(|keys| !keys.prefixes.is_empty()) {
        sections.extend(keys.kubernetes.as_ref().map(kubernetes));
        sections.push(prefixes(keys));
    }
    sections
}

/// What an API server keeps, by kind.
fn kubernetes(facts: &KubernetesFacts) -> Section {
    let mut rows = vec![
        ("Resource kinds".to_owned(), number(facts.resource_count)),
        (
            "Namespaces with objects".to_owned(),
            number(facts.namespace_count),
        ),
        ("Objects".to_owned(), number(facts.keys)),
    ];
    if let Some(seconds) = facts.last_lease_renewal {
        let when = Cell::When(seconds.saturating_mul(1000));
        rows.push(("Last lease renewal".to_owned(), when));
    }
    let kinds = facts.resources.iter().take(LISTED).map(|resource| {
        vec![
            text(&resource.name),
            number(resource.keys),
            number(resource.bytes),
        ]
    });
    let kinds = table(&["Kind", "Objects", "Bytes"], kinds.collect());
    section("Looks like Kubernetes", vec![Block::Facts(rows), kinds])
}

/// The live keys by prefix.
fn prefixes(keys: &KeyFacts) -> Section {
    let rows = keys.prefixes.iter().take(LISTED).map(|facts| {
        let prefix = match facts.prefix.as_str() {
            "" => "(no prefix)",
            prefix => prefix,
        };
        vec![
            text(prefix),
            number(facts.keys),
            number(facts.bytes),
            number(facts.revisions),
        ]
    });
    let columns = ["Prefix", "Live keys", "Bytes", "Revisions"];
    section("Keys by prefix", vec![table(&columns, rows.collect())])
}

fn contents_facts(contents: &Contents, fact: &mut impl FnMut(&str, Cell)) {
    let unknown = || text("unknown");
    let known = |n: Option<u64>| n.map_or_else(unknown, number);
    fact(
        "Compacted at",
        match contents.compact_revision {
            Some(-1) => text("never"),
            Some(revision) => number(revision),
            None => unknown(),
        },
    );
    fact("Revisions stored", known(contents.revisions));
    fact("Leases", known(contents.lease_count));
    let alarms = contents.alarms.as_ref();
    fact("Alarms", known(alarms.map(|alarms| alarms.len() as u64)));
    fact(
        "Authentication",
        match contents.auth.enabled {
            Some(true) => text("on"),
            Some(false) => text("off"),
            None => unknown(),
        },
    );
    fact("Raft index applied", known(contents.consistent_index));
    fact("Raft term", known(contents.term));
    for (name, version) in [
        ("Cluster version", &contents.cluster_version),
        ("Storage version", &contents.storage_version),
    ] {
        if let Some(version) = version {
            fact(name, text(version));
        }
    }
}

/// Members, as a table.
pub(in crate::etcd) fn members(members: &[MemberFacts]) -> Section {
    let rows = members.iter().take(SHOWN).map(|member| {
        let name = match member.name.as_str() {
            "" => "(never started)",
            name => name,
        };
        let role = if member.learner { "learner" } else { "voter" };
        let urls = [&member.peer_urls, &member.client_urls].map(|urls| text(urls.join(", ")));
        let [peers, clients] = urls;
        vec![text(name), id(&member.id), text(role), peers, clients]
    });
    let columns = ["Name", "ID", "Role", "Peer URLs", "Client URLs"];
    section("Members", vec![table(&columns, rows.collect())])
}
