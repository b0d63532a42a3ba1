//! What looking at a snapshot gave: the document that the page shows, the server stores and `snapshot check
//! --json` prints. Plain data; the code that fills it is beside it.
//!
//! Member, cluster and lease ids are lowercase hexadecimal strings, as etcd's own tools print them: they
//! exceed 2^53.

use serde::{Deserialize, Serialize};

use crate::bbolt::scan::PageRun;
use crate::finding::{Outcome, Report};
use crate::recognition::Recognized;

use super::auth::AuthProblem;

/// The value of [`Inspection::format`] in this version.
pub const FORMAT: &str = "requorum.inspection/1";

/// All that is known of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// [`FORMAT`].
    pub format: String,
    /// The file itself.
    pub file: FileFacts,
    /// What it was recognized as, where it is no sound etcd database: packed, encrypted, foreign, cut off or
    /// translated. The verdict's sentence and the first finding say so too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognized: Option<Recognized>,
    /// May it be trusted?
    pub verdict: Verdict,
    /// What `etcdutl snapshot status` would say; absent when the key space could not be read.
    pub status: Option<Status>,
    /// HashKV at the newest revision; absent when it was not computed or could not be.
    pub hash_kv: Option<HashKv>,
    /// Everything but the keys; absent when no bucket could be read.
    pub contents: Option<Contents>,
    /// All findings: first those of the verdict's bytes, then of its structure, then of its meaning; each part
    /// says how many are its own.
    pub report: Report,
    /// The file page by page, run-length coded in file order.
    pub pages: Vec<PageRun>,
}

impl Inspection {
    /// Whether the file is something else than an etcd database, sound or damaged.
    pub fn is_foreign(&self) -> bool {
        match &self.recognized {
            Some(recognized) => !recognized.etcd,
            None => matches!(self.file.kind, FileKind::OtherBbolt | FileKind::Unknown),
        }
    }
}

/// The file itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its name, without folders.
    pub name: String,
    /// Its length in bytes, trailer included.
    pub size: u64,
    /// SHA-256 of the whole file, hexadecimal; the id under which the server stores it.
    pub sha256: String,
    /// What it is: `etcd snapshot`, `copy of member/snap/db`, `bbolt database without etcd's buckets`, `not bbolt`.
    pub kind: FileKind,
    /// Bytes per page; 0 when unknown.
    pub page_size: u32,
    /// First page id never allocated; 0 when unknown.
    pub high_water_mark: u64,
    /// Transaction id of the meta page in use; 0 when unknown.
    pub txid: u64,
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

/// May the file be trusted, in a sentence and in three parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The headline: `This snapshot is whole.`
    pub sentence: String,
    /// What to do, once for the whole file; empty where nothing needs doing, or only what single findings say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub advice: String,
    /// The trailer's SHA-256 and the length.
    pub bytes: Part,
    /// Every page reached once, every key in order.
    pub structure: Part,
    /// Revisions, membership, what survives a restore.
    pub meaning: Part,
}

/// How far a file can be trusted; better ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Not a file of etcd at all.
    None,
    /// Something in it is broken.
    Broken,
    /// Nothing is broken, but not everything could be proven.
    Unproven,
    /// Bytes, structure and meaning all hold.
    Whole,
}

impl Trust {
    /// A word for it, as lists and the API have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "no-snapshot",
            Self::Broken => "damaged",
            Self::Unproven => "unproven",
            Self::Whole => "whole",
        }
    }
}

impl Inspection {
    /// How far the file can be trusted: one answer for page, server and command line.
    pub fn trust(&self) -> Trust {
        let verdict = &self.verdict;
        let outcomes = [
            verdict.bytes.outcome,
            verdict.structure.outcome,
            verdict.meaning.outcome,
        ];
        if !matches!(self.file.kind, FileKind::Snapshot | FileKind::DatabaseCopy) {
            Trust::None
        } else if outcomes.contains(&Outcome::Fail) || self.report.blocks() {
            Trust::Broken
        } else if outcomes.contains(&Outcome::NotChecked) {
            Trust::Unproven
        } else {
            Trust::Whole
        }
    }

    /// The revision that a restore from this file starts at (spec 2.3), where that is known.
    pub fn start_revision(&self) -> Option<i64> {
        self.contents.as_ref()?.current_revision
    }
}

/// One part of a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Pass, fail or not checked.
    pub outcome: Outcome,
    /// The evidence in one sentence: `403 783 pages, each reached once`.
    pub evidence: String,
    /// How many findings of the report belong to this part.
    pub findings: u32,
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

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// Name.
    pub name: String,
    /// Names of its roles.
    pub roles: Vec<String>,
    /// Whether it has a password (never which).
    pub has_password: bool,
}
