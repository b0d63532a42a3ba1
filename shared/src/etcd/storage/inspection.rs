//! What only the inspection of an etcd database has: its numbers, and everything in it but the keys. Plain data; the
//! code that fills it is beside it.
//!
//! Member, cluster and lease ids are lowercase hexadecimal strings, as etcd's own tools print them: they
//! exceed 2^53.

use serde::{Deserialize, Serialize};

use crate::inspection::Kind;

use super::auth::{AuthProblem, UserFacts};

/// A snapshot that was saved over the Snapshot RPC.
pub const ETCD_SNAPSHOT: Kind = Kind::new("etcd-snapshot");
/// A copy of `member/snap/db`.
pub const ETCD_DB: Kind = Kind::new("etcd-db");

/// Where a file comes from that a restore can use.
pub(crate) const CHOOSE: &str =
    "Choose a file that etcdctl snapshot save wrote, or a member's member/snap/db.";

/// The inspection of an etcd database.
pub type Inspection = crate::inspection::Inspection<DatabaseDetails>;

/// What only an etcd database has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseDetails {
    /// What it is, among the files that could be an etcd database.
    pub kind: FileKind,
    /// Bytes per page; 0 when unknown.
    pub page_size: u32,
    /// First page id never allocated; 0 when unknown.
    pub high_water_mark: u64,
    /// Transaction id of the meta page in use; 0 when unknown.
    pub txid: u64,
    /// What `etcdutl snapshot status` would say; absent when the key space could not be read.
    pub status: Option<Status>,
    /// HashKV at the newest revision; absent when it was not computed or could not be.
    pub hash_kv: Option<HashKv>,
    /// Everything but the keys; absent when no bucket could be read.
    pub contents: Option<Contents>,
}

impl DatabaseDetails {
    /// The revision that a restore from this file starts at (spec 2.3), where that is known.
    pub fn start_revision(&self) -> Option<i64> {
        self.contents.as_ref()?.current_revision
    }
}

impl Inspection {
    /// Whether it is a database of etcd: whole, damaged, cut off or translated.
    pub fn is_database(&self) -> bool {
        match &self.recognised {
            Some(found) => found.kind() == ETCD_DB,
            None => matches!(
                self.details.kind,
                FileKind::Snapshot | FileKind::DatabaseCopy
            ),
        }
    }

    /// The revision that a restore from this file starts at (spec 2.3), where that is known.
    pub fn start_revision(&self) -> Option<i64> {
        self.details.start_revision()
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// Saved over the Snapshot RPC: an image followed by its SHA-256.
    Snapshot,
    /// A database file as it lay in `member/snap/db`.
    DatabaseCopy,
    /// bbolt, but without the buckets of etcd.
    OtherBbolt,
    /// A bbolt file of a big-endian machine (s390x).
    BigEndian,
    /// Nothing we can read.
    Unknown,
}

/// The numbers of `etcdutl snapshot status` (spec 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// CRC-32C over all buckets' content.
    pub hash: u32,
    /// Main revision of the last entry of bucket `key`; 0 when it is empty.
    pub revision: i64,
    /// TOTAL KEYS as 3.6 and later count: live user keys.
    pub total_key: u64,
    /// TOTAL KEYS as 3.4 and 3.5 count: pairs in all buckets.
    pub total_key_35: u64,
    /// High-water mark times page size, in bytes.
    pub total_size: u64,
    /// `meta/storageVersion`; empty when absent or not a semantic version.
    pub version: String,
}

/// HashKV (spec 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashKv {
    /// CRC-32C.
    pub hash: u32,
    /// The revision it is of.
    pub hash_revision: i64,
    /// The compact revision it was computed under; -1 when never compacted.
    pub compact_revision: i64,
}

/// Everything but the keys. What a file does not tell because a bucket cannot be read is absent, never 0, off or an
/// empty list; a list of a bucket that is damaged in part has what could be read of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Buckets in byte order.
    pub buckets: Vec<BucketFacts>,
    /// Names of the buckets of etcd that cannot be read whole: what is absent below may be in them.
    #[serde(default)]
    pub unreadable: Vec<String>,
    /// Bucket `members`.
    pub members: Option<Vec<MemberFacts>>,
    /// Ids in bucket `members_removed`.
    pub removed_members: Option<Vec<String>>,
    /// `cluster/clusterVersion`.
    pub cluster_version: Option<String>,
    /// `cluster/downgrade`: target version, and whether it is enabled.
    pub downgrade: Option<Downgrade>,
    /// `meta/storageVersion` as written.
    pub storage_version: Option<String>,
    /// The etcd minor that wrote the file, as far as the schema tells: `3.4`, `3.5`, `3.6`.
    pub written_by: Option<String>,
    /// `meta/consistent_index`.
    pub consistent_index: Option<u64>,
    /// `meta/term`.
    pub term: Option<u64>,
    /// `meta/confState`.
    pub conf_state: Option<ConfState>,
    /// The store's current revision as a server would compute it (spec 2.3): the newest of bucket `key`, or the
    /// compaction's where that is newer; at least 1.
    pub current_revision: Option<i64>,
    /// `meta/finishedCompactRev`; -1 when never compacted.
    pub compact_revision: Option<i64>,
    /// `meta/scheduledCompactRev`, where a compaction is pending.
    pub scheduled_compact_revision: Option<i64>,
    /// Bucket `lease`; at most [`crate::etcd::storage::inspection::MAX_LISTED`] are listed.
    pub leases: Option<Vec<LeaseFacts>>,
    /// How many leases there are.
    pub lease_count: Option<u64>,
    /// Bucket `alarm`.
    pub alarms: Option<Vec<AlarmFacts>>,
    /// Buckets `auth`, `authUsers`, `authRoles`.
    pub auth: AuthFacts,
    /// Revisions (puts and tombstones) in bucket `key`.
    pub revisions: Option<u64>,
    /// Tombstones among them.
    pub tombstones: Option<u64>,
    /// Bytes of free pages: what a defragmentation would give back. Absent unless every page in use was reached.
    pub free_bytes: Option<u64>,
    /// The live keys by prefix; absent where they were not asked for, or no revision could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeyFacts>,
}

