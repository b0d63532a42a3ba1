use std::sync::Arc;

use requorum_shared::ledger::checkpoint::SigningKey;
use requorum_shared::ledger::entry::Draft;
use tempfile::TempDir;

use super::super::recorder::Ledger;
use super::super::status::OpenActs;
use super::*;
use crate::clock::ManualClock;
use crate::db::{At, Database};

/// A ledger in a file, and the file.
struct Fixture {
    _dir: TempDir,
    db: Database,
    ledger: Ledger,
}

impl Fixture {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = At::File(dir.path().join("db"));
        let db = Database::open(&at).await.unwrap();
        let key = SigningKey::from_seed("requorum/ledger/test", [3; 32]).unwrap();
        let clock = Arc::new(ManualClock::new(1_000_000));
        let ledger = Ledger::take_up(Arc::new(db.clone()), key, clock, OpenActs::Orphaned);
        Self {
            _dir: dir,
            db,
            ledger: ledger.await.unwrap(),
        }
    }

    /// An act on this plan that comes out so; gives the index of its entry.
    async fn act(&self, act: &str, plan: &str, outcome: Outcome) -> u64 {
        let draft = Draft {
            who: "anna".into(),
            act: act.into(),
            plan: Some(plan.into()),
            ..Draft::default()
        };
        let opened = self.ledger.open(draft).await.unwrap();
        let index = opened.index();
        opened.close(outcome, "").await;
        index
    }

    /// The newest decision about plan `p`, and how it came out.
    async fn newest(&self, since: u64) -> Result<Option<(u64, Option<Outcome>)>, LookupError> {
        let of_plan = |act: &ProvenAct| act.opened.plan.as_deref() == Some("p");
        let found = self.ledger.newest_decision(since, of_plan).await?;
        Ok(found.map(|act| (act.opened.index, act.outcome())))
    }

    async fn changed(&self, since: u64) -> u64 {
        match self.newest(since).await.unwrap_err() {
            LookupError::Changed(index) => index,
            other => panic!("{other}"),
        }
    }
}

const DONE: Option<Outcome> = Some(Outcome::Done);

#[tokio::test]
async fn the_newest_that_came_to_something() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.newest(0).await.unwrap(), None);
    let seal = fixture.act(act::PLAN_SEAL, "p", Outcome::Done).await;
    assert_eq!(fixture.newest(0).await.unwrap(), None);
    let rejected = fixture.act(act::PLAN_REJECT, "p", Outcome::Done).await;
    for outcome in [Outcome::Failed, Outcome::Refused] {
        fixture.act(act::PLAN_WITHDRAW, "p", outcome).await;
    }
    fixture.act(act::PLAN_REJECT, "q", Outcome::Done).await;
    let note = Draft {
        act: act::PLAN_REJECT.into(),
        plan: Some("p".into()),
        ..Draft::default()
    };
    let noted = fixture.ledger.note(note.clone(), Outcome::Refused, "");
    noted.await.unwrap();
    let newest = fixture.newest(seal).await.unwrap();
    assert_eq!(newest, Some((rejected, DONE)));
    assert_eq!(fixture.newest(rejected + 1).await.unwrap(), None);
    // One that is under way may still come out as done.
    let opened = fixture.ledger.open(note).await.unwrap();
    let index = opened.index();
    assert_eq!(fixture.newest(0).await.unwrap(), Some((index, None)));
    opened.close(Outcome::Failed, "").await;
    let newest = fixture.newest(seal).await.unwrap();
    assert_eq!(newest, Some((rejected, DONE)));
}

#[tokio::test]
async fn more_entries_than_are_read_at_once() {
    let fixture = Fixture::new().await;
    let rejected = fixture.act(act::PLAN_REJECT, "p", Outcome::Done).await;
    let many = async |fixture: &Fixture, count: u64| {
        let draft = Draft {
            act: act::LOGIN.into(),
            ..Draft::default()
        };
        let notes = (0..count).map(|_| fixture.ledger.note(draft.clone(), Outcome::Done, ""));
        futures_util::future::try_join_all(notes).await.unwrap();
    };
    many(&fixture, 2 * AT_ONCE).await;
    assert_eq!(fixture.newest(0).await.unwrap(), Some((rejected, DONE)));
    many(&fixture, AT_ONCE).await;
    let later = fixture.act(act::PLAN_WITHDRAW, "p", Outcome::Done).await;
    assert_eq!(fixture.newest(0).await.unwrap(), Some((later, DONE)));
}

#[tokio::test]
async fn what_a_row_is_found_by_decides_nothing() {
    let fixture = Fixture::new().await;
    let rejected = fixture.act(act::PLAN_REJECT, "p", Outcome::Done).await;
    fixture
        .db
        .tamper("UPDATE ledger_entries SET act = 'login', plan = NULL, who = '', closes = NULL")
        .await;
    assert_eq!(fixture.newest(0).await.unwrap(), Some((rejected, DONE)));
    // What was read once stays known.
    let change = "UPDATE ledger_entries SET canonical = x'00'";
    fixture.db.run(change).await.unwrap();
    assert_eq!(fixture.newest(0).await.unwrap(), Some((rejected, DONE)));
}

#[tokio::test]
async fn a_changed_entry_may_have_been_any_later_decision() {
    let fixture = Fixture::new().await;
    let change = "UPDATE ledger_entries SET canonical = x'00' WHERE idx = 3";
    for _ in 0..3 {
        fixture.act(act::LOGIN, "p", Outcome::Done).await;
    }
    fixture.db.tamper(change).await;
    assert_eq!(fixture.changed(0).await, 3);
    assert_eq!(fixture.changed(3).await, 3);
    assert_eq!(fixture.newest(4).await.unwrap(), None);
    let rejected = fixture.act(act::PLAN_REJECT, "p", Outcome::Done).await;
    assert_eq!(fixture.newest(0).await.unwrap(), Some((rejected, DONE)));
}

#[tokio::test]
async fn a_tree_that_does_not_lead_to_the_checkpoint_proves_nothing() {
    for (tampered, missing) in [
        (
            "UPDATE ledger_entries SET leaf = zeroblob(32) WHERE idx = 3",
            None,
        ),
        ("DELETE FROM ledger_entries WHERE idx = 4", Some(4)),
        // An entry that was never signed, with the hash that goes with it.
        (
            "UPDATE ledger_entries SET (canonical, leaf) = \
             (SELECT canonical, leaf FROM ledger_entries WHERE idx = 1) WHERE idx = 3",
            None,
        ),
    ] {
        let fixture = Fixture::new().await;
        for _ in 0..2 {
            fixture.act(act::PLAN_REJECT, "p", Outcome::Done).await;
        }
        fixture.db.tamper(tampered).await;
        match (fixture.newest(0).await.unwrap_err(), missing) {
            (LookupError::Tree, None) => {}
            (LookupError::Changed(index), Some(missing)) => assert_eq!(index, missing),
            (other, _) => panic!("{tampered}: {other}"),
        }
    }
}
