//! Those outside whom the console knows by a secret: a bucket, an identity provider, a database.

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use requorum_server::clock::SystemClock;
use serde_json::json;
use url::Url;

use super::Told;
use crate::files::bucket::{Bucket, SECRET as S3_SECRET};
use crate::people::oidc::provider::{CLIENT, Provider, SECRET as CLIENT_SECRET};

/// A bucket for the files, and a provider that people sign in at.
pub(super) struct Outside {
    bucket: Bucket,
    provider: Provider,
}

impl Outside {
    pub(super) async fn start() -> Self {
        Self {
            bucket: Bucket::start().await,
            provider: Provider::start(Arc::new(SystemClock)).await,
        }
    }

    /// Tells a server how to reach them.
    pub(super) fn name_to(&self, command: &mut Command) {
        let (environment, arguments) = self.bucket.named("console");
        command
            .envs(environment)
            .env("REQUORUM_OIDC_CLIENT_SECRET", CLIENT_SECRET)
            .args(arguments)
            .args(["--oidc-issuer", &self.provider.issuer()])
            .args(["--oidc-client-id", CLIENT, "--oidc-role", "ops=operator"]);
    }
}

/// Somebody comes in by way of the provider, once rightly and once with a code that is nobody's.
pub(super) async fn sign_in(told: &Told) {
    told.plant("the key of the bucket", S3_SECRET);
    told.plant("the client secret", CLIENT_SECRET);
    let form: String = url::form_urlencoded::byte_serialize(CLIENT_SECRET.as_bytes()).collect();
    told.plant("the client secret, in a form", &form);
    let client: String = url::form_urlencoded::byte_serialize(CLIENT.as_bytes()).collect();
    let basic = STANDARD.encode(format!("{client}:{form}"));
    told.plant("the client secret, in a header", basic);
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let provider = &told.outside.provider;
    for right in [true, false] {
        let start = format!("{}/api/oidc/start", told.base);
        let answer = http.get(start).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let ticket = answer.headers()["set-cookie"].to_str().unwrap();
        let ticket = ticket.split(';').next().unwrap().to_owned();
        told.plant("a ticket", ticket.split_once('=').unwrap().1);
        let location: Url = answer.headers()["location"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        let query: HashMap<_, _> = location.query_pairs().into_owned().collect();
        let claims = json!({"sub": "7", "preferred_username": "olga", "groups": ["ops"]});
        let code = match right {
            true => provider.authorize(&query, claims),
            false => told.secret("a code that is nobody's"),
        };
        told.plant("a code", &code);
        let mut back: Url = query["redirect_uri"].parse().unwrap();
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &query["state"])
            .append_pair("iss", &provider.issuer());
        let answer = http.get(back).header("cookie", ticket).send().await;
        let mut headers = answer.unwrap().headers().clone();
        let cookies: Vec<_> = headers.get_all("set-cookie").iter().cloned().collect();
        headers.remove("set-cookie");
        let to = headers["location"].to_str().unwrap();
        assert_eq!(to.contains("failed"), !right, "{to}");
        told.heard("the way back".to_owned(), format!("{headers:?}").as_bytes());
        // The ticket's cookie is taken away beside it.
        let cookies = cookies.iter().map(|cookie| cookie.to_str().unwrap());
        let sessions = cookies.filter_map(|cookie| cookie.strip_prefix("requorum="));
        let sessions: Vec<_> = sessions.collect();
        assert_eq!(sessions.len(), usize::from(right));
        for session in sessions {
            let session = session.split(';').next().unwrap();
            told.plant("a session by way of the provider", session);
        }
    }
    let issued = provider.issued();
    assert_eq!(issued.len(), 2, "an access token and an identity token");
    for token in issued {
        told.plant("a token of the provider", token);
    }
}

/// Addresses of databases that lead nowhere or are none, with a password in them.
pub(super) fn database_urls(told: &Told) {
    let urls = [
        "postgres://requorum:PASSWORD@127.0.0.1:1/requorum",
        "postgres://requorum@127.0.0.1:1/requorum?password=PASSWORD",
        "postgres//requorum:PASSWORD@127.0.0.1/requorum",
        "mysql://requorum:PASSWORD@127.0.0.1/requorum",
        "postgres://requorum:PASSWORD@127.0.0.1",
        "postgres://requorum:PASSWORD @127.0.0.1/requorum",
    ];
    std::thread::scope(|scope| {
        for url in urls {
            let url = url.replace("PASSWORD", &told.secret(&format!("the password of {url}")));
            for command in [&["user", "list"][..], &["serve", "--listen", "127.0.0.1:0"]] {
                let url = url.clone();
                scope.spawn(move || {
                    let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
                        .args(command)
                        .arg("--data-dir")
                        .arg(told.dir.path().join(command[0]))
                        .env("REQUORUM_DATABASE_URL", url)
                        .env("REQUORUM_LOG", "debug")
                        .output()
                        .unwrap();
                    assert!(!output.status.success(), "{output:?}");
                    assert_ne!(output.stderr, b"", "it says why");
                    for said in [&output.stdout, &output.stderr] {
                        told.heard(format!("what `requorum {}` prints", command[0]), said);
                    }
                });
            }
        }
    });
}
