//! What the ledger takes: acts written down before and after, by the real recorder into SQLite, on this disk.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use requorum_server::clock::SystemClock;
use requorum_server::db::{At, Database};
use requorum_server::ledger::{Ledger, OpenActs, key};
use requorum_shared::ledger::entry::{Draft, Outcome, act};
use tokio::task::JoinSet;

use crate::say::{at_least, heading, line};
use crate::times::Times;

/// How long each is measured.
const FOR: Duration = Duration::from_secs(4);
/// People and jobs that act at the same time.
const WRITERS: usize = 64;

/// One writer alone, then many, then what the disk itself can do.
pub(crate) async fn measure(folder: &Path) {
    heading("the ledger: entries that are on the medium, SQLite");
    for (who, writers) in [("one writer", 1), ("64 writers", WRITERS)] {
        let (rate, mut waited) = append(folder, writers).await;
        if writers == 1 {
            line(
                &format!("{who}, entries per second"),
                &format!("{rate:.0}"),
                None,
            );
        } else {
            at_least(&format!("{who}, entries per second"), rate, 1000.0, "");
        }
        line(
            &format!("{who}, until an act may begin"),
            &waited.said(),
            None,
        );
    }
    line(
        "this disk, 4 KiB and fdatasync, per second",
        &format!("{:.0}", syncs(folder)),
        None,
    );
}

async fn append(folder: &Path, writers: usize) -> (f64, Times) {
    let dir = tempfile::tempdir_in(folder).unwrap();
    let file = At::File(dir.path().join("requorum.db"));
    let db = Database::open(&file).await.unwrap();
    let key = key::make(&dir.path().join("ledger-key")).unwrap();
    let clock = Arc::new(SystemClock);
    let ledger = Ledger::take_up(Arc::new(db.clone()), key, clock, OpenActs::Orphaned);
    let ledger = ledger.await.unwrap();
    let before = ledger.status().size;
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let ledger = ledger.clone();
        tasks.spawn(async move {
            let mut waited = Times::default();
            while begun.elapsed() < FOR {
                let asked = Instant::now();
                let opened = ledger.open(draft(writer)).await.unwrap();
                waited.push(asked.elapsed());
                opened.close(Outcome::Done, "").await;
            }
            waited
        });
    }
    let mut waited = Times::default();
    while let Some(ended) = tasks.join_next().await {
        waited.extend(ended.unwrap());
    }
    let took = begun.elapsed().as_secs_f64();
    let entries = ledger.status().size - before;
    assert_eq!(entries, 2 * waited.len() as u64, "each act is two entries");
    ledger.close().await;
    db.close().await;
    (entries as f64 / took, waited)
}

/// An act as people do it.
fn draft(writer: usize) -> Draft {
    Draft {
        who: format!("person {writer}"),
        from: "192.0.2.17".to_owned(),
        act: act::PLAN_APPROVE.to_owned(),
        cluster: Some("prod-etcd".to_owned()),
        subject: "plan 5f0f2a3b9c6d7e8f9a0b".to_owned(),
        ..Draft::default()
    }
}

fn syncs(folder: &Path) -> f64 {
    let mut file: File = tempfile::tempfile_in(folder).unwrap();
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < FOR / 2 {
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}
