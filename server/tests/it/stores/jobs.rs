//! Jobs: one per plan, one owner each, and a journal that only grows.

use std::time::Duration;

use requorum_server::jobs::log::{Claim, Created, JobLog as _, JobRow, Writer};
use requorum_shared::events::{Body, EndState, Event};

use super::plans::{approve, sealed};
use super::{Store, stories};

fn job(id: &str) -> JobRow {
    JobRow {
        id: id.into(),
        plan_id: "p".into(),
        plan_json: r#"{"id":"p"}"#.into(),
        plan_hash: "hash of p".into(),
        cluster: "prod".into(),
        broke_glass: false,
        started_by: "anna".into(),
        created_ms: 1,
    }
}

/// By the clock of whoever asks; a database that is shared goes by its own.
const NOW: i64 = 1_795_000_000_000;

fn claim(owner: &str) -> Claim<'_> {
    Claim {
        owner,
        now_ms: NOW,
        lease_ms: 60_000,
    }
}

fn started() -> Body {
    Body::Started {
        by: "anna".into(),
        grounds: None,
    }
}

fn line(line: &str) -> Body {
    Body::StepLog {
        step: 1,
        line: line.into(),
    }
}

/// A job with its first entry.
async fn running(store: &Store) {
    sealed(store, &["p"]).await;
    assert!(approve(store, "p").await);
    let created = store
        .db
        .create(&job("j"), &started(), claim("one"))
        .await
        .unwrap();
    assert_eq!(created, Created::Yes);
}

async fn a_plan_has_one_job(store: &Store) {
    let db = &store.db;
    sealed(store, &["p"]).await;
    let created = db
        .create(&job("j1"), &started(), claim("one"))
        .await
        .unwrap();
    assert_eq!(created, Created::NotApproved);
    assert!(approve(store, "p").await);
    let other = store.again().await;
    let (j1, j2, first) = (job("j1"), job("j2"), started());
    let (one, two) = tokio::join!(
        db.create(&j1, &first, claim("one")),
        other.create(&j2, &first, claim("two"))
    );
    let mut both = [one.unwrap(), two.unwrap()];
    both.sort_by_key(|created| *created != Created::Yes);
    let is = db.jobs().await.unwrap().remove(0);
    assert_eq!(both, [Created::Yes, Created::HasJob(is.id.clone())]);
    assert_eq!(db.job(&is.id).await.unwrap(), Some(is.clone()));
    assert_eq!(db.open_jobs().await.unwrap(), [is.id]);
    assert_eq!(db.job("j9").await.unwrap(), None);
}

async fn only_the_owner_writes_and_only_as_long_as_it_is(store: &Store) {
    let db = &store.db;
    running(store).await;
    let written = async |by: &str, what: &str| {
        let body = line(what);
        let event = db.append("j", 2, &body, Writer::Owner(by)).await.unwrap();
        event.is_some()
    };
    assert!(written("one", "a").await, "it made the job");
    assert!(db.claim("j", claim("one")).await.unwrap(), "renewed");
    assert!(
        !db.claim("j", claim("two")).await.unwrap(),
        "somebody has it"
    );
    assert!(!written("two", "b").await);
    db.release("j", "two").await.unwrap();
    assert!(
        db.abandoned(NOW).await.unwrap().is_empty(),
        "that was not its to give up"
    );
    db.release("j", "one").await.unwrap();
    assert_eq!(db.abandoned(NOW).await.unwrap(), ["j"]);
    assert!(!written("one", "b").await);
    let moment = Claim {
        lease_ms: 1,
        ..claim("two")
    };
    assert!(db.claim("j", moment).await.unwrap());
    tokio::time::sleep(Duration::from_millis(20)).await;
    // A claim that ran out is still its owner's until somebody else takes the job.
    assert!(written("two", "b").await);
    let later = Claim {
        now_ms: NOW + 20,
        ..claim("one")
    };
    assert_eq!(db.abandoned(later.now_ms).await.unwrap(), ["j"]);
    assert!(db.claim("j", later).await.unwrap());
    assert!(!written("two", "c").await);
    assert!(!db.claim("j9", later).await.unwrap());
}

