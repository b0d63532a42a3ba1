//! Guessing passwords and links, and those who have the right ones meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use requorum_server::address::Proxies;
use requorum_shared::api::v1::ListSessionsRequest;
use requorum_shared::ledger::entry::{Entry, Outcome, act};
use serde_json::json;

use super::soon;
use crate::ledger::entries::audit;
use crate::support::harness::{Client, NAME, Options, PASSWORD, TestServer, error};

/// A server behind a proxy on this machine.
async fn behind_a_proxy() -> TestServer {
    TestServer::with(Options {
        proxies: "127.0.0.1".parse::<Proxies>().unwrap(),
        ..Options::default()
    })
    .await
}

async fn login_from(client: &Client, from: &str, name: &str, password: &str) -> reqwest::Response {
    let request = client.request("POST", "/api/login");
    let body = json!({"name": name, "password": password});
    let request = request.header("x-forwarded-for", from).json(&body);
    request.send().await.unwrap()
}

#[tokio::test]
async fn all_at_once_is_no_more_than_one_after_the_other() {
    let server = TestServer::start().await;
    server.admin().await;
    let client = server.stranger();
    let tries = (0..60).map(|_| client.login(NAME, "a wrong password"));
    let answers = soon("the guesses", futures_util::future::join_all(tries)).await;
    let mut of = BTreeMap::new();
    for answer in &answers {
        *of.entry(answer.status().as_u16()).or_insert(0) += 1;
    }
    assert_eq!(of, BTreeMap::from([(401, 5), (429, 55)]));
}

