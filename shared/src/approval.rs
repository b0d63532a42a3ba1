//! How many people must agree to a plan, and which: the same for the server, whose answer counts, and for the page,
//! which explains it.
//!
//! A policy has one rule for plans that can be taken back whole, and one for plans that pass a point of no return.
//! Whoever made a plan and whoever runs it are not a second person, nor is an account that is in their hands.

pub mod accepted;
mod hands;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::accepted::AcceptedWarning;
pub use self::hands::{APART_AFTER_MS, Hands};
use crate::canonical::{sha256_hex, to_canonical_json};
use crate::ledger::about::About;
use crate::plan::{self, Undo};

/// No rule asks for more approvers.
pub const MAX_APPROVERS: u32 = 5;

/// What a plan can do that nobody can take back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reversibility {
    /// Every step changes nothing or can be taken back.
    Undoable,
    /// It passes a point of no return.
    Destructive,
}

impl Reversibility {
    /// Of a plan: as heavy as its heaviest step.
    pub fn of<R, A>(plan: &plan::Plan<R, A>) -> Self {
        let heavy = |undo: &Undo| matches!(undo, Undo::PointOfNoReturn(_));
        if plan.steps.iter().any(|step| heavy(&step.undo)) {
            return Self::Destructive;
        }
        Self::Undoable
    }

    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Undoable => "undoable",
            Self::Destructive => "destructive",
        }
    }

    /// Reads it back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Undoable, Self::Destructive]
            .into_iter()
            .find(|weight| weight.word() == word)
    }
}

/// Whether somebody must agree who neither made the plan nor runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Second {
    /// No: the author may approve.
    Never,
    /// Yes, as soon as there is anybody else who may approve. A lone administrator at night is not locked out, and
    /// the approval says that it was one's own.
    WhenPossible,
    /// Yes.
    Always,
}

impl Second {
    /// How much it asks for.
    fn strength(self) -> u8 {
        match self {
            Self::Never => 0,
            Self::WhenPossible => 1,
            Self::Always => 2,
        }
    }

    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::WhenPossible => "when-possible",
            Self::Always => "always",
        }
    }

    /// Reads it back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Never, Self::WhenPossible, Self::Always]
            .into_iter()
            .find(|second| second.word() == word)
    }
}

/// What one weight of plan takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// How many people must approve; with 0 a sealed plan may be run at once.
    pub approvers: u32,
    /// Whether one of them must be somebody else.
    pub second: Second,
}

impl Rule {
    /// Whether the rule can be kept at all.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if self.approvers > MAX_APPROVERS {
            return Err(format!(
                "At most {MAX_APPROVERS} approvers can be asked for, not {}.",
                self.approvers
            ));
        }
        if self.approvers == 0 && self.second != Second::Never {
            return Err(
                "A rule without approvers cannot ask for a second person. Ask for one approver, or for no second \
                 person."
                    .into(),
            );
        }
        Ok(())
    }
}

impl Rule {
    fn approvals(&self) -> Option<String> {
        match self.approvers {
            0 => None,
            1 => Some("1 approval".into()),
            n => Some(format!("{n} approvals")),
        }
    }
}

/// In words: `1 approval required. The author may approve.`
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(approvals) = self.approvals() else {
            return f.write_str("No approval required.");
        };
        let one = if self.approvers == 1 {
            ""
        } else {
            ", one of them"
        };
        write!(f, "{approvals} required")?;
        match self.second {
            Second::Never => f.write_str(". The author may approve."),
            Second::WhenPossible => write!(
                f,
                "{one} by a person who is neither author nor runner, if one is eligible."
            ),
            Second::Always => write!(f, "{one} by a person who is neither author nor runner."),
        }
    }
}

/// What plans take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Plans that can be taken back whole.
    pub undoable: Rule,
    /// Plans that pass a point of no return.
    pub destructive: Rule,
    /// Whether an operator may run a plan without approval, with a reason, and with a review afterwards.
    pub break_glass: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            undoable: Rule {
                approvers: 1,
                second: Second::WhenPossible,
            },
            destructive: Rule {
                approvers: 1,
                second: Second::Always,
            },
            break_glass: true,
        }
    }
}

