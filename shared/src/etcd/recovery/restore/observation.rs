//! What a restore's check and plan rest on: the snapshot as it was inspected, the target as it was seen.

use serde::{Deserialize, Serialize};

use super::{ExpectedHash, ExpectedService, NativeSource, SourceFile};
use crate::canonical::to_canonical_json;
use crate::etcd::storage::auth::AuthProblem;
use crate::etcd::storage::inspection::{
    AlarmFacts, ConfState, Contents, Downgrade, FileKind, HashKv, Inspection, MemberFacts,
};
use crate::finding::{Finding, Outcome, Report, Severity};
use crate::inspection::PartName;
use crate::number::bytes;
use crate::replan::{Difference, Differences, Part};

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
    pub checksum: Outcome,
    /// What that rests on, in a few words.
    pub checksum_evidence: String,
    /// Whether every page is reached once, with keys in order.
    pub structure: Outcome,
    /// Whether a server could serve what is in it.
    pub content: Outcome,
    /// The blocking findings of the inspection: what is broken, and where.
    pub broken: Vec<Finding>,
    /// The older meta page under which the file is read, where the newest one cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<OlderMeta>,
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
    /// Live user keys, where they could be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_keys: Option<u64>,
    /// HashKV at the newest revision, where it could be computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_kv: Option<HashKv>,
    /// The old cluster's members; absent where they cannot be read, which is not the same as none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<MemberFacts>>,
    /// `meta/confState`.
    pub conf_state: Option<ConfState>,
    /// Findings of the inspection that matter after the restore: what else the cluster needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Finding>,
    /// What etcd's own tools need to restore it.
    #[serde(default, skip_serializing_if = "NativeSource::is_as_it_is")]
    pub native: NativeSource,
    /// What the store says of the file itself, which may have changed since it was inspected; absent where no store was
    /// asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<StoredState>,
}

/// The meta page of an earlier commit than the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderMeta {
    /// The transaction of that commit.
    #[serde(with = "crate::value::decimal")]
    pub txid: u64,
    /// Why it is used, in the inspection's words.
    pub what: String,
}

/// Codes of the findings that only the data of a Kubernetes cluster has.
const OF_KUBERNETES: [&str; 2] = ["kubernetes.bootstrap", "kubernetes.encrypted"];
/// Codes of the findings that become [`SourceFacts::remarks`].
const REMARKS: [&str; 2] = OF_KUBERNETES;

impl SourceFacts {
    /// The old cluster's members, as far as they are known.
    pub fn known_members(&self) -> &[MemberFacts] {
        self.members.as_deref().unwrap_or_default()
    }

    /// Whether its keys are those of a Kubernetes cluster, as far as its inspection tells.
    pub fn is_of_kubernetes(&self) -> bool {
        let tells = |finding: &Finding| OF_KUBERNETES.contains(&finding.code.as_str());
        self.remarks.iter().any(tells)
    }

    /// Whether a restore can use what is in the file, whatever its trailer says.
    pub fn is_restorable(&self) -> bool {
        matches!(self.kind, FileKind::Snapshot | FileKind::DatabaseCopy)
            && [self.structure, self.content] == [Outcome::Pass; 2]
    }
}

impl SourceFacts {
    /// The file that they are about.
    pub fn file(&self) -> SourceFile {
        SourceFile {
            name: self.name.clone(),
            sha256: self.sha256.clone(),
            size: self.size,
        }
    }

    /// What a cluster restored from it must serve.
    pub fn expected(&self) -> ExpectedService {
        ExpectedService {
            live_keys: self.live_keys,
            leases: self.leases,
            hash_kv: self.hash_kv.map(|hash| ExpectedHash {
                hash: hash.hash,
                revision: hash.hash_revision,
                compact_revision: hash.compact_revision,
            }),
        }
    }

