//! A clock that is wrong: set back, it brings back nothing that had ended, and locks nobody out.

use requorum_server::clock::ManualClock;
use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_server::grpc::v1::people_service_client::PeopleServiceClient;
use requorum_shared::api::v1::{AboutRequest, CreateTokenRequest};
use requorum_shared::ledger::entry::Entry;

use crate::support::harness::{Client, NAME, Options, PASSWORD, TestServer, code, error};
use crate::support::recovery::{Console, request};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

async fn status_of(client: &Client) -> u16 {
    client.get("/api/session").await.status().as_u16()
}

/// Lets time go by, in which these are used each hour.
async fn used(clock: &ManualClock, clients: &[&Client], ms: i64) {
    let mut left = ms;
    while left > HOUR {
        clock.advance_ms(HOUR);
        left -= HOUR;
        for client in clients {
            assert_eq!(status_of(client).await, 200);
        }
    }
    clock.advance_ms(left);
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_after_three_hours() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let busy = server.admin().await;
    let idle = server.signed_in().await;
    used(&clock, &[&busy], 3 * HOUR - 1).await;
    used(&clock, &[&busy], 1).await;
    assert_eq!((status_of(&busy).await, status_of(&idle).await), (200, 401));
    // A clock that is set back does not bring it back.
    used(&clock, &[&busy], 2 * MINUTE).await;
    assert_eq!(status_of(&busy).await, 200);
    clock.advance_ms(-HOUR);
    assert_eq!(status_of(&idle).await, 401);
    // Used until just before, it lasts.
    let now = server.signed_in().await;
    clock.advance_ms(3 * HOUR - 1);
    assert_eq!(status_of(&now).await, 200);
    clock.advance_ms(3 * HOUR - 1);
    assert_eq!(status_of(&now).await, 200);
}

#[tokio::test]
async fn a_session_that_has_ended_stays_ended() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let ended = server.admin().await;
    used(&clock, &[&ended], 2 * HOUR).await;
    let other = server.signed_in().await;
    used(&clock, &[&ended, &other], 10 * HOUR).await;
    assert_eq!(
        (status_of(&ended).await, status_of(&other).await),
        (401, 200)
    );

    clock.advance_ms(-HOUR);
    assert_eq!(status_of(&ended).await, 401, "it had ended");
    assert_eq!(status_of(&other).await, 200, "nobody else is out");

    // Nor does another start bring it back.
    let again = Options {
        clock: clock.clone(),
        ..Options::default()
    };
    let server = server.restart(again).await;
    let moved = Client {
        base: server.url(""),
        ..ended
    };
    assert_eq!(status_of(&moved).await, 401);
}

#[tokio::test]
async fn a_session_that_nobody_used_when_it_ended_stays_ended_too() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let forgotten = server.admin().await;
    clock.advance_ms(12 * HOUR + 2 * MINUTE);
    // Somebody else is there meanwhile.
    let other = server.signed_in().await;
    assert_eq!(status_of(&other).await, 200);
    clock.advance_ms(-3 * MINUTE);
    assert_eq!(status_of(&forgotten).await, 401);
    assert_eq!(status_of(&other).await, 200);
}

#[tokio::test]
async fn whoever_came_in_by_a_wrong_clock_comes_in_again() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    server.admin().await;
    clock.advance_ms(365 * DAY);
    let early = server.signed_in().await;
    assert_eq!(status_of(&early).await, 200);

    // Its twelve hours would end a year from now.
    clock.advance_ms(-365 * DAY);
    assert_eq!(status_of(&early).await, 401);
    let now = server.signed_in().await;
    assert_eq!(status_of(&now).await, 200);
    used(&clock, &[&now], 12 * HOUR - 1).await;
    assert_eq!(status_of(&now).await, 200);
    clock.advance_ms(1);
    assert_eq!(status_of(&now).await, 401);

    // Two servers whose clocks differ a little let the same people in.
    let ahead = server.signed_in().await;
    clock.advance_ms(-4 * MINUTE);
    assert_eq!(status_of(&ahead).await, 200);
}

