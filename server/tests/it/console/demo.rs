//! `requorum serve --demo`: what is in it, that all of it was really done, and that nothing of it is left.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use requorum_server::grpc::v1::approval_service_client::ApprovalServiceClient;
use requorum_server::grpc::v1::credential_service_client::CredentialServiceClient;
use requorum_server::grpc::v1::job_service_client::JobServiceClient;
use requorum_server::grpc::v1::plan_service_client::PlanServiceClient;
use requorum_shared::api::v1::{self, JobState, PlanState};
use requorum_shared::dossier;
use requorum_shared::finding::Outcome;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::harness::{Client, http_client};

/// A running demo; killed when it is dropped.
struct Demo {
    child: Child,
    base: String,
    folder: PathBuf,
    passwords: HashMap<String, String>,
    took: Duration,
}

impl Demo {
    fn start() -> Self {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_requorum"))
            .args(["serve", "--demo", "--listen", "127.0.0.1:0"])
            // Boot checks are another test's: this one is about what is there at once.
            .env("PATH", "/nowhere")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = || lines.next().expect("it says more").unwrap();
        let base = next().strip_prefix("listening on ").unwrap().to_owned();
        let took = begun.elapsed();
        let where_it_is = next();
        let folder = where_it_is
            .split_once("Everything is in ")
            .and_then(|(_, rest)| rest.split_once(" and is removed"))
            .expect(&where_it_is)
            .0;
        let passwords = (0..4).map(|_| {
            let line = next();
            let name = line.split_whitespace().next().unwrap().to_owned();
            (name, line.rsplit_once(' ').unwrap().1.to_owned())
        });
        Self {
            base,
            folder: folder.into(),
            passwords: passwords.collect(),
            took,
            child,
        }
    }

    async fn signed_in(&self, name: &str) -> Client {
        let mut client = Client {
            base: self.base.clone(),
            http: http_client(),
            cookie: None,
            token: None,
        };
        let response = client.login(name, &self.passwords[name]).await;
        assert_eq!(response.status(), 200, "{name}");
        client.keep_cookie(&response);
        client
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_demo_has_something_of_everything_and_leaves_nothing() {
    let mut demo = Demo::start();
    assert!(demo.took < Duration::from_secs(5), "{:?}", demo.took);
    assert!(demo.folder.is_dir());
    for name in ["alex", "olivia", "priya", "victor"] {
        demo.signed_in(name).await;
    }
    let viewer = demo.signed_in("victor").await;
    let clusters: Vec<_> = viewer
        .snapshots()
        .await
        .files
        .into_iter()
        .map(|f| f.cluster)
        .collect();
    assert_eq!(clusters.len(), 4);
    for cluster in ["prod-etcd", "staging-etcd"] {
        assert_eq!(
            clusters.iter().filter(|c| *c == cluster).count(),
            2,
            "{clusters:?}"
        );
    }

    let plans = PlanServiceClient::new(viewer.grpc().await)
        .list_plans(v1::ListPlansRequest::default())
        .await
        .unwrap()
        .into_inner()
        .plans;
    let of = |state: PlanState| plans.iter().filter(move |p| p.state() == state);
    let waiting = of(PlanState::Sealed).next().expect("one waits");
    let plan = PlanServiceClient::new(viewer.grpc().await)
        .get_plan(v1::GetPlanRequest {
            id: waiting.id.clone(),
        })
        .await
        .unwrap()
        .into_inner();
    assert!(
        plan.check
            .iter()
            .any(|f| f.severity() == v1::Severity::Warning),
        "{:?}",
        plan.check
    );
    let rejected = of(PlanState::Rejected).next().expect("one was rejected");
    assert_eq!(rejected.decided_by, "priya");
    assert!(
        of(PlanState::Approved).any(|p| p.broke_glass),
        "one was released without approval"
    );
    assert_eq!(of(PlanState::Used).count(), 1);

    let reviews = ApprovalServiceClient::new(viewer.grpc().await)
        .list_reviews(v1::ListReviewsRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(reviews.open, 1);

    let mut jobs = JobServiceClient::new(viewer.grpc().await);
    let deadline = Instant::now() + Duration::from_secs(60);
    let job = loop {
        let list = jobs
            .list_jobs(v1::ListJobsRequest::default())
            .await
            .unwrap()
            .into_inner();
        let job = list.jobs.into_iter().next().expect("one was started");
        if job.state() == JobState::Completed {
            break job;
        }
        assert!(Instant::now() < deadline, "{job:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let dossier = viewer.get(&format!("/api/jobs/{}/dossier", job.id)).await;
    assert_eq!(dossier.status(), 200);
    let bytes = dossier.bytes().await.unwrap();
    let verdict = dossier::verify(&bytes, None);
    let failed = verdict
        .checks
        .iter()
        .find(|check| check.outcome == Outcome::Fail);
    assert!(failed.is_none(), "{failed:?}");
    assert_eq!(
        verdict.approval,
        Outcome::Pass,
        "a second person approved it"
    );

    let admin = demo.signed_in("alex").await;
    let credentials = CredentialServiceClient::new(admin.grpc().await)
        .list_credentials(v1::ListCredentialsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .credentials;
    let [credential] = credentials.as_slice() else {
        panic!("{credentials:?}");
    };
    assert!(credential.changed_at_ms >= credential.created_at_ms);

    let page = viewer.get("/plans").await.text().await.unwrap();
    if !page.contains("The page is not built") {
        assert!(page.contains("Demo: nothing here is real."), "{page}");
    }
    kill_process(Pid::from_child(&demo.child), Signal::TERM).unwrap();
    assert!(demo.child.wait().unwrap().success());
    assert!(!demo.folder.exists(), "it is removed");
}

#[test]
fn a_demo_never_touches_what_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    for (flag, value) in [
        ("--data-dir", kept.to_str().unwrap()),
        ("--database-url", "postgres://a@b/c"),
        ("--objects", "s3://bucket"),
        ("--ledger-key-file", kept.to_str().unwrap()),
        ("--master-key-file", kept.to_str().unwrap()),
        ("--restore-root", "data=/srv/data@*"),
        ("--oidc-issuer", "https://id.example"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", flag, value])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{flag}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("--demo") && said.contains(flag), "{said}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(["serve", "--demo", "--listen", "127.0.0.1:0"])
        .env("REQUORUM_DATA_DIR", &kept)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!kept.exists());
    // Other machines reach it over TLS only, as ever.
    let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(["serve", "--demo", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