    /// Compares what the server says of a snapshot, which is `self`, with a file that was inspected elsewhere. What
    /// the file is called does not matter.
    pub fn differences(&self, here: &Self) -> Vec<Difference> {
        let mut found = Differences::default();
        let mut texts = |what: &str, told: &str, here: &str| {
            found.texts(Part::File, what, told, here);
        };
        texts("its SHA-256", &self.sha256, &here.sha256);
        if self.sha256 != here.sha256 {
            // Another file: all else differs for that alone.
            return found.0;
        }
        for (what, told, here) in [
            ("its checksum", self.checksum, here.checksum),
            ("its structure", self.structure, here.structure),
            ("its content", self.content, here.content),
        ] {
            texts(what, outcome(told), outcome(here));
        }
        let findings = |broken: &[Finding]| Report {
            findings: broken.to_vec(),
        };
        found.reports(
            "what is broken in it",
            &findings(&self.broken),
            &findings(&here.broken),
        );
        let renamed = Self {
            name: self.name.clone(),
            stored: self.stored.clone(),
            ..here.clone()
        };
        if found.0.is_empty() && renamed != *self {
            let json = |facts: &Self| to_canonical_json(facts);
            found.texts(Part::File, "what is in it", &json(self), &json(&renamed));
        }
        found.0
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::NotChecked => "not checked",
    }
}

impl From<&Inspection> for SourceFacts {
    fn from(inspection: &Inspection) -> Self {
        let nothing = Contents::default();
        let details = &inspection.details;
        let verdict = &inspection.verdict;
        let contents = details.contents.as_ref().unwrap_or(&nothing);
        let file = &inspection.file;
        Self {
            name: file.name.clone(),
            sha256: file.sha256.clone(),
            size: file.size,
            kind: details.kind,
            checksum: verdict.outcome(PartName::Checksum),
            checksum_evidence: verdict.evidence(PartName::Checksum).to_owned(),
            structure: verdict.outcome(PartName::Structure),
            content: verdict.outcome(PartName::Content),
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
                .map(|finding| OlderMeta {
                    txid: details.txid,
                    what: finding.what.clone(),
                }),
            unreadable: UNREADABLE
                .into_iter()
                .filter(|code| inspection.report.find(code).is_some())
                .map(str::to_owned)
                .collect(),
            image_size: details
                .high_water_mark
                .saturating_mul(u64::from(details.page_size)),
            last_revision: details.status.as_ref().map_or(0, |status| status.revision),
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
            live_keys: inspection
                .details
                .status
                .as_ref()
                .map(|status| status.total_key),
            hash_kv: inspection.details.hash_kv,
            members: contents.members.clone(),
            conf_state: contents.conf_state.clone(),
            remarks: inspection
                .report
                .findings
                .iter()
                .filter(|finding| REMARKS.contains(&finding.code.as_str()))
                .cloned()
                .collect(),
            native: inspection.into(),
            stored: None,
        }
    }
}

/// What a store of files says of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum StoredState {
    /// It is there, with the length that was inspected.
    Kept,
    /// It is not there.
    Missing,
    /// What is there under its name has another length.
    OtherSize {
        /// Bytes.
        #[serde(with = "crate::value::decimal")]
        size: u64,
    },
    /// The store could not be asked.
    Unknown {
        /// In the store's words.
        why: String,
    },
}

impl StoredState {
    /// Why the file is not as it was inspected, as far as is known.
    pub fn failure(&self) -> Option<String> {
        match self {
            Self::Kept => None,
            Self::Missing => Some("it is not in the store any more".to_owned()),
            Self::OtherSize { size } => Some(format!(
                "what is stored under its name has {}",
                bytes(*size)
            )),
            Self::Unknown { why } => Some(why.clone()),
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
    /// It was not looked at, or could not be: what is there may be as it was.
    Unknown {
        /// What went wrong, in the system's words; absent where nobody looked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn members_that_cannot_be_read_are_not_sealed_as_none() {
        let mut facts = samples::observation().source;
        let form = |facts: &SourceFacts| serde_json::to_value(facts).unwrap();
        let back =
            |facts: &SourceFacts| serde_json::from_value::<SourceFacts>(form(facts)).unwrap();
        // What was sealed before has a list, and keeps its form.
        assert_eq!(form(&facts)["members"], serde_json::json!([]));
        assert_eq!(back(&facts), facts);
        facts.members = None;
        assert_eq!(form(&facts).get("members"), None);
        assert_eq!(back(&facts).members, None);
        assert!(facts.known_members().is_empty());
    }
}
