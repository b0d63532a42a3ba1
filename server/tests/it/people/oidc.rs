//! Signing in at an identity provider: the way in, and all that must not be one. A real provider is part of the
//! browser tests; here is one that lies.

pub(crate) mod provider;

use std::collections::HashMap;
use std::sync::Arc;

use requorum_server::auth::oidc::config::OidcConfig;
use requorum_server::clock::{ManualClock, SystemClock};
use requorum_server::ledger::store::Filter;
use requorum_shared::api::login::{Session, WaysIn};
use requorum_shared::api::v1::{
    DisablePersonRequest, ListPeopleRequest, MakePasswordLinkRequest, Person,
};
use requorum_shared::ledger::entry::Entry;
use serde_json::{Value, json};
use url::Url;

use crate::support::harness::{Client, NAME, Options, PASSWORD, TestServer, code};
use provider::{Provider, Wrong};

/// A browser: its cookies, and no redirect followed that is not looked at.
struct Browser {
    base: String,
    http: reqwest::Client,
    cookies: HashMap<String, String>,
    /// The last `Set-Cookie` headers, whole.
    set: Vec<String>,
}

impl Browser {
    fn new(server: &TestServer) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self {
            base: server.url(""),
            http: http.build().unwrap(),
            cookies: HashMap::new(),
            set: Vec::new(),
        }
    }

    /// Where the server sends it next.
    async fn go(&mut self, path: &str) -> String {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let request = self
            .http
            .get(format!("{}{path}", self.base))
            .header("cookie", cookies.join("; "));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 303, "{path}");
        self.set.clear();
        for cookie in response.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap().to_owned();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
            self.set.push(cookie);
        }
        response.headers()["location"].to_str().unwrap().into()
    }

    /// Begins, and is at the provider: what it was sent there with.
    async fn begin(&mut self, path: &str) -> HashMap<String, String> {
        let location = self.go(path).await;
        let url: Url = location.parse().unwrap_or_else(|_| panic!("{location}"));
        assert_eq!(url.path(), "/authorize");
        url.query_pairs().into_owned().collect()
    }

    /// Signs in at the provider as this person: where it ends up.
    async fn sign_in(&mut self, provider: &Provider, claims: Value) -> String {
        let query = self.begin("/api/oidc/start").await;
        let back = back(provider, &query, claims);
        self.go(&back).await
    }

    fn client(&self, server: &TestServer) -> Client {
        let session = self.cookies.get("requorum");
        Client {
            cookie: session.map(|value| format!("requorum={value}")),
            ..server.stranger()
        }
    }

    async fn session(&self, server: &TestServer) -> Option<Session> {
        let response = self.client(server).get("/api/session").await;
        (response.status() == 200).then_some(())?;
        Some(response.json().await.unwrap())
    }
}

/// The address that the provider sends a browser back to.
fn back(provider: &Provider, query: &HashMap<String, String>, claims: Value) -> String {
    let code = provider.authorize(query, claims);
    let url: Url = query["redirect_uri"].parse().unwrap();
    let mut url = url.clone();
    url.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &query["state"])
        .append_pair("iss", &provider.issuer());
    format!("{}?{}", url.path(), url.query().unwrap())
}

fn anna(groups: &[&str]) -> Value {
    json!({"sub": "248289761001", "preferred_username": "anna", "groups": groups})
}

/// The code that the sign-in page is opened with.
fn refusal(location: &str) -> String {
    let url = Url::parse("http://console")
        .unwrap()
        .join(location)
        .unwrap();
    assert_eq!(url.path(), "/login", "{location}");
    let failed = url.query_pairs().find(|(name, _)| name == "failed");
    failed.unwrap_or_else(|| panic!("{location}")).1.into()
}

/// A console with an administrator, whose people may sign in at a provider.
async fn console() -> (TestServer, Client, Provider, Arc<ManualClock>) {
    let (options, clock) = Options::with_clock();
    let provider = Provider::start(clock.clone()).await;
    let server = TestServer::with(Options {
        oidc: Some(provider.config()),
        ..options
    })
    .await;
    let admin = server.admin().await;
    (server, admin, provider, clock)
}

