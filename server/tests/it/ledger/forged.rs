//! Whoever can write to the database, and has not the key that signs the ledger, makes nothing run: what lets a plan be
//! run is held against the ledger.

use requorum_shared::api::v1;
use requorum_shared::ledger::entry::{Entry, Outcome, act};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use crate::ledger::entries::audit;
use crate::plans::approvals::{approvals, break_glass, policies, policy};
use crate::support::harness::{Client, NAME, TestServer, code};
use crate::support::recovery::{Console, request};

/// Anna made a plan, Ben may approve, Carl may run it; and somebody has the database.
pub(super) struct Scene {
    pub(super) server: TestServer,
    pub(super) anna: Console,
    ben: Console,
    pub(super) carl: Console,
    pub(super) plan: v1::PlanSummary,
    pub(super) database: SqlitePool,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let server = TestServer::start().await;
        let anna = Console::over(&server).await;
        let snapshot = anna.upload("3.6.14-mixed.db").await;
        let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
        let person = async |name: &str, roles: &[&str]| {
            Console::with(server.person(&anna.http, name, roles).await).await
        };
        let ben = person("Ben", &["approver"]).await;
        let carl = person("Carl", &["operator"]).await;
        let options = SqliteConnectOptions::new().filename(server.data_dir().join("requorum.db"));
        let database = SqlitePool::connect_with(options).await.unwrap();
        Self {
            ben,
            carl,
            plan,
            database,
            anna,
            server,
        }
    }

    pub(super) async fn sql(&self, sql: &'static str) {
        let done = sqlx::query(sql).execute(&self.database).await.unwrap();
        assert_ne!(done.rows_affected(), 0, "{sql}");
    }

    /// It does not run, and no job says otherwise.
    async fn refused(&self, expected: &str, words: &str) {
        let refused = self.carl.start(&self.plan).await.unwrap_err();
        assert_eq!(code(&refused), expected, "{refused:?}");
        let message = refused.message();
        assert!(message.contains(words), "{message}");
        if expected.ends_with("unproven") {
            assert!(
                message.contains("who can write to the database"),
                "{message}"
            );
        }
        assert!(self.carl.jobs().await.is_empty());
        let (_, entries) = audit(&self.anna.http, None).await;
        assert!(
            ended(&entries, act::JOB_START)
                .iter()
                .all(|o| *o != Outcome::Done)
        );
    }
}

impl Scene {
    /// It does not run, because the ledger cannot be trusted.
    async fn changed_entry(&self) {
        let refused = self.carl.start(&self.plan).await.unwrap_err();
        assert_eq!(code(&refused), "ledger.unproven", "{refused:?}");
        let message = refused.message();
        assert!(
            message.contains("of the ledger is not what was signed")
                && message.contains("requorum audit verify"),
            "{message}"
        );
        assert!(self.carl.jobs().await.is_empty());
    }
}

fn ended(entries: &[Entry], act: &str) -> Vec<Outcome> {
    let acts = entries.iter().filter(|entry| entry.act == act);
    acts.filter_map(|entry| entry.outcome).collect()
}

impl Scene {
    /// As the plan's policy asks for it.
    pub(super) async fn approved(&self) {
        approve(self, &self.ben).await;
    }
}

async fn approve(scene: &Scene, by: &Console) {
    by.approve(&scene.plan.id, &scene.plan.hash).await.unwrap();
}

const APPROVED: &str = "UPDATE plans SET state = 'approved'";

#[tokio::test]
async fn votes_that_nobody_cast() {
    let scene = Scene::new().await;
    scene
        .sql(
            "INSERT INTO plan_votes (plan_id, user_id, user, plan_hash, at_ms) \
             SELECT plans.id, users.id, users.name, plans.hash, 1 FROM plans, users WHERE users.name = 'Ben'",
        )
        .await;
    scene.sql(APPROVED).await;
    let says = "The database says that Ben approved this plan, and the ledger does not";
    scene.refused("approval.unproven", says).await;
    // With the entry of something else that Ben did, or of anything else.
    for index in 0..40 {
        sqlx::query("UPDATE plan_votes SET entry = $1")
            .bind(index)
            .execute(&scene.database)
            .await
            .unwrap();
        scene.refused("approval.unproven", says).await;
    }
}

#[tokio::test]
async fn a_vote_that_accepts_what_its_voter_did_not() {
    let scene = Scene::new().await;
    approve(&scene, &scene.ben).await;
    scene
        .sql("UPDATE plan_votes SET accepted_json = '[{\"code\":\"alarms.active\",\"subject\":\"alarms\"}]'")
        .await;
    let says = "The database says that Ben approved this plan, and the ledger does not";
    scene.refused("approval.unproven", says).await;
}

