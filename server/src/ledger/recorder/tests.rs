//! Acts written down before and after, whatever happens in between, on a real SQLite file.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use requorum_shared::ledger::entry::{Entry, Phase};
use requorum_shared::ledger::merkle::Hash;
use requorum_shared::ledger::verify::{Audit, Verified};
use tempfile::TempDir;

use super::super::store::{AppendLock, Batch, Columns, Effect, Filter, Head, Stored};
use super::*;
use crate::clock::ManualClock;
use crate::db::{At, Database};

fn key() -> SigningKey {
    SigningKey::from_seed("requorum/ledger/test", [3; 32]).unwrap()
}

fn draft(subject: impl Into<String>) -> Draft {
    Draft {
        who: "anna".to_owned(),
        from: "10.0.0.7".to_owned(),
        act: "plan.seal".to_owned(),
        subject: subject.into(),
        ..Draft::default()
    }
}

/// A ledger in a file, its store, and a clock to turn.
struct Bench {
    dir: TempDir,
    store: Arc<Faulty>,
    clock: Arc<ManualClock>,
    ledger: Ledger,
}

impl Bench {
    async fn new() -> Self {
        Self::in_dir(tempfile::tempdir().unwrap()).await
    }

    async fn in_dir(dir: TempDir) -> Self {
        let store = Arc::new(Faulty::open(dir.path()).await);
        let clock = Arc::new(ManualClock::new(1_000_000));
        let ledger = Ledger::take_up(store.clone(), key(), clock.clone(), OpenActs::Orphaned)
            .await
            .unwrap();
        Self {
            dir,
            store,
            clock,
            ledger,
        }
    }

    /// As a killed server leaves it: nothing more is written, whatever is open. Then the next one.
    async fn killed_and_restarted(self) -> Self {
        let writing = self.ledger.shared.writing.lock().unwrap().take().unwrap();
        writing.abort();
        writing.await.unwrap_err();
        self.store.db.close().await;
        Self::in_dir(self.dir).await
    }

    async fn entries(&self) -> Vec<Entry> {
        let stored = self.store.entries(0, u64::MAX).await.unwrap();
        stored
            .iter()
            .map(|stored| serde_json::from_slice(&stored.canonical).unwrap())
            .collect()
    }

    /// What a reader finds.
    async fn verify(&self) -> Verified {
        let note = self.ledger.status().note;
        let mut audit = Audit::begin(self.ledger.key(), &note, None).unwrap();
        while let Some((bundle, leaves)) = audit.next() {
            let bundle = self.ledger.tile(bundle).await.unwrap().unwrap();
            let leaves = self.ledger.tile(leaves).await.unwrap().unwrap();
            audit.feed(&bundle, Some(&leaves)).unwrap();
        }
        audit.finish().unwrap()
    }
}

/// The real store, which fails when told to: before it writes, or after.
struct Faulty {
    db: Database,
    fail: Arc<AtomicBool>,
    fail_after: Arc<AtomicBool>,
}

/// A turn of the real store, which fails likewise.
struct FaultyTurn {
    turn: Box<dyn AppendLock>,
    fail: Arc<AtomicBool>,
    fail_after: Arc<AtomicBool>,
}

#[async_trait]
impl AppendLock for FaultyTurn {
    fn end(&self) -> u64 {
        self.turn.end()
    }

    async fn append(self: Box<Self>, batch: &Batch) -> anyhow::Result<()> {
        anyhow::ensure!(!self.fail.load(Ordering::SeqCst), "no space left on device");
        self.turn.append(batch).await?;
        anyhow::ensure!(
            !self.fail_after.swap(false, Ordering::SeqCst),
            "connection lost"
        );
        Ok(())
    }
}

impl Faulty {
    async fn open(dir: &Path) -> Self {
        Self {
            db: Database::open(&At::File(dir.join("db"))).await.unwrap(),
            fail: Arc::default(),
            fail_after: Arc::default(),
        }
    }
}

