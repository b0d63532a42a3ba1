//! What to do about a damaged file, in the words of those who run what wrote it.

use crate::finding::Severity;

/// Sentences that a schema has for faults of structure.
#[derive(Debug, Clone, Copy)]
pub struct Remedies {
    /// The tree is damaged.
    pub damaged: &'static str,
    /// The end of the file, or all of it, is not there.
    pub cut_off: &'static str,
    /// No meta page can be used.
    pub no_meta: &'static str,
    /// Written by a big-endian machine.
    pub big_endian: &'static str,
    /// Free pages are missing at the end.
    pub free_tail: &'static str,
    /// One meta page cannot be used, and it may have been the newer one.
    pub fallback: &'static str,
    /// The meta page that cannot be used is the spare one.
    pub spare_meta: &'static str,
    /// Why it matters that the header of a valid meta page is wrong.
    pub meta_header: &'static str,
    /// Why it matters to go back by one commit.
    pub older: &'static str,
    /// How to go back by one commit.
    pub older_todo: &'static str,
    /// Why there are not that many buckets in a sound file.
    pub too_many_buckets: &'static str,
    /// How much a wrong freelist matters.
    pub freelist: Severity,
    /// Why it matters that the freelist is wrong.
    pub freelist_wrong: &'static str,
    /// Why it matters that the freelist cannot be read.
    pub freelist_unusable: &'static str,
    /// How to get rid of a wrong freelist.
    pub freelist_todo: &'static str,
}

impl Remedies {
    /// For a file of any program.
    pub const BBOLT: Self = Self {
        damaged: "Use another copy of the file; this one cannot be relied on.",
        cut_off: "Copy the file again, and compare the sizes.",
        no_meta: "Check that this is a bbolt database; if it is, use another copy.",
        big_endian: "Open it on a machine of the same kind.",
        free_tail: "Copy the file again if its program refuses it.",
        fallback: "Compare it with what its program last knew before relying on it.",
        spare_meta: "The program rewrites it at its next commit.",
        meta_header: "bbolt ignores it; some tools do not.",
        older: "Reverting to it loses one commit.",
        older_todo: "If there is no sound copy, have bbolt surgery revert the meta page on a copy, and check that copy.",
        too_many_buckets: "Hardly any program has that many.",
        freelist: Severity::Blocking,
        freelist_wrong: "The program that opens this file overwrites what the list has as free.",
        freelist_unusable: "The freelist only tells which pages may be overwritten: no data is lost with it. The program that opens this file needs it, and may crash.",
        freelist_todo: "Have bbolt compact write the data to a new file, or bbolt surgery abandon the freelist, on a copy.",
    };
}
