//! What an act was about, as data. [`Entry::subject`](super::entry::Entry::subject) says the same to people, may be cut,
//! and may be worded anew; no code compares it.

use serde::{Deserialize, Serialize};

use crate::canonical::{sha256_hex, to_canonical_json};

/// What an act was about, where a run or a dossier rests on that. It is part of the entry, and so signed.
///
/// ```json
/// {"plan":{"id":"7f3a","accepted":"9f31…c2"}}
/// {"step":{"number":3}}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A plan. Its hash is the entry's own.
    Plan {
        /// Its id.
        id: String,
        /// The warnings that the act accepts, as [`accepted::digest`](crate::approval::accepted::digest) has them.
        /// None where the act accepts no warnings by its nature.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted: Option<String>,
    },
    /// The review of an override.
    Review {
        /// Its id.
        id: String,
    },
    /// A policy for the entry's cluster, or the default one.
    Policy {
        /// What it asks for, as [`Policy::digest`](crate::approval::Policy::digest) has it.
        digest: String,
    },
    /// A step of a job's plan.
    Step {
        /// Its number, from 1.
        number: u32,
    },
    /// An answer to a question of a job.
    Answer {
        /// Question and choice, as [`About::answer`] has them: a request may claim any.
        digest: String,
    },
}

impl About {
    /// A plan, by an act that accepts no warnings by its nature.
    pub fn plan(id: impl Into<String>) -> Self {
        Self::Plan {
            id: id.into(),
            accepted: None,
        }
    }

    /// An answer: SHA-256 of the canonical JSON of the ids of question and choice, 64 hexadecimal digits.
    pub fn answer(question: &str, choice: &str) -> Self {
        Self::Answer {
            digest: sha256_hex(to_canonical_json(&[question, choice]).as_bytes()),
        }
    }

    /// Whether it is this plan, whatever was accepted.
    pub fn is_plan(&self, plan: &str) -> bool {
        matches!(self, Self::Plan { id, .. } if id == plan)
    }
}
