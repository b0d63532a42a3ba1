//! The rows of the ledger.

use bytes::Bytes;
use requorum_server::db::Database;
use requorum_server::ledger::carrying_out;
use requorum_server::ledger::store::{
    ActOutcome, Batch, Columns, Effect, Filter, LedgerStore as _, NewEntry, NewNode,
};
use requorum_server::plans::approvals::{PolicyChanged, SetPolicy};
use requorum_shared::approval::Policy;
use requorum_shared::ledger::entry::{Draft, Entry, Outcome, Phase, Place};
use requorum_shared::ledger::merkle::{Hash, leaf_hash};

use super::plans::change_policy;
use super::{Store, stories};

/// What happens at an index: an act of `who` begins, or the one at another index ends.
pub(super) fn entry(index: u64, who: &str, closes: Option<u64>) -> NewEntry {
    let draft = Draft {
        who: who.into(),
        act: "plan.seal".into(),
        subject: "a plan".into(),
        // Absent in one, present in the other: both go through the same statement.
        cluster: index.is_multiple_of(2).then(|| "prod".into()),
        job: (!index.is_multiple_of(2)).then(|| "j".into()),
        ..Draft::default()
    };
    let place = Place {
        index,
        at_ms: 1000 + index as i64,
        previous_ms: None,
    };
    new(match closes {
        Some(opened) => Entry::closed(place, &draft, opened, Outcome::Done, ""),
        None => Entry::opened(place, &draft),
    })
}

fn new(entry: Entry) -> NewEntry {
    let canonical = Bytes::from(entry.canonical_json());
    NewEntry {
        leaf: leaf_hash(&canonical),
        entry,
        canonical,
    }
}

pub(super) fn batch(writer: &str, entries: Vec<NewEntry>) -> Batch {
    let size = entries.last().map_or(0, |last| last.entry.index + 1);
    Batch {
        entries,
        nodes: Vec::new(),
        size,
        note: format!("note of {size}"),
        writer: writer.into(),
    }
}

/// Takes the turn to write, and writes.
pub(super) async fn append(db: &Database, batch: &Batch) -> anyhow::Result<()> {
    db.turn().await?.append(batch).await
}

async fn it_begins_and_grows(store: &Store) {
    let db = &store.db;
    assert_eq!(db.head().await.unwrap(), None);
    // More than one statement's worth.
    let entries: Vec<_> = (0..600).map(|index| entry(index, "anna", None)).collect();
    let nodes = [0, 1].map(|index| NewNode {
        level: 1,
        index,
        hash: Hash([index as u8; 32]),
    });
    let first = Batch {
        nodes: nodes.to_vec(),
        ..batch("one", entries.clone())
    };
    append(db, &first).await.unwrap();
    let head = db.head().await.unwrap().unwrap();
    assert_eq!(
        (head.size, head.end, head.note.as_str()),
        (600, 600, "note of 600")
    );
    let read = db.entries(599, u64::MAX).await.unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].canonical, entries[599].canonical);
    let leaves = db.leaves(1, 2).await.unwrap();
    assert_eq!(leaves, [entries[1].leaf, entries[2].leaf]);
    assert_eq!(
        db.nodes(1, 0, 9).await.unwrap(),
        nodes.map(|node| node.hash)
    );
    assert!(db.nodes(2, 0, 9).await.unwrap().is_empty());
}

async fn turns_are_taken_one_after_the_other(store: &Store) {
    let db = &store.db;
    let other = store.again().await;
    let write = async |db: &Database, who: &str| {
        for _ in 0..20 {
            let turn = db.turn().await.unwrap();
            let next = entry(turn.end(), who, None);
            // Long enough for the other to come in between, if it could.
            tokio::task::yield_now().await;
            turn.append(&batch(who, vec![next])).await.unwrap();
        }
    };
    tokio::join!(write(db, "anna"), write(&other, "bob"), write(db, "carl"));
    assert_eq!(db.entries(0, 100).await.unwrap().len(), 60);
    // A turn that is not used is over.
    drop(db.turn().await.unwrap());
    assert_eq!(other.turn().await.unwrap().end(), 60);
    // All of a batch or nothing: the first of these would have had room.
    let torn = batch(
        "one",
        vec![entry(60, "anna", None), entry(59, "anna", None)],
    );
    append(db, &torn).await.unwrap_err();
    assert_eq!(db.head().await.unwrap().unwrap().end, 60);
}

