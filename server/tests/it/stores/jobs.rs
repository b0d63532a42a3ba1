//! Jobs: one per plan, one owner each, and a journal that only grows.

use std::time::Duration;

use requorum_server::jobs::digest::Digest;
use requorum_server::jobs::list::{FAILED, JobFilter, JobList as _, UNDER_WAY};
use requorum_server::jobs::log::{Claim, Created, Holder, JobLog as _, JobRow, Writer};
use requorum_server::paging::{Clusters, Slice};
use requorum_server::plans::brief::Brief;
use requorum_server::plans::store::{Added, PlanStore as _};
use requorum_shared::finding::{Check, Outcome};
use requorum_shared::job::events::{Body, EndState, Event, Occurrence, Question};
use requorum_shared::job::text::word;
use requorum_shared::recovery::TargetDir;

use serde_json::json;

use super::plans::{approve, plan, sealed};
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
        brief: Brief::default(),
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

/// Every target is another.
fn apart(_: &TargetDir, _: &TargetDir) -> bool {
    false
}

/// A job with its first entry.
async fn running(store: &Store) {
    sealed(store, &["p"]).await;
    assert!(approve(store, "p").await);
    let created = store
        .db
        .create(&job("j"), &started(), claim("one"), &apart)
        .await
        .unwrap();
    assert_eq!(created, Created::Yes);
}

async fn a_plan_has_one_job(store: &Store) {
    let db = &store.db;
    sealed(store, &["p"]).await;
    let created = db
        .create(&job("j1"), &started(), claim("one"), &apart)
        .await
        .unwrap();
    assert_eq!(created, Created::NotApproved);
    assert!(approve(store, "p").await);
    let other = store.again().await;
    let (j1, j2, first) = (job("j1"), job("j2"), started());
    let (one, two) = tokio::join!(
        db.create(&j1, &first, claim("one"), &apart),
        other.create(&j2, &first, claim("two"), &apart)
    );
    let mut both = [one.unwrap(), two.unwrap()];
    both.sort_by_key(|created| *created != Created::Yes);
    let is = db.open_jobs().await.unwrap().remove(0);
    assert_eq!(both, [Created::Yes, Created::HasJob(is.clone())]);
    let row = db.job(&is).await.unwrap().unwrap();
    // The job has the number of its plan.
    assert_eq!(row.brief.number, 1);
    let brief = row.brief.clone();
    assert_eq!(row, JobRow { brief, ..job(&is) });
    assert_eq!(db.open_jobs().await.unwrap(), [is]);
    assert_eq!(db.job("j9").await.unwrap(), None);
}

