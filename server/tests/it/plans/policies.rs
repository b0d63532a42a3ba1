//! Policies: what they say before they are set, what they decide, and how they go.

use std::time::Duration;

use requorum_shared::api::v1;
use requorum_shared::ledger::entry::{Entry, Outcome, act};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::time::sleep;
use tonic::Code;

use crate::ledger::entries::audit;
use crate::plans::approvals::{approval, break_glass, console, policies, policy};
use crate::support::harness::{NAME, TestServer, code};
use crate::support::recovery::{Console, request};

#[tokio::test]
async fn a_policy_says_what_it_would_do_before_it_is_set() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let prod = anna.upload_of("3.6.14-mixed.db", "prod-etcd").await;
    let nobodys = anna.upload_of("3.6.14-three.db", "").await;
    let prod = anna.seal(&request(&prod, "a")).await.unwrap();
    let other = anna.seal(&request(&nobodys, "b")).await.unwrap();
    let mut wire = policies(&anna.http).await;
    let mut preview = async |policy: v1::Policy| {
        let answer = wire
            .preview_policy(v1::PreviewPolicyRequest {
                policy: Some(policy),
            })
            .await;
        answer.map(|effects| effects.into_inner().effects)
    };
    let of_prod = v1::Policy {
        cluster: "prod-etcd".into(),
        ..policy(2, "always", true)
    };
    let effects = preview(of_prod.clone()).await.unwrap();
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].plan_id, prod.id);
    assert!(effects[0].now.starts_with("Waiting for 1 approval."));
    assert!(effects[0].then.starts_with("Waiting for 2 approvals."));
    assert_eq!(preview(policy(0, "never", true)).await.unwrap().len(), 2);
    let bad = preview(policy(0, "always", true)).await.unwrap_err();
    assert_eq!(code(&bad), "policy.rule");
    policies(&anna.http)
        .await
        .set_policy(v1::SetPolicyRequest {
            policy: Some(of_prod),
        })
        .await
        .unwrap();
    // A cluster that has its own is not touched by the one for everything.
    let rest = preview(policy(0, "never", true)).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(
        (rest[0].plan_id.as_str(), rest[0].then.as_str()),
        (other.id.as_str(), "No approval required. Ready to run.")
    );
}

#[tokio::test]
async fn a_policy_decides_and_is_judged_again_at_the_start() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let mut policies = policies(&anna.http).await;
    let list = policies
        .list_policies(v1::ListPoliciesRequest::default())
        .await
        .unwrap();
    let first = &list.into_inner().policies[0];
    assert_eq!(
        first.destructive.as_ref().unwrap().second(),
        v1::SecondPerson::Always
    );
    assert_eq!(first.set_by, "");
    for (bad, expected) in [
        (policy(0, "always", true), "policy.rule"),
        (policy(6, "never", true), "policy.rule"),
        (policy(1, "sometimes", true), "policy.rule"),
        (v1::Policy::default(), "policy.rule"),
        (
            v1::Policy {
                cluster: "a b".into(),
                ..policy(1, "never", true)
            },
            "policy.cluster",
        ),
    ] {
        let refused = policies
            .set_policy(v1::SetPolicyRequest { policy: Some(bad) })
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), code(&refused)),
            (Code::InvalidArgument, expected)
        );
    }

    let set = policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(0, "never", false)),
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(set.policy.unwrap().set_by, NAME);
    let free = anna.seal(&request(&snapshot, "free")).await.unwrap();
    anna.start(&free).await.unwrap();
    assert_eq!(
        anna.plan(&free.id).await.plan.unwrap().reason,
        "No approval required by the policy."
    );

    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "always", false)),
        })
        .await
        .unwrap();
    let refused = anna.start(&plan).await.unwrap_err();
    assert_eq!(code(&refused), "plan.not-approved");
    let refused = break_glass(&anna.http, &plan, "I want it all the same")
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "glass.not-allowed");
    assert!(!approval(&anna.http, &plan).await.glass_can_break);
}

