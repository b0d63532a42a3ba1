//! An administrator alone is one person: with invited accounts, with links that set others' passwords, with tokens and
//! roles, in whatever order. What that one decides for less takes a second person too.

use requorum_shared::api::v1;
use requorum_shared::ledger::entry::act;
use serde_json::json;
use tonic::{Code, Status};

use crate::ledger::entries::audit;
use crate::plans::approvals::{approval, approvals, break_glass, console, policies, policy};
use crate::support::harness::{Client, Options, PASSWORD, TestServer, code};
use crate::support::recovery::{Console, request};

const HOUR: i64 = 3_600_000;

/// Somebody whom `admin` alone invites and whose link is used: by whom, the console cannot know.
async fn puppet(server: &TestServer, admin: &Client, name: &str, roles: &[&str]) -> Console {
    let invite = v1::InvitePersonRequest {
        name: name.into(),
        grants: crate::support::harness::grants(roles),
    };
    let answer = admin.people().await.invite_person(invite).await;
    let link = answer.unwrap().into_inner().link.unwrap();
    join(server, &link.token).await
}

async fn join(server: &TestServer, token: &str) -> Console {
    let mut client = server.stranger();
    let body = json!({"token": token, "password": PASSWORD});
    let response = client.post("/api/join", &body).await;
    assert_eq!(response.status(), 200);
    client.keep_cookie(&response);
    Console::with(client).await
}

async fn id_of(client: &Client) -> String {
    let session = client.get("/api/session").await;
    let session: requorum_shared::api::login::Session = session.json().await.unwrap();
    session.user_id
}

/// A console where two must agree, and of which Ben knows nothing tonight.
async fn strict(server: &TestServer) -> (Console, Console, String) {
    let (anna, snapshot) = console(server).await;
    let ben = server.person(&anna.http, "Ben", &["approver"]).await;
    let mut policies = policies(&anna.http).await;
    let always = policy(1, "always", true);
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(always),
        })
        .await
        .unwrap();
    (anna, Console::with(ben).await, snapshot)
}

fn own(refused: &Status) {
    assert_eq!(
        (refused.code(), code(refused)),
        (Code::FailedPrecondition, "approval.own"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_invited_puppet_does_not_approve_its_makers_plan() {
    let server = TestServer::start().await;
    let (anna, ben, snapshot) = strict(&server).await;
    // The puppet first, and the plan first.
    let early = anna.seal(&request(&snapshot, "early")).await.unwrap();
    let puppet = puppet(&server, &anna.http, "Puppet", &["approver"]).await;
    let late = anna.seal(&request(&snapshot, "late")).await.unwrap();
    for plan in [&early, &late] {
        let seen = approval(&puppet.http, plan).await;
        assert!(!seen.you_can, "{seen:?}");
        assert!(
            seen.why_not.contains("as the same person as"),
            "{}",
            seen.why_not
        );
        assert_eq!(seen.could_approve, ["Ben"]);
        own(&puppet.approve(&plan.id, &plan.hash).await.unwrap_err());
        let refused = anna.start(plan).await.unwrap_err();
        assert_eq!(code(&refused), "plan.not-approved");
    }
    ben.approve(&late.id, &late.hash).await.unwrap();
    anna.start(&late).await.unwrap();
}

#[tokio::test]
async fn a_link_for_an_approver_makes_nobody_a_second_person() {
    let server = TestServer::start().await;
    let (anna, _ben, snapshot) = strict(&server).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let mut people = anna.http.people().await;
    let list = people
        .list_people(v1::ListPeopleRequest::default())
        .await
        .unwrap();
    let ben = list
        .into_inner()
        .people
        .into_iter()
        .find(|p| p.name == "Ben");
    let id = v1::MakePasswordLinkRequest {
        id: ben.unwrap().id,
    };
    let answer = people.make_password_link(id).await.unwrap();
    let link = answer.into_inner().link.unwrap();
    let as_ben = join(&server, &link.token).await;
    own(&as_ben.approve(&plan.id, &plan.hash).await.unwrap_err());
    // Nor is Anna alone by that: somebody else is there, who has lost the account.
    let mut policies = policies(&anna.http).await;
    let lower = policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "when-possible", true)),
        })
        .await;
    assert!(
        lower
            .unwrap()
            .into_inner()
            .pending
            .contains("second person")
    );
    assert_eq!(
        code(&anna.start(&plan).await.unwrap_err()),
        "plan.not-approved"
    );
    // Without approval and in the open there is a way.
    break_glass(&anna.http, &plan, "the store is down and Ben is asleep")
        .await
        .unwrap();
    anna.start(&plan).await.unwrap();
}