#[async_trait]
impl LedgerStore for Faulty {
    async fn head(&self) -> anyhow::Result<Option<Head>> {
        self.db.head().await
    }
    async fn turn(&self) -> anyhow::Result<Box<dyn AppendLock>> {
        Ok(Box::new(FaultyTurn {
            turn: LedgerStore::turn(&self.db).await?,
            fail: self.fail.clone(),
            fail_after: self.fail_after.clone(),
        }))
    }
    async fn entries(&self, start: u64, count: u64) -> anyhow::Result<Vec<Stored>> {
        self.db.entries(start, count).await
    }
    async fn leaves(&self, start: u64, count: u64) -> anyhow::Result<Vec<Hash>> {
        self.db.leaves(start, count).await
    }
    async fn nodes(&self, level: u8, start: u64, count: u64) -> anyhow::Result<Vec<Hash>> {
        self.db.nodes(level, start, count).await
    }
    async fn list(&self, filter: &Filter) -> anyhow::Result<Vec<Stored>> {
        self.db.list(filter).await
    }
    async fn open_acts(&self, writer: Option<&str>) -> anyhow::Result<Vec<Stored>> {
        self.db.open_acts(writer).await
    }
    async fn effects(&self) -> anyhow::Result<Vec<Effect>> {
        self.db.effects().await
    }
    async fn columns(&self, start: u64, count: u64) -> anyhow::Result<Vec<Columns>> {
        self.db.columns(start, count).await
    }
}

#[tokio::test]
async fn an_act_is_written_before_and_after() {
    let bench = Bench::new().await;
    let opened = bench.ledger.open(draft("plan p1")).await.unwrap();
    assert_eq!(opened.index(), 1, "after the entry that begins the ledger");
    assert_eq!(bench.verify().await.open, [1]);
    bench.clock.advance_ms(250);
    opened.close(Outcome::Failed, "the snapshot is gone").await;
    bench
        .ledger
        .note(draft("plan p2"), Outcome::Refused, "not an operator")
        .await
        .unwrap();

    let entries = bench.entries().await;
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0].act, "ledger.begin");
    assert_eq!(entries[0].subject, bench.ledger.key().short());
    assert_eq!(
        (entries[1].phase, entries[1].at_ms),
        (Phase::Opened, 1_000_000)
    );
    assert_eq!(
        (entries[2].phase, entries[2].closes),
        (Phase::Closed, Some(1))
    );
    assert_eq!(
        (entries[2].at_ms, entries[2].outcome),
        (1_000_250, Some(Outcome::Failed))
    );
    assert_eq!(entries[2].draft(), draft("plan p1"));
    assert_eq!(
        (entries[3].phase, entries[3].reason.as_str()),
        (Phase::Noted, "not an operator")
    );
    assert_eq!(bench.verify().await.open, [0; 0]);
}

#[tokio::test]
async fn what_a_killed_server_left_open_is_unknown() {
    let bench = Bench::new().await;
    let one = bench.ledger.open(draft("one")).await.unwrap();
    let two = bench.ledger.open(draft("two")).await.unwrap();
    one.close(Outcome::Done, "").await;
    std::mem::forget(two);
    let bench = bench.killed_and_restarted().await;
    let entries = bench.entries().await;
    let last = entries.last().unwrap();
    assert_eq!((last.phase, last.closes), (Phase::Unknown, Some(2)));
    assert_eq!(
        (last.subject.as_str(), last.outcome),
        ("two", Some(Outcome::Unknown))
    );
    let verified = bench.verify().await;
    assert_eq!((verified.open.len(), verified.unknown), (0, 1));
    // Once is enough.
    let bench = bench.killed_and_restarted().await;
    assert_eq!(bench.entries().await.len(), entries.len());
}

#[tokio::test]
async fn what_is_cut_off_is_unknown_and_what_never_began_failed() {
    let bench = Bench::new().await;
    drop(bench.ledger.open(draft("cut off")).await.unwrap());
    // A caller that goes away while its entry is being written.
    let mut opening = Box::pin(bench.ledger.open(draft("never began")));
    assert!(futures_util::poll!(&mut opening).is_pending());
    drop(opening);
    bench
        .ledger
        .note(draft("later"), Outcome::Done, "")
        .await
        .unwrap();
    bench.ledger.close().await;
    let entries = bench.entries().await;
    let end = |subject: &str| {
        let found = entries
            .iter()
            .find(|e| e.subject == subject && e.closes.is_some());
        found.unwrap().outcome.unwrap()
    };
    assert_eq!(end("cut off"), Outcome::Unknown);
    assert_eq!(end("never began"), Outcome::Failed);
    assert_eq!(bench.verify().await.open, [0; 0]);
}

