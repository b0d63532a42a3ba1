//! The hand-over over the API: what is left to people, who ticked what, and what is refused.

use futures_util::future::join_all;
use requorum_shared::api::v1;
use requorum_shared::dossier;
use requorum_shared::handover::{Handover, MAX_NOTE_CHARS};
use requorum_shared::job::events::Body;
use tonic::Code;

use crate::support::harness::{NAME, Options, TestServer};
use crate::support::recovery::{Console, request};

const STEPS: [&str; 7] = [
    "stop-old",
    "member:m1",
    "member:m2",
    "member:m3",
    "start",
    "check",
    "clients",
];

/// The ticks in the journal: step, who, note.
fn ticks(job: &v1::GetJobResponse) -> Vec<(String, String, String)> {
    let bodies = job.events.iter();
    let bodies = bodies.map(|event| serde_json::from_str(&event.body_json).unwrap());
    let ticks = bodies.filter_map(|body| match body {
        Body::HandedOver { step, by, note } => Some((step, by, note)),
        _ => None,
    });
    ticks.collect()
}

#[tokio::test]
async fn every_step_is_ticked_once_and_by_name() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-three.db").await;
    let job = console.run(&request(&snapshot, "handed/over")).await;
    let early = console.hand_over(&job.id, "start", "").await.unwrap_err();
    assert_eq!(early.code(), Code::FailedPrecondition, "{early:?}");
    let view = console.finished(&job.id).await;

    let read = console.job(&job.id).await;
    let place = server.data_dir().join("restores/handed/over");
    assert_eq!(read.place, place.display().to_string());
    let handover: Handover = serde_json::from_str(&read.handover_json).unwrap();
    let ids: Vec<_> = handover.steps.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, STEPS);
    let copy = &handover.step("member:m1").unwrap().commands[0].text;
    assert!(
        copy.contains(&format!("{}/m1/ ", place.display())),
        "{copy}"
    );
    assert_eq!(ticks(&read), []);
    let summary = read.job.unwrap();
    assert!(
        summary.sentence.ends_with(" 0 of 7 hand-over steps done."),
        "{}",
        summary.sentence
    );

    let ticked = console
        .hand_over(&job.id, "stop-old", " all off ")
        .await
        .unwrap();
    assert_eq!(ticked.state(), v1::JobState::Completed);
    assert!(ticked.sentence.ends_with(" 1 of 7 hand-over steps done."));
    assert_eq!(
        ticked.ended_at_ms, summary.ended_at_ms,
        "the job took no longer"
    );
    assert!(ticked.updated_at_ms >= summary.updated_at_ms);
    // The list says the same as the job.
    let listed = console.jobs().await;
    assert_eq!(listed[0].sentence, ticked.sentence);

    // A caller that heard no answer asks again; anything else is another tick.
    let again = console
        .hand_over(&job.id, "stop-old", "all off")
        .await
        .unwrap();
    assert_eq!(again.sentence, ticked.sentence);
    for (step, note, code) in [
        ("stop-old", "not quite", Code::AlreadyExists),
        ("member:m9", "", Code::NotFound),
        ("", "", Code::NotFound),
        ("start", "\u{7}", Code::InvalidArgument),
    ] {
        let refused = console.hand_over(&job.id, step, note).await.unwrap_err();
        assert_eq!(refused.code(), code, "{step} {note}: {refused:?}");
    }
    let long = "x".repeat(MAX_NOTE_CHARS + 1);
    let refused = console
        .hand_over(&job.id, "start", &long)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    // Everybody at once, each step twice.
    let rest = STEPS[1..].iter().flat_map(|step| [step, step]);
    let done = join_all(rest.map(|step| console.hand_over(&job.id, step, ""))).await;
    for done in done {
        done.unwrap();
    }
    let read = console.job(&job.id).await;
    let mut steps: Vec<_> = ticks(&read).into_iter().map(|(step, ..)| step).collect();
    assert_eq!(steps.len(), 7);
    steps.sort_by_key(|step| STEPS.iter().position(|id| id == step));
    assert_eq!(steps, STEPS);
    assert_eq!(
        ticks(&read)[0],
        ("stop-old".into(), NAME.into(), "all off".into())
    );
    assert!(
        read.job
            .unwrap()
            .sentence
            .ends_with(" 7 of 7 hand-over steps done.")
    );
    // What follows the job still gets an end.
    let seen = view.last_seq + 7;
    assert_eq!(
        console.watch(&job.id, 0).await.unwrap().len() as u64,
        view.last_seq
    );
    assert_eq!(read.events.last().unwrap().seq, seen);

    let acts = console
        .entries(v1::ListEntriesRequest {
            act: "job.hand-over".into(),
            ..Default::default()
        })
        .await;
    assert!(acts >= 2 * 7, "{acts} entries");

    let archive = console
        .http
        .get(&format!("/api/jobs/{}/dossier", job.id))
        .await
        .bytes()
        .await
        .unwrap();
    let verdict = dossier::verify(&archive, None);
    assert!(verdict.whole, "{:#?}", verdict.checks);
    let text = serde_json::to_string(&verdict.document.unwrap()).unwrap();
    assert!(text.contains("7 of 7 hand-over steps done.") && text.contains("all off"));
    server.stop().await;
}

#[tokio::test]
async fn the_health_check_of_a_cluster_with_authentication_signs_in() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-auth.db").await;
    for (path, off) in [("auth/kept", false), ("auth/off", true)] {
        let mut wanted = request(&snapshot, path);
        wanted.clean_up.auth = off;
        let job = console.run(&wanted).await;
        console.finished(&job.id).await;
        let read = console.job(&job.id).await;
        let handover: Handover = serde_json::from_str(&read.handover_json).unwrap();
        let check = handover.step("check").unwrap();
        // One by one where each asks for a password.
        assert_eq!(check.commands.len(), if off { 1 } else { 4 });
        let commands = check.commands.iter();
        let commands: Vec<_> = commands.flat_map(|all| all.text.lines()).collect();
        assert_eq!(commands.len(), 4, "{commands:?}");
        for command in commands {
            assert_eq!(command.contains(" --user root "), !off, "{command}");
        }
        assert_eq!(check.text.contains("root password"), !off, "{}", check.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_job_that_was_rolled_back_hands_nothing_over() {
    let server = TestServer::with(Options::default()).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-three.db").await;
    let job = console.run(&request(&snapshot, "gone")).await;
    // Too late to stop it is as good: then there is a hand-over.
    let stopped = console.abort(&job.id).await.is_ok();
    let view = console.finished(&job.id).await;
    let refused = console.hand_over(&job.id, "start", "").await;
    let read = console.job(&job.id).await;
    if stopped && view.backward {
        assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
        assert_eq!(read.handover_json, "");
    } else {
        refused.unwrap();
    }
    server.stop().await;
}
