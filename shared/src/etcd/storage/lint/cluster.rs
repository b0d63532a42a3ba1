//! What the keys tell of the cluster they were written by, and what is needed beside the file to bring it back.

use crate::etcd::storage::mvcc::Label;
use crate::finding::{Finding, Report};
use crate::number::signed;

use super::Seen;

/// Different keys or tokens that are named.
const MAX_NAMED: usize = 8;

/// k3s and RKE2 keep the cluster's certificates in etcd, sealed with the server token.
pub(super) fn bootstrap(seen: &Seen<'_>, report: &mut Report) {
    let digests: Vec<&str> = seen
        .walk
        .labels
        .iter()
        .filter_map(|(label, _)| match label {
            Label::Bootstrap(digest) => Some(&**digest),
            Label::Object { .. } => None,
        })
        .take(MAX_NAMED)
        .collect();
    if digests.is_empty() {
        return;
    }
    let what = format!(
        "This is the data of a k3s or RKE2 cluster: its bootstrap data needs the server token whose SHA-256 begins {}.",
        digests.join(" or ")
    );
    report.push(
        Finding::note("kubernetes.bootstrap", "bucket key", what)
            .because("The cluster's certificates and keys are in it; without that token no server starts from this data.")
            .todo("Have the token at hand (server/token in the data directory of k3s or RKE2 on any server of the old cluster)."),
    );
}

/// Values that the API servers encrypted: the key is in their configuration, not in etcd.
pub(super) fn encryption(seen: &Seen<'_>, report: &mut Report) {
    let objects = seen
        .walk
        .labels
        .iter()
        .filter_map(|(label, count)| match label {
            Label::Object {
                resource,
                encryption,
            } => Some((&**resource, encryption.as_ref(), *count)),
            Label::Bootstrap(_) => None,
        });
    let all = |wanted: &str| -> u64 {
        let same = objects.clone().filter(|(resource, ..)| *resource == wanted);
        same.map(|(_, _, count)| count).sum()
    };
    // Only of these is every one counted, encrypted or not.
    let is_counted = |resource: &str| matches!(resource, "secrets" | "configmaps");
    let mut encrypted: Vec<_> = objects
        .clone()
        .filter_map(|(resource, encryption, count)| Some((resource, encryption?, count)))
        .collect();
    if encrypted.is_empty() {
        return;
    }
    encrypted.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(b.0)));
    let mut told: Vec<String> = encrypted
        .iter()
        .take(MAX_NAMED)
        .map(|(resource, encryption, count)| {
            let of = match is_counted(resource) {
                true => format!(" of {}", all(resource)),
                false => String::new(),
            };
            let (be, by) = (
                if *count == 1 && of.is_empty() { "is" } else { "are" },
                if &*encryption.provider == "kms" { "KMS plugin" } else { "key" },
            );
            format!(
                "{count}{of} {resource} {be} encrypted with {by} `{}` ({}), which is not in the file",
                encryption.key, encryption.provider
            )
        })
        .collect();
    if encrypted.len() > MAX_NAMED {
        told.push(format!("{} more kinds", encrypted.len() - MAX_NAMED));
    }
    let what = format!("{}.", told.join("; "));
    report.push(
        Finding::note("kubernetes.encrypted", "bucket key", what)
            .because("Without it the API servers cannot read these values after the restore.")
            .todo("Have the EncryptionConfiguration of the API servers at hand, with every key that is named here."),
    );
}

/// A revision in the file's name that is not the file's.
pub(super) fn name(seen: &Seen<'_>, report: &mut Report) {
    let contents = &seen.read.contents;
    let last = seen.walk.keys.map(|keys| keys.revision);
    let (Some(named), Some(last)) = (revision_in(seen.name), last) else {
        return;
    };
    let start = seen.read.marks.map_or(last, |marks| marks.current(last));
    if [last, start].contains(&named) || contents.consistent_index == u64::try_from(named).ok() {
        return;
    }
    let what = format!(
        "Its name says revision {}; the file is of revision {}.",
        signed(named),
        signed(start)
    );
    report.push(Finding::note("name.revision", "file", what).because(
        "A name proves nothing: it may belong to another file, or to one that was replaced since.",
    ));
}

/// The number behind `rev` or `revision` in a name: `prod-rev1200007.db`, `db_revision=42`.
fn revision_in(name: &str) -> Option<i64> {
    /// With fewer it may as well be the second issue of something.
    const MIN_DIGITS: usize = 3;
    let name = name.to_ascii_lowercase();
    let mut words = name.match_indices("rev");
    words.find_map(|(at, _)| {
        let before = name.get(..at)?.chars().next_back();
        if before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let rest = name.get(at + 3..)?;
        let rest = rest.strip_prefix("ision").unwrap_or(rest);
        let rest = rest.trim_start_matches(['-', '_', '=', '.', ' ']);
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let digits = rest.get(..end)?;
        (digits.len() >= MIN_DIGITS).then(|| digits.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::revision_in;

    #[test]
    fn revisions_in_names() {
        let cases = [
            ("prod-rev1200007.db", Some(1_200_007)),
            ("Rev_339.db", Some(339)),
            ("db_revision=4242-2026", Some(4242)),
            ("snapshot-revision-500.db", Some(500)),
            ("backup-rev2.db", None),
            ("prev-339.db", None),
            ("review-339.db", None),
            ("snapshot.db", None),
            ("rev99999999999999999999.db", None),
            ("rev", None),
        ];
        for (name, revision) in cases {
            assert_eq!(revision_in(name), revision, "{name}");
        }
    }
}
