//! The names of all that is checked of a restored cluster: known before anything is, so that a page can keep a place
//! for each.

use super::RestoreRequest;
use crate::matrix::Expected;

/// The write-ahead log of a member.
pub const WAL: &str = "WAL matches the target version";
/// The `.snap` file of a member.
pub const SNAP: &str = "Raft snapshot matches the target version";
/// The database of a member.
pub const OPENS: &str = "Database opens";
/// Its consistent index.
pub const CONSISTENT_INDEX: &str = "consistent_index equals the member count";
/// Its term.
pub const TERM: &str = "term matches the restored log";
/// Its bucket `members`.
pub const MEMBERS_BUCKET: &str = "Bucket members lists the new members only";
/// Its bucket `members_removed`.
pub const REMOVED_BUCKET: &str = "Bucket members_removed is empty";
/// Its pages.
pub const PAGES: &str = "Pages match the source except for planned edits";
/// A copy of the placed files, started alone.
pub const PLACED: &str = "Placed files boot";

/// What is checked of each member, in this order.
pub const OF_MEMBERS: [&str; 9] = [
    WAL,
    SNAP,
    OPENS,
    CONSISTENT_INDEX,
    TERM,
    MEMBERS_BUCKET,
    REMOVED_BUCKET,
    PAGES,
    PLACED,
];

/// All members of the throw-away cluster run.
pub const BOOTS: &str = "Every member boots";
/// They have a leader.
pub const LEADER: &str = "The members elect one leader";
/// They know each other.
pub const MEMBERS: &str = "Member list matches the plan";
/// They hold the same.
pub const HASH_EQUAL: &str = "HashKV is equal on all members";
/// They hold what the snapshot holds.
pub const HASH_SOURCE: &str = "HashKV equals the snapshot's";
/// They are where they must be.
pub const REVISION: &str = "Revision matches the plan";
/// They serve all keys.
pub const KEYS: &str = "Key count equals the snapshot's";

/// They take writes.
pub const WRITES: &str = "A key can be written and deleted";

/// What is checked of the throw-away cluster, in this order. What fails leaves all after it unchecked.
const OF_ALL: [&str; 8] = [
    BOOTS,
    LEADER,
    MEMBERS,
    HASH_EQUAL,
    HASH_SOURCE,
    REVISION,
    KEYS,
    WRITES,
];

/// What is checked of the throw-away cluster of this restore. Where the revision is raised, old revisions are compacted
/// away and HashKV is another than the snapshot's by design: there is nothing to compare then.
pub fn of_all(request: &RestoreRequest) -> Vec<&'static str> {
    let raised = request.bump_revision > 0;
    let all = OF_ALL.into_iter();
    all.filter(|name| !raised || *name != HASH_SOURCE).collect()
}

/// All that will be checked of a restore.
pub fn expected(request: &RestoreRequest) -> Expected {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Expected {
        parts: request.member_names(),
        of_parts: names(&OF_MEMBERS),
        of_all: names(&of_all(request)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::recovery::restore::samples;

    #[test]
    fn what_a_raised_revision_rules_out_is_not_asked_for() {
        let raised = samples::request();
        assert!(raised.bump_revision > 0);
        let of_all = expected(&raised).of_all;
        assert!(!of_all.iter().any(|name| name == HASH_SOURCE), "{of_all:?}");
        assert_eq!(of_all.last().map(String::as_str), Some(WRITES));
        let plain = RestoreRequest {
            bump_revision: 0,
            ..raised
        };
        assert_eq!(expected(&plain).of_all.len(), of_all.len() + 1);
    }
}