#[tokio::test]
async fn those_who_are_right_at_the_same_time_all_come_in() {
    let server = TestServer::start().await;
    server.admin().await;
    let client = server.stranger();
    let tries = (0..12).map(|_| client.login(NAME, PASSWORD));
    for answer in futures_util::future::join_all(tries).await {
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test]
async fn invented_names_do_not_keep_the_right_password_out() {
    let server = TestServer::start().await;
    server.admin().await;
    let stranger = server.stranger();
    for n in 0..30 {
        let name = format!("user{n}");
        let invented = stranger.login(&name, "a wrong password");
        let status = soon("a guess", invented).await.status();
        assert!(status == 401 || status == 429);
    }
    // From the same address, as all people are behind a proxy that is not named. Slowed, and not refused.
    let login = soon("the right password", stranger.login(NAME, PASSWORD)).await;
    assert_eq!(login.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_guess_without_end_do_not_keep_the_right_password_out() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    server.person(&admin, "Ben", &["viewer"]).await;
    let stranger = server.stranger();
    for n in 0..20 {
        stranger
            .login(&format!("user{n}"), "a wrong password")
            .await;
    }
    let guessing: Vec<_> = (0..8)
        .map(|of| {
            let stranger = stranger.clone();
            tokio::spawn(async move {
                for n in 0.. {
                    let name = format!("invented {of} {n}");
                    let status = stranger.login(&name, "a wrong password").await.status();
                    assert!(status == 401 || status == 429);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    // New browsers, on the network of those who guess.
    for name in [NAME, "Ben", NAME] {
        let login = soon("the right password", stranger.login(name, PASSWORD)).await;
        assert_eq!(login.status(), 200);
    }
    // Who guesses at one name has two tries, and then the wait of that name, which its owner shares.
    for _ in 0..2 {
        let guess = stranger.login("Ben", "a wrong password").await.status();
        assert!(guess == 401 || guess == 429);
    }
    for password in ["a wrong password", PASSWORD] {
        let begun = Instant::now();
        let answer = error(stranger.login("Ben", password).await).await;
        assert_eq!((answer.0, answer.1.code.as_str()), (429, "login.throttled"));
        assert!(begun.elapsed() < Duration::from_secs(3), "at once");
    }
    for one in &guessing {
        assert!(!one.is_finished());
        one.abort();
    }
    // Those that had no turn were attempts too, and are entries as others are.
    let (_, entries) = audit(&admin, None).await;
    let slowed = entries
        .iter()
        .filter(|entry| entry.act == act::LOGIN && entry.reason.starts_with("login.slowed"));
    assert!(slowed.count() > 0);
}

#[tokio::test]
async fn a_browser_that_is_known_does_not_wait_for_strangers() {
    let server = TestServer::start().await;
    server.admin().await;
    let stranger = server.stranger();
    let first = stranger.login(NAME, PASSWORD).await;
    let cookies = first.headers().get_all("set-cookie").iter();
    let cookies: Vec<_> = cookies.map(|c| c.to_str().unwrap().to_owned()).collect();
    let device = cookies.iter().find(|c| c.starts_with("requorum-device="));
    let device = device.expect("the browser is known from now on");
    assert!(device.contains("HttpOnly") && device.contains("SameSite=Strict"));
    let mut known = server.stranger();
    known.cookie = Some(device.split(';').next().unwrap().to_owned());

    for _ in 0..6 {
        stranger.login(NAME, "a wrong password").await;
    }
    let unknown = error(stranger.login(NAME, PASSWORD).await).await;
    assert_eq!(
        (unknown.0, unknown.1.code.as_str()),
        (429, "login.throttled")
    );
    let login = known.login(NAME, PASSWORD).await;
    assert_eq!(login.status(), 200);
    let again = login.headers().get_all("set-cookie").iter();
    assert_eq!(again.count(), 1, "it is known already");
    // It lets nobody in, and is no way to guess.
    assert_eq!(known.get("/api/session").await.status(), 401);
    for _ in 0..5 {
        assert_eq!(known.login(NAME, "a wrong password").await.status(), 401);
    }
    assert_eq!(known.login(NAME, PASSWORD).await.status(), 429);
}

#[tokio::test]
async fn many_addresses_slow_each_other_and_not_the_owner() {
    let server = behind_a_proxy().await;
    server.admin().await;
    let stranger = server.stranger();
    let mut tried = 0;
    for n in 0..30 {
        for _ in 0..5 {
            let from = format!("198.51.100.{n}");
            let guess = login_from(&stranger, &from, NAME, "a wrong password").await;
            tried += usize::from(guess.status() == 401);
        }
    }
    assert!(tried < 100, "{tried} of 150 were tried");
    let owner = login_from(&stranger, "203.0.113.9", NAME, PASSWORD).await;
    assert_eq!(owner.status(), 200);
}

#[tokio::test]
async fn bad_links_do_not_keep_good_ones_out() {
    let server = TestServer::start().await;
    let stranger = server.stranger();
    let bad = |n: usize, path: &'static str| {
        let body = json!({"token": format!("bad {n}"), "name": "x", "password": PASSWORD});
        let stranger = stranger.clone();
        async move { stranger.post(path, &body).await.status().as_u16() }
    };
    let mut seen = Vec::new();
    for n in 0..8 {
        seen.push(bad(n, "/api/setup").await);
    }
    assert_eq!(seen, [403, 403, 403, 403, 403, 429, 429, 429]);
    let admin = server.admin().await;
    assert_eq!(bad(9, "/api/join").await, 429);
    let person = server.person(&admin, "ap", &["approver"]).await;
    assert_eq!(person.get("/api/session").await.status(), 200);
}

#[tokio::test]
async fn bad_setups_from_many_addresses_are_few_entries() {
    let server = behind_a_proxy().await;
    let stranger = server.stranger();
    let body = json!({"token": "bad", "name": "x", "password": PASSWORD});
    for n in 0..120 {
        let from = format!("198.51.100.{n}");
        let setup = stranger.request("POST", "/api/setup");
        let setup = setup.header("x-forwarded-for", from).json(&body);
        assert_eq!(setup.send().await.unwrap().status(), 403);
    }
    let admin = server.admin().await;
    let (_, entries) = audit(&admin, None).await;
    let setups: Vec<_> = entries.iter().filter(|e| e.act == act::SETUP).collect();
    let refused = |e: &&&Entry| e.outcome == Some(Outcome::Refused);
    let refused = setups.iter().filter(refused).count();
    assert!(refused <= 50, "{refused} of 120");
    // Beside them the one that made the administrator, begun and done.
    assert_eq!(setups.len(), refused + 2);
}

#[tokio::test]
async fn a_trusted_proxy_says_who_asks() {
    let server = behind_a_proxy().await;
    server.admin().await;
    let mut client = server.stranger();
    let login = login_from(&client, "6.6.6.6, 203.0.113.5", NAME, PASSWORD).await;
    client.keep_cookie(&login);
    let mut people = client.people().await;
    let sessions = people.list_sessions(ListSessionsRequest::default());
    let sessions = sessions.await.unwrap().into_inner().sessions;
    let seen: Vec<_> = sessions.iter().map(|s| s.address.as_str()).collect();
    assert!(seen.contains(&"203.0.113.5"), "{seen:?}");

    // From anywhere else the header is what anybody may have written.
    let server = TestServer::start().await;
    server.admin().await;
    let mut client = server.stranger();
    let login = login_from(&client, "203.0.113.5", NAME, PASSWORD).await;
    client.keep_cookie(&login);
    let mut people = client.people().await;
    let sessions = people.list_sessions(ListSessionsRequest::default());
    let sessions = sessions.await.unwrap().into_inner().sessions;
    assert!(
        sessions.iter().all(|s| s.address == "127.0.0.1"),
        "{sessions:?}"
    );
}
