//! What the provider says of itself (OpenID Connect Discovery): looked up at the first sign-in, and again now and
//! then.

use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::config::OidcConfig;
use super::fetch::{ClientProof, Fetch};
use super::{Refusal, Result, is_private};

/// After this long it is asked again.
const FRESH_MS: i64 = 60 * 60_000;

/// Where the provider's parts are, and what they take.
pub(super) struct Provider {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    /// Its answers name it (RFC 9207).
    pub(super) says_who_answers: bool,
    scopes: Option<Vec<String>>,
    client_proofs: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    scopes_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Provider {
    /// Whether a scope can be asked for. Of those that say nothing, what the standard names.
    pub(super) fn has_scope(&self, scope: &str) -> bool {
        match &self.scopes {
            Some(scopes) => scopes.iter().any(|one| one == scope),
            None => matches!(scope, "profile" | "email"),
        }
    }

    /// How the console makes itself known.
    pub(super) fn client<'a>(&self, config: &'a OidcConfig) -> Result<ClientProof<'a>> {
        let id = &config.client_id;
        let Some(secret) = &config.client_secret else {
            return Ok(ClientProof::Public { id });
        };
        let secret = secret.text();
        // The standard's default is the header.
        let takes = |name: &str| match &self.client_proofs {
            Some(proofs) => proofs.iter().any(|one| one == name),
            None => name == "client_secret_basic",
        };
        if takes("client_secret_basic") {
            return Ok(ClientProof::Basic { id, secret });
        }
        if takes("client_secret_post") {
            return Ok(ClientProof::Form { id, secret });
        }
        Err(Refusal::answer(
            "it takes a client secret neither in a header nor in a form",
        ))
    }
}

/// The provider as it was last seen.
#[derive(Default)]
pub(super) struct Providers {
    seen: Mutex<Option<(i64, Arc<Provider>)>>,
}

impl Providers {
    /// The provider; asked for when it was never seen, or long ago. One that was seen stays good while it does not
    /// answer.
    pub(super) async fn get(
        &self,
        fetch: &Fetch,
        issuer: &str,
        now_ms: i64,
    ) -> Result<Arc<Provider>> {
        let mut seen = self.seen.lock().await;
        if let Some((at_ms, provider)) = &*seen
            && (now_ms - at_ms).abs() < FRESH_MS
        {
            return Ok(provider.clone());
        }
        match discover(fetch, issuer).await {
            Ok(provider) => {
                let provider = Arc::new(provider);
                *seen = Some((now_ms, provider.clone()));
                Ok(provider)
            }
            Err(refusal) => match &*seen {
                Some((_, provider)) => Ok(provider.clone()),
                None => Err(refusal),
            },
        }
    }
}

async fn discover(fetch: &Fetch, issuer: &str) -> Result<Provider> {
    let url = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let url = Url::parse(&url).map_err(|error| Refusal::server(error.into()))?;
    let metadata: Metadata = fetch.get("what it says of itself", &url, None).await?;
    if metadata.issuer != issuer {
        return Err(Refusal::answer(format_args!(
            "it calls itself {:?}: give exactly that as --oidc-issuer",
            metadata.issuer
        )));
    }
    let endpoints = [
        Some(&metadata.authorization_endpoint),
        Some(&metadata.token_endpoint),
        Some(&metadata.jwks_uri),
        metadata.userinfo_endpoint.as_ref(),
    ];
    if let Some(open) = endpoints.into_iter().flatten().find(|url| !is_private(url)) {
        return Err(Refusal::answer(format_args!(
            "{open} is neither https nor on this machine"
        )));
    }
    Ok(Provider {
        authorization_endpoint: metadata.authorization_endpoint,
        token_endpoint: metadata.token_endpoint,
        jwks_uri: metadata.jwks_uri,
        userinfo_endpoint: metadata.userinfo_endpoint,
        says_who_answers: metadata.authorization_response_iss_parameter_supported,
        scopes: metadata.scopes_supported,
        client_proofs: metadata.token_endpoint_auth_methods_supported,
    })
}
