//! What the live keys are: by prefix, and as objects of Kubernetes. Names of folders only, and never a value.

use std::collections::BTreeMap;

use super::inspection::{
    KeyFacts, KubernetesFacts, MAX_NAMESPACES, MAX_PREFIXES, NamespaceFacts, PrefixFacts,
    ResourceFacts,
};
use super::mvcc::FolderTotals;

/// Resources by which a folder is recognised as that of a Kubernetes API server: this many of them.
const TYPICAL: [&str; 8] = [
    "clusterroles",
    "configmaps",
    "leases",
    "namespaces",
    "pods",
    "secrets",
    "serviceaccounts",
    "services",
];
const ENOUGH: usize = 3;

/// What the folders of all keys add up to. `complete` says whether all of bucket `key` could be read, `merged` whether
/// there were too many folders to tell all apart.
pub(super) fn facts(
    folders: &[FolderTotals],
    complete: bool,
    merged: bool,
    renewed: Option<i64>,
) -> KeyFacts {
    let mut sums: BTreeMap<&[u8], PrefixFacts> = BTreeMap::new();
    for folder in folders {
        let name = &*folder.name;
        let own = Some(name).filter(|name| name.is_empty());
        for prefix in prefixes(name).chain(own) {
            let sum = sums.entry(prefix).or_default();
            sum.keys += folder.keys;
            sum.bytes += folder.bytes;
            sum.revisions += folder.revisions;
            sum.stored_bytes += folder.stored_bytes;
        }
    }
    let mut prefixes: Vec<_> = sums.into_iter().collect();
    // What is above another is as large at least, and shorter: it comes first.
    prefixes.sort_by(|(a, one), (b, other)| {
        let size = |facts: &PrefixFacts| (facts.bytes, facts.stored_bytes);
        size(other)
            .cmp(&size(one))
            .then(a.len().cmp(&b.len()))
            .then(a.cmp(b))
    });
    let unlisted = prefixes.len().saturating_sub(MAX_PREFIXES) as u64;
    prefixes.truncate(MAX_PREFIXES);
    KeyFacts {
        prefixes: prefixes
            .into_iter()
            .map(|(name, facts)| PrefixFacts {
                prefix: shown(name),
                ..facts
            })
            .collect(),
        unlisted,
        complete,
        merged,
        kubernetes: kubernetes(folders, renewed),
    }
}

/// The folder and those above it, from the top: `/a/`, `/a/b/`.
fn prefixes(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = name.iter().enumerate().skip(1);
    ends.filter(|(_, byte)| **byte == b'/')
        .map(|(at, _)| &name[..=at])
}

/// What is no UTF-8 is escaped.
fn shown(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(text) => text.to_owned(),
        Err(_) => name.escape_ascii().to_string(),
    }
}

/// An object's kind and namespace, by the folder that it is in below the API server's prefix.
struct ObjectPath<'n> {
    resource: String,
    namespace: Option<&'n str>,
}

impl<'n> ObjectPath<'n> {
    /// `pods/default/`, `example.com/widgets/default/`, `services/specs/default/`.
    fn of(below: &'n str) -> Option<Self> {
        let mut parts = below.split('/').filter(|part| !part.is_empty());
        let first = parts.next()?;
        let resource = match (first, first.contains('.')) {
            (group, true) => match parts.next() {
                Some(resource) => format!("{resource}.{group}"),
                None => group.to_owned(),
            },
            ("services", _) => match parts.next() {
                Some("specs") | None => "services".to_owned(),
                Some(other) => other.to_owned(),
            },
            ("minions", _) => "nodes".to_owned(),
            (resource, _) => resource.to_owned(),
        };
        Some(Self {
            resource,
            namespace: parts.next(),
        })
    }
}

/// The folder in which an API server keeps its objects, the largest where there are several.
fn kubernetes(folders: &[FolderTotals], renewed: Option<i64>) -> Option<KubernetesFacts> {
    let mut roots: BTreeMap<&str, Vec<(&str, &FolderTotals)>> = BTreeMap::new();
    for folder in folders.iter().filter(|folder| folder.keys > 0) {
        let Ok(name) = std::str::from_utf8(&folder.name) else {
            continue;
        };
        let Some(end) = name.get(1..).and_then(|rest| rest.find('/')) else {
            continue;
        };
        let (root, below) = name.split_at(end + 2);
        roots.entry(root).or_default().push((below, folder));
    }
    let found = roots.into_iter().filter_map(|(root, folders)| {
        let facts = objects(root, &folders, renewed);
        let typical = |resource: &ResourceFacts| TYPICAL.contains(&resource.name.as_str());
        let enough = facts.resources.iter().filter(|r| typical(r)).count() >= ENOUGH;
        enough.then_some(facts)
    });
    found.max_by_key(|facts| facts.keys)
}

