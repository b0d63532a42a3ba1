//! Plans: every choice made, sealed by a hash, carried out without deciding anything.
//!
//! A plan rests on facts; when a fact has changed, the plan is void. It is single-use. Its identity is the
//! SHA-256 over its canonical JSON ([`Plan::hash`]): an approval names that hash.
//!
//! Nothing here knows a system. What is asked for (`R`) and what a step does (`A`) are closed by
//! [`recovery`](crate::recovery), whose aliases the rest of the code uses.

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::finding::Report;
use crate::value::Value;

/// The value of [`Plan::format`] in this version.
pub const FORMAT: &str = "requorum.plan/2";

/// A sealed recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan<R, A> {
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
    /// What the outcome lacks because of what the request accepts, one sentence; none where it lacks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caveat: Option<String>,
    /// What was asked for.
    pub request: R,
    /// What the plan rests on.
    pub facts: Vec<Fact>,
    /// What the check said when the plan was sealed. Nothing in it blocks.
    pub report: Report,
    /// What will be done, in order.
    pub steps: Vec<Step<A>>,
}

impl<R: Serialize, A: Serialize> Plan<R, A> {
    /// The bytes that are hashed: RFC 8785 JSON.
    pub fn canonical_json(&self) -> String {
        canonical::to_canonical_json(self)
    }

    /// The plan's hash, 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        canonical::sha256_hex(self.canonical_json().as_bytes())
    }
}

impl<R, A> Plan<R, A> {
    /// The steps' titles, in order.
    pub fn titles(&self) -> Vec<&str> {
        self.steps.iter().map(|step| step.title.as_str()).collect()
    }

    /// The fact with this key.
    pub fn fact(&self, key: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.key == key)
    }
}

/// Who seals a plan, and when: what a draft does not know of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The plan's id, unique on its server.
    pub id: String,
    /// Who seals it.
    pub author: String,
    /// When, RFC 3339 in UTC.
    pub sealed_at: String,
    /// The cluster that it belongs to; empty for none.
    pub cluster: String,
}

/// What a system plans: all of a plan but who asked, when, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft<A> {
    /// What comes out, one sentence.
    pub outcome: String,
    /// As [`Plan::caveat`].
    pub caveat: Option<String>,
    /// What the plan rests on.
    pub facts: Vec<Fact>,
    /// What the check said. Nothing in it blocks.
    pub report: Report,
    /// What will be done, in order; numbered by [`Draft::seal`].
    pub steps: Vec<Step<A>>,
}

impl<A> Draft<A> {
    /// The plan for `request`, with its steps numbered from 1.
    pub fn seal<R, B>(self, seal: Seal, request: R, action: impl Fn(A) -> B) -> Plan<R, B> {
        let steps = (1..).zip(self.steps).map(|(number, step)| Step {
            number,
            title: step.title,
            probe: step.probe,
            effect: step.effect,
            undo: step.undo,
            native: step.native,
            action: action(step.action),
        });
        Plan {
            format: FORMAT.to_owned(),
            id: seal.id,
            author: seal.author,
            sealed_at: seal.sealed_at,
            cluster: seal.cluster,
            outcome: self.outcome,
            caveat: self.caveat,
            request,
            facts: self.facts,
            report: self.report,
            steps: steps.collect(),
        }
    }
}

impl<R, A> Plan<R, A> {
    /// What comes out, and what it lacks.
    pub fn whole_outcome(&self) -> String {
        match &self.caveat {
            Some(caveat) => format!("{} {caveat}", self.outcome),
            None => self.outcome.clone(),
        }
    }
}

/// The key of the fact that says why the native tool cannot do what the plan does; absent where it can.
pub const NO_NATIVE: &str = "snapshot.native-tools";

/// Something that was observed and that the plan relies on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// A stable name for programs, dotted, most general part first: `snapshot.sha256`.
    pub key: String,
    /// What it is about: `snapshot`, `target`.
    pub subject: String,
    /// The fact, as a person would say it.
    pub statement: String,
    /// The same, for programs.
    pub value: Value,
    /// Whether it may change without making the plan void: whether it is good enough is for the check to say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub volatile: bool,
    /// Where it came from.
    pub source: String,
    /// When it was seen, RFC 3339 in UTC.
    pub seen_at: String,
}

/// The facts that a plan stands on: those that may not change.
pub fn stable_facts(facts: &[Fact]) -> impl Iterator<Item = &Fact> {
    facts.iter().filter(|fact| !fact.volatile)
}

/// What people call a plan, and the job that carries it out: `prod-etcd #7`, and `Restore #7` where it belongs to no
/// cluster. The number is given at sealing, once for each plan of a console.
pub fn short_name(cluster: &str, number: u64) -> String {
    let of = if cluster.is_empty() {
        "Restore"
    } else {
        cluster
    };
    match number {
        0 => of.to_owned(),
        number => format!("{of} #{number}"),
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step<A> {
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
    /// The step as data: all that what carries it out needs, and nothing to decide.
    pub action: A,
}

/// How many steps, and how many of them cannot be undone: `6 steps, all reversible`.
pub fn reversibility<A>(steps: &[Step<A>]) -> String {
    let lost = |step: &&Step<A>| matches!(step.undo, Undo::PointOfNoReturn(_));
    let count = match steps.len() {
        1 => "1 step".to_owned(),
        n => format!("{n} steps"),
    };
    match (steps.len(), steps.iter().filter(lost).count()) {
        (1, 0) => format!("{count}, reversible"),
        (_, 0) => format!("{count}, all reversible"),
        (_, lost) => format!("{count}, {lost} irreversible"),
    }
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

/// A step that a person takes: the plan foresees the question, the job asks it, and the answer is in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The question, exact.
    pub question: String,
    /// What the answer should rest on.
    pub evidence: String,
    /// What can be chosen; at least one goes on.
    pub choices: Vec<GateChoice>,
}

/// One answer to a [`Gate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateChoice {
    /// Unique within the gate.
    pub id: String,
    /// What the button says.
    pub label: String,
    /// What follows from it.
    pub consequence: String,
    /// What follows from it, for the engine.
    pub then: GateThen,
    /// What has to be typed to choose it: the name of what is at stake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
}

/// What an answer to a [`Gate`] leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateThen {
    /// The step is done; the next one follows.
    Continue,
    /// What was done is taken back.
    Undo,
    /// The job ends here, and what was done is kept.
    Leave,
}
