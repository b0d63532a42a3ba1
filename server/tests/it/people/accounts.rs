//! Accounts: invited by a link, given roles, disabled; passwords changed; sessions listed and ended.

use requorum_server::auth::people::LINK_MS;
use requorum_shared::api::login::{Invitation, Session, WaysIn};
use requorum_shared::api::v1::{
    CreateTokenRequest, DisablePersonRequest, EnablePersonRequest, EndSessionsRequest,
    GetDependentsRequest, InvitePersonRequest, ListPeopleRequest, ListSessionsRequest,
    MakePasswordLinkRequest, MakePasswordLinkResponse, PasswordLink, RevokeTokenRequest,
    SetGrantsRequest, SignInMethod,
};
use requorum_shared::ledger::entry::{Outcome, act};
use serde_json::json;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tonic::Code;

use crate::ledger::entries::audit;
use crate::support::harness::{Client, NAME, Options, PASSWORD, TestServer, code, error, grants};
use crate::support::recovery::{Console, request};

const OTHER_PASSWORD: &str = "staple battery horse correct";

fn link_for(id: &str) -> MakePasswordLinkRequest {
    MakePasswordLinkRequest { id: id.into() }
}

fn disable(id: &str) -> DisablePersonRequest {
    DisablePersonRequest { id: id.into() }
}

fn dependents(id: &str) -> GetDependentsRequest {
    GetDependentsRequest { id: id.into() }
}

fn link_of(answer: tonic::Response<MakePasswordLinkResponse>) -> PasswordLink {
    answer.into_inner().link.unwrap()
}

async fn session(client: &Client) -> Session {
    client.get("/api/session").await.json().await.unwrap()
}

async fn invite(admin: &Client, name: &str, roles: &[&str]) -> Result<String, tonic::Status> {
    let request = InvitePersonRequest {
        name: name.into(),
        grants: grants(roles),
    };
    let answer = admin.people().await.invite_person(request).await?;
    Ok(answer.into_inner().link.unwrap().token)
}

#[tokio::test]
async fn the_first_administrator_holds_every_role() {
    let server = TestServer::start().await;
    let session = session(&server.admin().await).await;
    assert_eq!(session.grants.to_string(), "operator, approver, admin");
    assert!(!session.user_id.is_empty());
}

#[tokio::test]
async fn a_stranger_is_no_error_and_is_told_what_they_need() {
    let server = TestServer::start().await;
    let ways = |client: Client| async move {
        let answer = client.get("/api/sign-in").await;
        assert_eq!(answer.status(), 200);
        answer.json::<WaysIn>().await.unwrap()
    };
    let first = ways(server.stranger()).await;
    assert!(first.waits_for_setup && first.session.is_none());
    let admin = server.admin().await;
    let later = ways(server.stranger()).await;
    assert!(!later.waits_for_setup && later.session.is_none());
    let mine = session(&admin).await;
    assert_eq!(ways(admin).await.session, Some(mine));
}

#[tokio::test]
async fn a_link_says_whose_it_is_and_is_not_used_up_by_that() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let token = invite(&admin, "Ben", &["viewer", "operator@prod"])
        .await
        .unwrap();
    let ask = |token: &str| {
        let body = json!({"token": token});
        let stranger = server.stranger();
        async move { stranger.post("/api/join/link", &body).await }
    };
    for _ in 0..2 {
        let found: Invitation = ask(&token).await.json().await.unwrap();
        assert_eq!(
            (found.name.as_str(), found.invited_by.as_str()),
            ("Ben", NAME)
        );
        assert_eq!(found.grants.to_string(), "viewer, operator@prod");
        assert!(!found.has_password && !found.expires_at.is_empty());
    }
    // Guessed first, by whoever knows the name.
    let weak = json!({"token": token, "password": "ben-password-1"});
    let (status, body) = error(server.stranger().post("/api/join", &weak).await).await;
    assert_eq!((status, body.code.as_str()), (400, "password.weak"));
    assert!(!body.message.contains("ben-password"), "{}", body.message);
    let good = json!({"token": token, "password": OTHER_PASSWORD});
    assert_eq!(
        server.stranger().post("/api/join", &good).await.status(),
        200
    );
    let (status, body) = error(ask(&token).await).await;
    assert_eq!((status, body.code.as_str()), (403, "join.link-invalid"));
}

