//! What is found, and what is removed, where a job left something: the words of those who look at files and of those who
//! ask for it.

/// What there is where a job left a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remaining {
    /// The folder, as it was written down.
    pub path: String,
    /// Where it is: there, or where a removal that did not end left it.
    pub at: String,
    /// Bytes that it takes on the disk.
    pub bytes: u64,
    /// The first thing that is not as it was written down.
    pub difference: Option<String>,
}

/// How deleting folders went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// The paths of those that are gone.
    pub folders: Vec<String>,
    /// How many files and folders were deleted.
    pub entries: usize,
    /// Why it stopped before the end.
    pub stopped: Option<String>,
}