#[tokio::test]
async fn a_puppet_does_not_close_the_review_of_its_maker() {
    let server = TestServer::start().await;
    let (anna, ben, snapshot) = strict(&server).await;
    let puppet = puppet(&server, &anna.http, "Puppet", &["approver"]).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let review = break_glass(&anna.http, &plan, "the store is down").await;
    let close = v1::CloseReviewRequest {
        id: review.unwrap().id,
        note: "all was well".into(),
    };
    for one_of_the_two in [&anna, &puppet] {
        let mut reviews = approvals(&one_of_the_two.http).await;
        let refused = reviews.close_review(close.clone()).await.unwrap_err();
        assert_eq!(code(&refused), "review.own");
    }
    let mut reviews = approvals(&ben.http).await;
    reviews.close_review(close).await.unwrap();
}

#[tokio::test]
async fn whoever_runs_the_plan_counts_and_so_do_two_puppets() {
    let server = TestServer::start().await;
    let (anna, _ben, snapshot) = strict(&server).await;
    let olga = server.person(&anna.http, "Olga", &["operator"]).await;
    let olga = Console::with(olga).await;
    let approves = puppet(&server, &anna.http, "Approves", &["approver"]).await;
    let operates = puppet(&server, &anna.http, "Operates", &["operator"]).await;

    // Olga's plan: Anna by her puppet, or her puppet itself, is one of the two and cannot be the runner as well.
    let plan = olga.seal(&request(&snapshot, "a")).await.unwrap();
    approves.approve(&plan.id, &plan.hash).await.unwrap();
    for runner in [&anna, &operates] {
        let refused = runner.start(&plan).await.unwrap_err();
        assert_eq!(code(&refused), "plan.second-person");
    }
    olga.start(&plan).await.unwrap();

    // One puppet's plan: neither Anna nor the other puppet is a second person.
    let plan = operates.seal(&request(&snapshot, "b")).await.unwrap();
    own(&anna.approve(&plan.id, &plan.hash).await.unwrap_err());
    own(&approves.approve(&plan.id, &plan.hash).await.unwrap_err());
}

#[tokio::test]
async fn a_puppet_administrator_makes_no_person_either() {
    let server = TestServer::start().await;
    let (anna, _ben, snapshot) = strict(&server).await;
    let second = puppet(&server, &anna.http, "Second", &["admin"]).await;
    let third = puppet(&server, &second.http, "Third", &["approver"]).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    own(&third.approve(&plan.id, &plan.hash).await.unwrap_err());
}

#[tokio::test]
async fn any_number_of_puppets_is_one_approval() {
    let server = TestServer::start().await;
    let (anna, ben, snapshot) = strict(&server).await;
    let mut policies = policies(&anna.http).await;
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(3, "always", true)),
        })
        .await
        .unwrap();
    let olga = server.person(&anna.http, "Olga", &["operator"]).await;
    let olga = Console::with(olga).await;
    let plan = olga.seal(&request(&snapshot, "a")).await.unwrap();
    let one = puppet(&server, &anna.http, "One", &["approver"]).await;
    let two = puppet(&server, &anna.http, "Two", &["approver"]).await;
    one.approve(&plan.id, &plan.hash).await.unwrap();
    own(&two.approve(&plan.id, &plan.hash).await.unwrap_err());
    own(&anna.approve(&plan.id, &plan.hash).await.unwrap_err());
    ben.approve(&plan.id, &plan.hash).await.unwrap();
    assert_eq!(approval(&olga.http, &plan).await.missing, 1);
    assert_eq!(
        code(&olga.start(&plan).await.unwrap_err()),
        "plan.not-approved"
    );
}