#[tokio::test]
async fn a_link_lets_one_person_in_once() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let admin = server.admin().await;
    let token = invite(&admin, "Ben", &["operator@prod-etcd"])
        .await
        .unwrap();
    let again = invite(&admin, "bEN", &[]).await.unwrap_err();
    assert_eq!(
        (again.code(), code(&again)),
        (Code::AlreadyExists, "person.exists")
    );
    let bad = invite(&admin, "Carl", &["root"]).await.unwrap_err();
    assert_eq!((bad.code(), code(&bad)), (Code::InvalidArgument, "roles"));

    let join = |token: &str, password: &str| {
        let body = json!({"token": token, "password": password});
        let stranger = server.stranger();
        async move { stranger.post("/api/join", &body).await }
    };
    let (status, body) = error(join(&token, "short").await).await;
    assert_eq!((status, body.code.as_str()), (400, "password.short"));
    let (status, body) = error(join("wrong", PASSWORD).await).await;
    assert_eq!((status, body.code.as_str()), (403, "join.link-invalid"));

    let response = join(&token, PASSWORD).await;
    assert_eq!(response.status(), 200);
    let session: Session = response.json().await.unwrap();
    assert_eq!(session.name, "Ben");
    assert_eq!(session.grants.to_string(), "operator@prod-etcd");
    let (status, body) = error(join(&token, PASSWORD).await).await;
    assert_eq!((status, body.code.as_str()), (403, "join.link-invalid"));
    assert_eq!(server.stranger().login("Ben", PASSWORD).await.status(), 200);

    // A newer link makes the older void, and time makes any void.
    let ben = session.user_id;
    let mut people = admin.people().await;
    let first = link_of(people.make_password_link(link_for(&ben)).await.unwrap());
    let second = link_of(people.make_password_link(link_for(&ben)).await.unwrap());
    assert_eq!(join(&first.token, OTHER_PASSWORD).await.status(), 403);
    clock.advance_ms(LINK_MS);
    assert_eq!(join(&second.token, OTHER_PASSWORD).await.status(), 403);
    assert_eq!(
        server.stranger().login("Ben", PASSWORD).await.status(),
        200,
        "a link that was not used changed nothing"
    );
}

#[tokio::test]
async fn an_account_is_added_with_its_link_or_not_at_all() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let database = SqliteConnectOptions::new().filename(server.data_dir().join("requorum.db"));
    let database = SqlitePool::connect_with(database).await.unwrap();
    let run = async |sql: &'static str| sqlx::query(sql).execute(&database).await.unwrap();
    run("CREATE TRIGGER no_links BEFORE INSERT ON password_links BEGIN SELECT RAISE(ABORT, 'no'); END").await;
    let failed = invite(&admin, "Ben", &["viewer"]).await.unwrap_err();
    assert_eq!(failed.code(), Code::Internal);
    let list = admin
        .people()
        .await
        .list_people(ListPeopleRequest::default())
        .await;
    assert_eq!(list.unwrap().into_inner().total, 1);
    let (verified, entries) = audit(&admin, None).await;
    let last = entries.last().unwrap();
    assert_eq!(
        (last.act.as_str(), last.outcome),
        (act::PEOPLE_INVITE, Some(Outcome::Failed))
    );
    assert_eq!(verified.open, [0; 0]);

    run("DROP TRIGGER no_links").await;
    invite(&admin, "Ben", &["viewer"]).await.unwrap();
}

