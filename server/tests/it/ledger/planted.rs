//! Jobs that nobody started: a row of the database alone makes nothing run.

use requorum_shared::job::events::{Body, EndState};
use requorum_shared::ledger::entry::{Outcome, act};
use sqlx::Executor as _;

use crate::ledger::entries::audit;
use crate::ledger::forged::Scene;

/// Puts a job of the scene's plan into the database, with these events.
async fn plant(scene: &Scene, id: &str, by: &str, events: &[&str]) {
    sqlx::query(
        "INSERT INTO jobs (id, plan_id, started_by, created_ms, target_root, target_path) SELECT $1, id, $2, 1, \
         'console', 'a' FROM plans",
    )
    .bind(id)
    .bind(by)
    .execute(&scene.database)
    .await
    .unwrap();
    for (seq, event) in (1..).zip(events) {
        sqlx::query(
            "INSERT INTO job_events (job_id, seq, at_ms, body_json) VALUES ($1, $2, 1, $3)",
        )
        .bind(id)
        .bind(seq)
        .bind(event)
        .execute(&scene.database)
        .await
        .unwrap();
    }
}

/// Takes the planted job up, as the next poll or the next start does, and sees it refused.
async fn is_refused(scene: &Scene, id: &str, by: &str) {
    let app = scene.server.app();
    app.engine.resume_all().await.unwrap();
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let (state, sentence) = loop {
        let events = app.jobs.events(id, 0).await.unwrap();
        if let Some(Body::Ended { state, sentence }) = events.last().map(|event| &event.body) {
            break (*state, sentence.clone());
        }
        assert!(std::time::Instant::now() < patience, "{events:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(state, EndState::Left);
    let says =
        format!("According to the database, {by} started this job; the ledger has no such start");
    assert!(sentence.contains(&says), "{sentence}");
    let (_, entries) = audit(&scene.anna.http, None).await;
    assert!(!entries.iter().any(|entry| entry.act == act::JOB_STEP));
    let restored = scene.server.data_dir().join("restores/a");
    assert!(!restored.exists());
}

const STARTED: &str = r#"{"event":"started","by":"Carl"}"#;

#[tokio::test]
async fn a_job_of_a_plan_that_nobody_approved() {
    for events in [&[][..], &[STARTED]] {
        let scene = Scene::new().await;
        plant(&scene, "planted", "Carl", events).await;
        is_refused(&scene, "planted", "Carl").await;
    }
}

#[tokio::test]
async fn a_job_whose_start_was_refused() {
    let scene = Scene::new().await;
    scene.carl.start(&scene.plan).await.unwrap_err();
    plant(&scene, "planted", "Carl", &[STARTED]).await;
    is_refused(&scene, "planted", "Carl").await;
}

#[tokio::test]
async fn a_job_in_another_persons_name() {
    let scene = Scene::new().await;
    scene.approved().await;
    plant(&scene, "planted", "Carl", &[STARTED]).await;
    is_refused(&scene, "planted", "Carl").await;
}

/// The row of a job that was started, under another id or another name.
#[tokio::test]
async fn a_started_plan_is_not_started_once_more() {
    let scene = Scene::new().await;
    scene.approved().await;
    let job = scene.carl.start(&scene.plan).await.unwrap();
    scene.carl.finished(&job.id).await;
    let steps = async || {
        let (_, entries) = audit(&scene.anna.http, None).await;
        let done = entries
            .iter()
            .filter(|e| e.act == act::JOB_STEP && e.outcome == Some(Outcome::Done));
        done.count()
    };
    let before = steps().await;
    scene
        .database
        .execute("DROP TRIGGER job_events_stay; DELETE FROM job_events; DELETE FROM jobs;")
        .await
        .unwrap();
    plant(&scene, "again", "Carl", &[STARTED]).await;
    let app = scene.server.app();
    app.engine.resume_all().await.unwrap();
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !app.jobs.is_over("again").await.unwrap() {
        assert!(std::time::Instant::now() < patience);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(steps().await, before);
}
