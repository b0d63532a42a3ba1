//! Why a restore did not happen, for people: what, where, why, and what to do.

use std::io;

use requorum_shared::etcd::recovery::restore::edit::EditError;
use requorum_shared::finding::{Report, Severity};
use requorum_shared::inspection::Recognised;
use thiserror::Error;

use super::act::Act;
use crate::system::{self, SystemError};

/// Why a restore did not happen. Nothing is left behind where a member would look, unless a text says so.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The check found something that blocks.
    #[error("{}", refusal(.0))]
    Refused(Report),
    /// The id cannot be a part of a file's name.
    #[error("{0:?} cannot be the id of a restore: letters, digits and dashes, at most 40")]
    Id(String),
    /// The destination is for a member that the cluster does not have.
    #[error("the new cluster has no member called {0}")]
    NoSuchMember(String),
    /// Something is where the result should go.
    #[error(
        "{0} already exists; a restore never writes over what exists. Choose another place, or move it away"
    )]
    Exists(String),
    /// The data directory holds something.
    #[error(
        "{0} is not empty; a restore never writes beside other data. Choose another place, or empty it"
    )]
    NotEmpty(String),
    /// Something else than a folder is where one should be.
    #[error("{0} is not a folder. Choose another place")]
    NotAFolder(String),
    /// Another restore made it.
    #[error(
        "{path} belongs to another restore ({id}) that has not ended. Let it end, or choose another place. If it \
         was killed and will not be resumed, remove {path}"
    )]
    Theirs {
        /// The folder.
        path: String,
        /// The other's id, as far as its mark says.
        id: String,
    },
    /// Something is among what was made that this restore did not put there.
    #[error(
        "{0} was not put there by this restore, which removes nothing but its own. Move it away, and try again"
    )]
    Strange(String),
    /// Another process builds the same thing.
    #[error("another restore with the same id is writing to {0}. Let it finish, or stop it")]
    Busy(String),
    /// The file is something else than an etcd database, or one that cannot be used.
    #[error("{name}: {words}", words = .what.words())]
    Recognised {
        /// The file.
        name: String,
        /// What it is.
        what: Box<Recognised>,
    },
    /// The file changed while it was read.
    #[error(
        "{0} changed while it was read: what was built from it was thrown away. Restore from a copy that nothing \
         writes to"
    )]
    SourceChanged(String),
    /// The file is not the one that was asked for.
    #[error(
        "{name} has the SHA-256 {found}, but the restore was planned for {wanted}. Create a new plan"
    )]
    OtherSource {
        /// The file.
        name: String,
        /// As found.
        found: String,
        /// As planned.
        wanted: String,
    },
    /// The file cannot be read as etcd's database.
    #[error("{name} cannot be restored: {why}. Use another snapshot, or another member's file")]
    Unreadable {
        /// The file.
        name: String,
        /// What is wrong with it.
        why: EditError,
    },
    /// The medium failed.
    #[error("{}", medium(*.act, .path, .cause))]
    Io {
        /// What was tried.
        act: Act,
        /// On what.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// There are no threads or no memory to do it with.
    #[error(transparent)]
    System(#[from] SystemError),
    /// What was read again is not what was written.
    #[error(
        "{path} is not what was written: {what}. The disk or its file system is at fault; choose another one"
    )]
    Corrupt {
        /// The file.
        path: String,
        /// Where it differs.
        what: String,
    },
    /// What is there was changed since it was placed, or is not what was placed.
    #[error("{0} is not as it was placed; it was left alone. A server may have been started on it")]
    Used(String),
    /// What is there is not what the restore left at its end.
    #[error(
        "{path} is not as the job left it: {what}. A server may have been started on it, or files were moved, copied or \
         replaced. If nothing in it is needed, delete it on the server's host by hand"
    )]
    Differs {
        /// The folder.
        path: String,
        /// The first thing that differs.
        what: String,
    },
    /// Nothing was built that could be placed.
    #[error("nothing complete exists next to {0}. Build it first")]
    NotBuilt(String),
    /// Somebody stopped it.
    #[error("stopped before the end; nothing was left behind")]
    Cancelled,
}

impl RestoreError {
    /// A folder with another's mark. Who can write there could have put anything into the mark.
    pub(super) fn theirs(path: &str, id: &str) -> Self {
        let fine = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
        let id: String = id.chars().filter(fine).take(40).collect();
        Self::Theirs {
            path: path.to_owned(),
            id: if id.is_empty() {
                "of no known id".to_owned()
            } else {
                id
            },
        }
    }
}

fn refusal(report: &Report) -> String {
    let blocking: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Blocking)
        .map(|finding| format!("{}: {} {}", finding.subject, finding.what, finding.todo))
        .collect();
    match blocking.as_slice() {
        [one] => one.trim_end().to_owned(),
        several => format!(
            "{} blocking findings: {}",
            several.len(),
            several.join("; ")
        ),
    }
}

fn medium(act: Act, path: &str, cause: &io::Error) -> String {
    let todo = match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "Free some space there, or choose a place on another file system"
        }
        io::ErrorKind::PermissionDenied => {
            "Run it as a user who may write there, or choose another place"
        }
        io::ErrorKind::ReadOnlyFilesystem => "Choose a place that can be written",
        io::ErrorKind::AlreadyExists => "Choose another place, or move it away",
        io::ErrorKind::NotFound => "Make the folder that it should be in",
        _ => system::advice(cause).unwrap_or("Check the system's log for that disk"),
    };
    format!("{path}: {act} failed: {cause}. {todo}")
}