#[tokio::test]
async fn guessing_links_gets_slower() {
    let server = TestServer::start().await;
    server.admin().await;
    let stranger = server.stranger();
    let mut last = 403;
    for _ in 0..8 {
        let body = json!({"token": "guess", "password": PASSWORD});
        last = stranger.post("/api/join", &body).await.status().as_u16();
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn a_link_that_is_used_ends_what_was_open() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let ben = server.person(&admin, "Ben", &["viewer"]).await;
    let ben_id = session(&ben).await.user_id;
    let link = admin
        .people()
        .await
        .make_password_link(link_for(&ben_id))
        .await;
    assert_eq!(ben.get("/api/session").await.status(), 200);
    let body = json!({"token": link_of(link.unwrap()).token, "password": OTHER_PASSWORD});
    assert_eq!(
        server.stranger().post("/api/join", &body).await.status(),
        200
    );
    assert_eq!(ben.get("/api/session").await.status(), 401);
    assert_eq!(server.stranger().login("Ben", PASSWORD).await.status(), 401);
}

#[tokio::test]
async fn roles_count_from_the_next_request_on() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let ben = server.person(&admin, "Ben", &["viewer"]).await;
    let ben_id = session(&ben).await.user_id;
    assert_eq!(ben.get("/api/uploads").await.status(), 403);
    let set = |roles: &[&str]| SetGrantsRequest {
        id: ben_id.clone(),
        grants: grants(roles),
    };
    let mut people = admin.people().await;
    let person = people
        .set_grants(set(&["operator", "viewer"]))
        .await
        .unwrap();
    let person = person.into_inner().person.unwrap();
    assert_eq!(person.grants, grants(&["viewer", "operator"]));
    assert_eq!(ben.get("/api/uploads").await.status(), 200);
    people.set_grants(set(&[])).await.unwrap();
    let (status, body) = error(ben.get("/api/uploads").await).await;
    assert_eq!((status, body.code.as_str()), (403, "role.missing"));
    assert!(
        body.message
            .contains("the role operator. You have no role."),
        "{}",
        body.message
    );
    assert!(
        body.message.contains("You have no role"),
        "{}",
        body.message
    );
    let missing = people
        .set_grants(SetGrantsRequest {
            id: "nobody".into(),
            grants: grants(&[]),
        })
        .await
        .unwrap_err();
    assert_eq!(
        (missing.code(), code(&missing)),
        (Code::NotFound, "person.missing")
    );
}

#[tokio::test]
async fn somebody_must_stay_to_administer() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let admin_id = session(&admin).await.user_id;
    let mut people = admin.people().await;
    // Somebody who never joined could not help.
    invite(&admin, "Never joined", &["admin"]).await.unwrap();
    let demote = SetGrantsRequest {
        id: admin_id.clone(),
        grants: grants(&["viewer"]),
    };
    for refused in [
        people.set_grants(demote.clone()).await.unwrap_err(),
        people.disable_person(disable(&admin_id)).await.unwrap_err(),
    ] {
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(code(&refused), "person.last-admin");
    }
    assert_eq!(
        session(&admin).await.grants.to_string(),
        "operator, approver, admin"
    );

    let second = server.person(&admin, "Second", &["admin"]).await;
    people.set_grants(demote).await.unwrap();
    let refused = people
        .list_people(ListPeopleRequest::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let second_id = session(&second).await.user_id;
    let refused = second
        .people()
        .await
        .disable_person(disable(&second_id))
        .await;
    assert_eq!(code(&refused.unwrap_err()), "person.last-admin");
}

#[tokio::test]
async fn two_administrators_cannot_remove_each_other_at_once() {
    let server = TestServer::start().await;
    let one = server.admin().await;
    let two = server.person(&one, "Second", &["admin"]).await;
    let (one_id, two_id) = (session(&one).await.user_id, session(&two).await.user_id);
    let (mut first, mut second) = (one.people().await, two.people().await);
    let (a, b) = tokio::join!(
        first.disable_person(disable(&two_id)),
        second.disable_person(disable(&one_id))
    );
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
}

