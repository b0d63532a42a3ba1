//! A request and an observation that nothing speaks against, for tests to spoil.

use super::observation::{Observation, SourceFacts, TargetFacts, TargetState};
use super::{CleanUp, NativeSource, RestoreRequest, Target, TargetVersion, initial_cluster};
use crate::etcd::storage::inspection::FileKind;
use crate::finding::Outcome;

/// Three members from a whole snapshot at revision 339.
pub(crate) fn request() -> RestoreRequest {
    RestoreRequest {
        snapshot: "ab".repeat(32),
        members: initial_cluster::parse(
            "m1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380,m3=https://10.0.0.3:2380",
        )
        .members,
        token: "etcd-prod-2026-11-21".to_owned(),
        bump_revision: 1_000_000_000,
        mark_compacted: true,
        skip_hash_check: false,
        accept_older_meta: false,
        target_version: TargetVersion::V3_6,
        clean_up: CleanUp::default(),
        target: Target::Folder {
            root: "restores".to_owned(),
            path: "prod".to_owned(),
        },
        last_seen: None,
    }
}

pub(crate) fn observation() -> Observation {
    Observation {
        source: SourceFacts {
            name: "prod.db".to_owned(),
            sha256: "ab".repeat(32),
            size: 73_760,
            kind: FileKind::Snapshot,
            checksum: Outcome::Pass,
            checksum_evidence: "SHA-256 trailer agrees".to_owned(),
            structure: Outcome::Pass,
            content: Outcome::Pass,
            broken: Vec::new(),
            fallback: None,
            unreadable: Vec::new(),
            image_size: 73_728,
            last_revision: 339,
            current_revision: 339,
            cluster_version: Some("3.6.0".to_owned()),
            storage_version: Some("3.6.0".to_owned()),
            downgrade: None,
            alarms: Vec::new(),
            auth_enabled: false,
            auth_problem: None,
            users: 0,
            leases: 0,
            live_keys: Some(201),
            hash_kv: None,
            members: Some(Vec::new()),
            conf_state: None,
            remarks: Vec::new(),
            native: NativeSource::AsItIs,
            stored: None,
        },
        target: TargetFacts {
            place: "/srv/restores/prod".to_owned(),
            root_known: true,
            state: TargetState::Missing,
            free_bytes: Some(1 << 40),
        },
        cluster: String::new(),
    }
}
