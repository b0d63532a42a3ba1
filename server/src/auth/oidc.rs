//! Signing in at an identity provider, by OpenID Connect: the authorization code flow with PKCE, state and nonce.
//!
//! ```text
//! begin     a ticket for this browser's cookie, and the provider's address to send it to
//! redeem    the browser is back: its ticket, once, and the provider's code give a person
//! ```
//!
//! The provider is looked up when somebody wants to sign in there, not when the server starts: while it is down,
//! passwords still work.

mod accounts;
pub mod config;
mod fetch;
mod id_token;
mod keys;
mod provider;
pub mod refusal;
pub mod store;
mod ticket;

use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use self::config::OidcConfig;
use self::fetch::Fetch;
use self::id_token::{Claims, Expected, Fault};
use self::keys::Keys;
use self::provider::{Provider, Providers};
pub use self::refusal::Refusal;
use self::store::SignInStore;
pub use self::ticket::Ticket;
use super::session::Caller;
use super::store::PeopleStore;
use super::throttle::Throttle;
use crate::address::Network;
use crate::clock::Clock;
use crate::random;
use crate::shares::Shares;

/// The path that the provider sends browsers back to.
pub const CALLBACK: &str = "/api/oidc/callback";

/// Sign-ins that come back at the same time, for which the provider is asked.
const ASKED_AT_ONCE: usize = 32;
/// Those from one network.
const ASKED_FOR_ONE: usize = 4;
/// The longest code, state or issuer that is looked at, in bytes.
const MAX_PARAMETER_BYTES: usize = 4096;

/// What a sign-in gives, or why it does not.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

/// The identity provider of this console.
pub struct Oidc {
    config: OidcConfig,
    clock: Arc<dyn Clock>,
    open: Arc<dyn SignInStore>,
    users: Arc<dyn PeopleStore>,
    fetch: Fetch,
    providers: Providers,
    keys: Keys,
    throttle: Throttle,
    asked: Shares,
    key: OnceCell<[u8; 32]>,
}

/// A sign-in that was begun.
pub struct Begun {
    /// For the browser's cookie.
    pub ticket: String,
    /// Where the browser goes next.
    pub address: String,
}

/// What the provider sends a browser back with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    code: String,
    state: String,
    /// Who answers (RFC 9207).
    iss: Option<String>,
    error: Option<String>,
}

/// A person, as the provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What the provider calls this person, for ever.
    pub subject: String,
    /// What people call them.
    pub name: String,
    /// The groups that they are in.
    pub groups: Vec<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    #[serde(default)]
    access_token: String,
}

