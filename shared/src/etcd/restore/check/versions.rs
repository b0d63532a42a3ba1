//! Will the target version start on this file? (spec 4.11)

use super::super::observation::SourceFacts;
use super::super::{RestoreRequest, TargetVersion};
use crate::finding::{Finding, Report};

/// `major.minor` of a semantic version.
pub(in super::super) fn minor_of(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.trim().splitn(3, '.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    Some((major, minor))
}

pub(super) fn check(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    check_downgrade(request, source, report);
    let target = request.target_version;
    let versions: Vec<(&str, &str, (u64, u64))> = [
        ("clusterVersion", &source.cluster_version),
        ("storageVersion", &source.storage_version),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, text.as_deref()?)))
    .filter_map(|(name, text)| Some((name, text, minor_of(text)?)))
    .collect();

    if let Some((name, text, _)) = versions
        .iter()
        .find(|(_, _, minor)| minor.0 != 3 || minor.1 > 7)
    {
        report.push(
            Finding::blocking(
                "version.unknown",
                *name,
                format!("The file says {name} {text}, which is newer than the versions we know."),
            )
            .todo("Restore it with the tool of that version."),
        );
        return;
    }
    let newer: Vec<&(&str, &str, (u64, u64))> = versions
        .iter()
        .filter(|(_, _, minor)| *minor > target.minor())
        .collect();
    if newer.is_empty() {
        if request.clean_up.versions {
            report.push(Finding::note(
                "version.lower-needless",
                "--lower-versions",
                format!("The file holds no version above {target}: there is nothing to lower."),
            ));
        }
        return;
    }
    let says = newer
        .iter()
        .map(|(name, text, _)| format!("{name} {text}"))
        .collect::<Vec<_>>()
        .join(" and ");
    if request.clean_up.versions {
        report.push(
            Finding::warning(
                "version.lowered",
                "--lower-versions",
                format!("The file says {says}; both are lowered for etcd {target}, which etcdutl does not do."),
            )
            .because("A snapshot of a newer etcd on an older one is not supported upstream.")
            .todo("Have the restored members boot-checked, and compare their keys."),
        );
        return;
    }
    let lower =
        "Lower both versions (--lower-versions), or choose the version that wrote the file.";
    let storage_is_newer = newer.iter().any(|(name, ..)| *name == "storageVersion");
    report.push(match target {
        TargetVersion::V3_4 if storage_is_newer => Finding::blocking(
            "version.newer",
            "target version",
            format!("The file says {says}: etcd 3.4.31 and later refuse to start on it."),
        )
        .todo(lower),
        TargetVersion::V3_4 | TargetVersion::V3_5 => Finding::warning(
            "version.newer-unsupported",
            "target version",
            format!("The file says {says}, newer than etcd {target}."),
        )
        .because("Such a server does not look at these versions and starts, but upstream does not support it.")
        .todo("Have the restored members boot-checked, and compare their keys."),
        TargetVersion::V3_6 | TargetVersion::V3_7 => Finding::blocking(
            "version.newer",
            "target version",
            format!("The file says {says}: etcd {target} refuses to start on it."),
        )
        .todo(lower),
    });
}

fn check_downgrade(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    const SUBJECT: &str = "downgrade";
    let enabled = source
        .downgrade
        .as_ref()
        .filter(|downgrade| downgrade.enabled);
    let Some(downgrade) = enabled else {
        if request.clean_up.downgrade {
            report.push(Finding::note(
                "downgrade.clear-needless",
                "--clear-downgrade",
                "No downgrade is under way in the file: there is nothing to clear.",
            ));
        }
        return;
    };
    let to = &downgrade.target_version;
    if request.clean_up.downgrade {
        report.push(Finding::note(
            "downgrade.cleared",
            "--clear-downgrade",
            format!("The downgrade to {to} is deleted, which etcdutl does not do."),
        ));
        return;
    }
    let target = request.target_version;
    let todo = "Delete it (--clear-downgrade), or cancel it once the cluster runs.";
    report.push(match target {
        TargetVersion::V3_5 if minor_of(to) != Some(target.minor()) => Finding::blocking(
            "downgrade.enabled",
            SUBJECT,
            format!("The snapshot was taken during a downgrade to {to}: etcd 3.5 exits when it starts."),
        )
        .todo("Delete it (--clear-downgrade)."),
        TargetVersion::V3_4 => Finding::note(
            "downgrade.enabled",
            SUBJECT,
            format!("The snapshot was taken during a downgrade to {to}; etcd 3.4 does not look at it."),
        )
        .todo(todo),
        _ => Finding::warning(
            "downgrade.enabled",
            SUBJECT,
            format!("The snapshot was taken during a downgrade to {to}, and the new cluster goes on with it."),
        )
        .because("Its servers lower the cluster's version again.")
        .todo(todo),
    });
}
