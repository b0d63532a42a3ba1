//! Plans: checked, sealed, approved, void on drift, used once.

use requorum_server::config::{RootClusters, RootConfig};
use requorum_shared::api::v1::{self, PlanState};
use requorum_shared::recovery::Plan;
use tonic::Code;

use crate::support::harness::{Options, TestServer};
use crate::support::recovery::{Console, asked, request};

#[tokio::test]
async fn a_plan_is_sealed_read_approved_and_bound_to_its_hash() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let request = request(&snapshot, "restored/prod");

    let findings = console.check(&request).await.unwrap();
    assert!(
        findings
            .iter()
            .all(|f| f.severity() != v1::Severity::Blocking),
        "{findings:?}"
    );
    let sealed = console.seal(&request).await.unwrap();
    assert_eq!(sealed.state(), PlanState::Sealed);
    assert_eq!(sealed.expires_at_ms - sealed.sealed_at_ms, 24 * 3_600_000);

    let read = console.plan(&sealed.id).await;
    let plan: Plan = serde_json::from_str(&read.plan_json).unwrap();
    assert_eq!(plan.hash(), sealed.hash);
    assert_eq!(
        plan.canonical_json(),
        read.plan_json,
        "the stored bytes are the canonical ones"
    );
    assert_eq!(read.drift, []);
    assert!(
        !server.data_dir().join("restores/restored").exists(),
        "planning changes nothing"
    );

    let other = console
        .approve(&sealed.id, &"0".repeat(64))
        .await
        .unwrap_err();
    assert_eq!(other.code(), Code::FailedPrecondition);
    let early = console.start(&sealed).await.unwrap_err();
    assert_eq!(
        early.metadata().get("x-error-code").unwrap(),
        "plan.not-approved"
    );

    let approved = console.approve(&sealed.id, &sealed.hash).await.unwrap();
    assert_eq!(
        (approved.state(), approved.decided_by.as_str()),
        (PlanState::Approved, crate::support::harness::NAME)
    );
    let again = console.approve(&sealed.id, &sealed.hash).await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);

    let of_snapshot = console.get_snapshot(&snapshot).await;
    assert_eq!(of_snapshot.plans, [approved]);
}

#[tokio::test]
async fn a_rejected_plan_says_why_and_never_runs() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    let silent = console.reject(&plan, "  ").await.unwrap_err();
    assert_eq!(silent.code(), Code::InvalidArgument);
    let rejected = console.reject(&plan, "wrong snapshot").await.unwrap();
    assert_eq!(
        (rejected.state(), rejected.reason.as_str()),
        (PlanState::Rejected, "wrong snapshot")
    );
    assert!(console.approve(&plan.id, &plan.hash).await.is_err());
    let start = console.start(&plan).await.unwrap_err();
    assert_eq!(start.code(), Code::FailedPrecondition);
    assert!(
        start.message().contains("wrong snapshot"),
        "{}",
        start.message()
    );
}

#[tokio::test]
async fn a_plan_ends_after_a_day() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    clock.advance_ms(24 * 3_600_000 - 1);
    let console = Console::signed_in(&server).await;
    assert_eq!(
        console.plan(&plan.id).await.plan.unwrap().state(),
        PlanState::Approved
    );
    clock.advance_ms(1);
    let ended = console.plan(&plan.id).await.plan.unwrap();
    assert_eq!(
        (ended.state(), ended.expires_at_ms),
        (PlanState::Expired, 0)
    );
    let start = console.start(&plan).await.unwrap_err();
    assert_eq!(
        start.metadata().get("x-error-code").unwrap(),
        "plan.expired"
    );
}