#[tokio::test]
async fn waiting_after_wrong_passwords_does_not_last_for_days() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    server.admin().await;
    let client = server.stranger();
    for _ in 0..5 {
        assert_eq!(client.login(NAME, "wrong password").await.status(), 401);
    }
    clock.advance_ms(-30 * DAY);
    let response = client.login(NAME, PASSWORD).await;
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(error(response).await.1.code, "login.throttled");
    clock.advance_ms(2_000);
    assert_eq!(client.login(NAME, PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn tokens_go_by_the_clock_and_revoked_is_revoked() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let admin = server.admin().await;
    let mut people = PeopleServiceClient::new(admin.grpc().await);
    let create = CreateTokenRequest {
        name: "backup".into(),
        grants: crate::support::harness::grants(&["viewer"]),
        days: 1,
    };
    let kept = people.create_token(create.clone()).await.unwrap();
    let revoked = people.create_token(create).await.unwrap().into_inner();
    let kept = server.program(&kept.into_inner().secret);
    let id = revoked.token.unwrap().id;
    let request = requorum_shared::api::v1::RevokeTokenRequest { id };
    people.revoke_token(request).await.unwrap();
    let revoked = server.program(&revoked.secret);

    // A program does not stop because the clock was wrong for a while.
    for (by, expected) in [(0, 200), (-HOUR, 200), (2 * HOUR, 200), (DAY, 401)] {
        clock.advance_ms(by);
        assert_eq!(status_of(&kept).await, expected, "after {by} ms");
        let (status, body) = error(revoked.get("/api/session").await).await;
        assert_eq!((status, body.code.as_str()), (401, "token.invalid"));
    }
}

async fn token(admin: &Client, days: u32) -> String {
    let create = CreateTokenRequest {
        name: "backup".into(),
        grants: crate::support::harness::grants(&["viewer"]),
        days,
    };
    let made = admin.people().await.create_token(create).await.unwrap();
    made.into_inner().secret
}

#[tokio::test]
async fn what_had_ended_stays_ended_when_the_clock_is_set_back() {
    for restarted in [false, true] {
        let (options, clock) = Options::with_clock();
        let mut server = TestServer::with(options).await;
        let anna = Console::over(&server).await;
        let snapshot = anna.upload("3.6.14-mixed.db").await;
        let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
        anna.approve(&plan.id, &plan.hash).await.unwrap();
        let program = token(&anna.http, 1).await;
        let invite = requorum_shared::api::v1::InvitePersonRequest {
            name: "Ben".into(),
            grants: crate::support::harness::grants(&["viewer"]),
        };
        let link = anna
            .http
            .people()
            .await
            .invite_person(invite)
            .await
            .unwrap();
        let link = link.into_inner().link.unwrap();
        let link = serde_json::json!({"token": link.token, "password": PASSWORD});

        // All of it ends while somebody else is at work. Nobody looks at any of it.
        clock.advance_ms(4 * DAY);
        server.signed_in().await;
        clock.advance_ms(-4 * DAY + MINUTE);
        if restarted {
            let again = Options {
                clock: clock.clone(),
                ..Options::default()
            };
            server = server.restart(again).await;
        }
        let (status, body) = error(server.program(&program).get("/api/session").await).await;
        assert_eq!((status, body.code.as_str()), (401, "token.invalid"));
        let (status, body) = error(server.stranger().post("/api/join", &link).await).await;
        assert_eq!((status, body.code.as_str()), (403, "join.link-invalid"));
        let anna = Console::signed_in(&server).await;
        let refused = anna.start(&plan).await.unwrap_err();
        assert_eq!(code(&refused), "plan.expired", "{refused}");
        let mut console = ConsoleServiceClient::new(anna.http.grpc().await);
        let about = console.about(AboutRequest {}).await.unwrap().into_inner();
        assert!(about.clock_set_back.contains("was set back"), "{about:?}");

        // It locks nobody out, and what is made now is good.
        let plan = anna.seal(&request(&snapshot, "b")).await.unwrap();
        anna.approve(&plan.id, &plan.hash).await.unwrap();
        anna.start(&plan).await.unwrap();
        let program = server.program(&token(&anna.http, 1).await);
        assert_eq!(status_of(&program).await, 200);
    }
}

#[tokio::test]
async fn what_was_made_by_a_clock_that_was_far_ahead_opens_nothing() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let anna = Console::over(&server).await;
    let snapshot = anna.upload("3.6.14-mixed.db").await;
    clock.advance_ms(400 * DAY);
    let early = Console::signed_in(&server).await;
    let plan = early.seal(&request(&snapshot, "a")).await.unwrap();
    early.approve(&plan.id, &plan.hash).await.unwrap();
    let program = server.program(&token(&early.http, 1).await);
    assert_eq!(status_of(&program).await, 200);
    clock.advance_ms(-400 * DAY);
    let anna = Console::signed_in(&server).await;
    let refused = anna.start(&plan).await.unwrap_err();
    assert_eq!(code(&refused), "plan.expired", "{refused}");
    assert!(refused.message().contains("clock was wrong"), "{refused}");
    let (status, body) = error(program.get("/api/session").await).await;
    assert_eq!((status, body.code.as_str()), (401, "token.invalid"));

    // An hour ahead is an hour too early, and not for ever.
    let plan = anna.seal(&request(&snapshot, "b")).await.unwrap();
    clock.advance_ms(-HOUR);
    let anna = Console::signed_in(&server).await;
    let refused = anna.start(&plan).await.unwrap_err();
    assert_eq!(code(&refused), "plan.from-the-future", "{refused}");
    clock.advance_ms(HOUR);
    anna.approve(&plan.id, &plan.hash).await.unwrap();
    anna.start(&plan).await.unwrap();
}

