//! What a restore's check and plan rest on: the snapshot as it was inspected, the target as it was seen.

use serde::{Deserialize, Serialize};

use crate::etcd::storage::auth::AuthProblem;
use crate::etcd::storage::inspection::{
    AlarmFacts, ConfState, Contents, Downgrade, FileKind, Inspection, MemberFacts,
};
use crate::finding::{Finding, Outcome, Severity};

/// An alarm that is none.
pub(super) const ALARM_UNREADABLE: &str = "alarm.key";
/// A downgrade state that is none.
pub(super) const DOWNGRADE_UNREADABLE: &str = "cluster.downgrade";
const UNREADABLE: [&str; 2] = [ALARM_UNREADABLE, DOWNGRADE_UNREADABLE];

/// Everything that was observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The snapshot.
    pub source: SourceFacts,
    /// Where the result would go.
    pub target: TargetFacts,
    /// The newest revision that was seen served, where somebody saw one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenRevision>,
    /// The cluster that the snapshot is kept as one of; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
}

/// What a restore needs to know of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// The file's name, without folders.
    pub name: String,
    /// SHA-256 of the whole file, hexadecimal.
    pub sha256: String,
    /// The file's length in bytes, trailer included.
    pub size: u64,
    /// What the file is.
    pub kind: FileKind,
    /// Whether the trailer's SHA-256 agrees.
    pub bytes: Outcome,
    /// What that rests on, in a few words.
    pub bytes_evidence: String,
    /// Whether every page is reached once, with keys in order.
    pub structure: Outcome,
    /// Whether a server could serve what is in it.
    pub meaning: Outcome,
    /// The blocking findings of the inspection: what is broken, and where.
    pub broken: Vec<Finding>,
    /// That the newest meta page cannot be used and the file is read under the older one, in the inspection's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// What a server would crash on and a clean-up takes out, by the codes of the inspection's findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
    /// Bytes of the database without the trailer and anything beyond the high-water mark.
    pub image_size: u64,
    /// Main revision of the last entry in bucket `key`; 0 when it is empty.
    pub last_revision: i64,
    /// The revision that a server would start at.
    pub current_revision: i64,
    /// `cluster/clusterVersion`.
    pub cluster_version: Option<String>,
    /// `meta/storageVersion`.
    pub storage_version: Option<String>,
    /// `cluster/downgrade`.
    pub downgrade: Option<Downgrade>,
    /// Active alarms.
    pub alarms: Vec<AlarmFacts>,
    /// Whether clients must authenticate.
    pub auth_enabled: bool,
    /// Why authentication that is on cannot be administered, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_problem: Option<AuthProblem>,
    /// How many users there are.
    pub users: usize,
    /// How many leases there are.
    pub leases: u64,
    /// The old cluster's members.
    pub members: Vec<MemberFacts>,
    /// `meta/confState`.
    pub conf_state: Option<ConfState>,
    /// Findings of the inspection that matter after the restore: what else the cluster needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Finding>,
}

/// Codes of the findings that become [`SourceFacts::remarks`].
const REMARKS: [&str; 2] = ["kubernetes.bootstrap", "kubernetes.encrypted"];

impl SourceFacts {
    /// Whether a restore can use what is in the file, whatever its trailer says.
    pub fn is_restorable(&self) -> bool {
        matches!(self.kind, FileKind::Snapshot | FileKind::DatabaseCopy)
            && [self.structure, self.meaning] == [Outcome::Pass; 2]
    }
}

impl From<&Inspection> for SourceFacts {
    fn from(inspection: &Inspection) -> Self {
        let nothing = Contents::default();
        let contents = inspection.contents.as_ref().unwrap_or(&nothing);
        let file = &inspection.file;
        Self {
            name: file.name.clone(),
            sha256: file.sha256.clone(),
            size: file.size,
            kind: file.kind,
            bytes: inspection.verdict.bytes.outcome,
            bytes_evidence: inspection.verdict.bytes.evidence.clone(),
            structure: inspection.verdict.structure.outcome,
            meaning: inspection.verdict.meaning.outcome,
            broken: inspection
                .report
                .findings
                .iter()
                .filter(|finding| finding.severity == Severity::Blocking)
                .cloned()
                .collect(),
            fallback: inspection
                .report
                .find("meta.fallback")
                .map(|finding| finding.what.clone()),
            unreadable: UNREADABLE
                .into_iter()
                .filter(|code| inspection.report.find(code).is_some())
                .map(str::to_owned)
                .collect(),
            image_size: file
                .high_water_mark
                .saturating_mul(u64::from(file.page_size)),
            last_revision: inspection
                .status
                .as_ref()
                .map_or(0, |status| status.revision),
            // What is unknown here is so because the file is damaged, and a damaged file is refused.
            current_revision: contents.current_revision.unwrap_or_default(),
            cluster_version: contents.cluster_version.clone(),
            storage_version: contents.storage_version.clone(),
            downgrade: contents.downgrade.clone(),
            alarms: contents.alarms.clone().unwrap_or_default(),
            auth_enabled: contents.auth.enabled.unwrap_or_default(),
            auth_problem: contents.auth.problem.clone(),
            users: contents.auth.users.as_ref().map_or(0, Vec::len),
            leases: contents.lease_count.unwrap_or_default(),
            members: contents.members.clone().unwrap_or_default(),
            conf_state: contents.conf_state.clone(),
            remarks: inspection
                .report
                .findings
                .iter()
                .filter(|finding| REMARKS.contains(&finding.code.as_str()))
                .cloned()
                .collect(),
        }
    }
}

/// What was seen of the place where the result would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// The place, as a person would name it: a path, or `a download`.
    pub place: String,
    /// Whether the server's operator allowed this root; true for a download.
    pub root_known: bool,
    /// What is there.
    pub state: TargetState,
    /// Free bytes on its file system, where that could be asked.
    pub free_bytes: Option<u64>,
}

/// What is at the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum TargetState {
    /// Nothing: it will be made.
    Missing,
    /// An empty folder.
    Empty,
    /// A folder with something in it.
    Occupied,
    /// A file, a device, or a link that leads out of the root.
    NotAFolder,
    /// It cannot be written.
    Unwritable {
        /// In the system's words.
        why: String,
    },
    /// Nobody looked.
    Unknown,
}

/// The newest revision that somebody saw the old cluster serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRevision {
    /// The revision.
    pub revision: i64,
    /// For how many seconds after that the cluster may have gone on writing.
    pub unwatched_seconds: u64,
    /// How many revisions it was seen to write per hour; 0 when unknown.
    pub per_hour: u64,
}
