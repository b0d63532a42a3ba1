//! Will the target version start on this file? (spec 4.11)

use super::super::observation::{DOWNGRADE_UNREADABLE, SourceFacts};
use super::super::{RestoreRequest, TargetVersion};
use crate::etcd::storage::version::{Recorded, minor_of};
use crate::finding::{Finding, Report};

pub(super) fn check(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    report.in_field("clean_up.downgrade", |report| {
        check_downgrade(request, source, report);
    });
    report.in_field("target_version", |report| {
        check_recorded(request, source, report);
    });
}

fn check_recorded(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    let target = request.target_version;
    let versions: Vec<(&str, &str, Recorded)> = [
        ("clusterVersion", &source.cluster_version),
        ("storageVersion", &source.storage_version),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, text.as_deref()?)))
    .map(|(name, text)| (name, text, Recorded::of(text)))
    .collect();
    if check_unknown(request, &versions, report) {
        return;
    }
    let minor = |recorded: &Recorded| match recorded {
        Recorded::Known(minor) => Some(*minor),
        _ => None,
    };
    let newer: Vec<(&str, &str)> = versions
        .iter()
        .filter(|(_, _, recorded)| minor(recorded).is_some_and(|minor| minor > target.minor()))
        .map(|(name, text, _)| (*name, *text))
        .collect();
    if newer.is_empty() {
        if request.clean_up.versions {
            report.push(Finding::note(
                "version.lower-needless",
                "--lower-versions",
                format!("The file records no version above {target}: nothing to lower."),
            ));
        }
        return;
    }
    let says = newer
        .iter()
        .map(|(name, text)| format!("{name} {text}"))
        .collect::<Vec<_>>()
        .join(" and ");
    if request.clean_up.versions {
        report.push(
            Finding::warning(
                "version.lowered",
                "--lower-versions",
                format!("The file records {says}; both are lowered for etcd {target} (etcdutl does not)."),
            )
            .because("Upstream does not support a snapshot of a newer etcd on an older one.")
            .todo("Check the boot result of the job, and compare the restored keys."),
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
            format!("The file records {says}: etcd 3.4.31 and later refuse to start."),
        )
        .todo(lower),
        TargetVersion::V3_4 | TargetVersion::V3_5 => Finding::warning(
            "version.newer-unsupported",
            "target version",
            format!("The file records {says}, newer than etcd {target}."),
        )
        .because("This etcd ignores these versions and starts, but upstream does not support it.")
        .todo("Check the boot result of the job, and compare the restored keys."),
        TargetVersion::V3_6 | TargetVersion::V3_7 => Finding::blocking(
            "version.newer",
            "target version",
            format!("The file records {says}: etcd {target} refuses to start."),
        )
        .todo(lower),
    });
}

/// A version that no etcd we know has written. Whether there is one.
fn check_unknown(
    request: &RestoreRequest,
    versions: &[(&str, &str, Recorded)],
    report: &mut Report,
) -> bool {
    let target = request.target_version;
    let mut unknown = versions
        .iter()
        .filter(|(_, _, recorded)| !matches!(recorded, Recorded::Known(_)))
        .peekable();
    let any = unknown.peek().is_some();
    for (name, text, recorded) in unknown {
        let what = match recorded {
            Recorded::Newer => format!(
                "The file records {name} {text}, newer than the known versions (3.0 to 3.7)."
            ),
            Recorded::Older => format!(
                "The file records {name} {text}, older than any etcd that writes it (3.0 to 3.7)."
            ),
            _ => format!("The file records {name} {text:?}, which is not a version."),
        };
        report.push(if request.clean_up.versions {
            Finding::warning(
                "version.lowered",
                "--lower-versions",
                format!("{what} It is rewritten for etcd {target} (etcdutl does not)."),
            )
            .because("What an unknown version changed in the data is unknown.")
            .todo("Check the boot result of the job, and compare the restored keys.")
        } else {
            let finding = Finding::blocking("version.unknown", *name, what)
                .because("etcd compares it with its own version: it refuses to start, or never becomes ready.");
            match recorded {
                Recorded::Newer => finding.todo(
                    "Restore it with the tool of that version. If the number is wrong, rewrite it (--lower-versions).",
                ),
                _ => finding.todo("Rewrite it for the target etcd version (--lower-versions)."),
            }
        });
    }
    any
}

fn check_downgrade(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    const SUBJECT: &str = "downgrade";
    if source
        .unreadable
        .iter()
        .any(|code| code == DOWNGRADE_UNREADABLE)
    {
        let what = "The recorded downgrade state is not JSON";
        report.push(if request.clean_up.downgrade {
            let flag = "--clear-downgrade";
            Finding::note("downgrade.cleared", flag, format!("{what}; it is deleted."))
        } else {
            Finding::blocking("downgrade.unreadable", SUBJECT, format!("{what}."))
                .because("etcd crashes on it.")
                .todo("Delete it (--clear-downgrade).")
        });
        return;
    }
    let enabled = source
        .downgrade
        .as_ref()
        .filter(|downgrade| downgrade.enabled);
    let Some(downgrade) = enabled else {
        if request.clean_up.downgrade {
            report.push(Finding::note(
                "downgrade.clear-needless",
                "--clear-downgrade",
                "No downgrade is in progress in the file: nothing to clear.",
            ));
        }
        return;
    };
    let to = &downgrade.target_version;
    if request.clean_up.downgrade {
        report.push(Finding::note(
            "downgrade.cleared",
            "--clear-downgrade",
            format!("The downgrade to {to} is deleted (etcdutl does not)."),
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
            format!("The snapshot was taken during a downgrade to {to}; etcd 3.4 ignores it."),
        )
        .todo(todo),
        _ => Finding::warning(
            "downgrade.enabled",
            SUBJECT,
            format!("The snapshot was taken during a downgrade to {to}, and the new cluster continues it."),
        )
        .because("Its members lower the cluster version.")
        .todo(todo),
    });
}