#[tokio::test]
async fn a_plan_is_invalidated_once_something_stands_at_its_target() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let at = server.data_dir().join("restores/a");

    for approve_first in [false, true] {
        let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
        if approve_first {
            console.approve(&plan.id, &plan.hash).await.unwrap();
        }
        std::fs::create_dir(&at).unwrap();
        std::fs::write(at.join("precious"), b"data").unwrap();
        let refused = if approve_first {
            console.start(&plan).await.unwrap_err()
        } else {
            console.approve(&plan.id, &plan.hash).await.unwrap_err()
        };
        assert_eq!(
            refused.metadata().get("x-error-code").unwrap(),
            "plan.invalidated"
        );
        let read = console.plan(&plan.id).await;
        assert_eq!(read.plan.unwrap().state(), PlanState::Invalidated);
        std::fs::remove_dir_all(&at).unwrap();
        // That is for good, also when the reason is gone.
        assert!(console.start(&plan).await.is_err());
        let plan = console.plan(&plan.id).await.plan.unwrap();
        assert_eq!(plan.state(), PlanState::Invalidated);
    }

    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    std::fs::create_dir(&at).unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap_err();
    let drift = console.plan(&plan.id).await.drift;
    assert_eq!(
        drift[0].code, "drift.fact",
        "an empty folder is not what the plan said"
    );
}

#[tokio::test]
async fn a_plan_is_invalidated_without_its_snapshot() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    let object = server
        .data_dir()
        .join(format!("objects/sha256/{}/{snapshot}", &snapshot[..2]));
    std::fs::remove_file(object).unwrap();
    let refused = console.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(
        refused.metadata().get("x-error-code").unwrap(),
        "plan.invalidated"
    );
}

#[tokio::test]
async fn what_cannot_be_restored_is_not_planned() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("there")).unwrap();
    std::fs::write(dir.path().join("there/file"), b"x").unwrap();
    std::os::unix::fs::symlink("/tmp", dir.path().join("link")).unwrap();
    let server = TestServer::with(Options {
        restore_roots: vec![RootConfig {
            name: "extra".into(),
            path: dir.path().into(),
            clusters: RootClusters::none(),
        }],
        ..Options::default()
    })
    .await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let good = request(&snapshot, "a");

    type Change = fn(&mut serde_json::Value);
    let cases: Vec<(&str, Change)> = vec![
        ("target.root", |r| r["target"]["root"] = "nowhere".into()),
        ("target.path", |r| r["target"]["path"] = "../out".into()),
        ("target.path", |r| r["target"]["path"] = "/etc".into()),
        (
            "target.exists",
            |r| {
                r["target"] =
                    serde_json::json!({"kind": "folder", "root": "extra", "path": "there"})
            },
        ),
        (
            "target.not-a-folder",
            |r| {
                r["target"] = serde_json::json!({"kind": "folder", "root": "extra", "path": "link"})
            },
        ),
        (
            "target.not-a-folder",
            |r| {
                r["target"] =
                    serde_json::json!({"kind": "folder", "root": "extra", "path": "link/x"})
            },
        ),
        ("bump.without-mark", |r| r["bump_revision"] = 10.into()),
    ];
    for (code, change) in cases {
        let mut value: serde_json::Value = serde_json::from_str(&asked(&good)).unwrap();
        change(&mut value);
        let json = value.to_string();
        let findings = console.check_json(&json).await.unwrap();
        let blocking: Vec<_> = findings
            .iter()
            .filter(|f| f.severity() == v1::Severity::Blocking)
            .map(|f| f.code.as_str())
            .collect();
        assert!(blocking.contains(&code), "{code}: {blocking:?}");
        let refused = console.seal_json(&json).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{code}");
        assert_eq!(
            refused.metadata().get("x-error-code").unwrap(),
            "plan.blocked"
        );
    }
    let nonsense = console.check_json("{}").await.unwrap_err();
    assert_eq!(nonsense.code(), Code::InvalidArgument);
    let unknown = console
        .check(&request(&"0".repeat(64), "a"))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert_eq!(console.plans().await, Vec::<v1::PlanSummary>::new());
}
