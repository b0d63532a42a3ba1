//! Can the target take the result?

use super::super::observation::{Observation, TargetState};
use super::super::{RestoreRequest, Target};
use super::need_bytes;
use crate::escape;
use crate::finding::{Finding, Report};

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
                    format!("{root:?} is not one of the roots that restores of this cluster may be placed below."),
                )
                .in_field("target.root")
                .todo(
                    "Choose one of those that the server offers for the snapshot's cluster; its operator allows others at \
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
                format!("{place} is there already, and not empty."),
            )
            .because("A restore never writes into or over existing data.")
            .todo("Choose another folder, or move that one away."),
        ),
        TargetState::NotAFolder => report.push(
            Finding::blocking(
                "target.not-a-folder",
                SUBJECT,
                format!("{place} is there already, and not a folder below its root."),
            )
            .todo("Choose another folder."),
        ),
        TargetState::Unwritable { why } => report.push(
            Finding::blocking(
                "target.unwritable",
                SUBJECT,
                format!("{place} cannot be written: {why}."),
            )
            .todo("Have its permissions changed, or choose another folder."),
        ),
        TargetState::Unknown => report.push(
            Finding::note(
                "target.unseen",
                SUBJECT,
                format!("Nobody has looked at {place} yet."),
            )
            .todo("The plan looks before it writes."),
        ),
    }
    let need = need_bytes(request, observation);
    match facts.free_bytes {
        Some(free) if free < need => report.push(
            Finding::blocking(
                "target.no-room",
                SUBJECT,
                format!("{place} needs {need} bytes, and {free} are free."),
            )
            .todo("Free some, or choose a place on another file system."),
        ),
        Some(_) => {}
        None => report.push(Finding::note(
            "target.room-unknown",
            SUBJECT,
            format!("Nobody knows whether {need} bytes are free at {place}."),
        )),
    }
}

/// Whether `path` leads to a folder below its root, whatever the root is.
fn check_path(path: &str) -> Result<(), String> {
    const LONGEST: usize = 200;
    if path.is_empty() {
        return Err("There is no folder.".to_owned());
    }
    if path.starts_with('/') {
        return Err(format!(
            "{path} is absolute; the folder is named from its root."
        ));
    }
    for part in path.split('/') {
        match part {
            "" => return Err(format!("{path} has an empty part.")),
            "." | ".." => {
                return Err(format!(
                    "{path} has the part {part}, which may lead out of the root."
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