impl Oidc {
    /// The provider that this configuration names. It is not asked for anything yet.
    pub fn new(
        config: OidcConfig,
        open: Arc<dyn SignInStore>,
        users: Arc<dyn PeopleStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            fetch: Fetch::default(),
            providers: Providers::default(),
            keys: Keys::default(),
            throttle: Throttle::new(users.clone(), "provider"),
            asked: Shares::new(ASKED_AT_ONCE, ASKED_FOR_ONE),
            key: OnceCell::new(),
            config,
            clock,
            open,
            users,
        }
    }

    /// What was decided about it.
    pub fn config(&self) -> &OidcConfig {
        &self.config
    }

    /// Begins a sign-in that ends at `return_to`, one of our own paths. With `again`, the provider asks who it is
    /// even when it knows.
    ///
    /// # Errors
    /// When the provider does not answer.
    pub async fn begin(&self, origin: &str, return_to: &str, again: bool) -> Result<Begun> {
        let provider = self.provider().await?;
        let ticket = Ticket::new(return_to, self.clock.now_ms());
        let sealed = ticket.sealed(self.key().await?);
        let mut address = provider.authorization_endpoint.clone();
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &redirect_uri(origin))
            .append_pair("scope", &self.scopes(&provider))
            .append_pair("state", &ticket.state())
            .append_pair("nonce", &ticket.nonce())
            .append_pair("code_challenge", &ticket.challenge())
            .append_pair("code_challenge_method", "S256");
        if again {
            address.query_pairs_mut().append_pair("prompt", "login");
        }
        Ok(Begun {
            ticket: sealed.map_err(|error| Refusal::server(error.into()))?,
            address: address.into(),
        })
    }

    /// Somebody came back with no sign-in of theirs. Whoever does so again and again is not looked at for a while.
    pub async fn came_with_nothing(&self, caller: &Caller) -> Refusal {
        let (address, now) = (caller.address, self.clock.now_ms());
        let count = async {
            let network = Network::of(address).to_string();
            anyhow::Ok(match self.throttle.attempt_of(&network, now).await? {
                // It is never right, and so counts for good.
                Ok(_) => Refusal::Stale,
                Err(_) => Refusal::Busy,
            })
        };
        count.await.unwrap_or_else(Refusal::server)
    }

    /// Takes the sign-in that this browser has begun, once; none when there is no such sign-in any more.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn take(&self, answer: &Answer, cookie: Option<&str>) -> Result<Option<Ticket>> {
        let now = self.clock.now_ms();
        let Some(cookie) = cookie else {
            return Ok(None);
        };
        // The state is not secret to whoever sees the address; that this browser holds what it was made from is
        // what counts.
        let ticket = Ticket::open(cookie, self.key().await?, now);
        let Some(ticket) = ticket.filter(|ticket| ticket.is_of(&answer.state)) else {
            return Ok(None);
        };
        let id = random::token_hash(&answer.state);
        let taken = self.open.take_sign_in(&id, now, ticket.expires_ms()).await;
        Ok(taken.map_err(Refusal::server)?.then_some(ticket))
    }

    async fn key(&self) -> Result<&[u8; 32]> {
        let make = async || self.users.console_key("tickets", random::seed()).await;
        self.key
            .get_or_try_init(make)
            .await
            .map_err(Refusal::server)
    }

    /// Who has come back, in the provider's word.
    ///
    /// # Errors
    /// When the provider refused, cannot be asked, or says what cannot be believed.
    pub async fn redeem(
        &self,
        origin: &str,
        answer: &Answer,
        ticket: &Ticket,
        caller: &Caller,
    ) -> Result<Person> {
        let network = Network::of(caller.address).to_string();
        let asked = self.asked.take(&network).await;
        let _asked = asked.map_err(|error| Refusal::server(error.into()))?;
        let provider = self.provider().await?;
        self.believe(&provider, answer)?;
        let tokens = self.tokens(&provider, origin, answer, ticket).await?;
        let mut claims = self.claims(&provider, &tokens.id_token, ticket).await?;
        let groups = &self.config.groups_claim;
        // Many providers tell groups and names at this endpoint alone.
        let told = claims.has(groups) && claims.has_name();
        if !(told || tokens.access_token.is_empty())
            && let Some(endpoint) = &provider.userinfo_endpoint
        {
            let more = self
                .fetch
                .get("the person's claims", endpoint, Some(&tokens.access_token))
                .await?;
            claims.add(more).map_err(Refusal::answer)?;
        }
        if !claims.has(groups) {
            tracing::warn!(claim = %groups, "the identity provider names no groups: see --oidc-groups-claim");
        }
        Ok(Person {
            name: claims.name(),
            groups: claims.texts(groups),
            subject: claims.subject,
        })
    }

    /// Whether the answer is the provider's, and one that goes on.
    fn believe(&self, provider: &Provider, answer: &Answer) -> Result<()> {
        match &answer.iss {
            Some(iss) if *iss != self.config.issuer => {
                return Err(Refusal::answer("another issuer answered"));
            }
            None if provider.says_who_answers => {
                return Err(Refusal::answer("the answer does not name its issuer"));
            }
            _ => {}
        }
        match answer.error.as_deref() {
            Some("access_denied") => Err(Refusal::Declined),
            Some(error) => Err(Refusal::answer(format_args!(
                "it says {:?}",
                error.chars().take(60).collect::<String>()
            ))),
            None if answer.code.is_empty() || answer.code.len() > MAX_PARAMETER_BYTES => {
                Err(Refusal::answer("no code, or one too long"))
            }
            None => Ok(()),
        }
    }

    async fn tokens(
        &self,
        provider: &Provider,
        origin: &str,
        answer: &Answer,
        ticket: &Ticket,
    ) -> Result<Tokens> {
        let (redirect_uri, verifier) = (redirect_uri(origin), ticket.verifier());
        let form = [
            ("grant_type", "authorization_code"),
            ("code", answer.code.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let client = provider.client(&self.config)?;
        self.fetch
            .post(&provider.token_endpoint, &form, client)
            .await
    }

    async fn claims(&self, provider: &Provider, token: &str, ticket: &Ticket) -> Result<Claims> {
        let nonce = ticket.nonce();
        let now = self.clock.now_ms();
        let expected = Expected {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            nonce: &nonce,
            now_s: now.div_euclid(1000),
        };
        let keys = self
            .keys
            .get(&self.fetch, &provider.jwks_uri, now, false)
            .await?;
        match id_token::verify(token, &keys, &expected) {
            // The provider may have changed its keys since we looked.
            Err(Fault::UnknownKey) => {
                let keys = self
                    .keys
                    .get(&self.fetch, &provider.jwks_uri, now, true)
                    .await?;
                id_token::verify(token, &keys, &expected)
            }
            other => other,
        }
        .map_err(Refusal::answer)
    }

    async fn provider(&self) -> Result<Arc<Provider>> {
        let now = self.clock.now_ms();
        self.providers
            .get(&self.fetch, &self.config.issuer, now)
            .await
    }

    fn scopes(&self, provider: &Provider) -> String {
        let mut scopes = vec!["openid"];
        if self.config.scopes.is_empty() {
            let usual = ["profile", "email", &self.config.groups_claim];
            scopes.extend(usual.into_iter().filter(|scope| provider.has_scope(scope)));
        } else {
            let wanted = self.config.scopes.iter().map(String::as_str);
            scopes.extend(wanted.filter(|scope| *scope != "openid"));
        }
        scopes.join(" ")
    }
}

fn redirect_uri(origin: &str) -> String {
    format!("{origin}{CALLBACK}")
}

/// Whether nothing would cross a network in the clear: `https`, or this machine.
fn is_private(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    url.scheme() == "https" || url.scheme() == "http" && loopback
}