#[tokio::test]
async fn whoever_is_disabled_is_out_at_once() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let ben = server.person(&admin, "Ben", &["operator"]).await;
    let ben_id = session(&ben).await.user_id;
    let mut people = admin.people().await;
    let link = people.make_password_link(link_for(&ben_id)).await;
    let link = link_of(link.unwrap());
    let person = people.disable_person(disable(&ben_id)).await.unwrap();
    let person = person.into_inner().person.unwrap();
    assert!(person.disabled_at_ms > 0 && !person.can_sign_in);
    assert_eq!(ben.get("/api/session").await.status(), 401);
    let (status, body) = error(server.stranger().login("Ben", PASSWORD).await).await;
    assert_eq!(
        (status, body.code.as_str()),
        (401, "login.failed"),
        "and it is not told apart"
    );
    let body = json!({"token": link.token, "password": OTHER_PASSWORD});
    assert_eq!(
        server.stranger().post("/api/join", &body).await.status(),
        403
    );
    let refused = people
        .make_password_link(link_for(&ben_id))
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "person.disabled");

    people
        .enable_person(EnablePersonRequest { id: ben_id.clone() })
        .await
        .unwrap();
    assert_eq!(
        ben.get("/api/session").await.status(),
        401,
        "old sessions stay ended"
    );
    assert_eq!(server.stranger().login("Ben", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let other = server.signed_in().await;
    let change = |current: &str, new: &str| {
        let body = json!({"current": current, "new": new});
        let admin = admin.clone();
        async move { admin.post("/api/password", &body).await }
    };
    let (status, body) = error(change("wrong", OTHER_PASSWORD).await).await;
    assert_eq!((status, body.code.as_str()), (403, "password.wrong"));
    let (status, body) = error(change(PASSWORD, "short").await).await;
    assert_eq!((status, body.code.as_str()), (400, "password.short"));
    assert_eq!(other.get("/api/session").await.status(), 200);

    assert_eq!(change(PASSWORD, OTHER_PASSWORD).await.status(), 204);
    assert_eq!(
        admin.get("/api/session").await.status(),
        200,
        "this one stays"
    );
    assert_eq!(other.get("/api/session").await.status(), 401);
    assert_eq!(server.stranger().login(NAME, PASSWORD).await.status(), 401);
    assert_eq!(
        server.stranger().login(NAME, OTHER_PASSWORD).await.status(),
        200
    );
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_or_an_administrator() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let ben = server.person(&admin, "Ben", &["viewer"]).await;
    let ben_id = session(&ben).await.user_id;
    let mut second = server.stranger();
    let response = second
        .request("POST", "/api/login")
        .header("user-agent", "Browser\t 1.0")
        .json(&json!({"name": "Ben", "password": PASSWORD}))
        .send()
        .await
        .unwrap();
    second.keep_cookie(&response);

    let mut mine = ben.people().await;
    let sessions = mine
        .list_sessions(ListSessionsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .sessions;
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|s| !s.this).unwrap();
    assert_eq!(
        (other.method(), other.address.as_str()),
        (SignInMethod::Password, "127.0.0.1")
    );
    assert_eq!(other.agent, "Browser 1.0");
    let token = second.cookie.as_ref().unwrap().split_once('=').unwrap().1;
    assert!(
        !format!("{sessions:?}").contains(token),
        "a list is no key ring"
    );

    let end = |person: &str, session: &str| EndSessionsRequest {
        person_id: person.into(),
        session_id: session.into(),
    };
    let admins = admin
        .people()
        .await
        .list_sessions(ListSessionsRequest::default())
        .await
        .unwrap()
        .into_inner();
    let missing = mine
        .end_sessions(end("", &admins.sessions[0].id))
        .await
        .unwrap_err();
    assert_eq!(
        code(&missing),
        "session.missing",
        "another's session is none of ours"
    );
    let admin_id = session(&admin).await.user_id;
    let refused = mine.end_sessions(end(&admin_id, "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);

    mine.end_sessions(end("", &other.id)).await.unwrap();
    assert_eq!(second.get("/api/session").await.status(), 401);
    assert_eq!(ben.get("/api/session").await.status(), 200);

    let ended = admin
        .people()
        .await
        .end_sessions(end(&ben_id, ""))
        .await
        .unwrap();
    assert_eq!(ended.into_inner().ended, 1);
    assert_eq!(ben.get("/api/session").await.status(), 401);
    assert_eq!(admin.get("/api/session").await.status(), 200);
}

#[tokio::test]
async fn what_depends_on_an_account_is_known_before_it_is_disabled() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let ben = server
        .person(&admin, "Ben", &["operator", "approver@lab"])
        .await;
    let ben_id = session(&ben).await.user_id;
    let create = |name: &str| CreateTokenRequest {
        name: name.into(),
        grants: grants(&["viewer"]),
        days: 1,
    };
    let mut mine = ben.people().await;
    let old = mine.create_token(create("old")).await.unwrap().into_inner();
    let id_of_old = old.token.unwrap().id;
    mine.revoke_token(RevokeTokenRequest { id: id_of_old })
        .await
        .unwrap();
    mine.create_token(create("nightly")).await.unwrap();
    assert_eq!(server.stranger().login("Ben", PASSWORD).await.status(), 200);
    let console = Console::with(ben).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();

    let mut people = admin.people().await;
    let on = people
        .get_dependents(dependents(&ben_id))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(on.sessions, 2);
    let tokens: Vec<_> = on.tokens.iter().map(|token| token.name.as_str()).collect();
    assert_eq!(tokens, ["nightly"], "a revoked one is nobody's loss");
    let plans: Vec<_> = on.plans.iter().map(|plan| &plan.id).collect();
    assert_eq!(plans, [&plan.id]);
    assert!(on.jobs.is_empty());
    assert!(
        on.held_alone.is_empty(),
        "the administrator is all of it too"
    );

    // What is said beforehand is what happens.
    people.disable_person(disable(&ben_id)).await.unwrap();
    let on = people
        .get_dependents(dependents(&ben_id))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((on.sessions, on.tokens.len()), (0, 0));
    let admin_id = session(&admin).await.user_id;
    let on = people.get_dependents(dependents(&admin_id)).await.unwrap();
    assert_eq!(
        on.into_inner().held_alone,
        grants(&["operator", "approver", "admin"])
    );
}

#[tokio::test]
async fn who_was_here_stays_known_when_the_session_has_ended() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let admin = server.admin().await;
    let ben = server.person(&admin, "Ben", &["viewer"]).await;
    invite(&admin, "Never joined", &["viewer"]).await.unwrap();
    let seen = async || {
        let list = admin
            .people()
            .await
            .list_people(ListPeopleRequest::default())
            .await;
        let people = list.unwrap().into_inner().people;
        let seen = people
            .into_iter()
            .map(|person| (person.name, person.seen_at_ms));
        seen.collect::<Vec<_>>()
    };
    let joined = seen().await;
    assert_eq!(joined[1].0, "Ben");
    assert_eq!(joined[2], ("Never joined".into(), 0));
    clock.advance_ms(10 * 60_000);
    ben.get("/api/session").await;
    let later = seen().await;
    assert_eq!(later[1].1 - joined[1].1, 10 * 60_000);
    assert_eq!(ben.post("/api/logout", &()).await.status(), 204);
    assert_eq!(seen().await[1], later[1]);
}

#[tokio::test]
async fn a_new_password_ends_links_and_by_choice_tokens() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let mut people = admin.people().await;
    for (way, end_tokens, expected) in [
        ("change", None, 401),
        ("change", Some(true), 401),
        ("change", Some(false), 200),
        ("join", None, 401),
        ("join", Some(true), 401),
        ("join", Some(false), 200),
    ] {
        let name = format!("{way} {end_tokens:?}").replace(['(', ')'], " ");
        let ben = server.person(&admin, &name, &["viewer"]).await;
        let ben_id = session(&ben).await.user_id;
        let create = CreateTokenRequest {
            name: "nightly".into(),
            grants: grants(&["viewer"]),
            days: 1,
        };
        let made = ben.people().await.create_token(create).await.unwrap();
        let program = server.program(&made.into_inner().secret);
        let link = people.make_password_link(link_for(&ben_id)).await.unwrap();
        let link = link_of(link).token;
        let mut body = match way {
            "change" => json!({"current": PASSWORD, "new": OTHER_PASSWORD}),
            _ => json!({"token": link, "password": OTHER_PASSWORD}),
        };
        if let Some(end) = end_tokens {
            body["end_tokens"] = end.into();
        }
        let path = if way == "change" {
            "/api/password"
        } else {
            "/api/join"
        };
        assert!(ben.post(path, &body).await.status().is_success(), "{name}");
        assert_eq!(
            program.get("/api/session").await.status(),
            expected,
            "{name}"
        );
        if end_tokens.is_some() {
            continue;
        }
        // The link that was pending sets no other password.
        let late = json!({"token": link, "password": "yet another password"});
        let (status, body) = error(server.stranger().post("/api/join", &late).await).await;
        assert_eq!(
            (status, body.code.as_str()),
            (403, "join.link-invalid"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn of_two_new_passwords_at_once_one_counts_and_the_other_is_told() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let other = server.signed_in().await;
    let change = |client: &Client, new: &str| {
        let (client, body) = (client.clone(), json!({"current": PASSWORD, "new": new}));
        async move { client.post("/api/password", &body).await.status().as_u16() }
    };
    let (one, two) = tokio::join!(
        change(&admin, OTHER_PASSWORD),
        change(&other, "yet another password")
    );
    let made = [one, two].iter().filter(|status| **status == 204).count();
    assert_eq!(made, 1, "{one} {two}");
}

#[tokio::test]
async fn names_can_be_told_apart_and_entries_have_the_accounts_id() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    invite(&admin, "Ali\u{e7}e", &["viewer"]).await.unwrap();
    for (bad, expected) in [
        ("console", "account.name"),
        ("root (ci)", "account.name"),
        ("al\u{200b}ice", "account.name"),
        ("\u{202e}ecila", "account.name"),
        ("r\u{43e}\u{43e}t", "account.name"),
        ("User id 0", "account.name"),
        ("ALIC\u{327}E", "person.exists"),
        ("anna k.", "person.exists"),
        ("\u{ff21}nna K.", "person.exists"),
    ] {
        let refused = invite(&admin, bad, &["viewer"]).await.unwrap_err();
        assert_eq!(code(&refused), expected, "{bad:?}");
    }
    // Typed in another form, it is the same name.
    let ben = server.person(&admin, "Zo\u{eb}", &["viewer"]).await;
    let login = server.stranger().login("zoe\u{308}", PASSWORD).await;
    assert_eq!(login.status(), 200);
    let ben_id = session(&ben).await.user_id;
    ben.post("/api/logout", &json!({})).await;
    let (_, entries) = audit(&admin, None).await;
    let of_ben = entries.iter().filter(|entry| entry.who == "Zo\u{eb}");
    let ids: Vec<_> = of_ben.map(|entry| entry.who_id.as_deref()).collect();
    assert!(ids.len() >= 2, "{ids:?}");
    assert!(ids.iter().all(|id| *id == Some(ben_id.as_str())), "{ids:?}");
}