#[tokio::test]
async fn a_vote_that_was_refused_or_is_given_to_another() {
    let scene = Scene::new().await;
    // Anna's own approval was tried, and does not count.
    let own = scene.anna.approve(&scene.plan.id, &scene.plan.hash).await;
    assert_eq!(code(&own.unwrap_err()), "approval.own");
    scene
        .sql(
            "INSERT INTO plan_votes (plan_id, user_id, user, plan_hash, at_ms) \
             SELECT plans.id, author_id, author, plans.hash, 1 FROM plans",
        )
        .await;
    approve(&scene, &scene.ben).await;
    scene.refused("approval.unproven", "Anna K. approved").await;
    scene
        .sql("DELETE FROM plan_votes WHERE user <> 'Ben'")
        .await;
    // Ben's own, in the name of somebody else's account.
    scene
        .sql("UPDATE plan_votes SET user_id = (SELECT author_id FROM plans)")
        .await;
    let refused = scene.carl.start(&scene.plan).await.unwrap_err();
    assert!(
        ["approval.unproven", "plan.second-person"].contains(&code(&refused)),
        "{refused:?}"
    );
    scene
        .sql("UPDATE plan_votes SET user_id = (SELECT id FROM users WHERE name = 'Ben')")
        .await;
    scene.carl.start(&scene.plan).await.unwrap();
}

#[tokio::test]
async fn votes_of_an_earlier_version_are_looked_for() {
    let scene = Scene::new().await;
    approve(&scene, &scene.ben).await;
    let mut policies = policies(&scene.anna.http).await;
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "always", true)),
        })
        .await
        .unwrap();
    for sql in [
        "UPDATE plan_votes SET entry = NULL",
        "UPDATE plans SET entry = NULL",
        "UPDATE policies SET entry = NULL",
    ] {
        scene.sql(sql).await;
    }
    scene.carl.start(&scene.plan).await.unwrap();
}

#[tokio::test]
async fn another_author_another_time_another_hash() {
    let scene = Scene::new().await;
    approve(&scene, &scene.ben).await;
    for (forge, back, words) in [
        (
            "UPDATE plans SET author_id = (SELECT id FROM users WHERE name = 'Carl')",
            "UPDATE plans SET author_id = (SELECT id FROM users WHERE name = 'Anna K.')",
            "the plan says that Anna K. made it",
        ),
        (
            "UPDATE plans SET author = 'Carl'",
            "UPDATE plans SET author = 'Anna K.'",
            "is Carl's, and the plan says that Anna K. made it",
        ),
        (
            "UPDATE plans SET expires_ms = expires_ms + 86400000",
            "UPDATE plans SET expires_ms = expires_ms - 86400000",
            "may be run until",
        ),
        (
            "UPDATE plans SET sealed_ms = sealed_ms - 60000, expires_ms = expires_ms - 60000",
            "UPDATE plans SET sealed_ms = sealed_ms + 60000, expires_ms = expires_ms + 60000",
            "was sealed at",
        ),
        (
            "UPDATE plans SET entry = entry + 1",
            "UPDATE plans SET entry = entry - 1",
            "The ledger does not say that Anna K. sealed this plan",
        ),
    ] {
        scene.sql(forge).await;
        scene.refused("plan.unproven", words).await;
        scene.sql(back).await;
    }
    scene.carl.start(&scene.plan).await.unwrap();
}

#[tokio::test]
async fn policies_that_nobody_set() {
    let scene = Scene::new().await;
    let words = "The default policy in the database is not the one that was set last";
    scene
        .sql(
            "INSERT INTO policies (cluster, policy_json, set_by, set_ms) VALUES ('', \
             '{\"break_glass\":true,\"destructive\":{\"approvers\":0,\"second\":\"never\"},\
             \"undoable\":{\"approvers\":0,\"second\":\"never\"}}', 'Anna K.', 1)",
        )
        .await;
    scene.refused("policy.unproven", words).await;
    // One that was in force once, and is not any more.
    let mut policies = policies(&scene.anna.http).await;
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(0, "never", true)),
        })
        .await
        .unwrap();
    sqlx::query("CREATE TABLE kept AS SELECT * FROM policies")
        .execute(&scene.database)
        .await
        .unwrap();
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "always", true)),
        })
        .await
        .unwrap();
    scene.sql("DELETE FROM policies").await;
    approve(&scene, &scene.ben).await;
    scene.refused("policy.unproven", words).await;
    scene.sql("INSERT INTO policies SELECT * FROM kept").await;
    scene.refused("policy.unproven", words).await;
    // An administrator sets it again, and all is well.
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "always", true)),
        })
        .await
        .unwrap();
    scene.carl.start(&scene.plan).await.unwrap();
}