async fn what_is_open_is_closed_once(store: &Store) {
    let db = &store.db;
    let entries = vec![entry(0, "anna", None), entry(1, "bob", None)];
    append(db, &batch("one", entries)).await.unwrap();
    append(db, &batch("two", vec![entry(2, "carl", None)]))
        .await
        .unwrap();
    let open = async |writer: Option<&str>| {
        let open = db.open_acts(writer).await.unwrap();
        open.iter().map(|stored| stored.index).collect::<Vec<_>>()
    };
    assert_eq!(open(None).await, [0, 1, 2]);
    assert_eq!(open(Some("one")).await, [0, 1]);
    append(db, &batch("two", vec![entry(3, "anna", Some(0))]))
        .await
        .unwrap();
    assert_eq!(open(None).await, [1, 2]);
    append(db, &batch("one", vec![entry(4, "anna", Some(0))]))
        .await
        .unwrap_err();
    assert_eq!(db.head().await.unwrap().unwrap().end, 4);
    let listed = db
        .list(&Filter {
            limit: 10,
            acts_only: true,
            ..Filter::default()
        })
        .await
        .unwrap();
    let closed: Vec<_> = listed
        .iter()
        .map(|s| (s.index, s.closing.is_some()))
        .collect();
    assert_eq!(closed, [(2, false), (1, false), (0, true)]);
    let end: Entry = serde_json::from_slice(listed[2].closing.as_ref().unwrap()).unwrap();
    assert_eq!((end.phase, end.closes), (Phase::Closed, Some(0)));
}

async fn lists_are_filtered(store: &Store) {
    let db = &store.db;
    let entries = (0..10).map(|index| entry(index, if index < 5 { "anna" } else { "bob" }, None));
    append(db, &batch("one", entries.collect())).await.unwrap();
    let all = Filter {
        limit: 100,
        ..Filter::default()
    };
    let list = async |filter: Filter| {
        let listed = db.list(&filter).await.unwrap();
        listed.iter().map(|stored| stored.index).collect::<Vec<_>>()
    };
    let text = |text: &str| text.to_owned();
    assert_eq!(
        list(Filter {
            who: text("bob"),
            ..all.clone()
        })
        .await,
        [9, 8, 7, 6, 5]
    );
    assert_eq!(
        list(Filter {
            cluster: text("prod"),
            limit: 2,
            ..all.clone()
        })
        .await,
        [8, 6]
    );
    assert_eq!(
        list(Filter {
            job: text("j"),
            before: Some(4),
            ..all.clone()
        })
        .await,
        [3, 1]
    );
    assert_eq!(
        list(Filter {
            from_ms: Some(1003),
            until_ms: Some(1005),
            ..all.clone()
        })
        .await,
        [4, 3]
    );
    assert!(
        list(Filter {
            act: text("nothing"),
            ..all.clone()
        })
        .await
        .is_empty()
    );
    assert!(
        list(Filter {
            plan: text("p"),
            ..all
        })
        .await
        .is_empty()
    );
}

