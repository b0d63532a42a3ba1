//! A recovery, whole: made by the code that a console runs, for tests to spoil.

use std::collections::HashMap;

use super::{JobFacts, LedgerFacts, ReviewFacts, Sources};
use crate::approval::{
    Authorization, BreakGlass, Person, Policy, PolicyInForce, Reversibility, Rule, Second, Vote,
    accepted,
};
use crate::canonical::sha256_hex;
use crate::etcd::recovery::restore::NativeSource;
use crate::etcd::recovery::restore::samples::{observation, request};
use crate::finding::{Check, Outcome as Seen};
use crate::job::events::{
    Body, Choice, EndState, Event, Failure, Kept, KeptEntry, KeptFolder, Question, StepOutcome,
    Then,
};
use crate::ledger::about::About;
use crate::ledger::checkpoint::{Checkpoint, SigningKey};
use crate::ledger::entry::{CONSOLE, Draft, Entry, Outcome, Place, act};
use crate::ledger::merkle::{Frontier, Hash, Hashes, Node, inclusion_path, leaf_hash, prove};
use crate::plan::Seal;
use crate::recovery::{self, Observation, Plan, Request};

/// When it all begins.
pub(super) const START: i64 = 1_795_000_000_000;
const JOB: &str = "3f9ac27c11d04b6e";

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("requorum/ledger/sample", [seed; 32]).unwrap()
}

/// A restore that leaves authentication on: one warning to accept.
pub(super) fn plan() -> Plan {
    plan_from(NativeSource::AsItIs)
}

/// The same from a file of which etcd's own tools think so.
fn plan_from(native: NativeSource) -> Plan {
    let seal = Seal {
        id: "c0ffee".to_owned(),
        author: "Anna K.".to_owned(),
        sealed_at: "2026-11-18T11:00:00Z".to_owned(),
        cluster: String::new(),
    };
    let request = Request::EtcdRestore(request());
    let mut observation = observation();
    (observation.source.auth_enabled, observation.source.users) = (true, 2);
    observation.source.native = native;
    recovery::plan(&request, &Observation::EtcdRestore(observation), seal).unwrap()
}

fn person(name: &str) -> Person {
    Person {
        id: format!("id of {name}"),
        name: name.into(),
    }
}

/// A ledger that grows.
#[derive(Default)]
pub(super) struct Books {
    frontier: Frontier,
    nodes: HashMap<Node, Hash>,
    entries: Vec<Entry>,
    now: i64,
}

impl Hashes for Books {
    fn hash(&self, node: Node) -> Option<Hash> {
        self.nodes.get(&node).copied()
    }
}

impl Books {
    pub(super) fn new() -> Self {
        Self {
            now: START,
            ..Self::default()
        }
    }

    fn write(&mut self, make: impl FnOnce(Place) -> Entry) -> u64 {
        let place = Place {
            index: self.entries.len() as u64,
            at_ms: self.now,
            previous_ms: None,
        };
        self.now += 250;
        self.push(make(place));
        place.index
    }

    fn push(&mut self, entry: Entry) {
        let leaf = leaf_hash(entry.canonical_json().as_bytes());
        let nodes = &mut self.nodes;
        self.frontier.push(leaf, |node, hash| {
            nodes.insert(node, hash);
        });
        self.entries.push(entry);
    }

    /// The ledger as it would be if its entries had been written otherwise.
    pub(super) fn rewrite(&mut self, edit: impl Fn(&mut Entry)) {
        let entries = std::mem::take(&mut self.entries);
        (self.frontier, self.nodes) = Default::default();
        for mut entry in entries {
            edit(&mut entry);
            self.push(entry);
        }
    }

    /// Something else that goes on in the console.
    pub(super) fn noise(&mut self) {
        let draft = Draft {
            who: "Carl".into(),
            act: act::LOGIN.into(),
            ..Draft::default()
        };
        self.write(|place| Entry::noted(place, &draft, Outcome::Done, ""));
    }

    /// An act, opened and closed.
    pub(super) fn act(&mut self, draft: &Draft, outcome: Outcome) {
        let opened = self.write(|place| Entry::opened(place, draft));
        self.write(|place| Entry::closed(place, draft, opened, outcome, ""));
    }

    /// What a dossier takes of it.
    pub(super) fn facts(&self, key: &SigningKey, plan_hash: &str) -> LedgerFacts {
        let size = self.frontier.size();
        let checkpoint = Checkpoint {
            origin: key.verifying().name().to_owned(),
            size,
            root: self.frontier.root(),
        };
        LedgerFacts {
            entries: self
                .entries
                .iter()
                .filter(|entry| {
                    entry.plan.as_deref() == Some(plan_hash) || entry.act == act::POLICY_SET
                })
                .map(|entry| {
                    let path = prove(&inclusion_path(entry.index, size), self).unwrap();
                    (entry.index, entry.canonical_json().into_bytes(), path)
                })
                .collect(),
            checkpoint: checkpoint.sign(key),
            left_out: 0,
        }
    }
}