#[tokio::test]
async fn a_glass_that_nobody_broke() {
    let scene = Scene::new().await;
    scene
        .sql(
            "INSERT INTO reviews (id, plan_id, broken_by_id, broken_by, broken_ms, reason) \
             SELECT 'r', plans.id, users.id, users.name, 1, 'it had to be tonight' FROM plans, users \
             WHERE users.name = 'Carl'",
        )
        .await;
    scene.sql(APPROVED).await;
    scene
        .refused("review.unproven", "Carl let this plan run without approval")
        .await;

    let scene = Scene::new().await;
    let mut policies = policies(&scene.anna.http).await;
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "always", false)),
        })
        .await
        .unwrap();
    scene
        .sql("UPDATE policies SET policy_json = replace(policy_json, '\"break_glass\":false', '\"break_glass\":true')")
        .await;
    let refused = break_glass(&scene.carl.http, &scene.plan, "it has to be tonight").await;
    assert_eq!(code(&refused.unwrap_err()), "policy.unproven");
}

const REVIVED: &str = "UPDATE plans SET state = 'approved', decided_by = 'Ben'";

#[tokio::test]
async fn a_rejected_plan_that_is_approved_again() {
    let scene = Scene::new().await;
    approve(&scene, &scene.ben).await;
    let no = scene.ben.reject(&scene.plan, "the wrong snapshot").await;
    no.unwrap();
    scene.sql(REVIVED).await;
    let says =
        "The database says that this plan can be run, and the ledger says that Ben rejected it";
    scene.refused("plan.unproven", says).await;
    // Nor as a plan that was never decided about.
    scene
        .sql("UPDATE plans SET state = 'sealed', decided_by = '', decided_ms = 0, reason = ''")
        .await;
    scene.refused("plan.unproven", says).await;
}

#[tokio::test]
async fn a_withdrawn_plan_that_is_approved_again() {
    let scene = Scene::new().await;
    approve(&scene, &scene.ben).await;
    let back = scene.anna.withdraw(&scene.plan, "not tonight").await;
    back.unwrap();
    scene.sql(REVIVED).await;
    scene
        .refused("plan.unproven", "the ledger says that Anna K. withdrew it")
        .await;
}

#[tokio::test]
async fn a_plan_whose_review_was_closed_before_it_was_run() {
    let scene = Scene::new().await;
    let review = break_glass(&scene.carl.http, &scene.plan, "it has to be tonight").await;
    let close = v1::CloseReviewRequest {
        id: review.unwrap().id,
        note: "It did not have to be.".into(),
    };
    let mut reviews = approvals(&scene.ben.http).await;
    reviews.close_review(close).await.unwrap();
    scene.sql(APPROVED).await;
    scene
        .sql("UPDATE reviews SET closed_by = '', closed_ms = 0, note = ''")
        .await;
    scene
        .refused(
            "plan.unproven",
            "the ledger says that Ben closed the review of its override",
        )
        .await;
}

#[tokio::test]
async fn a_rejection_that_was_refused_closes_nothing() {
    let scene = Scene::new().await;
    let other = v1::PlanSummary {
        hash: "0".repeat(64),
        ..scene.plan.clone()
    };
    let refused = scene.ben.reject(&other, "not this one").await.unwrap_err();
    assert_eq!(code(&refused), "plan.other-hash");
    approve(&scene, &scene.ben).await;
    scene.carl.start(&scene.plan).await.unwrap();
}

/// The ledger's own rows, written by hand, prove nothing: what counts is what the key has signed.
#[tokio::test]
async fn entries_that_were_never_signed_prove_nothing() {
    let scene = Scene::new().await;
    let own = scene.anna.approve(&scene.plan.id, &scene.plan.hash).await;
    assert_eq!(code(&own.unwrap_err()), "approval.own");
    sqlx::query("DROP TRIGGER ledger_entries_are_final")
        .execute(&scene.database)
        .await
        .unwrap();
    scene
        .sql(
            "INSERT INTO plan_votes (plan_id, user_id, user, plan_hash, at_ms, entry) \
             SELECT plans.id, users.id, users.name, plans.hash, 1, \
             (SELECT MIN(idx) FROM ledger_entries WHERE act = 'plan.approve') FROM plans, users WHERE users.name = 'Ben'",
        )
        .await;
    scene.sql(APPROVED).await;
    scene
        .sql(
            "UPDATE ledger_entries SET who = 'Ben', canonical = CAST(replace(replace(CAST(canonical AS TEXT), \
             'Anna K.', 'Ben'), '\"outcome\":\"refused\",\"phase\":\"closed\"', \
             '\"outcome\":\"done\",\"phase\":\"closed\"') AS BLOB) WHERE act = 'plan.approve'",
        )
        .await;
    scene.changed_entry().await;
    drop(scene.server);
}