#[tokio::test]
async fn a_cluster_whose_policy_is_taken_away_follows_the_rest() {
    let server = TestServer::start().await;
    let (anna, _) = console(&server).await;
    let mut policies = policies(&anna.http).await;
    let of_prod = v1::Policy {
        cluster: "prod-etcd".into(),
        ..policy(2, "always", false)
    };
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(of_prod),
        })
        .await
        .unwrap();
    let mut remove = async |cluster: &str| {
        let request = v1::RemovePolicyRequest {
            cluster: cluster.into(),
        };
        policies.remove_policy(request).await
    };
    remove("prod-etcd").await.unwrap();
    for (cluster, status, expected) in [
        ("prod-etcd", Code::NotFound, "policy.missing"),
        ("", Code::InvalidArgument, "policy.cluster"),
        ("a b", Code::InvalidArgument, "policy.cluster"),
    ] {
        let refused = remove(cluster).await.unwrap_err();
        assert_eq!((refused.code(), code(&refused)), (status, expected));
    }
    let list = policies
        .list_policies(v1::ListPoliciesRequest::default())
        .await;
    let left = list.unwrap().into_inner().policies;
    assert_eq!(left.len(), 1, "the one for everything: {left:?}");
    let (_, entries) = audit(&anna.http, None).await;
    let said = |entry: &&Entry| entry.act == act::POLICY_REMOVE && entry.outcome.is_some();
    let outcomes: Vec<_> = entries.iter().filter(said).map(|e| e.outcome).collect();
    assert_eq!(outcomes.len(), 2, "done once, refused once: {outcomes:?}");
    assert_eq!(outcomes[0], Some(Outcome::Done));
}

/// Both are judged while no one can write. What is written second was judged against a policy that is gone.
#[tokio::test]
async fn a_raise_is_not_undone_by_what_was_judged_before_it() {
    for raise_first in [true, false] {
        let server = TestServer::start().await;
        let anna = Console::over(&server).await;
        let ben = server.person(&anna.http, "Ben", &["admin"]).await;
        let (mut annas, mut bens) = (policies(&anna.http).await, policies(&ben).await);
        let set = |policy| v1::SetPolicyRequest {
            policy: Some(policy),
        };
        // Each asks for no less than the usual policy, and the second for less than the first.
        let (raised, lower) = (
            set(policy(3, "always", false)),
            set(policy(1, "always", true)),
        );
        let (raised_after, lower_after) = if raise_first { (0, 300) } else { (300, 0) };

        let options = SqliteConnectOptions::new().filename(server.data_dir().join("requorum.db"));
        let mut writes = options.connect().await.unwrap();
        writes.execute("BEGIN IMMEDIATE").await.unwrap();
        let (raised, lower, ()) = tokio::join!(
            async {
                sleep(Duration::from_millis(raised_after)).await;
                annas.set_policy(raised).await
            },
            async {
                sleep(Duration::from_millis(lower_after)).await;
                bens.set_policy(lower).await
            },
            async {
                sleep(Duration::from_millis(1_000)).await;
                writes.execute("COMMIT").await.unwrap();
            }
        );
        let (done, refused) = match (raised, lower) {
            (Ok(done), Err(refused)) | (Err(refused), Ok(done)) => (done.into_inner(), refused),
            both => panic!("one of the two: {both:?}"),
        };
        assert_eq!(code(&refused), "policy.changed", "{refused:?}");
        assert!(done.pending.is_empty(), "{}", done.pending);
        let list = v1::ListPoliciesRequest::default();
        let list = annas.list_policies(list).await.unwrap().into_inner();
        assert_eq!(list.policies, [done.policy.unwrap()]);
        let (_, entries) = audit(&anna.http, None).await;
        let ends = entries.iter().filter(|entry| entry.act == act::POLICY_SET);
        let ends: Vec<_> = ends.filter_map(|entry| entry.outcome).collect();
        assert_eq!(ends.len(), 2, "{ends:?}");
        assert_eq!(ends.iter().filter(|end| **end == Outcome::Done).count(), 1);
    }
}
