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

/// What is checked of the throw-away cluster, in this order. What fails leaves all after it unchecked.
pub const OF_ALL: [&str; 7] = [
    BOOTS,
    LEADER,
    MEMBERS,
    HASH_EQUAL,
    HASH_SOURCE,
    REVISION,
    KEYS,
];

/// All that will be checked of a restore.
pub fn expected(request: &RestoreRequest) -> Expected {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Expected {
        members: request.member_names(),
        of_members: names(&OF_MEMBERS),
        of_all: names(&OF_ALL),
    }
}
