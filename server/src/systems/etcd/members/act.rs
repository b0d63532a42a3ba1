//! What is done with the disk, as errors name it.

use std::fmt;

/// One kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Looking at a path, or opening it.
    Open,
    /// Making a folder.
    MakeFolder,
    /// Making a file.
    MakeFile,
    /// Taking the space for a file.
    Reserve,
    /// Reading a file.
    Read,
    /// Writing a file.
    Write,
    /// Syncing a file.
    SyncFile,
    /// Syncing a folder.
    SyncFolder,
    /// Giving something its final or next name.
    Rename,
    /// Removing what was built.
    Remove,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "opening it",
            Self::MakeFolder => "making the folder",
            Self::MakeFile => "making the file",
            Self::Reserve => "taking the space for it",
            Self::Read => "reading it",
            Self::Write => "writing it",
            Self::SyncFile | Self::SyncFolder => "syncing it to the disk",
            Self::Rename => "renaming it",
            Self::Remove => "removing it",
        })
    }
}
