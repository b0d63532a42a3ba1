//! Questions over the API: what a plan foresaw, what has to be typed, and answers that are refused.

use requorum_server::jobs::log::{Created, JobRow};
use requorum_server::plans::store::{Added, Decision, PlanRow, PlanState};
use requorum_shared::api::v1;
use requorum_shared::job::events::{Body, EndState, Event, Question};
use requorum_shared::job::fold::JobState;
use requorum_shared::ledger::entry::{Draft, Outcome, act};
use requorum_shared::plan::{Gate, GateChoice, GateThen, Step, Undo};
use requorum_shared::recovery::{Action, Plan};
use tonic::Code;

use crate::ledger::entries::audit;
use crate::support::harness::{NAME, TestServer, code};
use crate::support::recovery::{Console, fold, request};

fn asks(event: &Event) -> bool {
    matches!(event.body, Body::Asked { .. })
}

/// What the job asks, once it does.
async fn question(console: &Console, job: &str) -> Question {
    let events = console.watch_until(job, 0, asks).await.unwrap();
    match events.last().unwrap().body.clone() {
        Body::Asked { question } => question,
        other => panic!("it did not ask: {other:?}"),
    }
}

/// A person's step: to go on, the name of what is at stake has to be typed.
fn gate() -> Step<Action> {
    let choice = |id: &str, then, confirm: Option<&str>| GateChoice {
        id: id.into(),
        label: format!("{id} it"),
        consequence: format!("It is {id}."),
        then,
        confirm: confirm.map(str::to_owned),
    };
    Step {
        number: 1,
        title: "Stop the old members".into(),
        probe: "Asked once.".into(),
        effect: "Changes nothing by itself.".into(),
        undo: Undo::Nothing,
        native: None,
        action: Action::Person(Gate {
            question: "Are all old members stopped?".into(),
            evidence: "Nobody can see that from here.".into(),
            choices: vec![
                choice("go", GateThen::Continue, Some("prod-etcd")),
                choice("leave", GateThen::Leave, None),
            ],
        }),
    }
}

/// A job of an approved plan whose first step is a person's: no request makes one yet, so it is put into the store.
async fn gated(server: &TestServer, console: &Console) -> String {
    let app = server.app();
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let sealed = console.seal(&request(&snapshot, "gated")).await.unwrap();
    let (row, json) = app.plans.plan(&sealed.id).await.unwrap().unwrap();
    let mut plan: Plan = serde_json::from_str(&json).unwrap();
    plan.id = "gated".into();
    plan.steps.insert(0, gate());
    for (number, step) in (1..).zip(&mut plan.steps) {
        step.number = number;
    }
    let row = PlanRow {
        id: plan.id.clone(),
        hash: plan.hash(),
        ..row
    };
    let plan_json = plan.canonical_json();
    let added = app.plans.add_plan(&row, &plan_json, 9).await.unwrap();
    assert!(matches!(added, Added::Sealed(_)), "{added:?}");
    let approved = Decision {
        state: PlanState::Approved,
        by: NAME.into(),
        at_ms: row.sealed_ms,
        reason: String::new(),
    };
    let decided = app.plans.decide_plan(&row.id, PlanState::Sealed, &approved);
    assert!(decided.await.unwrap());
    let job = JobRow {
        id: "job-of-gated".into(),
        plan_id: row.id,
        plan_json,
        plan_hash: row.hash,
        cluster: row.cluster,
        broke_glass: false,
        started_by: NAME.into(),
        created_ms: row.sealed_ms,
        brief: row.brief,
    };
    let first = Body::Started {
        by: NAME.into(),
        grounds: None,
    };
    // As a person's request has it: the engine holds a job against the ledger.
    let mut start = app
        .ledger
        .open(Draft {
            who: NAME.into(),
            act: act::JOB_START.into(),
            plan: Some(job.plan_hash.clone()),
            ..Draft::default()
        })
        .await
        .unwrap();
    let created = app.engine.create(&job, &first, &|_, _| false).await;
    assert_eq!(created.unwrap(), Created::Yes);
    start.draft().job = Some(job.id.clone());
    start.close(Outcome::Done, "").await;
    app.engine.adopt(&job.id, "start");
    job.id
}

