//! Can the target take the result?

use super::super::observation::{Observation, TargetState};
use super::super::{RestoreRequest, Target};
use super::need_bytes;
use crate::escape;
use crate::finding::{Finding, Report};
use crate::number;

const SUBJECT: &str = "target";

pub(super) fn check(request: &RestoreRequest, observation: &Observation, report: &mut Report) {
    let facts = &observation.target;
    let place = &facts.place;
    if let Target::Folder { root, path } = &request.target {
        if let Err(what) = check_path(path) {
            report.push(
                Finding::blocking("target.path", SUBJECT, what)
                    .in_field("target.path")
                    .todo("Name a folder below the root, like restored/prod."),
            );
        }
        if !facts.root_known {
            report.push(
                Finding::blocking(
                    "target.root",
                    SUBJECT,
                    format!("{root:?} is not a restore root for this cluster."),
                )
                .in_field("target.root")
                .todo(
                    "Choose a root that the server offers for the cluster of the snapshot. More roots are allowed at server \
                     start (--restore-root NAME=PATH@CLUSTER).",
                ),
            );
        }
    }
    match &facts.state {
        TargetState::Missing | TargetState::Empty => {}
        TargetState::Occupied => report.push(
            Finding::blocking(
                "target.exists",
                SUBJECT,
                format!("{place} already exists and is not empty."),
            )
            .because("A restore never writes into or over existing data.")
            .todo("Choose another folder, or move the existing one."),
        ),
        TargetState::NotAFolder => report.push(
            Finding::blocking(
                "target.not-a-folder",
                SUBJECT,
                format!("{place} already exists and is not a folder below its root."),
            )
            .todo("Choose another folder."),
        ),
        TargetState::Unwritable { why } => report.push(
            Finding::blocking(
                "target.unwritable",
                SUBJECT,
                format!("{place} is not writable: {why}."),
            )
            .todo("Change its permissions, or choose another folder."),
        ),
        TargetState::Unknown { why: Some(why) } => report.push(
            Finding::blocking(
                "target.unseen",
                SUBJECT,
                format!("{place} could not be checked: {why}."),
            )
            .volatile()
            .because("Whether anything is there is unknown.")
            .todo("Try again. If it stays so, check the disk and the server's log, or choose another folder."),
        ),
        TargetState::Unknown { why: None } => report.push(
            Finding::note(
                "target.unseen",
                SUBJECT,
                format!("{place} has not been checked yet."),
            )
            .todo("Nothing to do: the job checks it before it writes."),
        ),
    }
    let need = need_bytes(request, observation);
    match facts.free_bytes {
        Some(free) if free < need => {
            let (need, free) = number::sizes(need, free);
            report.push(
                Finding::blocking(
                    "target.no-room",
                    SUBJECT,
                    format!("The members need {need} at {place}, but only {free} is free."),
                )
                .volatile()
                .todo("Free space, or create a plan for a folder on another file system."),
            );
        }
        Some(_) => {}
        None => report.push(
            Finding::note(
                "target.room-unknown",
                SUBJECT,
                format!(
                    "Free space at {place} is unknown; {} is needed.",
                    number::size(need)
                ),
            )
            .volatile(),
        ),
    }
}

/// Whether `path` leads to a folder below its root, whatever the root is.
fn check_path(path: &str) -> Result<(), String> {
    const LONGEST: usize = 200;
    if path.is_empty() {
        return Err("The folder is empty.".to_owned());
    }
    if path.starts_with('/') {
        return Err(format!(
            "{path} is absolute: name the folder relative to its root."
        ));
    }
    for part in path.split('/') {
        match part {
            "" => return Err(format!("{path} has an empty part.")),
            "." | ".." => {
                return Err(format!(
                    "{path} has the part {part}, which can lead out of the root."
                ));
            }
            _ if part.len() > LONGEST => {
                return Err(format!("A part of the path has more than {LONGEST} bytes."));
            }
            _ if part.chars().any(|c| escape::is_hidden(c) || c == '\\') => {
                return Err(format!("{part:?} cannot be the name of a folder."));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_their_root() {
        for good in ["a", "a/b-c/d.e", "restored of today"] {
            assert_eq!(check_path(good), Ok(()));
        }
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "a/.",
            "a\\b",
            "a\0b",
            "a\u{202e}b",
            "a\u{200b}b",
        ] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
    }
}
