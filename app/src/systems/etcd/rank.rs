//! Several files side by side: which one to restore from, and why.
//!
//! Files are compared within their cluster only. Those of the same revision are compared by HashKV: equal, and they
//! hold the same keys whatever their bytes; different, and none of them is called the best.

use std::cmp::Ordering;

use requorum_shared::etcd::storage::inspection::{DatabaseDetails, HashKv, MemberFacts};
use requorum_shared::inspection::{FileFacts, Trust};
use requorum_shared::kinds::Inspection;

use crate::systems::{Placed, Ranking};

use crate::format::signed;

/// What a database is ranked by.
#[derive(Debug, Clone, Copy)]
pub(in crate::systems) struct Database<'i> {
    trust: Trust,
    file: &'i FileFacts,
    details: &'i DatabaseDetails,
}

impl<'i> Database<'i> {
    /// Of an inspection; `None` when it is of no etcd database.
    pub(in crate::systems) fn of(inspection: &'i Inspection) -> Option<Self> {
        Some(Self {
            trust: inspection.trust(),
            file: &inspection.file,
            details: inspection.etcd()?,
        })
    }

    fn start_revision(&self) -> Option<i64> {
        self.details.start_revision()
    }
}

/// The files from best to worst within each cluster: trust first, then the newest revision, then the consistent index.
/// What is equal keeps its order, and so do the clusters.
pub(in crate::systems) fn rank(files: &[Database<'_>]) -> Ranking {
    let clusters = clusters(files);
    let mut ranking = Ranking::default();
    for (number, mut cluster) in clusters.into_iter().enumerate() {
        // A stable sort: equal files keep their order.
        cluster.sort_by(|a, b| compare(&files[*b], &files[*a]));
        ranking.clusters.push(cluster_name(&cluster, files));
        for place in 0..cluster.len() {
            ranking.placed.push(Placed {
                index: cluster[place],
                why: why(place, &cluster, files),
                cluster: Some(number),
                revision: files[cluster[place]].start_revision(),
            });
        }
    }
    ranking
}

/// The files by cluster. Two are of one cluster when they have a member in common, by its id. Where the members of a
/// file are unknown, it is taken for one of the first cluster, as long as there is only one.
fn clusters(files: &[Database<'_>]) -> Vec<Vec<usize>> {
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    let mut unknown = Vec::new();
    for index in 0..files.len() {
        if members(&files[index]).is_empty() {
            unknown.push(index);
            continue;
        }
        let (mut related, mut others): (Vec<_>, Vec<_>) =
            clusters.into_iter().partition(|cluster| {
                cluster
                    .iter()
                    .any(|i| shares_member(&files[*i], &files[index]))
            });
        // It may join clusters that had nothing in common until now.
        let mut joined = Vec::new();
        let first = related.first().map(|cluster| cluster[0]);
        for cluster in &mut related {
            joined.append(cluster);
        }
        joined.push(index);
        joined.sort_unstable();
        let at = match first {
            Some(first) => others.partition_point(|cluster| cluster[0] < first),
            None => others.len(),
        };
        others.insert(at, joined);
        clusters = others;
    }
    match clusters.as_mut_slice() {
        [only] => {
            only.append(&mut unknown);
            only.sort_unstable();
        }
        [] if !unknown.is_empty() => clusters.push(unknown),
        _ => clusters.extend(unknown.into_iter().map(|index| vec![index])),
    }
    clusters
}

fn members<'i>(file: &Database<'i>) -> &'i [MemberFacts] {
    let contents = file.details.contents.as_ref();
    contents
        .and_then(|contents| contents.members.as_deref())
        .unwrap_or_default()
}

fn shares_member(a: &Database<'_>, b: &Database<'_>) -> bool {
    members(a)
        .iter()
        .any(|one| members(b).iter().any(|other| one.id == other.id))
}

/// What a cluster is called where files of several are shown: by its members' names.
fn cluster_name(cluster: &[usize], files: &[Database<'_>]) -> String {
    const NAMED: usize = 3;
    let known = cluster
        .iter()
        .map(|index| members(&files[*index]))
        .find(|members| !members.is_empty());
    let Some(members) = known else {
        return "Unknown cluster".into();
    };
    let mut names: Vec<&str> = members
        .iter()
        .take(NAMED)
        .map(|member| match member.name.as_str() {
            "" => member.id.as_str(),
            name => name,
        })
        .collect();
    if members.len() > NAMED {
        names.push("…");
    }
    format!("Cluster of {} (member {})", names.join(", "), members[0].id)
}

fn consistent_index(inspection: &Database<'_>) -> u64 {
    inspection
        .details
        .contents
        .as_ref()
        .and_then(|c| c.consistent_index)
        .unwrap_or(0)
}

/// An unknown revision is below every known one.
fn compare(a: &Database<'_>, b: &Database<'_>) -> Ordering {
    a.trust
        .cmp(&b.trust)
        .then(a.start_revision().cmp(&b.start_revision()))
        .then(consistent_index(a).cmp(&consistent_index(b)))
}

/// How the keys of two files at the same revision compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Equal,
    Different,
    /// HashKV of one of them is unknown.
    Unknown,
    /// HashKV of files that were compacted at different revisions says nothing.
    OtherCompaction,
}