const UNLOCKED: &str = "DROP TRIGGER ledger_entries_are_final";

/// What an entry says cannot be changed, and what it is found by decides nothing.
#[tokio::test]
async fn a_rejection_that_is_hidden_in_the_ledger_closes_the_plan() {
    for hidden in [
        "UPDATE ledger_entries SET act = 'request' WHERE act = 'plan.reject'",
        "UPDATE ledger_entries SET plan = NULL WHERE act = 'plan.reject'",
        "UPDATE ledger_entries SET closes = 0 WHERE act = 'plan.reject' AND closes IS NULL",
        "UPDATE ledger_entries SET closes = NULL WHERE act = 'plan.reject'",
    ] {
        let scene = rejected_and_revived().await;
        scene.sql(hidden).await;
        let says = "the ledger says that Ben rejected it";
        scene.refused("plan.unproven", says).await;
    }
    for changed in [
        "UPDATE ledger_entries SET canonical = CAST(replace(CAST(canonical AS TEXT), 'plan.reject', 'request') AS BLOB) \
         WHERE act = 'plan.reject'",
        "UPDATE ledger_entries SET canonical = CAST(replace(CAST(canonical AS TEXT), '\"done\"', '\"failed\"') AS BLOB) \
         WHERE act = 'plan.reject' AND closes IS NOT NULL",
        "UPDATE ledger_entries SET canonical = x'00' WHERE act = 'plan.reject'",
    ] {
        let scene = rejected_and_revived().await;
        scene.sql(changed).await;
        scene.changed_entry().await;
    }
}

/// A plan that Ben approved and then rejected, which the database says can be run.
async fn rejected_and_revived() -> Scene {
    let scene = Scene::new().await;
    approve(&scene, &scene.ben).await;
    let no = scene.ben.reject(&scene.plan, "the wrong snapshot").await;
    no.unwrap();
    scene.sql(REVIVED).await;
    sqlx::query(UNLOCKED)
        .execute(&scene.database)
        .await
        .unwrap();
    scene
}

#[tokio::test]
async fn a_policy_that_is_hidden_in_the_ledger_stays_the_newest() {
    let scene = Scene::new().await;
    let mut policies = policies(&scene.anna.http).await;
    let mut set = async |break_glass| {
        let policy = Some(policy(1, "always", break_glass));
        let set = policies.set_policy(v1::SetPolicyRequest { policy }).await;
        set.unwrap();
    };
    set(true).await;
    let keep = "CREATE TABLE kept AS SELECT * FROM policies";
    sqlx::query(keep).execute(&scene.database).await.unwrap();
    set(false).await;
    sqlx::query(UNLOCKED)
        .execute(&scene.database)
        .await
        .unwrap();
    for sql in [
        "UPDATE ledger_entries SET act = 'request' WHERE act = 'policy.set' \
         AND idx >= (SELECT entry FROM policies)",
        "DELETE FROM policies",
        "INSERT INTO policies SELECT * FROM kept",
    ] {
        scene.sql(sql).await;
    }
    approve(&scene, &scene.ben).await;
    let says = "The default policy in the database is not the one that was set last";
    scene.refused("policy.unproven", says).await;
}

/// An entry that was changed before the plan was sealed, and before the policy was set, is none of theirs.
#[tokio::test]
async fn an_old_entry_that_was_changed_stops_no_later_plan() {
    let scene = Scene::new().await;
    sqlx::query(UNLOCKED)
        .execute(&scene.database)
        .await
        .unwrap();
    scene
        .sql("UPDATE ledger_entries SET canonical = x'00' WHERE act = 'setup'")
        .await;
    approve(&scene, &scene.ben).await;
    // It may have been a policy.
    scene.changed_entry().await;
    let mut policies = policies(&scene.anna.http).await;
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "always", true)),
        })
        .await
        .unwrap();
    scene.carl.start(&scene.plan).await.unwrap();
}

