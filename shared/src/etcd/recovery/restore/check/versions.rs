//! Will the target version start on this file? (spec 4.11)

use super::super::observation::{DOWNGRADE_UNREADABLE, SourceFacts};
use super::super::{RestoreRequest, TargetVersion};
use crate::etcd::storage::version::{Recorded, minor_of};
use crate::finding::{Finding, Report};

pub(super) fn check(request: &RestoreRequest, source: &SourceFacts, report: &mut Report) {
    check_downgrade(request, source, report);
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
                format!("The file holds no version above {target}: there is nothing to lower."),
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
                "The file says {name} {text}, which is newer than the versions we know (3.0 to 3.7)."
            ),
            Recorded::Older => format!(
                "The file says {name} {text}, which is older than any etcd that writes it (3.0 to 3.7)."
            ),
            _ => format!("The file says {name} {text:?}, which is no version."),
        };
        report.push(if request.clean_up.versions {
            Finding::warning(
                "version.lowered",
                "--lower-versions",
                format!("{what} It is written anew for etcd {target}, which etcdutl does not do."),
            )
            .because("What a version that we do not know would have changed in the data is unknown too.")
            .todo("Have the restored members boot-checked, and compare their keys.")
        } else {
            let finding = Finding::blocking("version.unknown", *name, what)
                .because("Servers compare it with their own version: they refuse to start, or never get ready.");
            match recorded {
                Recorded::Newer => finding.todo(
                    "Restore it with the tool of that version; if the number is wrong, write it anew (--lower-versions).",
                ),
                _ => finding.todo("Write it anew for the etcd that will run it (--lower-versions)."),
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
        let what = "The recorded downgrade state is no JSON";
        report.push(if request.clean_up.downgrade {
            let flag = "--clear-downgrade";
            Finding::note("downgrade.cleared", flag, format!("{what}; it is deleted."))
        } else {
            Finding::blocking("downgrade.unreadable", SUBJECT, format!("{what}."))
                .because("Servers crash on it.")
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
