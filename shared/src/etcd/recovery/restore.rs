//! Restoring a cluster from a snapshot: the request, the check, the plan, and every byte of the result.

pub mod bump;
mod check;
pub mod checks;
pub mod cluster;
pub mod edit;
pub mod handover;
pub mod ids;
pub mod initial_cluster;
mod member_json;
mod native;
pub mod observation;
pub mod peer_url;
mod planning;
mod proto;
pub mod raft_snapshot;
#[cfg(test)]
pub(crate) mod samples;
pub(in crate::etcd) mod trial;
pub mod typed;
mod v2store;
pub mod verify;
pub mod wal;
mod wire_form;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::check::{DEFAULT_TOKEN, check, check_file, check_request, need_bytes};
pub use self::native::{NativeSource, Unfit, native_commands, native_lines};
pub use self::planning::{check_sealable, draft, headline, redraft};
pub use self::wire_form::WireForm;

use crate::nouns::Nouns;

/// What people call the parts of a restore and what it leaves.
pub const NOUNS: Nouns = Nouns {
    part: "member",
    parts: "members",
    leftovers: "restored members",
    contents: "all keys and values",
};

/// What an operator asks for.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRequest {
    /// SHA-256 of the snapshot file, hexadecimal.
    pub snapshot: String,
    /// The members of the new cluster.
    pub members: Vec<MemberRequest>,
    /// `--initial-cluster-token`. A new one for each restore keeps old members out.
    pub token: String,
    /// By how much the revision is raised; 0 for not at all (spec 4.8).
    pub bump_revision: u64,
    /// Whether all older revisions are marked compacted; goes with a bump.
    pub mark_compacted: bool,
    /// Whether a missing or wrong trailer is accepted.
    pub skip_hash_check: bool,
    /// Whether a file is accepted whose newest meta page cannot be used: what the last commit wrote is not in the
    /// result then. Left out of the canonical form while it is not asked for, as plans were before it existed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_older_meta: bool,
    /// Which etcd will run the result.
    pub target_version: TargetVersion,
    /// What is taken out of the restored database, beyond what the reference does.
    pub clean_up: CleanUp,
    /// Where the result goes.
    pub target: Target,
    /// The newest revision that was seen served before the loss, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<SeenRevision>,
}

impl RestoreRequest {
    /// The members' names, in their order.
    pub fn member_names(&self) -> Vec<String> {
        let names = self.members.iter().map(|member| member.name.clone());
        names.collect()
    }
}

/// The newest revision that the old cluster was seen to serve.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRevision {
    /// The revision.
    #[serde(with = "crate::value::decimal")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub revision: i64,
    /// For how many seconds after that the cluster may have gone on writing; absent when unknown.
    #[serde(
        default,
        with = "crate::value::decimal::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub unwatched_seconds: Option<u64>,
    /// How many revisions it was seen to write per hour; absent when unknown.
    #[serde(
        default,
        with = "crate::value::decimal::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub per_hour: Option<u64>,
}

/// One member of the new cluster.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRequest {
    /// `--name`.
    pub name: String,
    /// `--initial-advertise-peer-urls`.
    pub peer_urls: Vec<String>,
}

/// Which etcd will run the result.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TargetVersion {
    /// 3.4
    #[serde(rename = "3.4")]
    V3_4,
    /// 3.5
    #[serde(rename = "3.5")]
    V3_5,
    /// 3.6
    #[default]
    #[serde(rename = "3.6")]
    V3_6,
    /// 3.7
    #[serde(rename = "3.7")]
    V3_7,
}

impl TargetVersion {
    /// All of them, oldest first.
    pub const ALL: [Self; 4] = [Self::V3_4, Self::V3_5, Self::V3_6, Self::V3_7];

    /// Major and minor.
    pub fn minor(self) -> (u64, u64) {
        match self {
            Self::V3_4 => (3, 4),
            Self::V3_5 => (3, 5),
            Self::V3_6 => (3, 6),
            Self::V3_7 => (3, 7),
        }
    }
}