#[tokio::test]
async fn a_role_from_an_administrator_does_not_count_beside_theirs_for_a_day() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let (anna, _ben, snapshot) = strict(&server).await;
    let vera = server.person(&anna.http, "Vera", &["viewer"]).await;
    clock.advance_ms(2 * HOUR);
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let grants = v1::SetGrantsRequest {
        id: id_of(&vera).await,
        grants: crate::support::harness::grants(&["approver"]),
    };
    anna.http.people().await.set_grants(grants).await.unwrap();
    let vera = Console::with(vera).await;
    own(&vera.approve(&plan.id, &plan.hash).await.unwrap_err());
    clock.advance_ms(24 * HOUR + 1);
    let anna = Console::signed_in(&server).await;
    let mut vera = server.stranger();
    let response = vera.login("Vera", PASSWORD).await;
    vera.keep_cookie(&response);
    let vera = Console::with(vera).await;
    let plan = anna.seal(&request(&snapshot, "b")).await.unwrap();
    vera.approve(&plan.id, &plan.hash).await.unwrap();
    anna.start(&plan).await.unwrap();
}

#[tokio::test]
async fn who_takes_the_others_away_is_not_alone_by_that() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let ben = server.person(&anna.http, "Ben", &["approver"]).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    own(&anna.approve(&plan.id, &plan.hash).await.unwrap_err());
    let id = v1::DisablePersonRequest {
        id: id_of(&ben).await,
    };
    anna.http.people().await.disable_person(id).await.unwrap();
    own(&anna.approve(&plan.id, &plan.hash).await.unwrap_err());
    let mut policies = policies(&anna.http).await;
    let lower = policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(0, "never", true)),
        })
        .await
        .unwrap();
    assert!(!lower.into_inner().pending.is_empty());
    assert_eq!(
        code(&anna.start(&plan).await.unwrap_err()),
        "plan.not-approved"
    );
}

#[tokio::test]
async fn a_token_neither_makes_people_nor_policies() {
    let server = TestServer::start().await;
    let (anna, _ben, _) = strict(&server).await;
    let create = v1::CreateTokenRequest {
        name: "automation".into(),
        grants: crate::support::harness::grants(&["admin"]),
        days: 1,
    };
    let made = anna.http.people().await.create_token(create).await.unwrap();
    let program = server.program(&made.into_inner().secret);
    let mut people = program.people().await;
    let invite = v1::InvitePersonRequest {
        name: "Puppet".into(),
        grants: crate::support::harness::grants(&["approver"]),
    };
    let id = id_of(&anna.http).await;
    let set = v1::SetGrantsRequest {
        id: id.clone(),
        grants: crate::support::harness::grants(&["viewer"]),
    };
    let mut policies = policies(&program).await;
    for refused in [
        people.invite_person(invite).await.unwrap_err(),
        people
            .make_password_link(v1::MakePasswordLinkRequest { id: id.clone() })
            .await
            .unwrap_err(),
        people.set_grants(set).await.unwrap_err(),
        people
            .disable_person(v1::DisablePersonRequest { id: id.clone() })
            .await
            .unwrap_err(),
        people
            .enable_person(v1::EnablePersonRequest { id })
            .await
            .unwrap_err(),
        policies
            .set_policy(v1::SetPolicyRequest {
                policy: Some(policy(0, "never", true)),
            })
            .await
            .unwrap_err(),
        policies
            .confirm_policy(v1::ConfirmPolicyRequest::default())
            .await
            .unwrap_err(),
    ] {
        assert_eq!(
            (refused.code(), code(&refused)),
            (Code::PermissionDenied, "person.required")
        );
    }
}

async fn proposals(client: &Client) -> Vec<v1::PolicyProposal> {
    let mut policies = policies(client).await;
    let list = v1::ListPolicyProposalsRequest::default();
    let list = policies.list_policy_proposals(list).await;
    list.unwrap().into_inner().proposals
}

