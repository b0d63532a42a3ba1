//! The keys that the provider signs with. Looked up when needed, and again when a token names one that we have not
//! seen.

use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::Result;
use super::fetch::Fetch;

/// After this long they are asked for again.
const FRESH_MS: i64 = 60 * 60_000;
/// They are not asked for more often than this, whatever tokens name.
const AT_MOST_EVERY_MS: i64 = 10_000;
/// More keys than any provider has in use.
const MAX_KEYS: usize = 64;

/// A key that signatures are checked with.
pub(super) struct Key {
    pub(super) id: Option<String>,
    /// What it may be used with. Never `none`, and never a shared secret.
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) key: DecodingKey,
}

/// The keys as they were last seen.
#[derive(Default)]
pub(super) struct Keys {
    seen: Mutex<Option<(i64, Arc<Vec<Key>>)>>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// The provider's keys; with `newer`, those that it has now.
    pub(super) async fn get(
        &self,
        fetch: &Fetch,
        url: &Url,
        now_ms: i64,
        newer: bool,
    ) -> Result<Arc<Vec<Key>>> {
        let mut seen = self.seen.lock().await;
        let good_for = if newer { AT_MOST_EVERY_MS } else { FRESH_MS };
        if let Some((at_ms, keys)) = &*seen
            && (now_ms - at_ms).abs() < good_for
        {
            return Ok(keys.clone());
        }
        let set: Set = fetch.get("its keys", url, None).await?;
        let keys = set.keys.into_iter().take(MAX_KEYS);
        // A key of a kind that we do not know is somebody else's.
        let keys: Arc<Vec<_>> = Arc::new(keys.filter_map(usable).collect());
        *seen = Some((now_ms, keys.clone()));
        Ok(keys)
    }
}

fn usable(value: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    if let Some(purpose) = &jwk.common.public_key_use
        && *purpose != PublicKeyUse::Signature
    {
        return None;
    }
    let mut algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        _ => return None,
    };
    if let Some(only) = jwk.common.key_algorithm {
        algorithms.retain(|one| same(*one, only));
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    (!algorithms.is_empty()).then_some(Key {
        id: jwk.common.key_id,
        algorithms,
        key,
    })
}

fn same(algorithm: Algorithm, named: KeyAlgorithm) -> bool {
    named.to_string() == format!("{algorithm:?}")
}