impl fmt::Display for TargetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.minor();
        write!(f, "{major}.{minor}")
    }
}

impl FromStr for TargetVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|version| version.to_string() == text)
            .ok_or_else(|| format!("{text} is not one of 3.4, 3.5, 3.6, 3.7"))
    }
}

/// What is taken out of the restored database; each is off in the reference (spec 4.5).
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanUp {
    /// Clear active alarms.
    pub alarms: bool,
    /// Turn authentication off.
    pub auth: bool,
    /// Delete the downgrade state.
    pub downgrade: bool,
    /// Lower storageVersion and clusterVersion together to the target version (spec 4.11).
    pub versions: bool,
}

/// Where the result goes.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Target {
    /// A folder on the server, one sub-folder per member.
    Folder {
        /// One of the roots the server's operator allowed, by name.
        root: String,
        /// Below it, relative.
        path: String,
    },
    /// Kept by the server and downloaded per member.
    Download,
}

/// One step of a restore, as data. Each holds all that carrying it out takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum RestoreStep {
    /// The stored snapshot is still the file the plan was made for.
    ProveSource {
        /// Which file.
        source: SourceFile,
    },
    /// The target can take the result: it is not there yet, and there is room.
    ProveTarget {
        /// What is restored where.
        restore: RestoreTask,
        /// Bytes that will be written.
        need_bytes: u64,
    },
    /// Write all members beside their final place, in one pass over the source.
    BuildMembers {
        /// What is restored where.
        restore: RestoreTask,
    },
    /// Move the finished members to their final place.
    PlaceMembers {
        /// What is restored where.
        restore: RestoreTask,
    },
    /// Read every file of the placed members again and compare it with what it must be.
    VerifyMembers {
        /// What is restored where.
        restore: RestoreTask,
    },
    /// Boot the members from copies, on sockets of their own, and compare what they serve.
    BootMembers {
        /// What is restored where.
        restore: RestoreTask,
        /// What they must serve.
        expected: ExpectedService,
    },
}

impl RestoreStep {
    /// The file that is restored.
    pub fn source(&self) -> &SourceFile {
        match self {
            Self::ProveSource { source } => source,
            Self::ProveTarget { restore, .. }
            | Self::BuildMembers { restore }
            | Self::PlaceMembers { restore }
            | Self::VerifyMembers { restore }
            | Self::BootMembers { restore, .. } => &restore.source,
        }
    }

    /// What is restored where; the proof of the source alone does not know.
    pub fn task(&self) -> Option<&RestoreTask> {
        match self {
            Self::ProveSource { .. } => None,
            Self::ProveTarget { restore, .. }
            | Self::BuildMembers { restore }
            | Self::PlaceMembers { restore }
            | Self::VerifyMembers { restore }
            | Self::BootMembers { restore, .. } => Some(restore),
        }
    }
}

/// A stored file, and how it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// What it is called, without folders.
    pub name: String,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// What is restored from which file for which cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreTask {
    /// From which file.
    pub source: SourceFile,
    /// All that was asked for, with the target.
    pub request: RestoreRequest,
    /// The cluster whose restore it is: its roots count. Empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
}

/// What a cluster restored from a snapshot must serve, as far as the snapshot tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedService {
    /// Live user keys; absent where they could not be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_keys: Option<u64>,
    /// How many leases there are: one that ends takes its keys with it.
    pub leases: u64,
    /// The snapshot's HashKV; absent where it could not be computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_kv: Option<ExpectedHash>,
}

/// A HashKV in a sealed plan, whose numbers keep all their digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedHash {
    /// CRC-32C.
    pub hash: u32,
    /// The revision it is of.
    #[serde(with = "crate::value::decimal")]
    pub revision: i64,
    /// The compact revision it was computed under; -1 when never compacted.
    #[serde(with = "crate::value::decimal")]
    pub compact_revision: i64,
}
