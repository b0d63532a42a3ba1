//! What people call that which a recovery works on and makes. Sentences that are the same for every system are made with
//! these, and [`recovery`](crate::recovery) says which ones a request has.

/// The nouns of a recovery, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nouns {
    /// A part of the target, which steps and checks are about: `member`.
    pub part: &'static str,
    /// Several of them: `members`.
    pub parts: &'static str,
    /// What a job makes and leaves at its target, in the plural: `restored members`.
    pub leftovers: &'static str,
    /// What of the cluster is in that: `all keys and values`.
    pub contents: &'static str,
}

impl Default for Nouns {
    /// Those of a recovery that has none of its own, or that cannot be read.
    fn default() -> Self {
        Self {
            part: "part",
            parts: "parts",
            leftovers: "leftovers",
            contents: "data of the cluster",
        }
    }
}