/// A person who can write to the database answers in another's name.
#[tokio::test]
async fn an_answer_that_nobody_gave_ends_the_job() {
    for (forged, said) in [
        (
            r#"{"event":"answered","question":"ID","choice":"go","by":"NAME"}"#,
            "answer a job's question",
        ),
        (
            r#"{"event":"abort-requested","by":"NAME"}"#,
            "stop a job and roll it back",
        ),
    ] {
        let server = TestServer::start().await;
        let console = Console::over(&server).await;
        let job = gated(&server, &console).await;
        let asked = question(&console, &job).await;
        // An answer that was refused is no answer.
        let refused = console.answer_typing(&job, &asked.id, "go", "prod").await;
        assert_eq!(code(&refused.unwrap_err()), "job.confirm");
        let forged = forged.replace("ID", &asked.id).replace("NAME", NAME);
        assert!(
            serde_json::from_str::<Body>(&forged)
                .unwrap()
                .wish()
                .is_some()
        );
        let file = server.data_dir().join("requorum.db");
        let database = sqlx::SqlitePool::connect_with(
            sqlx::sqlite::SqliteConnectOptions::new().filename(file),
        )
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO job_events (job_id, seq, at_ms, body_json) SELECT job_id, MAX(seq) + 1, MAX(at_ms), $2 FROM \
             job_events WHERE job_id = $1 GROUP BY job_id",
        )
        .bind(&job)
        .bind(&forged)
        .execute(&database)
        .await
        .unwrap();
        server.app().engine.wake(&job);
        let over = |event: &Event| matches!(event.body, Body::Ended { .. });
        let events = console.watch_until(&job, 0, over).await.unwrap();
        let Some(Body::Ended { state, sentence }) = events.last().map(|event| &event.body) else {
            panic!("{events:?}")
        };
        assert_eq!(*state, EndState::Left);
        assert!(
            sentence.contains(said) && sentence.contains("not in the ledger"),
            "{sentence}"
        );
        let began = |event: &Event| {
            matches!(
                event.body,
                Body::StepStarted { .. } | Body::UndoStarted { .. }
            )
        };
        assert!(!events.iter().any(began), "{events:?}");
    }
}

#[tokio::test]
async fn what_a_plan_foresaw_is_asked_and_confirmed_by_typing() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let job = gated(&server, &console).await;
    let asked = question(&console, &job).await;
    assert_eq!(asked.text, "Are all old members stopped?");
    assert_eq!(asked.choices[0].confirm.as_deref(), Some("prod-etcd"));
    let summary = console.job(&job).await.job.unwrap();
    assert_eq!(summary.state(), v1::JobState::Waiting);

    let refused = async |question: &str, choice: &str, typed: &str| {
        let answer = console.answer_typing(&job, question, choice, typed).await;
        let status = answer.unwrap_err();
        (
            status.code(),
            code(&status).to_owned(),
            status.message().to_owned(),
        )
    };
    for typed in ["", "prod", "Prod-etcd", "prod-etcd "] {
        let (kind, code, said) = refused(&asked.id, "go", typed).await;
        assert_eq!(
            (kind, code.as_str()),
            (Code::InvalidArgument, "job.confirm")
        );
        assert!(
            said.contains("“go it”") && said.contains("prod-etcd"),
            "{said}"
        );
    }
    let (kind, code, said) = refused(&asked.id, "elsewhere", "prod-etcd").await;
    assert_eq!((kind, code.as_str()), (Code::InvalidArgument, "job.choice"));
    assert!(said.contains("elsewhere"), "{said}");
    let (kind, code, _) = refused("another", "go", "prod-etcd").await;
    let closed = (Code::FailedPrecondition, "job.question-closed");
    assert_eq!((kind, code.as_str()), closed);
    // None of that was an answer.
    let events = console.job(&job).await.events;
    let bodies = events
        .iter()
        .map(|event| serde_json::from_str::<Body>(&event.body_json).unwrap());
    let answered = |body: &Body| matches!(body, Body::Answered { .. });
    assert_eq!(bodies.filter(answered).count(), 0);

    console
        .answer_typing(&job, &asked.id, "go", "prod-etcd")
        .await
        .unwrap();
    let (kind, code, _) = refused(&asked.id, "go", "prod-etcd").await;
    assert_eq!((kind, code.as_str()), closed);
    // What was refused is in the ledger, with its reason.
    let (_, entries) = audit(&console.http, None).await;
    let answers: Vec<_> = entries
        .into_iter()
        .filter(|entry| entry.act == act::JOB_ANSWER)
        .filter_map(|entry| Some((entry.outcome?, entry.reason)))
        .collect();
    let done = answers
        .iter()
        .filter(|(outcome, _)| *outcome == Outcome::Done);
    assert_eq!(done.count(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_question_that_arose_is_answered_once_and_by_its_choices() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let asked_for = request(&snapshot, "a");
    let plan = super::targets::approved(&console, &asked_for).await;
    let (job, mend) = super::targets::waiting(&server, &console, &plan, &snapshot).await;
    let asked = question(&console, &job.id).await;
    for (id, choice, expected) in [
        (asked.id.as_str(), "", "job.choice"),
        (asked.id.as_str(), "no-such-choice", "job.choice"),
        ("", "retry", "job.question-closed"),
    ] {
        let refused = console.answer(&job.id, id, choice).await.unwrap_err();
        assert_eq!(code(&refused), expected);
    }
    mend();
    console.answer(&job.id, &asked.id, "retry").await.unwrap();
    let late = console.answer(&job.id, &asked.id, "retry").await;
    assert_eq!(code(&late.unwrap_err()), "job.question-closed");
    let view = fold(&console.watch(&job.id, 0).await.unwrap());
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
}