/// How many prefixes and resources an inspection lists at most.
pub const MAX_PREFIXES: usize = 200;
/// How many namespaces it lists at most.
pub const MAX_NAMESPACES: usize = 1000;

/// What the live keys are: names of folders, and never a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// Prefixes up to a `/`, up to four levels deep, the largest by live bytes first; those above one come before it. At
    /// most [`MAX_PREFIXES`]. Keys without a `/` have the prefix that is empty.
    pub prefixes: Vec<PrefixFacts>,
    /// Prefixes that are not listed.
    pub unlisted: u64,
    /// Whether all of bucket `key` could be read.
    pub complete: bool,
    /// Whether there were too many prefixes to tell all apart: keys of some are counted one or more levels above only.
    pub merged: bool,
    /// The objects of a Kubernetes API server, where the keys look like its.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesFacts>,
}

/// The keys that begin with a prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixFacts {
    /// With the `/` at its end; what is no UTF-8 is escaped.
    pub prefix: String,
    /// Live keys.
    pub keys: u64,
    /// Bytes of live keys and their values.
    pub bytes: u64,
    /// Revisions kept, tombstones among them.
    pub revisions: u64,
    /// Bytes of keys and values of all revisions kept.
    pub stored_bytes: u64,
}

/// What a Kubernetes API server keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesFacts {
    /// The API server's prefix: `/registry/`.
    pub prefix: String,
    /// Live objects.
    pub keys: u64,
    /// How many resource kinds there are.
    pub resource_count: u64,
    /// Resource kinds, the largest first; at most [`MAX_PREFIXES`].
    pub resources: Vec<ResourceFacts>,
    /// How many namespaces have objects.
    pub namespace_count: u64,
    /// Namespaces that have objects, the largest first; at most [`MAX_NAMESPACES`].
    pub namespaces: Vec<NamespaceFacts>,
    /// When a lease of a node or a controller was last renewed, by its holder's clock: seconds since 1970. The file is
    /// that new at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_lease_renewal: Option<i64>,
}

/// A kind of Kubernetes objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceFacts {
    /// `pods`, `certificates.cert-manager.io`.
    pub name: String,
    /// Live objects.
    pub keys: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

/// A namespace of Kubernetes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceFacts {
    /// Its name.
    pub name: String,
    /// Live objects in it.
    pub keys: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

/// How many leases, users or roles an inspection lists at most; the counts are always whole.
pub const MAX_LISTED: usize = 10_000;

/// Bytes of bucket `key` up to which HashKV is read from the file when it does not follow from the pass.
pub const MAX_SCANNED_HASH_KV: u64 = 64 << 20;

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketFacts {
    /// Its name; bytes that are not UTF-8 are escaped as `\xNN`.
    pub name: String,
    /// Pairs in it; absent when some of its pages cannot be read.
    pub pairs: Option<u64>,
    /// Bytes of its keys and values; absent when some of its pages cannot be read.
    pub bytes: Option<u64>,
    /// Whether it lies inline in its parent's page.
    pub inline: bool,
    /// Whether every page of it could be read.
    #[serde(default = "yes")]
    pub complete: bool,
}

/// What documents from before there was [`BucketFacts::complete`] say of a bucket.
fn yes() -> bool {
    true
}

/// A member, as the file knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFacts {
    /// Hexadecimal, no leading zeros.
    pub id: String,
    /// Empty when it never started.
    pub name: String,
    /// Where its peers reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it; empty when it never published them.
    pub client_urls: Vec<String>,
    /// Whether it is a learner.
    pub learner: bool,
}

/// `cluster/downgrade`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downgrade {
    /// Whether a downgrade is under way.
    pub enabled: bool,
    /// To which version; empty when disabled.
    pub target_version: String,
}

/// `meta/confState`, ids in hexadecimal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfState {
    /// Voters.
    pub voters: Vec<String>,
    /// Learners.
    pub learners: Vec<String>,
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseFacts {
    /// Hexadecimal.
    pub id: String,
    /// Granted time to live, in seconds.
    pub ttl: i64,
    /// Remaining time to live at the last checkpoint, in seconds; 0 when not checkpointed.
    pub remaining_ttl: i64,
}

/// An active alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmFacts {
    /// The member that raised it, hexadecimal.
    pub member_id: String,
    /// `NOSPACE`, `CORRUPT`, or the number.
    pub alarm: String,
}

/// Authentication, without any password hash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthFacts {
    /// Whether clients must authenticate.
    pub enabled: Option<bool>,
    /// `auth/authRevision`.
    pub revision: Option<u64>,
    /// Users with their roles.
    pub users: Option<Vec<UserFacts>>,
    /// Roles by name.
    pub roles: Option<Vec<String>>,
    /// Why it cannot be administered, where it is on and that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<AuthProblem>,
}
