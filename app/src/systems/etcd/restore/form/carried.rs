//! What a snapshot carries over that a restore can take out, and what of it applies.

use requorum_shared::etcd::recovery::restore::TargetVersion;
use requorum_shared::etcd::storage::inspection::{Contents, Inspection};
use requorum_shared::etcd::storage::restore_options;
use requorum_shared::etcd::storage::version::Recorded;
use requorum_shared::finding::Outcome;
use requorum_shared::inspection::PartName;

use super::RestoreForm;

/// A choice about what the snapshot carries over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Clear active alarms.
    Alarms,
    /// Turn authentication off.
    Auth,
    /// Delete the downgrade state.
    Downgrade,
    /// Lower the recorded versions.
    Versions,
    /// Accept a file without a valid checksum.
    SkipHash,
    /// Accept a file without its newest meta page.
    OlderMeta,
}

/// What is known of a choice for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applies {
    /// Whether it has anything to act on.
    pub applies: bool,
    /// What it acts on, or why on nothing.
    pub reason: String,
}

impl Choice {
    /// All of them, in the order of the form.
    pub const ALL: [Self; 6] = [
        Self::Alarms,
        Self::Auth,
        Self::Downgrade,
        Self::Versions,
        Self::SkipHash,
        Self::OlderMeta,
    ];

    /// Names its field.
    pub fn id(self) -> &'static str {
        match self {
            Self::Alarms => "clear-alarms",
            Self::Auth => "auth-off",
            Self::Downgrade => "drop-downgrade",
            Self::Versions => "lower-versions",
            Self::SkipHash => "skip-hash",
            Self::OlderMeta => "older-meta",
        }
    }

    /// What its field says, and findings that name it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Alarms => restore_options::CLEAR_ALARMS.label,
            Self::Auth => restore_options::DISABLE_AUTH.label,
            Self::Downgrade => restore_options::CLEAR_DOWNGRADE.label,
            Self::Versions => restore_options::LOWER_VERSIONS.label,
            Self::SkipHash => restore_options::SKIP_HASH_CHECK.label,
            Self::OlderMeta => restore_options::ACCEPT_OLDER_META.label,
        }
    }

    /// Whether it was chosen.
    pub fn read(self, form: &RestoreForm) -> bool {
        match self {
            Self::Alarms => form.clean_up.alarms,
            Self::Auth => form.clean_up.auth,
            Self::Downgrade => form.clean_up.downgrade,
            Self::Versions => form.clean_up.versions,
            Self::SkipHash => form.skip_hash_check,
            Self::OlderMeta => form.accept_older_meta,
        }
    }

    /// Chooses it, or not.
    pub fn write(self, form: &mut RestoreForm, on: bool) {
        match self {
            Self::Alarms => form.clean_up.alarms = on,
            Self::Auth => form.clean_up.auth = on,
            Self::Downgrade => form.clean_up.downgrade = on,
            Self::Versions => form.clean_up.versions = on,
            Self::SkipHash => form.skip_hash_check = on,
            Self::OlderMeta => form.accept_older_meta = on,
        }
    }

    /// Whether it applies to a file that `target` will run.
    pub fn applies(self, inspection: &Inspection, target: TargetVersion) -> Applies {
        let unknown = Contents::default();
        let contents = inspection.details.contents.as_ref().unwrap_or(&unknown);
        let has = |code: &str| inspection.report.find(code).is_some();
        let (applies, reason) = match self {
            Self::Alarms => match contents.alarms.as_deref() {
                None => (true, "Bucket alarm cannot be read: alarms are unknown.".into()),
                Some(_) if has("alarm.key") => {
                    (true, "Bucket alarm has entries that are not alarms; servers crash on them.".into())
                }
                Some([]) => (false, "no active alarms".into()),
                Some(_) if only_nospace(inspection) => (
                    true,
                    "NOSPACE is active in the snapshot: with it, the new cluster refuses all writes. On by default."
                        .into(),
                ),
                Some(alarms) => {
                    let names: Vec<_> = alarms.iter().map(|alarm| alarm.alarm.as_str()).collect();
                    (true, format!("Active in the snapshot: {}.", names.join(", ")))
                }
            },
            Self::Auth => match (contents.auth.enabled, &contents.auth.problem) {
                (Some(true), Some(problem)) => (true, problem.what()),
                (Some(true), None) => (
                    true,
                    "Authentication is on in the snapshot; clients need the passwords they had then.".into(),
                ),
                (Some(false), _) => (false, "authentication off".into()),
                (None, _) => (true, "Bucket auth cannot be read: authentication is unknown.".into()),
            },
            Self::Downgrade => match &contents.downgrade {
                _ if has("cluster.downgrade") => {
                    (true, "The recorded state is not JSON; servers crash on it.".into())
                }
                Some(d) if d.enabled => (
                    true,
                    format!("A downgrade to {} was under way.", d.target_version),
                ),
                _ => (false, "no downgrade under way".into()),
            },
            Self::Versions => {
                let recorded = [
                    ("storage", contents.storage_version.as_deref()),
                    ("cluster", contents.cluster_version.as_deref()),
                ];
                let fits = |text: &str| match Recorded::of(text) {
                    Recorded::Known(minor) => minor <= target.minor(),
                    _ => false,
                };
                let said: Vec<_> = recorded
                    .iter()
                    .filter_map(|(name, text)| Some(format!("{name} {}", (*text)?)))
                    .collect();
                match recorded.iter().all(|(_, text)| text.is_none_or(fits)) {
                    true => (false, format!("recorded versions fit etcd {target}")),
                    false => (true, format!("Recorded: {}.", said.join(", "))),
                }
            }
            Self::SkipHash => match inspection.verdict.outcome(PartName::Checksum) {
                Outcome::Pass => (false, "checksum verified".into()),
                Outcome::Fail => (true, "The checksum does not match: damaged values would go unnoticed.".into()),
                Outcome::NotChecked => (true, "The file has no checksum: damaged values would go unnoticed.".into()),
            },
            Self::OlderMeta => match has("meta.fallback") {
                true => (true, "The last commit, or more, is not in the result. See the file's findings.".into()),
                false => (false, "newest meta page usable".into()),
            },
        };
        Applies { applies, reason }
    }
}

/// Whether the active alarms are NOSPACE and nothing else.
pub fn only_nospace(inspection: &Inspection) -> bool {
    let contents = inspection.details.contents.as_ref();
    let alarms = contents.and_then(|contents| contents.alarms.as_deref());
    alarms.is_some_and(|alarms| {
        !alarms.is_empty() && alarms.iter().all(|alarm| alarm.alarm == "NOSPACE")
    })
}

/// `Nothing to clean up: no active alarms, …`, about the choices that do not apply; none where all of them do.
pub fn nothing_to_clean(
    inspection: &Inspection,
    target: TargetVersion,
    shown: usize,
) -> Option<String> {
    let mut reasons: Vec<String> = Choice::ALL
        .into_iter()
        .map(|choice| choice.applies(inspection, target))
        .filter(|known| !known.applies)
        .map(|known| known.reason)
        .collect();
    let contents = inspection.details.contents.as_ref();
    if contents.and_then(|c| c.lease_count) == Some(0) {
        reasons.push("no leases".into());
    }
    let lead = if shown == 0 {
        "Nothing to clean up"
    } else {
        "Nothing else to clean up"
    };
    (!reasons.is_empty()).then(|| format!("{lead}: {}.", reasons.join(", ")))
}