impl Policy {
    /// What the ledger's entry tells people when it is set for this cluster, or, where that is empty, for everything.
    pub fn subject(&self, cluster: &str) -> String {
        let Self {
            undoable,
            destructive,
            break_glass,
        } = self;
        let whose = if cluster.is_empty() {
            "Default policy"
        } else {
            cluster
        };
        let overrides = if *break_glass {
            "allowed"
        } else {
            "not allowed"
        };
        format!(
            "{whose}. Reversible plans: {undoable} Irreversible plans: {destructive} Break-glass override: {overrides}."
        )
    }

    /// What the ledger's entry is about when it is set.
    pub fn about(&self) -> About {
        About::Policy {
            digest: self.digest(),
        }
    }

    /// What it asks for, as an entry of the ledger has it: SHA-256 of its canonical JSON, 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        sha256_hex(to_canonical_json(self).as_bytes())
    }

    /// Whether `wanted` asks for less than this one in anything: fewer approvals, less of a second person, or a plan
    /// that may run without approval where none may now.
    pub fn is_lowered_by(&self, wanted: &Self) -> bool {
        let lower = |now: Rule, then: Rule| {
            then.approvers < now.approvers || then.second.strength() < now.second.strength()
        };
        lower(self.undoable, wanted.undoable)
            || lower(self.destructive, wanted.destructive)
            || wanted.break_glass && !self.break_glass
    }

    /// The rule for a plan of this weight.
    pub fn rule(&self, weight: Reversibility) -> Rule {
        match weight {
            Reversibility::Undoable => self.undoable,
            Reversibility::Destructive => self.destructive,
        }
    }
}

/// Everything that a judgement rests on. People are named by their accounts' ids.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The rule for the plan's weight.
    pub rule: Rule,
    /// Who made the plan.
    pub author: &'a str,
    /// Who approved exactly this plan.
    pub votes: &'a [String],
    /// Who may approve now: usable accounts with the role. What others said once does not count.
    pub able: &'a [String],
    /// Who could approve until a moment ago, and cannot or does not count now by an act of the author's or the
    /// runner's. They still are somebody else where a rule asks for one as soon as there is one.
    pub taken: &'a [String],
    /// Whose hands accounts are in.
    pub hands: &'a Hands,
    /// Who wants to run it, if anybody does yet.
    pub runner: Option<&'a str>,
}

/// How far a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It may be run. `alone`: nobody but its author or runner agreed.
    Enough {
        /// Nobody but its author or runner agreed.
        alone: bool,
    },
    /// So many more approvals are needed.
    More(u32),
    /// There are enough, and none of them by a second person.
    Second,
}

impl Case<'_> {
    /// Judges.
    pub fn judge(&self) -> Judgement {
        self.judge_once(&OnceCell::new())
    }

    /// Judges; whether a second person is needed is found out once for all judgements that differ in votes alone, since
    /// it may take a look at everybody who may approve.
    fn judge_once(&self, needs_second: &OnceCell<bool>) -> Judgement {
        let counted: Vec<_> = self
            .votes
            .iter()
            .filter(|voter| self.able.contains(voter))
            .collect();
        // Accounts that may be one person count once.
        let people = self
            .hands
            .people(counted.iter().map(|voter| voter.as_str()));
        let votes = u32::try_from(people).unwrap_or(u32::MAX);
        if votes < self.rule.approvers {
            return Judgement::More(self.rule.approvers - votes);
        }
        let by_another = counted.iter().any(|voter| self.is_another(voter));
        if !by_another && *needs_second.get_or_init(|| self.needs_second()) {
            return Judgement::Second;
        }
        Judgement::Enough { alone: !by_another }
    }

    /// Judges whether `runner` may run it. A rule asks for somebody else than the author, whoever runs it.
    pub fn judge_run(&self, runner: &str) -> Judgement {
        match self.judge() {
            Judgement::Enough { .. } => {
                let runner = Some(runner);
                Case { runner, ..*self }.judge()
            }
            short => short,
        }
    }

    /// Whether the rule asks for a second person, as things are.
    pub fn needs_second(&self) -> bool {
        match self.rule.second {
            Second::Never => false,
            Second::Always => true,
            Second::WhenPossible => {
                let taken =
                    |person: &String| person != self.author && Some(person.as_str()) != self.runner;
                self.able.iter().any(|person| self.is_another(person))
                    || self.taken.iter().any(taken)
            }
        }
    }

    /// Whether this person's approval would bring the plan further: not twice, and not one's own where that does
    /// not help.
    pub fn helps(&self, person: &str) -> bool {
        let needs_second = OnceCell::new();
        self.able.iter().any(|able| able == person)
            && self.further(self.judge_once(&needs_second), person, &needs_second)
    }

    /// Those of `able` whose approval would bring the plan further, in their order. Judged once for all of them.
    pub fn who_helps<'b>(&'b self) -> impl Iterator<Item = &'b str> + use<'b> {
        let needs_second = OnceCell::new();
        let judgement = self.judge_once(&needs_second);
        let able = self.able.iter().map(String::as_str);
        able.filter(move |person| self.further(judgement, person, &needs_second))
    }

    /// Whether the approval of one who may approve would bring a plan that is so far any further.
    fn further(&self, judgement: Judgement, person: &str, needs_second: &OnceCell<bool>) -> bool {
        if self.votes.iter().any(|voter| voter == person) {
            return false;
        }
        match judgement {
            Judgement::Enough { .. } => false,
            Judgement::Second => self.is_another(person),
            // One's own alone would change nothing where one approver is enough and must be another; nor does one of
            // somebody who may be one with another voter.
            Judgement::More(missing) => {
                let mut votes = self.votes.to_vec();
                votes.push(person.to_owned());
                let then = Case {
                    votes: &votes,
                    ..*self
                };
                match then.judge_once(needs_second) {
                    Judgement::Enough { .. } => true,
                    Judgement::More(then) => then < missing,
                    Judgement::Second => false,
                }
            }
        }
    }

    fn is_another(&self, person: &str) -> bool {
        let is = |other: &str| self.hands.may_be_one(person, other);
        !is(self.author) && !self.runner.is_some_and(is)
    }
}