#[tokio::test]
async fn what_cannot_be_written_is_not_done() {
    let bench = Bench::new().await;
    let running = bench.ledger.open(draft("running")).await.unwrap();
    bench.store.fail.store(true, Ordering::SeqCst);
    let error = bench.ledger.open(draft("refused")).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the ledger cannot be written: no space left on device"
    );
    assert!(bench.ledger.status().trouble.is_some());
    bench
        .ledger
        .note(draft("refused"), Outcome::Refused, "")
        .await
        .unwrap_err();
    // What runs already may end; its end is written as soon as that is possible.
    running.close(Outcome::Done, "").await;
    assert_eq!(bench.entries().await.len(), 2);

    bench.store.fail.store(false, Ordering::SeqCst);
    let later = bench.ledger.open(draft("later")).await.unwrap();
    assert_eq!(bench.ledger.status().trouble, None);
    let entries = bench.entries().await;
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (e.subject.as_str(), e.outcome))
        .collect();
    assert_eq!(
        seen[1..],
        [
            ("running", None),
            ("running", Some(Outcome::Done)),
            ("later", None)
        ]
    );
    later.close(Outcome::Done, "").await;
    assert_eq!(bench.verify().await.open, [0; 0]);
}

#[tokio::test]
async fn an_end_is_written_by_itself_once_the_store_is_back() {
    let bench = Bench::new().await;
    let running = bench.ledger.open(draft("running")).await.unwrap();
    bench.store.fail.store(true, Ordering::SeqCst);
    running.close(Outcome::Done, "").await;
    bench.store.fail.store(false, Ordering::SeqCst);
    for _ in 0..100 {
        if bench.entries().await.len() == 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the end was never written");
}

/// The database says that it failed, and had written: the refused act is in the ledger and never ran.
#[tokio::test]
async fn a_write_that_was_reported_lost_is_told_as_it_was() {
    let bench = Bench::new().await;
    let running = bench.ledger.open(draft("running")).await.unwrap();
    bench.store.fail_after.store(true, Ordering::SeqCst);
    bench.ledger.open(draft("refused")).await.err().unwrap();
    bench.store.fail_after.store(true, Ordering::SeqCst);
    running.close(Outcome::Done, "").await;
    bench
        .ledger
        .note(draft("later"), Outcome::Done, "")
        .await
        .unwrap();
    let entries = bench.entries().await;
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (e.subject.as_str(), e.closes, e.outcome))
        .collect();
    assert_eq!(
        seen[1..],
        [
            ("running", None, None),
            ("refused", None, None),
            ("running", Some(1), Some(Outcome::Done)),
            ("refused", Some(2), Some(Outcome::Unknown)),
            ("later", None, Some(Outcome::Done)),
        ]
    );
    bench.verify().await;
}

#[tokio::test]
async fn a_clock_that_goes_back_is_told() {
    let bench = Bench::new().await;
    bench.clock.advance_ms(-5_000);
    let opened = bench.ledger.open(draft("one")).await.unwrap();
    bench.clock.advance_ms(10_000);
    opened.close(Outcome::Done, "").await;
    // The newest time is known to the next server as well.
    let bench = bench.killed_and_restarted().await;
    bench
        .ledger
        .note(draft("two"), Outcome::Done, "")
        .await
        .unwrap();
    let entries = bench.entries().await;
    let back: Vec<_> = entries.iter().map(|e| e.clock_back_ms).collect();
    assert_eq!(back, [None, Some(5_000), None, Some(5_000)]);
    assert_eq!(bench.verify().await.clock_back, 2);
}

#[tokio::test]
async fn many_at_once_share_a_commit() {
    let bench = Bench::new().await;
    let acts = (0..600).map(|n| {
        let ledger = bench.ledger.clone();
        async move {
            let opened = ledger.open(draft(format!("act {n}"))).await.unwrap();
            opened.close(Outcome::Done, "").await;
        }
    });
    futures_util::future::join_all(acts).await;
    let verified = bench.verify().await;
    assert_eq!((verified.checkpoint.size, verified.open.len()), (1_201, 0));
    let checkpoints = bench.store.db.checkpoints().await;
    assert!(checkpoints < 60, "{checkpoints} commits");

    let bench = bench.killed_and_restarted().await;
    bench
        .ledger
        .note(draft("goes on"), Outcome::Done, "")
        .await
        .unwrap();
    assert_eq!(bench.verify().await.checkpoint.size, 1_202);
    for index in [0, 1, 255, 256, 700, 1_201] {
        let proof = bench.ledger.prove_entry(index).await.unwrap().unwrap();
        requorum_shared::ledger::verify::entry_is_in(
            bench.ledger.key(),
            &proof.note,
            index,
            &proof.entry.canonical,
            &proof.path,
        )
        .unwrap();
    }
    assert!(bench.ledger.prove_entry(1_202).await.unwrap().is_none());
}