#[tokio::test]
async fn the_ledger_says_that_the_clock_was_set_back() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    server.admin().await;
    clock.advance_ms(-DAY);
    server.signed_in().await;
    clock.advance_ms(1_000);
    server.signed_in().await;
    let filter = requorum_server::ledger::store::Filter {
        limit: 2,
        ..Default::default()
    };
    let newest = server.app().ledger.list(&filter).await.unwrap();
    let back = newest
        .iter()
        .map(|stored| serde_json::from_slice::<Entry>(&stored.canonical).unwrap())
        .map(|entry| (entry.index, entry.clock_back_ms))
        .collect::<Vec<_>>();
    assert_eq!(back, [(4, None), (3, Some(DAY))], "order is by the index");
}

#[tokio::test]
async fn a_cookie_is_good_as_it_was_given_and_no_other_way() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let cookie = admin.cookie.clone().unwrap();
    let (name, token) = cookie.split_once('=').unwrap();
    let other = |c: char| if c == 'A' { 'B' } else { 'A' };
    let flipped: String = token
        .chars()
        .take(1)
        .map(other)
        .chain(token.chars().skip(1))
        .collect();
    let hash = requorum_server::random::token_hash(token);
    for forged in [
        String::new(),
        format!("{name}="),
        format!("{name}={flipped}"),
        format!("{name}={}", &token[1..]),
        format!("{name}={token}{token}"),
        format!("{name}={token}="),
        format!("{name}={}", token.to_uppercase()),
        // What the database holds opens nothing.
        format!("{name}={hash}"),
        format!("__Host-{name}={token}"),
        format!("{}={token}", name.to_uppercase()),
        format!("{name}=' OR 1=1 --"),
        format!("{name}={}", "A".repeat(8_000)),
    ] {
        let client = Client {
            cookie: Some(forged.clone()),
            ..admin.clone()
        };
        let (status, body) = error(client.get("/api/session").await).await;
        assert_eq!(
            (status, body.code.as_str()),
            (401, "login.required"),
            "{forged}"
        );
    }
    assert_eq!(status_of(&admin).await, 200);
}