async fn people(admin: &Client) -> Vec<Person> {
    let mut people = admin.people().await;
    let list = people
        .list_people(ListPeopleRequest::default())
        .await
        .unwrap();
    list.into_inner().people
}

/// The ledger's last entries, newest first: who, act, subject, outcome, reason.
async fn told(server: &TestServer, last: u32) -> Vec<String> {
    let filter = Filter {
        limit: last,
        acts_only: true,
        ..Filter::default()
    };
    let entries = server.app().ledger.list(&filter).await.unwrap();
    let tell = |bytes: &[u8]| {
        let e: Entry = serde_json::from_slice(bytes).unwrap();
        let outcome = e.outcome.map(|o| format!("{o:?}")).unwrap_or_default();
        format!("{} {} {} {outcome} {}", e.who, e.act, e.subject, e.reason)
    };
    entries
        .iter()
        .map(|entry| tell(&entry.canonical).trim().to_owned())
        .collect()
}

#[tokio::test]
async fn the_groups_of_a_person_are_their_roles() {
    let (server, admin, provider, _) = console().await;
    let mut browser = Browser::new(&server);
    let ways: WaysIn = server
        .stranger()
        .get("/api/sign-in")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        (ways.provider.as_deref(), ways.failure),
        (Some("Example"), None)
    );

    let query = browser.begin("/api/oidc/start?next=/plans/7?tab%3Dx").await;
    assert_eq!(
        query["scope"], "openid profile groups",
        "what it offers of the usual"
    );
    assert_eq!(query["redirect_uri"], server.url("/api/oidc/callback"));
    assert_eq!(query["tenant"], "1", "the provider's own query stays");
    assert!(!query.contains_key("prompt"));
    let ticket = &browser.set[0];
    for part in ["requorum-oidc=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(ticket.contains(part), "{ticket} without {part}");
    }
    let to = browser
        .go(&back(&provider, &query, anna(&["ops", "else"])))
        .await;
    assert_eq!(to, "/plans/7?tab=x");
    assert!(!browser.cookies.contains_key("requorum-oidc"), "used up");
    let cookie = browser
        .set
        .iter()
        .find(|c| c.starts_with("requorum="))
        .unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let session = browser.session(&server).await.unwrap();
    assert_eq!(
        (session.name.as_str(), session.grants.to_string()),
        ("anna", "operator".into())
    );
    assert_eq!(
        told(&server, 2).await,
        [
            "anna login the console Done",
            "console people.invite anna as operator, by the groups at Example",
        ]
    );

    // The same groups change nothing; others are other roles, in the session that is open too.
    let mut second = Browser::new(&server);
    assert_eq!(second.sign_in(&provider, anna(&["ops"])).await, "/");
    assert_eq!(told(&server, 1).await, ["anna login the console Done"]);
    assert_eq!(second.sign_in(&provider, anna(&["etcd"])).await, "/");
    assert_eq!(
        told(&server, 2).await,
        [
            "anna login the console Done",
            "console people.roles anna as approver@prod-etcd, by the groups at Example",
        ]
    );
    let grants = browser.session(&server).await.unwrap().grants;
    assert_eq!(grants.to_string(), "approver@prod-etcd");

    // In none of the groups any more: out, at once and everywhere.
    let mut third = Browser::new(&server);
    let to = third.sign_in(&provider, anna(&["else"])).await;
    assert_eq!(refusal(&to), "oidc.no-role");
    for one in [&browser, &second, &third] {
        assert_eq!(one.session(&server).await, None);
    }
    assert_eq!(
        told(&server, 2).await,
        [
            "login the console, as anna of Example Refused oidc.no-role",
            "console people.roles anna as nothing, by the groups at Example",
        ]
    );
    assert_eq!(people(&admin).await.len(), 2, "one account all the time");
}