#[tokio::test]
async fn an_entry_that_was_repaired_counts_again() {
    let scene = Scene::new().await;
    for sql in [
        UNLOCKED,
        "CREATE TABLE kept_entries AS SELECT idx, canonical FROM ledger_entries",
    ] {
        sqlx::query(sql).execute(&scene.database).await.unwrap();
    }
    scene
        .sql("UPDATE ledger_entries SET canonical = x'00' WHERE act = 'setup'")
        .await;
    approve(&scene, &scene.ben).await;
    scene.changed_entry().await;
    scene
        .sql(
            "UPDATE ledger_entries SET canonical = (SELECT canonical FROM kept_entries \
             WHERE kept_entries.idx = ledger_entries.idx) WHERE act = 'setup'",
        )
        .await;
    scene.carl.start(&scene.plan).await.unwrap();
}

/// What a console could not write down about its last act is found at the next start.
#[tokio::test]
async fn an_act_that_had_its_effect_is_done_and_another_is_unknown() {
    use requorum_server::ledger::carrying_out;
    use requorum_server::plans::approvals::{PolicyChange, PolicyChanged, SetPolicy};
    use requorum_shared::approval::Policy;
    use requorum_shared::ledger::entry::Draft;

    let server = TestServer::start().await;
    server.admin().await;
    let app = server.app().clone();
    let draft = |cluster: &str| Draft {
        who: "Anna K.".into(),
        act: act::POLICY_SET.into(),
        cluster: Some(cluster.into()),
        subject: cluster.into(),
        ..Draft::default()
    };
    let done = app.ledger.open(draft("done")).await.unwrap();
    let unknown = app.ledger.open(draft("unknown")).await.unwrap();
    let policy = SetPolicy {
        cluster: "done".into(),
        policy: Policy::default(),
        by: "Anna K.".into(),
        at_ms: 1,
        entry: Some(done.index()),
    };
    let change = PolicyChange {
        cluster: "done".into(),
        set: Some(policy),
        judged: Vec::new(),
        listed: None,
    };
    let set = app.approvals.change_policy(&change);
    let set = carrying_out(done.index(), set).await.unwrap();
    assert_eq!(set, PolicyChanged::Done);
    // The upload's last byte is on the medium, and nobody has looked at it yet.
    let bytes = crate::support::harness::fixture("3.6.14-mixed.db");
    let sent = app.ledger.open(Draft {
        act: act::FILE_UPLOAD.into(),
        ..draft("sent")
    });
    let sent = sent.await.unwrap();
    let upload = requorum_server::files::store::UploadRow {
        id: "u".into(),
        name: "a.db".into(),
        cluster: "prod".into(),
        length: bytes.len() as u64,
        safe_bytes: 0,
        owner_id: app.people.by_name(NAME).await.unwrap().id,
        owner: "Anna K.".into(),
        place: String::new(),
        started_ms: app.clock.now_ms(),
        touched_ms: app.clock.now_ms(),
        entry: None,
        evidence: false,
        finished: None,
    };
    assert!(app.store.add_upload(&upload, 9).await.unwrap());
    std::fs::write(app.uploads.folder().join("u.part"), &bytes).unwrap();
    let at = app
        .store
        .upload_is_at("u", upload.length, upload.touched_ms);
    carrying_out(sent.index(), at).await.unwrap();

    let indexes = [done.index(), unknown.index(), sent.index()];
    // As if the process had been killed: nobody closes them.
    for opened in [done, unknown, sent] {
        std::mem::forget(opened);
    }
    drop(app);
    let server = server
        .restart(crate::support::harness::Options::default())
        .await;
    let admin = server.signed_in().await;
    let (verified, entries) = audit(&admin, None).await;
    assert_eq!((verified.open.len(), verified.unknown), (0, 1));
    let end = |index| entries.iter().find(|e| e.closes == Some(index)).unwrap();
    let [done, unknown, sent] = indexes.map(end);
    assert_eq!(done.outcome, Some(Outcome::Done));
    assert!(
        done.reason.contains("found at the next start"),
        "{}",
        done.reason
    );
    assert_eq!(unknown.outcome, Some(Outcome::Unknown));
    assert_eq!(sent.outcome, Some(Outcome::Done));
    let id = requorum_shared::canonical::sha256_hex(&bytes);
    assert_eq!(sent.subject, format!("file {id}"));
    admin.snapshot(&id).await;
}

pub(crate) async fn viewer_tries(client: &Client, times: usize) {
    use requorum_server::grpc::v1::job_service_client::JobServiceClient;
    let mut jobs = JobServiceClient::new(client.grpc().await);
    for _ in 0..times {
        let start = v1::StartJobRequest {
            plan_id: "x".into(),
            plan_hash: "y".into(),
            accepted_warnings: Vec::new(),
        };
        jobs.start_job(start).await.unwrap_err();
    }
}