#[tokio::test]
async fn a_damaged_ledger_is_shown_and_not_written_to() {
    for (sql, why) in [
        ("DELETE FROM ledger_entries WHERE idx = 3", "missing"),
        (
            "DELETE FROM ledger_checkpoints WHERE size = 4",
            "no checkpoint counts",
        ),
        ("DELETE FROM ledger_checkpoints", "no checkpoint"),
        (
            "UPDATE ledger_entries SET leaf = zeroblob(32) WHERE idx = 3",
            "do not add up",
        ),
        (
            "UPDATE ledger_checkpoints SET note = replace(note, char(10) || '4' || char(10), char(10) || '5' || char(10))",
            "changed after it was signed",
        ),
    ] {
        let bench = Bench::new().await;
        for n in 0..3 {
            bench
                .ledger
                .note(draft(format!("{n}")), Outcome::Done, "")
                .await
                .unwrap();
        }
        bench.ledger.close().await;
        bench.store.db.tamper(sql).await;
        let ledger = Ledger::take_up(
            bench.store.clone(),
            key(),
            bench.clock.clone(),
            OpenActs::Orphaned,
        )
        .await
        .unwrap();
        let trouble = ledger.status().trouble.expect(sql);
        assert!(trouble.contains(why), "{sql}: {trouble}");
        let error = ledger.open(draft("x")).await.err().unwrap();
        assert!(matches!(error, LedgerError::Damaged(_)));
        let rows = bench.store.head().await.unwrap().unwrap().end;
        ledger.close().await;
        assert_eq!(bench.store.head().await.unwrap().unwrap().end, rows);
    }
    let bench = Bench::new().await;
    bench.ledger.close().await;
    let other = SigningKey::from_seed("requorum/ledger/test", [4; 32]).unwrap();
    let ledger = Ledger::take_up(
        bench.store.clone(),
        other,
        bench.clock.clone(),
        OpenActs::Orphaned,
    )
    .await
    .unwrap();
    let trouble = ledger.status().trouble.unwrap();
    assert!(trouble.contains("another console"), "{trouble}");
}

#[tokio::test]
async fn rows_are_final() {
    let bench = Bench::new().await;
    for sql in [
        "UPDATE ledger_entries SET who = 'x'",
        "DELETE FROM ledger_entries",
    ] {
        let error = bench.store.db.run(sql).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{error}");
    }
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let bench = Bench::new().await;
    for n in 0..10 {
        let mut one = draft(format!("{n}"));
        one.who = if n % 2 == 0 { "anna" } else { "ben" }.to_owned();
        one.cluster = (n > 4).then(|| "prod".to_owned());
        bench.clock.advance_ms(1);
        bench
            .ledger
            .open(one)
            .await
            .unwrap()
            .close(Outcome::Done, "")
            .await;
    }
    let list = async |filter: Filter| {
        let stored = bench.ledger.list(&filter).await.unwrap();
        stored.iter().map(|stored| stored.index).collect::<Vec<_>>()
    };
    let all = Filter {
        limit: 100,
        ..Filter::default()
    };
    assert_eq!(list(all.clone()).await, (0..21).rev().collect::<Vec<_>>());
    let acts = Filter {
        acts_only: true,
        ..all.clone()
    };
    assert_eq!(
        list(acts.clone()).await,
        [19, 17, 15, 13, 11, 9, 7, 5, 3, 1, 0]
    );
    let anna = Filter {
        who: "anna".to_owned(),
        ..acts.clone()
    };
    assert_eq!(list(anna.clone()).await, [17, 13, 9, 5, 1]);
    let page = Filter {
        before: Some(13),
        limit: 2,
        ..anna.clone()
    };
    assert_eq!(list(page).await, [9, 5]);
    let prod = Filter {
        cluster: "prod".to_owned(),
        from_ms: Some(1_000_007),
        until_ms: Some(1_000_009),
        ..acts.clone()
    };
    assert_eq!(list(prod).await, [15, 13]);
    let closing = bench.ledger.list(&anna).await.unwrap()[0]
        .closing
        .clone()
        .unwrap();
    let closing: Entry = serde_json::from_slice(&closing).unwrap();
    assert_eq!((closing.closes, closing.index), (Some(17), 18));
}

