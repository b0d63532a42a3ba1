//! The choices of a restore that findings name: by what the form calls them, and by the flag of the command line.

use std::fmt;

/// A choice of a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreOption {
    /// The form's label.
    pub label: &'static str,
    /// The flag of `requorum snapshot restore`.
    pub flag: &'static str,
}

impl fmt::Display for RestoreOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}” ({})", self.label, self.flag)
    }
}

/// Takes a file that no checksum proves.
pub const SKIP_HASH_CHECK: RestoreOption = RestoreOption {
    label: "Accept the file without its checksum",
    flag: "--skip-hash-check",
};
/// Takes a file whose newest meta page cannot be used.
pub const ACCEPT_OLDER_META: RestoreOption = RestoreOption {
    label: "Accept the older meta page",
    flag: "--accept-older-meta",
};
/// Writes the recorded versions anew.
pub const LOWER_VERSIONS: RestoreOption = RestoreOption {
    label: "Lower the recorded versions to the target version",
    flag: "--lower-versions",
};
/// Deletes active alarms.
pub const CLEAR_ALARMS: RestoreOption = RestoreOption {
    label: "Clear active alarms",
    flag: "--clear-alarms",
};
/// Deletes a downgrade that is under way.
pub const CLEAR_DOWNGRADE: RestoreOption = RestoreOption {
    label: "Delete the downgrade state",
    flag: "--clear-downgrade",
};
/// Turns authentication off.
pub const DISABLE_AUTH: RestoreOption = RestoreOption {
    label: "Turn authentication off",
    flag: "--disable-auth",
};