#[tokio::test]
async fn whoever_is_in_none_of_the_groups_stays_out_unless_all_may_come() {
    let (server, admin, provider, _) = console().await;
    let mut browser = Browser::new(&server);
    let none = json!({"sub": "1", "name": "Nobody"});
    for claims in [
        anna(&[]),
        none.clone(),
        json!({"sub": "2", "groups": {"a": 1}}),
    ] {
        assert_eq!(
            refusal(&browser.sign_in(&provider, claims).await),
            "oidc.no-role"
        );
    }
    assert_eq!(people(&admin).await.len(), 1, "no account was made");
    // One group need not be a list.
    let one = json!({"sub": "3", "email": "c@id.example", "groups": "ops"});
    assert_eq!(browser.sign_in(&provider, one).await, "/");
    assert_eq!(browser.session(&server).await.unwrap().name, "c@id.example");

    let config = OidcConfig {
        scopes: vec!["openid".into(), "team".into()],
        others: "viewer".parse().unwrap(),
        ..provider.config()
    };
    let (options, _) = Options::with_clock();
    let server = server
        .restart(Options {
            oidc: Some(config),
            ..options
        })
        .await;
    let mut browser = Browser::new(&server);
    let query = browser.begin("/api/oidc/start").await;
    assert_eq!(query["scope"], "openid team");
    assert_eq!(browser.sign_in(&provider, none).await, "/");
    let session = browser.session(&server).await.unwrap();
    assert_eq!(
        (session.name.as_str(), session.grants.to_string()),
        ("Nobody", "viewer".into())
    );
}

#[tokio::test]
async fn groups_that_are_told_at_the_other_endpoint_count() {
    let (server, _, provider, _) = console().await;
    provider.tells_groups_apart();
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in(&provider, anna(&["ops"])).await, "/");
    assert_eq!(
        browser.session(&server).await.unwrap().grants.to_string(),
        "operator"
    );
    assert_eq!(provider.asked("me"), 1);
    provider.is(Wrong::OtherPerson);
    let mut browser = Browser::new(&server);
    let to = browser.sign_in(&provider, anna(&["admins"])).await;
    assert_eq!(refusal(&to), "oidc.answer");
    assert_eq!(browser.session(&server).await, None);
}

#[tokio::test]
async fn a_token_that_is_not_as_it_must_be_lets_nobody_in() {
    let (server, admin, provider, clock) = console().await;
    for wrong in [
        Wrong::Signature,
        Wrong::ForeignKey,
        Wrong::BorrowedKeyName,
        Wrong::Unsigned,
        Wrong::SharedSecret,
        Wrong::Critical,
        Wrong::NoToken,
        Wrong::Nonce,
        Wrong::NoNonce,
        Wrong::Audience,
        Wrong::TwoAudiences,
        Wrong::Party,
        Wrong::Issuer,
        Wrong::Expired,
        Wrong::Endless,
        Wrong::Tomorrow,
        Wrong::NoSubject,
        Wrong::LongSubject,
        Wrong::Huge,
        Wrong::Garbage,
        Wrong::Elsewhere,
    ] {
        provider.is(wrong);
        let mut browser = Browser::new(&server);
        let to = browser.sign_in(&provider, anna(&["admins"])).await;
        assert!(to.starts_with("/login?"), "{wrong:?} is let in");
        assert_eq!(refusal(&to), "oidc.answer", "{wrong:?}");
        assert_eq!(browser.session(&server).await, None, "{wrong:?}");
        assert_eq!(
            told(&server, 1).await,
            ["login the console, by way of Example Refused oidc.answer"],
            "{wrong:?}"
        );
        clock.advance_ms(1000);
    }
    assert_eq!(people(&admin).await.len(), 1, "no account was made");
    provider.is(Wrong::Nothing);
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in(&provider, anna(&["admins"])).await, "/");
}

#[tokio::test]
async fn a_key_that_was_not_seen_before_is_asked_for_and_not_too_often() {
    let (server, _, provider, clock) = console().await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in(&provider, anna(&["ops"])).await, "/");
    assert_eq!(browser.sign_in(&provider, anna(&["ops"])).await, "/");
    assert_eq!((provider.asked("keys"), provider.asked("metadata")), (1, 1));
    clock.advance_ms(11_000);
    provider.changes_its_key("second");
    assert_eq!(browser.sign_in(&provider, anna(&["ops"])).await, "/");
    assert_eq!(provider.asked("keys"), 2);
    // Tokens with made-up keys do not make us ask and ask.
    provider.is(Wrong::ForeignKey);
    for _ in 0..5 {
        let to = browser.sign_in(&provider, anna(&["ops"])).await;
        assert_eq!(refusal(&to), "oidc.answer");
    }
    assert_eq!(provider.asked("keys"), 2);
    // A key that the provider has given up is asked about within the hour.
    provider.is(Wrong::Nothing);
    clock.advance_ms(3_600_000);
    assert_eq!(browser.sign_in(&provider, anna(&["ops"])).await, "/");
    assert_eq!((provider.asked("keys"), provider.asked("metadata")), (3, 2));
}