async fn acts_are_found_by_how_they_came_out(store: &Store) {
    let db = &store.db;
    let place = |index| Place {
        index,
        at_ms: 1000 + index as i64,
        previous_ms: None,
    };
    let draft = |who: &str| Draft {
        who: who.into(),
        // What a text says is no outcome.
        subject: r#"{"outcome":"refused"}"#.into(),
        ..Draft::default()
    };
    let (anna, bob) = (draft("anna"), draft("bob"));
    let mut entries = vec![
        Entry::opened(place(0), &anna),
        Entry::opened(place(1), &bob),
        Entry::noted(place(2), &bob, Outcome::Refused, ""),
        Entry::closed(place(3), &bob, 1, Outcome::Done, ""),
        Entry::opened(place(4), &anna),
        Entry::closed(place(5), &anna, 4, Outcome::Failed, ""),
        Entry::closed(place(6), &anna, 0, Outcome::Done, ""),
        Entry::opened(place(7), &bob),
        Entry::opened(place(8), &anna),
        Entry::closed(place(9), &anna, 8, Outcome::Unknown, ""),
        Entry::noted(place(10), &anna, Outcome::Done, ""),
    ];
    entries.push(Entry::opened(place(11), &anna));
    let mut entries: Vec<_> = entries.into_iter().map(new).collect();
    // What is no entry, as someone who has the database may have made it, is in the way of no list.
    entries[11].canonical = Bytes::from_static(b"\xff{not an entry");
    append(db, &batch("one", entries)).await.unwrap();
    let list = async |filter: Filter| {
        let listed = db.list(&filter).await.unwrap();
        let of = listed.iter();
        of.map(|stored| (stored.index, stored.closing.is_some()))
            .collect::<Vec<_>>()
    };
    let came_out = |outcome| Filter {
        limit: 100,
        outcome: Some(outcome),
        ..Filter::default()
    };
    let ended = |outcome| came_out(ActOutcome::Ended(outcome));
    let done = ended(Outcome::Done);
    assert_eq!(
        list(done.clone()).await,
        [(10, false), (1, true), (0, true)]
    );
    assert_eq!(list(ended(Outcome::Failed)).await, [(4, true)]);
    assert_eq!(list(ended(Outcome::Refused)).await, [(2, false)]);
    assert_eq!(list(ended(Outcome::Unknown)).await, [(8, true)]);
    assert_eq!(
        list(came_out(ActOutcome::Open)).await,
        [(11, false), (7, false)]
    );
    // With the other filters, and page by page.
    let of_anna = Filter {
        who: "anna".into(),
        ..done.clone()
    };
    assert_eq!(list(of_anna).await, [(10, false), (0, true)]);
    let first = Filter {
        limit: 2,
        ..done.clone()
    };
    assert_eq!(list(first).await, [(10, false), (1, true)]);
    let next = Filter {
        before: Some(1),
        ..done
    };
    assert_eq!(list(next).await, [(0, true)]);
    let open_of_bob = Filter {
        who: "bob".into(),
        before: Some(11),
        ..came_out(ActOutcome::Open)
    };
    assert_eq!(list(open_of_bob).await, [(7, false)]);
}

async fn what_an_act_led_to_is_known_while_it_is_open(store: &Store) {
    let db = &store.db;
    let entries = vec![entry(0, "anna", None), entry(1, "bob", None)];
    append(db, &batch("one", entries)).await.unwrap();
    let policy = SetPolicy {
        cluster: "prod".into(),
        policy: Policy::default(),
        by: "anna".into(),
        at_ms: 1,
        entry: Some(0),
    };
    let set = || change_policy(store, "prod", Some(&policy));
    assert_eq!(carrying_out(0, set()).await, PolicyChanged::Done);
    // What is done twice in one act is one effect; what is done in none is no effect.
    assert_eq!(carrying_out(0, set()).await, PolicyChanged::Done);
    assert_eq!(set().await, PolicyChanged::Done);
    // What was not there to be taken away had no effect.
    let none = carrying_out(1, change_policy(store, "test", None));
    assert_eq!(none.await, PolicyChanged::Missing);
    let effect = Effect {
        index: 0,
        ..Effect::default()
    };
    assert_eq!(db.effects().await.unwrap(), [effect]);
    append(db, &batch("one", vec![entry(2, "anna", Some(0))]))
        .await
        .unwrap();
    assert_eq!(db.effects().await.unwrap(), []);
}

async fn entries_are_found_by_what_they_say(store: &Store) {
    let db = &store.db;
    let entries = vec![
        entry(0, "anna", None),
        entry(1, "bob", None),
        entry(2, "anna", Some(0)),
    ];
    append(db, &batch("one", entries.clone())).await.unwrap();
    let said: Vec<_> = entries.iter().map(|new| Columns::of(&new.entry)).collect();
    assert_eq!(db.columns(0, 10).await.unwrap(), said);
    assert_eq!(db.columns(1, 1).await.unwrap(), said[1..2]);
    let nowhere = Filter {
        no_cluster: true,
        limit: 10,
        ..Filter::default()
    };
    let found = db.list(&nowhere).await.unwrap();
    assert_eq!(found.iter().map(|e| e.index).collect::<Vec<_>>(), [1]);
}

async fn nobody_changes_it(store: &Store) {
    let db = &store.db;
    append(db, &batch("one", vec![entry(0, "anna", None)]))
        .await
        .unwrap();
    for sql in [
        "UPDATE ledger_entries SET who = 'bob'",
        "DELETE FROM ledger_entries",
    ] {
        let said = store.refused(sql).await;
        assert!(said.contains("the ledger is append-only"), "{sql}: {said}");
    }
}

stories!(
    it_begins_and_grows,
    turns_are_taken_one_after_the_other,
    what_is_open_is_closed_once,
    lists_are_filtered,
    acts_are_found_by_how_they_came_out,
    what_an_act_led_to_is_known_while_it_is_open,
    entries_are_found_by_what_they_say,
    nobody_changes_it,
);
