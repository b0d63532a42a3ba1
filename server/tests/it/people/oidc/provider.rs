//! A small identity provider that does as it is told, wrongly too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use requorum_server::auth::oidc::config::{ClientSecret, OidcConfig};
use requorum_server::clock::Clock;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const CLIENT: &str = "requorum+console";
pub(crate) const SECRET: &str = "s3cret/with:odd chars";

/// What the provider does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Nothing.
    Nothing,
    /// The signature is another text's.
    Signature,
    /// Signed with a key that it does not list.
    ForeignKey,
    /// Signed with a key that it does not list, under the name of one that it does.
    BorrowedKeyName,
    /// `alg: none`.
    Unsigned,
    /// Signed with a secret that everybody knows: its own public key.
    SharedSecret,
    /// A critical header that nobody understands.
    Critical,
    /// Not a token at all.
    NoToken,
    /// Another sign-in's nonce.
    Nonce,
    /// No nonce.
    NoNonce,
    /// Made for somebody else.
    Audience,
    /// Made for us and somebody else, without saying for whom.
    TwoAudiences,
    /// Made for us and somebody else, for somebody else.
    Party,
    /// Made by somebody else.
    Issuer,
    /// Over.
    Expired,
    /// Without an end.
    Endless,
    /// Made tomorrow.
    Tomorrow,
    /// Nobody's.
    NoSubject,
    /// A subject longer than any may be.
    LongSubject,
    /// The other endpoint tells of somebody else.
    OtherPerson,
    /// More than anybody needs to say.
    Huge,
    /// Not JSON.
    Garbage,
    /// It sends us elsewhere.
    Elsewhere,
    /// It fails.
    Failing,
    /// It says nothing.
    Silent,
}

/// A code that waits to be redeemed.
struct Code {
    nonce: String,
    challenge: String,
    redirect_uri: String,
    claims: Value,
}

struct Parts {
    issuer: String,
    clock: Arc<dyn Clock>,
    key: EncodingKey,
    /// What the listed key is called.
    key_id: String,
    wrong: Wrong,
    /// Groups are told at the other endpoint alone.
    tells_apart: bool,
    codes: HashMap<String, Code>,
    told: HashMap<String, Value>,
    asked: HashMap<&'static str, u32>,
    /// Every token that it gave out.
    issued: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Provider {
    parts: Arc<Mutex<Parts>>,
    running: Arc<JoinHandle<()>>,
}

fn new_key() -> EncodingKey {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    EncodingKey::from_ec_der(&pair.serialize_der())
}

impl Provider {
    pub(crate) async fn start(clock: Arc<dyn Clock>) -> Self {
        Self::listen("127.0.0.1:0", clock).await
    }

