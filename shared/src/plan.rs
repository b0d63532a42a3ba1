//! Plans: every choice made, sealed by a hash, carried out without deciding anything.
//!
//! A plan rests on facts; when a fact has changed, the plan is void. It is single-use. Its identity is the
//! SHA-256 over its canonical JSON ([`Plan::hash`]): an approval names that hash.

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::etcd::recovery::restore::{RestoreRequest, RestoreStep};
use crate::finding::Report;

/// The value of [`Plan::format`] in this version.
pub const FORMAT: &str = "requorum.plan/1";

/// A sealed recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: String,
    /// The plan's id, unique on its server.
    pub id: String,
    /// Who sealed it.
    pub author: String,
    /// When it was sealed, RFC 3339 in UTC.
    pub sealed_at: String,
    /// The cluster that it belongs to: its roles and its policy count. Empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// What comes out, one sentence.
    pub outcome: String,
    /// What was asked for.
    pub request: Request,
    /// What the plan rests on.
    pub facts: Vec<Fact>,
    /// What the check said when the plan was sealed. Nothing in it blocks.
    pub report: Report,
    /// What will be done, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The bytes that are hashed: RFC 8785 JSON.
    pub fn canonical_json(&self) -> String {
        canonical::to_canonical_json(self)
    }

    /// The plan's hash, 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        canonical::sha256_hex(self.canonical_json().as_bytes())
    }
}

/// What an operator asked for; one variant per kind of recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Request {
    /// A new etcd cluster from a snapshot.
    #[serde(rename = "etcd.restore")]
    EtcdRestore(RestoreRequest),
}

/// Something that was observed and that the plan relies on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about: `snapshot`, `target`.
    pub subject: String,
    /// The fact, as a person would say it.
    pub statement: String,
    /// Where it came from.
    pub source: String,
    /// When it was seen, RFC 3339 in UTC.
    pub seen_at: String,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Counts from 1.
    pub number: u32,
    /// What it does, in the imperative: `Build 3 members in one pass`.
    pub title: String,
    /// How it is found out whether it is already done.
    pub probe: String,
    /// What changes when it is done.
    pub effect: String,
    /// How it is taken back.
    pub undo: Undo,
    /// The native tool's equivalent, if there is one; several lines where it takes several commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<String>,
    /// The step as data: all that the executor needs and nothing to decide.
    pub action: Action,
}

/// How a step is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "how", rename_all = "kebab-case")]
pub enum Undo {
    /// It changed nothing.
    Nothing,
    /// It can be taken back, like this.
    Back(String),
    /// It cannot be taken back; the text says why.
    PointOfNoReturn(String),
}

/// What a step does; one variant per kind of recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "system", content = "do", rename_all = "kebab-case")]
pub enum Action {
    /// A step of an etcd restore.
    EtcdRestore(RestoreStep),
}