#[tokio::test]
async fn a_sign_in_ends_once_in_its_own_browser_and_in_time() {
    let (server, _, provider, clock) = console().await;
    let mut browser = Browser::new(&server);

    // Another browser, with and without a sign-in of its own: somebody else's code is no way in.
    let query = browser.begin("/api/oidc/start").await;
    let stolen = back(&provider, &query, anna(&["admins"]));
    let mut other = Browser::new(&server);
    assert_eq!(refusal(&other.go(&stolen).await), "oidc.stale");
    let own = other.begin("/api/oidc/start").await;
    assert_eq!(refusal(&other.go(&stolen).await), "oidc.stale");
    assert_ne!(own["state"], query["state"]);
    assert_ne!(own["nonce"], query["nonce"]);
    assert_eq!(provider.asked("token"), 0, "the code is not even looked at");
    assert_eq!(other.session(&server).await, None);
    assert_eq!(
        told(&server, 1).await,
        ["login the console, by way of Example Refused oidc.stale"]
    );

    // The browser it belongs to; and then once more, with its cookie put back.
    let ticket = browser.cookies["requorum-oidc"].clone();
    assert_eq!(browser.go(&stolen).await, "/");
    browser.cookies.insert("requorum-oidc".into(), ticket);
    assert_eq!(refusal(&browser.go(&stolen).await), "oidc.stale");
    assert_eq!(provider.asked("token"), 1);

    // A code that was used: the provider knows.
    let mut third = Browser::new(&server);
    let query = third.begin("/api/oidc/start").await;
    let used: Url = Url::parse("http://x").unwrap().join(&stolen).unwrap();
    let code = used.query_pairs().find(|(n, _)| n == "code").unwrap().1;
    let (state, iss) = (&query["state"], provider.issuer());
    let replayed = format!("/api/oidc/callback?code={code}&state={state}&iss={iss}");
    assert_eq!(refusal(&third.go(&replayed).await), "oidc.answer");

    // Too late by a moment.
    let query = third.begin("/api/oidc/start").await;
    let late = back(&provider, &query, anna(&["ops"]));
    clock.advance_ms(10 * 60_000);
    assert_eq!(refusal(&third.go(&late).await), "oidc.stale");
    assert_eq!(third.session(&server).await, None);

    // Nothing, nonsense, and everything twice.
    for query in ["", "?code=1", "?state=1&state=2", "?code=%FF&state=%00"] {
        let to = third.go(&format!("/api/oidc/callback{query}")).await;
        assert!(
            ["oidc.stale", "oidc.busy"].contains(&&*refusal(&to)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn whoever_comes_back_with_nothing_again_and_again_must_wait() {
    let (server, _, provider, clock) = console().await;
    let mut browser = Browser::new(&server);
    let before = server.app().ledger.status().size;
    for _ in 0..50 {
        browser.go("/api/oidc/callback?code=1&state=2").await;
    }
    let noted = server.app().ledger.status().size - before;
    assert!(noted < 10, "{noted} entries by a stranger");
    assert_eq!(
        refusal(&browser.go("/api/oidc/callback").await),
        "oidc.busy"
    );
    clock.advance_ms(15 * 60_000);
    assert_eq!(browser.sign_in(&provider, anna(&["ops"])).await, "/");

    // However many are begun, nobody is kept from beginning another, and from ending it.
    let mut person = Browser::new(&server);
    let query = person.begin("/api/oidc/start").await;
    for _ in 0..300 {
        browser.begin("/api/oidc/start").await;
    }
    let back = back(&provider, &query, anna(&["ops"]));
    assert_eq!(person.go(&back).await, "/");
}

#[tokio::test]
async fn the_answer_of_another_provider_is_not_taken() {
    let (server, _, provider, _) = console().await;
    let mut browser = Browser::new(&server);
    for (iss, error, code) in [
        ("https://evil.example", "", "oidc.answer"),
        ("", "", "oidc.answer"),
        (&*provider.issuer(), "access_denied", "oidc.declined"),
        (&*provider.issuer(), "server_error", "oidc.answer"),
    ] {
        let query = browser.begin("/api/oidc/start").await;
        let mut back = back(&provider, &query, anna(&["ops"]));
        let (head, _) = back.rsplit_once("&iss=").unwrap();
        back = head.to_owned();
        for (name, value) in [("iss", iss), ("error", error)] {
            if !value.is_empty() {
                back.push_str(&format!("&{name}={value}"));
            }
        }
        assert_eq!(refusal(&browser.go(&back).await), code, "{iss} {error}");
        assert_eq!(browser.session(&server).await, None);
    }
    assert_eq!(provider.asked("token"), 0);
}

#[tokio::test]
async fn an_account_of_the_same_name_is_somebody_elses() {
    let (server, admin, provider, _) = console().await;
    let local = server.person(&admin, "Anna", &["viewer"]).await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in(&provider, anna(&["admins"])).await, "/");
    let session = browser.session(&server).await.unwrap();
    assert_eq!(session.name, "anna (Example)");
    let mine: Session = local.get("/api/session").await.json().await.unwrap();
    assert_eq!(
        (mine.name.as_str(), mine.grants.to_string()),
        ("Anna", "viewer".into())
    );
    assert_ne!(mine.user_id, session.user_id);
    // Nor does the provider's word for a name: another subject is another person.
    let namesake = json!({"sub": "another", "preferred_username": "anna", "groups": ["ops"]});
    let mut other = Browser::new(&server);
    assert_eq!(other.sign_in(&provider, namesake).await, "/");
    assert_eq!(
        other.session(&server).await.unwrap().name,
        "anna (Example 2)"
    );
    // There is no password to guess, and none can be set.
    let stranger = server.stranger();
    assert_eq!(stranger.login("anna (Example)", "").await.status(), 401);
    let id = session.user_id;
    let request = MakePasswordLinkRequest { id };
    let refused = admin.people().await.make_password_link(request).await;
    assert_eq!(code(&refused.unwrap_err()), "person.oidc");
}

#[tokio::test]
async fn a_disabled_account_stays_out_whatever_its_groups() {
    let (server, admin, provider, _) = console().await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in(&provider, anna(&["ops"])).await, "/");
    let id = browser.session(&server).await.unwrap().user_id;
    let request = DisablePersonRequest { id };
    admin.people().await.disable_person(request).await.unwrap();
    assert_eq!(browser.session(&server).await, None);
    let to = browser.sign_in(&provider, anna(&["admins"])).await;
    assert_eq!(refusal(&to), "oidc.disabled");
    assert_eq!(browser.session(&server).await, None);
    assert_eq!(
        told(&server, 1).await,
        ["login the console, as anna of Example Refused oidc.disabled"]
    );
    let anna = people(&admin).await.into_iter().find(|p| p.name == "anna");
    assert_eq!(
        anna.unwrap().grants,
        crate::support::harness::grants(&["operator"]),
        "as they were"
    );
}

#[tokio::test]
async fn while_the_provider_is_away_passwords_still_work() {
    let (options, clock) = Options::with_clock();
    let provider = Provider::start(clock.clone()).await;
    let address = provider.issuer().replace("http://", "");
    let config = provider.config();
    provider.stop().await;
    let server = TestServer::with(Options {
        oidc: Some(config),
        ..options
    })
    .await;
    server.admin().await;
    let mut browser = Browser::new(&server);
    let to = browser.go("/api/oidc/start?next=/jobs").await;
    assert_eq!(refusal(&to), "oidc.down");
    assert!(to.ends_with("&next=%2Fjobs"), "{to}");
    let asked = to.replace("/login?", "/api/sign-in?");
    let ways: WaysIn = server.stranger().get(&asked).await.json().await.unwrap();
    let failure = ways.failure.unwrap();
    assert_eq!(failure.code, "oidc.down");
    assert!(
        failure.message.starts_with("Example cannot be reached"),
        "{}",
        failure.message
    );
    assert_eq!(failure.request_id.len(), 20);
    server.signed_in().await;

    // It is back: nobody has to start the console again.
    let provider = Provider::listen(&address, clock.clone()).await;
    assert_eq!(browser.sign_in(&provider, anna(&["ops"])).await, "/");
    // And away once more, between two steps.
    for wrong in [Wrong::Failing, Wrong::Silent] {
        provider.is(wrong);
        let to = browser.sign_in(&provider, anna(&["ops"])).await;
        assert_eq!(refusal(&to), "oidc.down", "{wrong:?}");
    }
    // What it said of itself is remembered, but it has to be there.
    provider.stop().await;
    clock.advance_ms(2 * 3_600_000);
    browser.begin("/api/oidc/start").await;
}

#[tokio::test]
async fn the_first_account_is_an_administrators() {
    let (options, clock) = Options::with_clock();
    let provider = Provider::start(clock.clone()).await;
    let server = TestServer::with(Options {
        oidc: Some(provider.config()),
        ..options
    })
    .await;
    let mut browser = Browser::new(&server);
    let to = browser.sign_in(&provider, anna(&["ops"])).await;
    assert_eq!(refusal(&to), "oidc.no-administrator");
    assert_eq!(browser.sign_in(&provider, anna(&["admins"])).await, "/");
    let session = browser.session(&server).await.unwrap();
    assert_eq!(session.grants.to_string(), "operator, admin");
    // The link is void now; others may come.
    let body = json!({"token": server.setup_token(), "name": NAME, "password": PASSWORD});
    let late = server.stranger().post("/api/setup", &body).await;
    assert_eq!(late.status(), 409);
    let other = json!({"sub": "2", "name": "Ben", "groups": ["ops"]});
    assert_eq!(Browser::new(&server).sign_in(&provider, other).await, "/");
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let (server, _, provider, _) = console().await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "/api/logout",
        "%2F%2Fevil.example",
        "/plans/..//evil.example",
        "/%0D%0Aset-cookie:x",
    ] {
        let mut browser = Browser::new(&server);
        let query = browser.begin(&format!("/api/oidc/start?next={next}")).await;
        let to = browser.go(&back(&provider, &query, anna(&["ops"]))).await;
        assert_eq!(to, "/", "{next}");
    }
    let mut browser = Browser::new(&server);
    let query = browser.begin("/api/oidc/start?again=true").await;
    assert_eq!(query["prompt"], "login");
}

#[tokio::test]
async fn under_tls_the_ticket_is_bound_to_the_origin() {
    let provider = Provider::start(Arc::new(SystemClock)).await;
    let server = TestServer::with(Options {
        public_url: Some("https://console.example".into()),
        oidc: Some(provider.config()),
        ..Options::default()
    })
    .await;
    let mut browser = Browser::new(&server);
    let query = browser.begin("/api/oidc/start").await;
    assert_eq!(
        query["redirect_uri"],
        "https://console.example/api/oidc/callback"
    );
    let cookie = &browser.set[0];
    for part in [
        "__Host-requorum-oidc=",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
    ] {
        assert!(cookie.contains(part), "{cookie} without {part}");
    }
    assert!(!cookie.contains("Domain"));
    let to = browser
        .go(&back(&provider, &query, anna(&["admins"])))
        .await;
    assert_eq!(to, "/");
    assert!(browser.cookies.contains_key("__Host-requorum"));
}

#[tokio::test]
async fn without_a_provider_there_is_no_such_way_in() {
    let server = TestServer::start().await;
    let ways: WaysIn = server
        .stranger()
        .get("/api/sign-in")
        .await
        .json()
        .await
        .unwrap();
    let nothing = WaysIn {
        waits_for_setup: true,
        ..WaysIn::default()
    };
    assert_eq!(ways, nothing);
    let mut browser = Browser::new(&server);
    for path in ["/api/oidc/start", "/api/oidc/callback?code=1&state=1"] {
        assert_eq!(refusal(&browser.go(path).await), "oidc.off");
    }
    // The page is told only what we know, and repeats nothing.
    let crafted = "/api/sign-in?failed=Call%20555-0100&request=now";
    let ways: WaysIn = server.stranger().get(crafted).await.json().await.unwrap();
    assert_eq!(ways, nothing);
}