/// A job as it goes: its journal and its ledger.
pub(super) struct Run {
    pub(super) books: Books,
    pub(super) plan: Plan,
    pub(super) hash: String,
    pub(super) events: Vec<Event>,
    review: Option<ReviewFacts>,
}

impl Run {
    /// Sealed by Anna and approved by Ben, or with the glass broken; and started by Anna.
    pub(super) fn started(glass: bool) -> Self {
        Self::started_as(glass, Outcome::Done, false)
    }

    /// The same with this end of Ben's approval, and under a policy that Carl set.
    pub(super) fn started_as(glass: bool, approved: Outcome, policy: bool) -> Self {
        Self::of(plan(), glass, approved, policy)
    }

    /// The restore of a file that needs this for etcd's own tools, approved and started.
    pub(super) fn started_from(native: NativeSource) -> Self {
        Self::of(plan_from(native), false, Outcome::Done, false)
    }

    fn of(plan: Plan, glass: bool, approved: Outcome, policy: bool) -> Self {
        let (run, grounds) = Self::begun(plan, glass, approved, policy);
        run.start(grounds)
    }

    /// Until it may be started, and on what grounds it then is.
    fn begun(plan: Plan, glass: bool, approved: Outcome, policy: bool) -> (Self, Authorization) {
        let hash = plan.hash();
        let mut run = Self {
            books: Books::new(),
            hash,
            plan,
            events: Vec::new(),
            review: None,
        };
        run.books.noise();
        run.by("Anna K.", act::PLAN_SEAL, None, Outcome::Done);
        let mut grounds = Authorization {
            weight: Reversibility::Undoable,
            rule: Rule {
                approvers: 1,
                second: Second::WhenPossible,
            },
            author: person("Anna K."),
            runner: person("Anna K."),
            able: vec![person("Anna K."), person("Ben")],
            taken: Vec::new(),
            hands: Default::default(),
            votes: Vec::new(),
            policy: None,
            glass: None,
            accepted: Some(Vec::new()),
        };
        let warnings = accepted::warnings(&run.plan.report);
        if glass {
            run.by("Anna K.", act::PLAN_BREAK_GLASS, None, Outcome::Done);
            grounds.glass = Some(BreakGlass {
                review: "r1".into(),
                by: person("Anna K."),
                at_ms: START + 3000,
                reason: "prod is down & Ben sleeps <since 1 a.m.>".into(),
                accepted: Some(warnings),
            });
            run.review = Some(ReviewFacts {
                id: "r1".into(),
                closed_by: String::new(),
                closed_at_ms: 0,
                note: String::new(),
            });
        } else {
            run.by("Ben", act::PLAN_APPROVE, None, approved);
            grounds.votes.push(Vote {
                by: person("Ben"),
                at_ms: START + 3000,
                plan_hash: run.hash.clone(),
                accepted: Some(warnings),
            });
        }
        if policy {
            let mut set = PolicyInForce {
                cluster: String::new(),
                policy: Policy::default(),
                by: "Carl".into(),
                at_ms: START,
                entry: None,
            };
            let draft = Draft {
                who: set.by.clone(),
                act: act::POLICY_SET.into(),
                subject: set.subject(),
                about: Some(set.policy.about()),
                ..Draft::default()
            };
            set.entry = Some(run.books.entries.len() as u64);
            run.books.act(&draft, Outcome::Done);
            grounds.policy = Some(set);
        }
        (run, grounds)
    }

    fn start(mut self, grounds: Authorization) -> Self {
        self.books.noise();
        self.by("Anna K.", act::JOB_START, None, Outcome::Done);
        self.event(Body::Started {
            by: "Anna K.".into(),
            grounds: Some(Box::new(grounds)),
        });
        self.event(Body::Adopted {
            reason: "start".into(),
        });
        self
    }

    pub(super) fn event(&mut self, body: Body) {
        self.books.now += 1000;
        let seq = self.events.len() as u64 + 1;
        let event = Event::new(seq, self.books.now, body.into());
        self.events.push(event);
    }

    fn by(&mut self, who: &str, act: &str, step: Option<u32>, outcome: Outcome) {
        let subject = match step {
            Some(n) => format!("step {n} of 6: {}", self.plan.steps[n as usize - 1].title),
            None if matches!(act, act::PLAN_APPROVE | act::PLAN_BREAK_GLASS) => {
                accepted::subject(&self.plan.id, &accepted::warnings(&self.plan.report))
            }
            None => format!("plan {}", self.plan.id),
        };
        let about = match step {
            Some(number) => About::Step { number },
            None if matches!(act, act::PLAN_APPROVE | act::PLAN_BREAK_GLASS) => {
                accepted::about(&self.plan.id, &accepted::warnings(&self.plan.report))
            }
            None if act == act::JOB_ANSWER => About::answer("q1", "retry"),
            None => About::plan(&self.plan.id),
        };
        let draft = Draft {
            who: who.into(),
            who_id: None,
            from: CONSOLE.into(),
            act: act.into(),
            subject,
            about: Some(about),
            job: act.starts_with("job.").then(|| JOB.into()),
            plan: Some(self.hash.clone()),
            cluster: None,
        };
        self.books.act(&draft, outcome);
    }

