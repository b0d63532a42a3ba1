//! Policies: what they say before they are set, what they decide, and how they go.

use requorum_shared::api::v1;
use requorum_shared::ledger::entry::{Entry, Outcome, act};
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