async fn confirm(client: &Client, id: &str) -> Result<(), Status> {
    let request = v1::ConfirmPolicyRequest {
        proposal_id: id.into(),
    };
    policies(client)
        .await
        .confirm_policy(request)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_lower_policy_takes_two() {
    let server = TestServer::start().await;
    let (anna, ben, snapshot) = strict(&server).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let mut policies = policies(&anna.http).await;
    let set = policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(0, "never", true)),
        })
        .await;
    let set = set.unwrap().into_inner();
    assert_eq!(
        set.policy.unwrap().undoable.unwrap().approvers,
        1,
        "what is in force"
    );
    assert!(set.pending.contains("Ben"), "{}", set.pending);
    assert_eq!(
        code(&anna.start(&plan).await.unwrap_err()),
        "plan.not-approved"
    );

    // Not by the same person, a puppet, or somebody who may not.
    let puppet = puppet(&server, &anna.http, "Puppet", &["approver", "admin"]).await;
    let vera = server.person(&anna.http, "Vera", &["viewer"]).await;
    let seen = proposals(&ben.http).await;
    assert_eq!((seen.len(), seen[0].in_force), (1, false));
    let id = seen[0].id.clone();
    for (client, expected) in [
        (&anna.http, "policy.second-person"),
        (&puppet.http, "policy.second-person"),
        (&vera, "role.missing"),
    ] {
        assert_eq!(code(&confirm(client, &id).await.unwrap_err()), expected);
        let seen = proposals(client).await;
        assert!(!seen[0].you_can_confirm && !seen[0].why_not.is_empty());
    }
    assert!(seen[0].you_can_confirm, "{seen:?}");

    // Another takes its place: what Ben read is not what he would confirm.
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "never", false)),
        })
        .await
        .unwrap();
    assert_eq!(
        code(&confirm(&ben.http, &id).await.unwrap_err()),
        "policy.proposal-missing"
    );
    let id = proposals(&ben.http).await[0].id.clone();
    confirm(&ben.http, &id).await.unwrap();
    assert!(proposals(&ben.http).await.is_empty());
    anna.approve(&plan.id, &plan.hash).await.unwrap();
    anna.start(&plan).await.unwrap();

    let (_, entries) = audit(&anna.http, None).await;
    let acts: Vec<_> = entries
        .iter()
        .filter(|entry| entry.act.starts_with("policy.") && entry.outcome.is_none())
        .map(|entry| (entry.act.as_str(), entry.who.as_str()))
        .collect();
    assert_eq!(acts[acts.len() - 3..][0].0, act::POLICY_PROPOSE);
    assert!(acts.contains(&(act::POLICY_SET, "Ben")), "{acts:?}");
}

#[tokio::test]
async fn taking_a_strict_policy_away_takes_two_and_can_be_turned_down() {
    let server = TestServer::start().await;
    let (anna, ben, _) = strict(&server).await;
    let mut policies = policies(&anna.http).await;
    let of_prod = v1::Policy {
        cluster: "prod".into(),
        ..policy(2, "always", false)
    };
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(of_prod),
        })
        .await
        .unwrap();
    let remove = v1::RemovePolicyRequest {
        cluster: "prod".into(),
    };
    let answer = policies.remove_policy(remove).await.unwrap().into_inner();
    assert!(answer.pending.contains("Ben"), "{}", answer.pending);
    let seen = proposals(&ben.http).await;
    assert!(seen[0].wanted.is_none() && seen[0].cluster == "prod");
    let turn_down = v1::WithdrawPolicyRequest {
        proposal_id: seen[0].id.clone(),
    };
    let mut bens = crate::plans::approvals::policies(&ben.http).await;
    bens.withdraw_policy(turn_down).await.unwrap();
    let list = policies
        .list_policies(v1::ListPoliciesRequest::default())
        .await;
    let list = list.unwrap().into_inner();
    assert!(proposals(&ben.http).await.is_empty());
    assert!(list.policies.iter().any(|policy| policy.cluster == "prod"));
}

#[tokio::test]
async fn a_lone_administrator_is_not_locked_out_and_it_stays_listed() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let mut policies = policies(&anna.http).await;
    let set = policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(0, "never", true)),
        })
        .await;
    assert!(
        set.unwrap()
            .into_inner()
            .pending
            .contains("No one else could confirm")
    );
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    anna.start(&plan).await.unwrap();
    // Put back, it still is to be seen.
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "always", true)),
        })
        .await
        .unwrap();
    let seen = proposals(&anna.http).await;
    assert!(seen[0].in_force && !seen[0].you_can_confirm && !seen[0].you_can_withdraw);
    let withdraw = v1::WithdrawPolicyRequest {
        proposal_id: seen[0].id.clone(),
    };
    let refused = policies.withdraw_policy(withdraw).await.unwrap_err();
    assert_eq!(code(&refused), "policy.in-force");
    let ben = server.person(&anna.http, "Ben", &["approver"]).await;
    confirm(&ben, &seen[0].id).await.unwrap();
    assert!(proposals(&anna.http).await.is_empty());
}
