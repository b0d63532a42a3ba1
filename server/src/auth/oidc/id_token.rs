//! The ID token: believed only when everything about it is as it must be (OpenID Connect Core, 3.1.3.7).

use std::fmt;

use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value};

use super::keys::Key;

/// How far the provider's clock may be from ours, in seconds.
const LEEWAY_S: i64 = 60;
/// The longest subject (OpenID Connect Core, 2).
const MAX_SUBJECT_CHARS: usize = 255;
/// Groups that are looked at.
const MAX_GROUPS: usize = 5000;
/// What a person is called by, the best first.
const NAMES: [&str; 4] = ["preferred_username", "email", "name", "nickname"];

/// What the token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now_s: i64,
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No key that we have seen checks it.
    UnknownKey,
    /// It is not a token, or is signed in a way that is not accepted.
    Form(&'static str),
    /// The signature is wrong.
    Signature,
    /// A claim is missing or wrong.
    Claim(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey => {
                f.write_str("the ID token is signed with a key that the provider does not list")
            }
            Self::Form(what) => write!(f, "the ID token {what}"),
            Self::Signature => f.write_str("the ID token's signature is wrong"),
            Self::Claim(name) => write!(f, "the ID token's claim {name:?} is missing or wrong"),
        }
    }
}

/// What the provider says of a person.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) subject: String,
    all: Map<String, Value>,
}

impl Claims {
    /// Whether a claim is there.
    pub(super) fn has(&self, claim: &str) -> bool {
        self.all.contains_key(claim)
    }

    /// Adds what another endpoint says of the same person. What the token says stays.
    pub(super) fn add(&mut self, more: Map<String, Value>) -> Result<(), Fault> {
        if more.get("sub").and_then(Value::as_str) != Some(&self.subject) {
            return Err(Fault::Claim("sub"));
        }
        for (name, value) in more {
            self.all.entry(name).or_insert(value);
        }
        Ok(())
    }

    /// A claim that is one text or a list of them.
    pub(super) fn texts(&self, claim: &str) -> Vec<String> {
        match self.all.get(claim) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many
                .iter()
                .filter_map(Value::as_str)
                .take(MAX_GROUPS)
                .map(Into::into)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it is known what people call the person.
    pub(super) fn has_name(&self) -> bool {
        self.called().is_some()
    }

    /// What to call the person.
    pub(super) fn name(&self) -> String {
        self.called().unwrap_or(&self.subject).to_owned()
    }

    fn called(&self) -> Option<&str> {
        NAMES
            .iter()
            .filter_map(|claim| self.all.get(*claim)?.as_str())
            .map(str::trim)
            .find(|name| !name.is_empty())
    }
}

/// Believes a token, or says why not.
pub(super) fn verify(token: &str, keys: &[Key], expected: &Expected<'_>) -> Result<Claims, Fault> {
    let header = jsonwebtoken::decode_header(token)
        .map_err(|_| Fault::Form("has no header, or is signed in a way that is not accepted"))?;
    if header.crit.is_some() {
        return Err(Fault::Form("asks for what is not understood"));
    }
    let mut fault = Fault::UnknownKey;
    for key in keys {
        if header.kid.is_some() && key.id != header.kid || !key.algorithms.contains(&header.alg) {
            continue;
        }
        match signed(token, key, header.alg) {
            Some(claims) => return check(claims, expected),
            // Without a name for the key, the right one may be one that we have not seen.
            None if header.kid.is_some() => fault = Fault::Signature,
            None => {}
        }
    }
    Err(fault)
}

fn signed(token: &str, key: &Key, algorithm: Algorithm) -> Option<Map<String, Value>> {
    let mut only = Validation::new(algorithm);
    // The claims are ours to check: this knows neither our clock nor a nonce.
    only.required_spec_claims.clear();
    only.validate_exp = false;
    only.validate_aud = false;
    jsonwebtoken::decode(token, &key.key, &only)
        .ok()
        .map(|token| token.claims)
}

fn check(all: Map<String, Value>, expected: &Expected<'_>) -> Result<Claims, Fault> {
    let text = |name: &str| all.get(name).and_then(Value::as_str);
    let seconds = |name: &str| all.get(name).and_then(Value::as_f64);
    let now = expected.now_s as f64;
    let leeway = LEEWAY_S as f64;

    if text("iss") != Some(expected.issuer) {
        return Err(Fault::Claim("iss"));
    }
    let audience: Vec<&str> = match all.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&expected.client_id) {
        return Err(Fault::Claim("aud"));
    }
    // With more than one audience it must be said that it was made for us.
    match all.get("azp") {
        Some(azp) if azp.as_str() != Some(expected.client_id) => return Err(Fault::Claim("azp")),
        None if audience.len() > 1 => return Err(Fault::Claim("azp")),
        _ => {}
    }
    if !seconds("exp").is_some_and(|exp| now < exp + leeway) {
        return Err(Fault::Claim("exp"));
    }
    if !seconds("iat").is_some_and(|iat| iat <= now + leeway) {
        return Err(Fault::Claim("iat"));
    }
    if all.contains_key("nbf") && !seconds("nbf").is_some_and(|nbf| nbf <= now + leeway) {
        return Err(Fault::Claim("nbf"));
    }
    if text("nonce") != Some(expected.nonce) {
        return Err(Fault::Claim("nonce"));
    }
    let subject = text("sub")
        .filter(|sub| !sub.is_empty() && sub.chars().count() <= MAX_SUBJECT_CHARS)
        .ok_or(Fault::Claim("sub"))?
        .to_owned();
    Ok(Claims { subject, all })
}