    /// One on this address: where another was, too.
    pub(crate) async fn listen(address: &str, clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let parts = Arc::new(Mutex::new(Parts {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            clock,
            key: new_key(),
            key_id: "first".into(),
            wrong: Wrong::Nothing,
            tells_apart: false,
            codes: HashMap::new(),
            told: HashMap::new(),
            asked: HashMap::new(),
            issued: Vec::new(),
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/me", get(me))
            .with_state(parts.clone());
        let running = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            parts,
            running: Arc::new(running),
        }
    }

    pub(crate) fn issuer(&self) -> String {
        self.with(|parts| parts.issuer.clone())
    }

    /// How the console is told of it.
    pub(crate) fn config(&self) -> OidcConfig {
        let roles = [
            "ops=operator",
            "etcd=approver@prod-etcd",
            "admins=admin",
            "admins=operator",
        ];
        OidcConfig {
            issuer: self.issuer(),
            client_id: CLIENT.into(),
            client_secret: Some(ClientSecret::new(SECRET).unwrap()),
            name: "Example".into(),
            groups_claim: "groups".into(),
            scopes: Vec::new(),
            roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
            others: "".parse().unwrap(),
        }
    }

    pub(crate) fn is(&self, wrong: Wrong) {
        self.with(|parts| parts.wrong = wrong);
    }

    pub(crate) fn tells_groups_apart(&self) {
        self.with(|parts| parts.tells_apart = true);
    }

    /// From now on it signs with another key, under this name.
    pub(crate) fn changes_its_key(&self, name: &str) {
        self.with(|parts| {
            parts.key = new_key();
            parts.key_id = name.into();
        });
    }

    /// How often it was asked for this.
    pub(crate) fn asked(&self, what: &str) -> u32 {
        self.with(|parts| parts.asked.get(what).copied().unwrap_or_default())
    }

    /// Every token that it gave out.
    pub(crate) fn issued(&self) -> Vec<String> {
        self.with(|parts| parts.issued.clone())
    }

    /// Nobody answers there any more.
    pub(crate) async fn stop(&self) {
        self.running.abort();
        while !self.running.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Somebody signs in: what the browser comes back with.
    pub(crate) fn authorize(&self, query: &HashMap<String, String>, claims: Value) -> String {
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT);
        assert_eq!(query["code_challenge_method"], "S256");
        let code = rand::random::<u64>().to_string();
        self.with(|parts| {
            parts.codes.insert(
                code.clone(),
                Code {
                    nonce: query["nonce"].clone(),
                    challenge: query["code_challenge"].clone(),
                    redirect_uri: query["redirect_uri"].clone(),
                    claims,
                },
            );
        });
        code
    }

    fn with<T>(&self, act: impl FnOnce(&mut Parts) -> T) -> T {
        act(&mut self.parts.lock().unwrap())
    }
}

type Shared = State<Arc<Mutex<Parts>>>;

fn asked(parts: &Shared, what: &'static str) -> Wrong {
    let mut parts = parts.lock().unwrap();
    *parts.asked.entry(what).or_default() += 1;
    parts.wrong
}

async fn metadata(parts: Shared) -> Json<Value> {
    asked(&parts, "metadata");
    let parts = parts.lock().unwrap();
    let issuer = &parts.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/me"),
        "scopes_supported": ["openid", "profile", "groups", "offline_access"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(parts: Shared) -> Json<Value> {
    asked(&parts, "keys");
    let parts = parts.lock().unwrap();
    let mut jwk = Jwk::from_encoding_key(&parts.key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some(parts.key_id.clone());
    Json(json!({"keys": [
        // Kinds of keys that come into use, and one for other uses.
        {"kty": "AKP", "alg": "ML-DSA-65", "kid": "new", "pub": "AAAA"},
        {"kty": "oct", "kid": "first", "k": "AAAA"},
        {"kty": "EC", "use": "enc", "kid": "first", "crv": "P-256", "x": "AA", "y": "AA"},
        jwk,
    ]}))
}

async fn token(
    parts: Shared,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let wrong = asked(&parts, "token");
    match wrong {
        Wrong::Huge => return Json(json!({"id_token": "x".repeat(1 << 20)})).into_response(),
        Wrong::Garbage => return "<html>".into_response(),
        Wrong::Elsewhere => return axum::response::Redirect::to("/token2").into_response(),
        Wrong::Failing => return StatusCode::BAD_GATEWAY.into_response(),
        Wrong::Silent => std::future::pending::<()>().await,
        _ => {}
    }
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error})));
    let mut parts = parts.lock().unwrap();
    // RFC 6749, 2.3.1: form-encoded, then joined, then base64.
    let client = base64::engine::general_purpose::STANDARD
        .encode("requorum%2Bconsole:s3cret%2Fwith%3Aodd+chars");
    if headers["authorization"] != format!("Basic {client}") {
        return refuse("invalid_client").into_response();
    }
    // A code is good once.
    let Some(code) = parts.codes.remove(&form["code"]) else {
        return refuse("invalid_grant").into_response();
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if challenge != code.challenge || form["redirect_uri"] != code.redirect_uri {
        return refuse("invalid_grant").into_response();
    }
    let access = format!("access-{}", rand::random::<u64>());
    let mut claims = code.claims;
    let mut apart = json!({"sub": claims["sub"]});
    if parts.tells_apart {
        apart["groups"] = claims.as_object_mut().unwrap().remove("groups").unwrap();
    }
    if wrong == Wrong::OtherPerson {
        apart["sub"] = json!("somebody-else");
    }
    parts.told.insert(access.clone(), apart);
    let id_token = id_token(&parts, &code.nonce, claims);
    parts.issued.extend([access.clone(), id_token.clone()]);
    Json(json!({"token_type": "Bearer", "access_token": access, "id_token": id_token}))
        .into_response()
}

async fn me(parts: Shared, headers: HeaderMap) -> Response {
    asked(&parts, "me");
    let parts = parts.lock().unwrap();
    let token = headers["authorization"].to_str().unwrap();
    let token = token.trim_start_matches("Bearer ");
    Json(parts.told[token].clone()).into_response()
}

fn id_token(parts: &Parts, nonce: &str, claims: Value) -> String {
    let now = parts.clock.now_ms() / 1000;
    let mut all = json!({
        "iss": parts.issuer,
        "aud": CLIENT,
        "iat": now,
        "exp": now + 300,
        "nonce": nonce,
    });
    let all = all.as_object_mut().unwrap();
    all.extend(claims.as_object().unwrap().clone());
    match parts.wrong {
        Wrong::Nonce => drop(all.insert("nonce".into(), json!("another"))),
        Wrong::NoNonce => drop(all.remove("nonce")),
        Wrong::Audience => drop(all.insert("aud".into(), json!(["another"]))),
        Wrong::TwoAudiences => drop(all.insert("aud".into(), json!([CLIENT, "another"]))),
        Wrong::Party => drop(all.insert("azp".into(), json!("another"))),
        Wrong::Issuer => drop(all.insert("iss".into(), json!("https://evil.example"))),
        Wrong::Expired => drop(all.insert("exp".into(), json!(now - 61))),
        Wrong::Endless => drop(all.remove("exp")),
        Wrong::Tomorrow => drop(all.insert("iat".into(), json!(now + 86_400))),
        Wrong::NoSubject => drop(all.remove("sub")),
        Wrong::LongSubject => drop(all.insert("sub".into(), json!("x".repeat(256)))),
        Wrong::NoToken => return "a.b".into(),
        _ => {}
    }
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(parts.key_id.clone());
    match parts.wrong {
        Wrong::Unsigned => {
            let header = json!({"alg": "none", "typ": "JWT"}).to_string();
            let body = serde_json::to_vec(all).unwrap();
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            return format!("{}.{}.", encode(header.as_bytes()), encode(&body));
        }
        Wrong::SharedSecret => {
            header.alg = Algorithm::HS256;
            let jwk = Jwk::from_encoding_key(&parts.key, Algorithm::ES256).unwrap();
            let known = serde_json::to_vec(&jwk).unwrap();
            return jsonwebtoken::encode(&header, all, &EncodingKey::from_secret(&known)).unwrap();
        }
        Wrong::ForeignKey => {
            header.kid = Some("foreign".into());
            return jsonwebtoken::encode(&header, all, &new_key()).unwrap();
        }
        Wrong::BorrowedKeyName => {
            return jsonwebtoken::encode(&header, all, &new_key()).unwrap();
        }
        Wrong::Critical => header.crit = Some(vec!["b64".into()]),
        _ => {}
    }
    let token = jsonwebtoken::encode(&header, all, &parts.key).unwrap();
    if parts.wrong == Wrong::Signature {
        let (head, _) = token.rsplit_once('.').unwrap();
        all.insert("groups".into(), json!(["another's"]));
        let other = jsonwebtoken::encode(&header, all, &parts.key).unwrap();
        return format!("{head}.{}", other.rsplit_once('.').unwrap().1);
    }
    token
}