/// What let a plan be run, as it was judged when its job began: kept in the job's journal, because rules and people
/// change, and whoever asks later asks about that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The plan's weight.
    pub weight: Reversibility,
    /// The rule that was in force for it.
    pub rule: Rule,
    /// Who made the plan.
    pub author: Person,
    /// Who ran it.
    pub runner: Person,
    /// Who could have approved.
    pub able: Vec<Person>,
    /// Who could have until an act of the author's or the runner's, by the accounts' ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<String>,
    /// Whose hands accounts were in.
    #[serde(default, skip_serializing_if = "Hands::is_empty")]
    pub hands: Hands,
    /// Who did.
    pub votes: Vec<Vote>,
    /// The policy that the rule is of. Absent where none was ever set and the usual one counted, and in journals of
    /// versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyInForce>,
    /// Set when it was run without approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glass: Option<BreakGlass>,
    /// The plan's warnings that the runner accepted: those which no approval had accepted, at least. Absent in journals
    /// of versions that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Vec<AcceptedWarning>>,
}

/// A policy that somebody set, and that was in force then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInForce {
    /// The cluster it is for; empty for all that have none of their own.
    pub cluster: String,
    /// What it says.
    pub policy: Policy,
    /// Who set it.
    pub by: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The entry of the ledger that opened the act; absent where it was not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

impl PolicyInForce {
    /// What the ledger's entry says of it: all of it, for it decides what everything else was worth.
    pub fn subject(&self) -> String {
        self.policy.subject(&self.cluster)
    }
}

/// An account, then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The account's id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Somebody's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Whose.
    pub by: Person,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The hash of the plan that was read.
    pub plan_hash: String,
    /// The plan's warnings that were accepted with it. Absent where a version took it that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Vec<AcceptedWarning>>,
}

/// A glass that was broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// The id of its review.
    pub review: String,
    /// Who broke it.
    pub by: Person,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Why, in that person's words.
    pub reason: String,
    /// The plan's warnings that were accepted with it. Absent where a version took it that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Vec<AcceptedWarning>>,
}

impl Authorization {
    /// Judges the approvals again, as the server did: of those, only approvals of this plan's hash count. A broken
    /// glass is not looked at.
    pub fn judge(&self, plan_hash: &str) -> Judgement {
        let ids = |people: &[Person]| people.iter().map(|p| p.id.clone()).collect::<Vec<_>>();
        let votes: Vec<_> = self
            .votes
            .iter()
            .filter(|vote| vote.plan_hash == plan_hash)
            .map(|vote| vote.by.id.clone())
            .collect();
        let case = Case {
            rule: self.rule,
            author: &self.author.id,
            votes: &votes,
            able: &ids(&self.able),
            taken: &self.taken,
            hands: &self.hands,
            runner: None,
        };
        case.judge_run(&self.runner.id)
    }
}