    pub(super) fn step(&mut self, step: u32, outcome: StepOutcome) {
        self.event(Body::StepStarted { step });
        self.event(Body::StepLog {
            step,
            line: format!("a line of step {step}"),
        });
        let how = match outcome {
            StepOutcome::Failed { .. } => Outcome::Failed,
            _ => Outcome::Done,
        };
        self.by("Anna K.", act::JOB_STEP, Some(step), how);
        self.event(Body::StepEnded { step, outcome });
    }

    /// All steps, the fourth only at the second attempt.
    pub(super) fn over(mut self) -> Self {
        let done = || StepOutcome::Done {
            evidence: "It was seen.".into(),
        };
        for step in 1..=3 {
            self.step(step, done());
        }
        let error = "The disk was full: 0 of 3 members fit.".to_owned();
        self.step(
            4,
            StepOutcome::Failed {
                error: error.clone(),
                failure: Failure::Ask,
            },
        );
        self.event(Body::Asked {
            question: Question {
                id: "q1".into(),
                step: 4,
                text: "Step 4 failed. What now?".into(),
                evidence: error,
                choices: vec![Choice {
                    id: "retry".into(),
                    label: "Try again".into(),
                    consequence: "It looks again.".into(),
                    then: Then::Retry,
                    confirm: None,
                }],
            },
        });
        self.books.now += 65_000;
        self.by("Ben", act::JOB_ANSWER, None, Outcome::Done);
        self.event(Body::Answered {
            question: "q1".into(),
            choice: "retry".into(),
            by: "Ben".into(),
        });
        self.step(4, done());
        self.event(Body::Verified {
            checks: vec![
                Check::new("every file is as it was built", Seen::Pass, "31 files."),
                Check::new(
                    "HashKV is equal on all members",
                    Seen::NotChecked,
                    "No etcd 3.6 is here.",
                ),
            ],
        });
        self.step(5, done());
        self.step(6, done());
        let sentence = self.plan.outcome.clone();
        self.event(Body::Ended {
            state: EndState::Completed,
            sentence,
        });
        self.books.noise();
        self
    }

    /// Ben ticks a step of the hand-over.
    pub(super) fn handed_over(mut self, step: &str, note: &str) -> Self {
        self.by("Ben", act::JOB_HAND_OVER, None, Outcome::Done);
        self.event(Body::HandedOver {
            step: step.into(),
            by: "Ben".into(),
            note: note.into(),
        });
        self
    }

    /// Ben does this to the plan before it is run.
    pub(super) fn started_after(glass: bool, act: &str, outcome: Outcome) -> Self {
        let (mut run, grounds) = Self::begun(plan(), glass, Outcome::Done, false);
        run.by("Ben", act, None, outcome);
        run.start(grounds)
    }

    /// What stays is written down, as it is just before the end.
    pub(super) fn kept(mut self) -> Self {
        let folder = KeptFolder {
            path: "/srv/restores/prod".into(),
            bytes: 3 << 20,
            entries: vec![KeptEntry {
                folder: true,
                device: "8:1".into(),
                inode: "7".into(),
                born: "1700000000.000000001".into(),
                ..KeptEntry::default()
            }],
        };
        let end = self.events.pop().expect("it has ended");
        self.event(Body::Kept {
            kept: Kept {
                folders: vec![folder],
                archives: Vec::new(),
            },
        });
        self.event(end.body);
        self
    }

    /// Ben has it removed.
    pub(super) fn removed(mut self) -> Self {
        self.by("Ben", act::JOB_REMOVE_LEFTOVERS, None, Outcome::Done);
        let paths = vec!["/srv/restores/prod".to_owned()];
        self.event(Body::RemovalBegun {
            by: "Ben".into(),
            paths: paths.clone(),
        });
        self.event(Body::LeftoversRemoved {
            by: "Ben".into(),
            paths,
        });
        self
    }

    /// Somebody closes the review.
    pub(super) fn reviewed(mut self) -> Self {
        self.by("Ben", act::REVIEW_CLOSE, None, Outcome::Done);
        if let Some(review) = &mut self.review {
            review.closed_by = "Ben".into();
            review.closed_at_ms = self.books.now;
            review.note = "It was right to do so.".into();
        }
        self
    }

    pub(super) fn sources(&self, key: &SigningKey) -> Sources {
        Sources {
            console: "requorum 1.0.0".into(),
            job: JobFacts {
                id: JOB.into(),
                plan_json: self.plan.canonical_json(),
                events: self.events.clone(),
            },
            remark: String::new(),
            review: self.review.clone(),
            inspections_json: Vec::new(),
            ledger: self
                .books
                .facts(key, &sha256_hex(self.plan.canonical_json().as_bytes())),
        }
    }
}