#[tokio::test]
async fn the_tail_brings_everything_once_and_in_order() {
    let bench = Bench::new().await;
    for n in 0..700 {
        let act = bench.ledger.note(draft(format!("{n}")), Outcome::Done, "");
        act.await.unwrap();
    }
    // A new server holds nothing in memory.
    let bench = bench.killed_and_restarted().await;
    let follow = |since: u64| {
        let mut tail = Box::pin(bench.ledger.tail(since));
        async move {
            let mut next = since;
            let mut note = None;
            while next < 1_001 {
                let piece = tail.next().await.unwrap().unwrap();
                for (index, canonical) in piece.entries {
                    assert_eq!(index, next);
                    let entry: Entry = serde_json::from_slice(&canonical).unwrap();
                    assert_eq!(entry.index, index);
                    next += 1;
                }
                note = piece.note;
            }
            assert!(note.is_some(), "the last piece has the checkpoint");
            tail
        }
    };
    let viewers = futures_util::future::join_all([0, 1, 500, 701, 900].map(follow));
    let writing = async {
        for n in 0..300 {
            bench
                .ledger
                .note(draft(format!("{n}")), Outcome::Done, "")
                .await
                .unwrap();
        }
    };
    let (tails, ()) = tokio::join!(viewers, writing);
    bench.ledger.close().await;
    for mut tail in tails {
        assert!(
            tail.next().await.is_none(),
            "it ends when the ledger is closed"
        );
    }
}

#[tokio::test]
async fn nothing_is_written_after_the_end() {
    let bench = Bench::new().await;
    let running = bench.ledger.open(draft("running")).await.unwrap();
    let closing = bench.ledger.clone();
    let closing = tokio::spawn(async move { closing.close().await });
    tokio::task::yield_now().await;
    assert!(matches!(
        bench.ledger.open(draft("late")).await,
        Err(LedgerError::Closed)
    ));
    // What runs may still end, and the ledger waits for it.
    running.close(Outcome::Done, "").await;
    closing.await.unwrap();
    assert_eq!(bench.verify().await.open, [0; 0]);
}

/// A server and a command line, say: each has its own writer, and both write into one ledger.
#[tokio::test]
async fn two_processes_write_one_ledger() {
    let bench = Bench::new().await;
    let beside = async || {
        let store = Arc::new(Faulty::open(bench.dir.path()).await);
        Ledger::take_up(store, key(), bench.clock.clone(), OpenActs::OfOthers)
            .await
            .unwrap()
    };
    let held = bench.ledger.open(draft("held by the first")).await.unwrap();
    let second = beside().await;
    assert_eq!(
        bench.verify().await.open,
        [1],
        "what others do is left alone"
    );
    let acts = |ledger: &Ledger| {
        let ledger = ledger.clone();
        async move {
            for n in 0..100 {
                let opened = ledger.open(draft(format!("{n}"))).await.unwrap();
                opened.close(Outcome::Done, "").await;
            }
        }
    };
    tokio::join!(acts(&bench.ledger), acts(&second), acts(&bench.ledger));
    held.close(Outcome::Done, "").await;
    assert_eq!(bench.entries().await.len(), 1 + 2 + 600);

    // What the other wrote last is seen without writing.
    second.note(draft("last"), Outcome::Done, "").await.unwrap();
    let seen = async {
        while bench.ledger.status().size < 604 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), seen)
        .await
        .expect("the other's entry is seen");
    assert_eq!(bench.verify().await.open, [0; 0]);
    let last = Box::pin(bench.ledger.tail(603))
        .next()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last.entries.len(), 1);
}

#[tokio::test]
async fn a_ledger_that_shrinks_under_the_server_is_damaged() {
    let bench = Bench::new().await;
    for n in 0..5 {
        bench
            .ledger
            .note(draft(format!("{n}")), Outcome::Done, "")
            .await
            .unwrap();
    }
    bench
        .store
        .db
        .tamper("DELETE FROM ledger_entries WHERE idx > 2")
        .await;
    bench
        .store
        .db
        .run("DELETE FROM ledger_checkpoints WHERE size > 3")
        .await
        .unwrap();
    let noticed = async {
        while bench.ledger.status().trouble.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticed)
        .await
        .expect("it is noticed");
    let error = bench.ledger.open(draft("x")).await.err().unwrap();
    assert!(error.to_string().contains("are gone"), "{error}");
}