fn objects(root: &str, folders: &[(&str, &FolderTotals)], renewed: Option<i64>) -> KubernetesFacts {
    let mut resources: BTreeMap<String, ResourceFacts> = BTreeMap::new();
    let mut namespaces: BTreeMap<&str, NamespaceFacts> = BTreeMap::new();
    let mut keys = 0;
    for (below, folder) in folders {
        let Some(path) = ObjectPath::of(below) else {
            continue;
        };
        keys += folder.keys;
        let resource = resources.entry(path.resource).or_default();
        resource.keys += folder.keys;
        resource.bytes += folder.bytes;
        if let Some(namespace) = path.namespace {
            let namespace = namespaces.entry(namespace).or_default();
            namespace.keys += folder.keys;
            namespace.bytes += folder.bytes;
        }
    }
    let mut resources: Vec<_> = resources
        .into_iter()
        .map(|(name, facts)| ResourceFacts { name, ..facts })
        .collect();
    resources.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let mut namespaces: Vec<_> = namespaces
        .into_iter()
        .map(|(name, facts)| NamespaceFacts {
            name: name.to_owned(),
            ..facts
        })
        .collect();
    namespaces.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let namespace_count = namespaces.len() as u64;
    namespaces.truncate(MAX_NAMESPACES);
    let resource_count = resources.len() as u64;
    resources.truncate(MAX_PREFIXES);
    KubernetesFacts {
        prefix: root.to_owned(),
        keys,
        resource_count,
        resources,
        namespace_count,
        namespaces,
        last_lease_renewal: renewed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, keys: u64, bytes: u64) -> FolderTotals {
        FolderTotals {
            name: name.as_bytes().into(),
            keys,
            bytes,
            revisions: keys * 2,
            stored_bytes: bytes * 2,
        }
    }

    #[test]
    fn a_prefix_has_what_is_below_it_and_comes_before_it() {
        let folders = [
            folder("", 1, 7),
            folder("/registry/pods/default/", 10, 1000),
            folder("/registry/pods/kube-system/", 5, 5000),
            folder("/registry/", 1, 2),
            folder("/gone/", 0, 0),
        ];
        let facts = facts(&folders, true, false, None);
        let listed: Vec<_> = facts
            .prefixes
            .iter()
            .map(|p| (p.prefix.as_str(), p.keys, p.bytes))
            .collect();
        assert_eq!(
            listed,
            [
                ("/registry/", 16, 6002),
                ("/registry/pods/", 15, 6000),
                ("/registry/pods/kube-system/", 5, 5000),
                ("/registry/pods/default/", 10, 1000),
                ("", 1, 7),
                ("/gone/", 0, 0),
            ]
        );
        assert_eq!(facts.kubernetes, None, "one kind is not enough");
    }

    #[test]
    fn no_prefix_is_listed_without_those_above_it() {
        let names: Vec<String> = (0..4096).map(|i| format!("/a/b{}/c{i}/", i % 7)).collect();
        let folders: Vec<_> = names
            .iter()
            .map(|name| folder(name, 1, name.len() as u64 % 3))
            .collect();
        let facts = facts(&folders, true, false, None);
        assert_eq!(facts.prefixes.len(), MAX_PREFIXES);
        assert_eq!(facts.unlisted as usize, 1 + 7 + 4096 - MAX_PREFIXES);
        for (at, facts_of) in facts.prefixes.iter().enumerate() {
            for above in prefixes(facts_of.prefix.as_bytes()) {
                let found = facts.prefixes[..=at]
                    .iter()
                    .any(|p| p.prefix.as_bytes() == above);
                assert!(found, "{}", facts_of.prefix);
            }
        }
    }

    #[test]
    fn an_api_server_is_recognised_and_its_objects_counted() {
        let folders = [
            folder("/registry/", 1, 1),
            folder("/registry/namespaces/", 3, 30),
            folder("/registry/minions/", 2, 900),
            folder("/registry/pods/default/", 10, 1000),
            folder("/registry/pods/kube-system/", 5, 5000),
            folder("/registry/secrets/default/", 1, 10),
            folder("/registry/services/specs/default/", 1, 20),
            folder("/registry/services/endpoints/default/", 1, 20),
            folder("/registry/cert-manager.io/certificates/web/", 4, 40),
            folder(
                "/registry/apiextensions.k8s.io/customresourcedefinitions/",
                6,
                60_000,
            ),
            folder("/other/pods/", 1, 1),
        ];
        let facts = facts(&folders, true, false, Some(9)).kubernetes.unwrap();
        assert_eq!((facts.prefix.as_str(), facts.keys), ("/registry/", 33));
        assert_eq!(facts.last_lease_renewal, Some(9));
        let resources: Vec<_> = facts
            .resources
            .iter()
            .map(|r| (r.name.as_str(), r.keys))
            .collect();
        assert_eq!(
            resources,
            [
                ("customresourcedefinitions.apiextensions.k8s.io", 6),
                ("pods", 15),
                ("nodes", 2),
                ("certificates.cert-manager.io", 4),
                ("namespaces", 3),
                ("endpoints", 1),
                ("services", 1),
                ("secrets", 1),
            ]
        );
        let namespaces: Vec<_> = facts
            .namespaces
            .iter()
            .map(|n| (n.name.as_str(), n.keys))
            .collect();
        assert_eq!(
            namespaces,
            [("kube-system", 5), ("default", 13), ("web", 4)]
        );
        assert_eq!((facts.resource_count, facts.namespace_count), (8, 3));
    }
}