fn compare_keys(a: &Database<'_>, b: &Database<'_>) -> Keys {
    let at = |kv: &HashKv| kv.hash_revision;
    match (&a.details.hash_kv, &b.details.hash_kv) {
        (Some(a), Some(b)) if at(a) != at(b) || a.compact_revision != b.compact_revision => {
            Keys::OtherCompaction
        }
        (Some(a), Some(b)) if a.hash == b.hash => Keys::Equal,
        (Some(_), Some(_)) => Keys::Different,
        _ => Keys::Unknown,
    }
}

/// Another file of the cluster that could be restored, has the same revision and other keys.
fn contradicted<'a>(
    index: usize,
    cluster: &[usize],
    files: &[Database<'a>],
) -> Option<Database<'a>> {
    let file = files[index];
    let same_revision = cluster.iter().map(|i| files[*i]).filter(|other| {
        other.trust >= Trust::Unproven && other.start_revision() == file.start_revision()
    });
    let mut different = same_revision.filter(|other| compare_keys(&file, other) == Keys::Different);
    different.next()
}

fn why(place: usize, cluster: &[usize], files: &[Database<'_>]) -> String {
    let file = &files[cluster[place]];
    let best = &files[cluster[0]];
    let at = match file.start_revision() {
        Some(revision) => format!("revision {}", signed(revision)),
        None => "revision unknown".into(),
    };
    let state = match file.trust {
        Trust::Unknown | Trust::Damaged => {
            return format!("Damaged, {at}: use it only if every other file is worse.");
        }
        Trust::Unproven => "no checksum",
        Trust::Verified => "verified",
    };
    let best_is_contradicted = contradicted(cluster[0], cluster, files).is_some();
    if let Some(other) = contradicted(cluster[place], cluster, files) {
        let hash = |file: &Database<'_>| {
            let kv = file.details.hash_kv.as_ref();
            kv.map_or_else(String::new, |kv| requorum_shared::number::hash_kv(kv.hash))
        };
        return format!(
            "Same revision, different HashKV ({at}: {}, {} has {}): they disagree, so neither is best. Compare them with the other members' files.",
            hash(file),
            other.file.name,
            hash(&other)
        );
    }
    if place == 0 {
        return match cluster.len() {
            1 => format!("{}, {at}.", crate::format::capital(state)),
            _ => format!("Best: {state}, {at}."),
        };
    }
    // The best is called so only where no file contradicts it.
    let the_best = if best_is_contradicted {
        best.file.name.to_string()
    } else {
        "the best".to_owned()
    };
    if file.file.sha256 == best.file.sha256 {
        return format!("The same bytes as {the_best}.");
    }
    let capital = crate::format::capital(state);
    let behind = match (best.start_revision(), file.start_revision()) {
        (Some(best), Some(file)) => best - file,
        _ => return format!("{capital}, {at}."),
    };
    let of_same_revision = match compare_keys(file, best) {
        Keys::Equal if same_rest(file, best) => {
            format!("Same content as {the_best} (HashKV and HASH agree), other bytes")
        }
        Keys::Equal => {
            format!("Same keys as {the_best} (HashKV agrees), other records beside them")
        }
        Keys::Different => "Same revision, different HashKV".to_owned(),
        Keys::Unknown => format!(
            "The same revision as {the_best}; whether the keys agree is unknown without HashKV"
        ),
        Keys::OtherCompaction => format!(
            "The same revision as {the_best}, compacted at another one: HashKV cannot be compared"
        ),
    };
    if behind > 0 {
        let s = if behind == 1 { "" } else { "s" };
        format!(
            "{capital}, {at}: {} revision{s} behind {the_best}.",
            signed(behind)
        )
    } else if behind < 0 {
        format!("Newer ({at}), but {state}.")
    } else if file.trust < best.trust {
        format!("{of_same_revision}; {state}.")
    } else if consistent_index(file) < consistent_index(best) {
        format!("{of_same_revision}; fewer raft entries applied.")
    } else {
        format!("{of_same_revision}.")
    }
}

/// Whether everything else is the same too.
fn same_rest(a: &Database<'_>, b: &Database<'_>) -> bool {
    let hash = |file: &Database<'_>| file.details.status.as_ref().map(|status| status.hash);
    hash(a).is_some() && hash(a) == hash(b)
}

#[cfg(test)]
mod tests;