async fn only_the_owner_writes_and_only_as_long_as_it_is(store: &Store) {
    let db = &store.db;
    running(store).await;
    let written = async |by: &str, what: &str| {
        let body = line(what).into();
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
    let [a, b] = ["a", "b"].map(|said| Occurrence::from(line(said)));
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
    let on_h2 = Occurrence {
        host: Some("h2".into()),
        body: line("c"),
    };
    db.append("j", 3, &on_h2, Writer::Owner("one"))
        .await
        .unwrap();
    let read = db.events("j", 2).await.unwrap();
    assert_eq!(read, [Event::new(3, 3, on_h2)], "its host is kept");
    let first = Event::new(1, 1, started().into());
    assert_eq!(db.events("j", 0).await.unwrap()[0], first);
    assert!(db.events("j", u64::MAX).await.unwrap().is_empty());
}

async fn what_is_over_stays_over(store: &Store) {
    let db = &store.db;
    running(store).await;
    let end = Occurrence::from(Body::Ended {
        state: EndState::Completed,
        sentence: "Done.".into(),
    });
    let ended = db.append("j", 2, &end, Writer::Owner("one")).await.unwrap();
    assert_eq!(ended.unwrap().seq, 2);
    assert!(db.open_jobs().await.unwrap().is_empty());
    assert_eq!(
        db.append("j", 3, &line("a").into(), Writer::Owner("one"))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        db.append("j", 3, &line("a").into(), Writer::PersonWhoSaw(2))
            .await
            .unwrap(),
        None
    );
    assert!(!db.claim("j", claim("two")).await.unwrap());
}

async fn a_target_has_one_job_at_a_time(store: &Store) {
    let db = &store.db;
    // The first plan has none.
    sealed(store, &["p"]).await;
    for (n, path) in ["a", "a/m1", "b"].into_iter().enumerate() {
        let json = json!({"request": {
            "kind": "etcd.restore", "snapshot": "", "members": [], "token": "", "bump_revision": 0,
            "mark_compacted": false, "skip_hash_check": false, "target_version": "3.6",
            "clean_up": {"alarms": false, "auth": false, "downgrade": false, "versions": false},
            "target": {"kind": "folder", "root": "r", "path": path},
        }})
        .to_string();
        let row = plan(&format!("p{n}"), n as i64);
        let added = db.add_plan(&row, &json, 10).await.unwrap();
        assert!(matches!(added, Added::Sealed(_)), "{added:?}");
    }
    for id in ["p", "p0", "p1", "p2"] {
        assert!(approve(store, id).await);
    }
    let target = |path: &str| TargetDir {
        root: "r".into(),
        path: path.into(),
    };
    let below = |one: &TargetDir, other: &TargetDir| {
        one.path.starts_with(&other.path) || other.path.starts_with(&one.path)
    };
    let create = async |plan: &str| {
        let row = JobRow {
            id: format!("j of {plan}"),
            plan_id: plan.into(),
            ..job("")
        };
        db.create(&row, &started(), claim("one"), &below)
            .await
            .unwrap()
    };
    assert_eq!(create("p").await, Created::Yes);
    assert_eq!(create("p0").await, Created::Yes);
    let holder = Holder {
        id: "j of p0".into(),
        cluster: "prod".into(),
        started_by: "anna".into(),
        target: target("a"),
    };
    assert_eq!(create("p1").await, Created::TargetTaken(holder.clone()));
    assert_eq!(create("p2").await, Created::Yes);
    let found = db.holder(&target("a/m1"), &below).await.unwrap();
    assert_eq!(found, Some(holder));
    assert_eq!(db.holder(&target("c"), &below).await.unwrap(), None);
    // The plan that was refused can be run when the target is free.
    let end = Occurrence::from(Body::Ended {
        state: EndState::Undone,
        sentence: "Done.".into(),
    });
    db.append("j of p0", 2, &end, Writer::Owner("one"))
        .await
        .unwrap();
    assert_eq!(create("p1").await, Created::Yes);
}

async fn a_journal_that_is_closed_takes_no_wishes(store: &Store) {
    let db = &store.db;
    running(store).await;
    let wish = line("a wish").into();
    let asks = async |saw| {
        let event = db
            .append("j", 2, &wish, Writer::PersonWhoSaw(saw))
            .await
            .unwrap();
        event.map(|event| event.seq)
    };
    assert!(
        !db.close_journal("j", "two", 1).await.unwrap(),
        "not the owner"
    );
    assert!(!db.close_journal("j", "one", 2).await.unwrap(), "not seen");
    assert_eq!(asks(1).await, Some(2));
    assert!(
        !db.close_journal("j", "one", 1).await.unwrap(),
        "a wish came first"
    );
    assert!(db.close_journal("j", "one", 2).await.unwrap());
    assert!(db.close_journal("j", "one", 2).await.unwrap(), "and again");
    assert_eq!(asks(2).await, None);
    let decided = Writer::OwnerWhoSaw {
        owner: "one",
        saw: 1,
        tried_ms: &[],
    };
    assert_eq!(db.append("j", 3, &wish, decided).await.unwrap(), None);
    let decided = Writer::OwnerWhoSaw {
        owner: "one",
        saw: 2,
        tried_ms: &[],
    };
    assert_eq!(
        db.append("j", 3, &wish, decided)
            .await
            .unwrap()
            .unwrap()
            .seq,
        3
    );
    let again = Writer::OwnerWhoSaw {
        owner: "one",
        saw: 2,
        tried_ms: &[3],
    };
    assert_eq!(
        db.append("j", 4, &wish, again).await.unwrap().unwrap().seq,
        3
    );
}

async fn what_was_written_without_a_word_is_not_written_again(store: &Store) {
    let db = &store.db;
    running(store).await;
    let [a, b] = ["a", "b"].map(|said| Occurrence::from(line(said)));
    let end = Occurrence::from(Body::Ended {
        state: EndState::Completed,
        sentence: "Done.".into(),
    });
    let again = async |at_ms, what: &Occurrence, by, tried: &[i64]| {
        let writer = Writer::OwnerAgain(by, tried);
        let event = db.append("j", at_ms, what, writer).await.unwrap();
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

async fn a_list_says_what_the_journal_says(store: &Store) {
    let db = &store.db;
    sealed(store, &["p"]).await;
    store
        .run("UPDATE plan_documents SET plan_json = '{\"steps\":[{\"title\":\"Build\"},{\"title\":\"Verify\"}]}'")
        .await
        .unwrap();
    assert!(approve(store, "p").await);
    db.create(&job("j"), &started(), claim("one"), &apart)
        .await
        .unwrap();
    let question = Question {
        id: "1".into(),
        step: 1,
        text: "Step 1 failed. What now?".into(),
        evidence: String::new(),
        choices: Vec::new(),
    };
    let failed = Check::new("Keys", Outcome::Fail, "none");
    let bodies = [
        Body::StepStarted { step: 1 },
        line("a"),
        Body::Asked { question },
        Body::Answered {
            question: "1".into(),
            choice: "retry".into(),
            by: "anna".into(),
        },
        Body::Paused { by: "anna".into() },
        Body::Resumed { by: "anna".into() },
        Body::Verified {
            checks: vec![failed],
        },
        Body::Ended {
            state: EndState::Completed,
            sentence: "Done.".into(),
        },
    ];
    let all = JobFilter::of(Clusters::All);
    let slice = Slice {
        limit: 9,
        after: None,
    };
    let plan = db.job("j").await.unwrap().unwrap().plan_json;
    for (at, body) in bodies.iter().enumerate() {
        db.append(
            "j",
            at as i64 + 10,
            &body.clone().into(),
            Writer::Owner("one"),
        )
        .await
        .unwrap()
        .unwrap();
        let lines = db.job_lines(&all, &slice).await.unwrap();
        let journal = db.events("j", 0).await.unwrap();
        assert_eq!(
            lines[0].summary,
            Digest::of(&plan, &journal).summary(),
            "{body:?}"
        );
        assert_eq!(
            (lines[0].title.as_str(), lines[0].cluster.as_str()),
            ("Three members.", "prod")
        );
        let state = word(lines[0].summary.state);
        assert_eq!(db.tally_jobs().await.unwrap()[0].state, state);
        let tallies = db.tally_attention(10).await.unwrap();
        assert!(tallies.iter().all(|t| t.cluster == "prod" && t.count == 1));
        let mut under: Vec<_> = tallies.iter().map(|t| t.state.as_str()).collect();
        under.sort_unstable();
        let mut expected = match body {
            Body::Ended { .. } => vec![FAILED],
            _ => vec![UNDER_WAY],
        };
        expected.extend(
            ["paused", "waiting"]
                .into_iter()
                .filter(|held| *held == state),
        );
        expected.sort_unstable();
        assert_eq!(under, expected, "{body:?}");
        let filter = JobFilter {
            words: vec!["prod".into()],
            ..all.clone()
        };
        let (found, fit) = db.find_jobs(&filter, &slice).await.unwrap();
        assert_eq!((found.len(), fit), (1, 1));
        assert_eq!(found[0].summary, lines[0].summary);
        if at == 3 {
            // A row that another version wrote, or nobody: the journal is the truth.
            store.run("UPDATE jobs SET digest_json = ''").await.unwrap();
        }
    }
    let failed = JobFilter {
        failed_since_ms: Some(10),
        ..all.clone()
    };
    assert_eq!(db.count_jobs(&failed).await.unwrap(), 1);
    let later = JobFilter {
        failed_since_ms: Some(18),
        ..all
    };
    assert_eq!(db.count_jobs(&later).await.unwrap(), 0);
}

stories!(
    a_list_says_what_the_journal_says,
    a_plan_has_one_job,
    only_the_owner_writes_and_only_as_long_as_it_is,
    a_person_writes_about_what_that_person_saw,
    what_is_over_stays_over,
    a_target_has_one_job_at_a_time,
    a_journal_that_is_closed_takes_no_wishes,
    what_was_written_without_a_word_is_not_written_again,
    nobody_changes_the_journal,
);
