//! A console's data directory whose ledger has 100 000 entries, written by the ledger itself: acts of several people,
//! each opened and closed, signed and durable as in a running server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use requorum_server::clock::SystemClock;
use requorum_server::data_dir::{DATABASE, DataDir, LEDGER_KEY};
use requorum_server::db::{At, Database};
use requorum_server::ledger::{Ledger, OpenActs, key};
use requorum_shared::ledger::entry::{Draft, Outcome, act};

use crate::say::at_most;

/// Entries of the ledger.
const ENTRIES: u64 = 100_000;
/// People at work at a time.
const AT_ONCE: usize = 256;

/// Finds the directory in `folder`, or makes it.
pub(crate) fn data_dir(folder: &Path) -> PathBuf {
    let whole = folder.join(format!("ledger-{ENTRIES}"));
    if !whole.exists() {
        // Under another name until it is whole.
        let part = folder.join("ledger.part");
        let _ = std::fs::remove_dir_all(&part);
        let start = Instant::now();
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(fill(&part));
        eprintln!(
            "a ledger of {ENTRIES} entries, made in {:.0} s",
            start.elapsed().as_secs_f64()
        );
        std::fs::rename(&part, &whole).unwrap();
    }
    whole
}

/// What the first run after a start waits for, at worst: all decisions read and proven. A server reads them beforehand.
pub(crate) async fn decisions(folder: &Path) {
    let _held = DataDir::open(folder).unwrap();
    let db = Database::open(&At::File(folder.join(DATABASE)))
        .await
        .unwrap();
    let key = key::read(&folder.join(LEDGER_KEY)).unwrap().unwrap();
    let store = Arc::new(db.clone());
    let ledger = Ledger::take_up(store, key, Arc::new(SystemClock), OpenActs::Orphaned);
    let ledger = ledger.await.unwrap();
    for (name, most) in [("decisions, all", 1.0), ("decisions, again", 0.001)] {
        let start = Instant::now();
        ledger.read_decisions().await.unwrap();
        at_most(name, start.elapsed().as_secs_f64(), most, " s");
    }
    ledger.close().await;
    db.close().await;
}

async fn fill(folder: &Path) {
    let _held = DataDir::open(folder).unwrap();
    let at = At::File(folder.join(DATABASE));
    let db = Database::open(&at).await.unwrap();
    let key = key::make(&folder.join(LEDGER_KEY)).unwrap();
    let store = Arc::new(db.clone());
    let ledger = Ledger::take_up(store, key, Arc::new(SystemClock), OpenActs::Orphaned);
    let ledger = ledger.await.unwrap();
    // The first entry is the ledger's own beginning; each act is two.
    let acts = (ENTRIES - ledger.status().size) / 2;
    let next = Arc::new(AtomicU64::new(0));
    let mut people = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (ledger, next) = (ledger.clone(), next.clone());
        people.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= acts {
                    break;
                }
                let opened = ledger.open(draft(number)).await.unwrap();
                opened.close(Outcome::Done, "").await;
            }
        });
    }
    while let Some(ended) = people.join_next().await {
        ended.unwrap();
    }
    while ledger.status().size < ENTRIES {
        let more = ledger.note(draft(acts), Outcome::Refused, "auth.forbidden");
        more.await.unwrap();
    }
    ledger.close().await;
    db.close().await;
}

fn draft(number: u64) -> Draft {
    let acts = [
        act::PLAN_SEAL,
        act::PLAN_APPROVE,
        act::JOB_START,
        act::JOB_STEP,
    ];
    Draft {
        who: format!("person-{}", number % 23),
        who_id: None,
        about: None,
        from: format!("10.0.{}.{}", number % 7, number % 251),
        act: acts[(number % 4) as usize].to_owned(),
        cluster: Some(format!("prod-etcd-{}", number % 5)),
        subject: format!(
            "step {} of 7: Place member m{} on its host",
            number % 7 + 1,
            number % 3
        ),
        job: Some(format!("{number:026}")),
        plan: Some(format!("{number:064x}")),
    }
}