async fn a_person_writes_about_what_that_person_saw(store: &Store) {
    let db = &store.db;
    running(store).await;
    let other = store.again().await;
    let saw = Writer::PersonWhoSaw(1);
    let (a, b) = (line("a"), line("b"));
    let (one, two) = tokio::join!(db.append("j", 2, &a, saw), other.append("j", 2, &b, saw));
    let written: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(
        written.len(),
        1,
        "the other has not seen this one: {written:?}"
    );
    assert_eq!(written[0].seq, 2);
    let read = db.events("j", 1).await.unwrap();
    assert_eq!(read, written);
    let first = Event {
        seq: 1,
        at_ms: 1,
        body: started(),
    };
    assert_eq!(db.events("j", 0).await.unwrap()[0], first);
    assert!(db.events("j", u64::MAX).await.unwrap().is_empty());
}

async fn what_is_over_stays_over(store: &Store) {
    let db = &store.db;
    running(store).await;
    let end = Body::Ended {
        state: EndState::Completed,
        sentence: "Done.".into(),
    };
    let ended = db.append("j", 2, &end, Writer::Owner("one")).await.unwrap();
    assert_eq!(ended.unwrap().seq, 2);
    assert!(db.open_jobs().await.unwrap().is_empty());
    assert_eq!(
        db.append("j", 3, &line("a"), Writer::Owner("one"))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        db.append("j", 3, &line("a"), Writer::PersonWhoSaw(2))
            .await
            .unwrap(),
        None
    );
    assert!(!db.claim("j", claim("two")).await.unwrap());
}

async fn what_was_written_without_a_word_is_not_written_again(store: &Store) {
    let db = &store.db;
    running(store).await;
    let (a, b) = (line("a"), line("b"));
    let end = Body::Ended {
        state: EndState::Completed,
        sentence: "Done.".into(),
    };
    let again = async |at_ms, body: &Body, by, tried: &[i64]| {
        let writer = Writer::OwnerAgain(by, tried);
        let event = db.append("j", at_ms, body, writer).await.unwrap();
        event.map(|event| (event.seq, event.at_ms))
    };
    let first = db.append("j", 5, &a, Writer::Owner("one")).await.unwrap();
    assert_eq!(first.unwrap().seq, 2);
    assert_eq!(again(9, &a, "one", &[4, 5]).await, Some((2, 5)));
    // Another's, at another time, or another entry.
    assert_eq!(again(9, &a, "two", &[5]).await, None);
    assert_eq!(again(9, &a, "one", &[6]).await, Some((3, 9)));
    assert_eq!(again(9, &b, "one", &[5]).await, Some((4, 9)));
    db.append("j", 10, &end, Writer::Owner("one"))
        .await
        .unwrap();
    assert_eq!(again(12, &end, "one", &[10, 11]).await, Some((5, 10)));
    assert_eq!(again(12, &a, "one", &[11]).await, None, "it is over");
    assert_eq!(db.events("j", 0).await.unwrap().len(), 5);
}

async fn nobody_changes_the_journal(store: &Store) {
    running(store).await;
    for sql in [
        "UPDATE job_events SET body_json = '{}'",
        "DELETE FROM job_events",
    ] {
        let said = store.refused(sql).await;
        assert!(said.contains("the journal is append-only"), "{sql}: {said}");
    }
}

stories!(
    a_plan_has_one_job,
    only_the_owner_writes_and_only_as_long_as_it_is,
    a_person_writes_about_what_that_person_saw,
    what_is_over_stays_over,
    what_was_written_without_a_word_is_not_written_again,
    nobody_changes_the_journal,
);
