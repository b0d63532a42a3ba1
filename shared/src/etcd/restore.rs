//! Restoring a cluster from a snapshot: the request, the check, the plan, and every byte of the result.

pub mod cluster;
pub mod ids;
pub mod initial_cluster;
mod member_json;
pub mod peer_url;
mod proto;
pub mod raft_snapshot;
mod v2store;
pub mod wal;
mod wire_form;

use serde::{Deserialize, Serialize};

pub use self::wire_form::WireForm;

/// What an operator asks for.
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
    /// Which etcd will run the result.
    pub target_version: TargetVersion,
    /// What is taken out of the restored database, beyond what the reference does.
    pub clean_up: CleanUp,
    /// Where the result goes.
    pub target: Target,
}

/// One member of the new cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRequest {
    /// `--name`.
    pub name: String,
    /// `--initial-advertise-peer-urls`.
    pub peer_urls: Vec<String>,
}

/// Which etcd will run the result.
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

/// What is taken out of the restored database; each is off in the reference (spec 4.5).
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

/// One step of a restore, as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum RestoreStep {
    /// The stored snapshot is still the file the plan was made for.
    ProveSource {
        /// SHA-256, hexadecimal.
        sha256: String,
        /// Bytes.
        size: u64,
    },
    /// The target can take the result: it is not there yet, and there is room.
    ProveTarget {
        /// Where.
        target: Target,
        /// Bytes that will be written.
        need_bytes: u64,
    },
    /// Write all members beside their final place, in one pass over the source.
    BuildMembers {
        /// All that was asked for.
        request: RestoreRequest,
    },
    /// Move the finished members to their final place.
    PlaceMembers {
        /// Where.
        target: Target,
        /// Folder names.
        members: Vec<String>,
    },
    /// Boot the members on loopback from copies and compare what they serve.
    BootMembers {
        /// Where the members are.
        target: Target,
        /// Folder names.
        members: Vec<String>,
        /// Which etcd.
        target_version: TargetVersion,
    },
}
