//! Sessions: opened by a login, found again by a cookie, listed and ended by their owner or an administrator.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use requorum_shared::escape::is_hidden;

use super::actor::{Actor, NOWHERE, Via};
use super::seen::{Seen, Use};
use super::store::{PeopleStore, StoredSession, User};
use crate::clock::Clock;
use crate::error::Result;
use crate::random;

/// How long a session lasts, in milliseconds: one long night.
const SESSION_MS: i64 = 12 * 60 * 60_000;
/// How long one lasts that nobody uses, in milliseconds. A page that is open uses it all the time.
const IDLE_MS: i64 = 3 * 60 * 60_000;
/// When a session was last used is written down at most this often: not every request is worth a write.
pub(super) const SEEN_EVERY_MS: i64 = 5 * 60_000;
/// Sessions that have ended are forgotten this often: a clock that is set back later brings none of them back.
const FORGET_EVERY_MS: i64 = 60_000;
/// How long a request waits for that.
const FORGET_WITHIN: Duration = Duration::from_secs(10);
/// By how much the clocks of two servers may differ. A session that begins later than that is from a time when the
/// clock was wrong, and would last for too long.
const AHEAD_MS: i64 = 5 * 60_000;
/// How much is kept of what a browser calls itself, in characters.
const MAX_AGENT_CHARS: usize = 200;

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The address at the other end of the connection, or what a trusted proxy says of it.
    pub address: IpAddr,
    /// What the browser calls itself.
    pub agent: String,
    /// The cookie that says which accounts it has come in with.
    pub device: Option<String>,
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// With a password.
    Password,
    /// With a one-time link.
    Link,
    /// At the identity provider.
    Oidc,
}

impl Proof {
    fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Oidc => "oidc",
        }
    }
}

/// A session that was just opened: the token goes into a cookie and is kept nowhere.
pub struct Opened {
    /// The secret.
    pub token: String,
    /// Who it stands for.
    pub actor: Actor,
    /// The cookie by which this browser is known from now on, where it was not.
    pub device: Option<String>,
}

/// Sessions.
#[derive(Clone)]
pub struct Sessions {
    store: Arc<dyn PeopleStore>,
    clock: Arc<dyn Clock>,
    forgotten_ms: Arc<AtomicI64>,
    seen: Seen,
}

impl Sessions {
    /// Sessions in this store.
    pub fn new(store: Arc<dyn PeopleStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            forgotten_ms: Arc::new(AtomicI64::new(i64::MIN)),
            seen: Seen::default(),
        }
    }

    /// Opens one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn open(&self, user: &User, proof: Proof, caller: &Caller) -> Result<Opened> {
        let token = random::token();
        let now = self.clock.now_ms();
        let session = StoredSession {
            id: random::id(),
            user_id: user.id.clone(),
            created_ms: now,
            expires_ms: now + SESSION_MS,
            seen_ms: now,
            address: caller.address.to_string(),
            agent: printable(&caller.agent),
            by: proof.name().into(),
        };
        self.store
            .add_session(&random::token_hash(&token), &session)
            .await?;
        Ok(Opened {
            token,
            actor: Actor {
                address: caller.address,
                ..actor(session, user)
            },
            device: None,
        })
    }

    /// Who holds this token. Nobody, when the session has ended or the account is disabled.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(&self, token: &str) -> Result<Option<Actor>> {
        let now = self.clock.now_ms();
        self.forget_ended(now).await;
        let found = self
            .store
            .find_session(&random::token_hash(token), now)
            .await?;
        let found = self.used(found, now).await?;
        Ok(found.map(|(session, user)| actor(session, &user)))
    }

    /// What was found, if it is open, noted as used now.
    async fn used(
        &self,
        found: Option<(StoredSession, User)>,
        now: i64,
    ) -> Result<Option<(StoredSession, User)>> {
        let found = match found {
            // Its last use may just have been written down: after it was read, and before this looked for a note of it.
            Some((session, _)) if self.is_idle(&session, now) => {
                self.store.session(&session.id, now).await?
            }
            found => found,
        };
        let Some((session, user)) = found else {
            return Ok(None);
        };
        if session.created_ms > now + AHEAD_MS || self.is_idle(&session, now) {
            return Ok(None);
        }
        if now - session.seen_ms >= SEEN_EVERY_MS {
            let store = self.store.clone();
            let seen = Use {
                id: session.id.clone(),
                owner: user.id.clone(),
                at_ms: now,
            };
            self.seen.note(seen, move |uses| {
                let store = store.clone();
                async move { store.touch_sessions(&uses).await }
            });
        }
        Ok(Some((session, user)))
    }

    fn is_idle(&self, session: &StoredSession, now: i64) -> bool {
        let noted = self.seen.of(&session.id).unwrap_or(0);
        now - session.seen_ms.max(noted) >= IDLE_MS
    }

    /// Who holds the session with this id, for what takes longer than a request.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn again(&self, id: &str) -> Result<Option<Actor>> {
        let now = self.clock.now_ms();
        self.forget_ended(now).await;
        let found = self.store.session(id, now).await?;
        let found = self.used(found, now).await?;
        Ok(found.map(|(session, user)| actor(session, &user)))
    }

    /// What has ended is forgotten before anybody is told of it: a clock that is set back later finds it gone. One
    /// request a minute waits for that, and not for long where the database cannot be written just now.
    async fn forget_ended(&self, now: i64) {
        let last = self.forgotten_ms.load(Ordering::Relaxed);
        if now.abs_diff(last) < FORGET_EVERY_MS.unsigned_abs() {
            return;
        }
        let claimed =
            self.forgotten_ms
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
        if claimed.is_err() {
            return;
        }
        let (store, seen) = (self.store.clone(), self.seen.clone());
        let forgotten = tokio::spawn(async move {
            // What is in use is not idle, whether that is written down yet or not.
            let forgotten = async {
                store.touch_sessions(&seen.pending()).await?;
                store.forget_sessions(now, now - IDLE_MS).await
            };
            if let Err(error) = forgotten.await {
                tracing::warn!("forgetting sessions that have ended: {error:#}");
            }
        });
        let _ = tokio::time::timeout(FORGET_WITHIN, forgotten).await;
    }

    /// The open sessions of an account, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, user_id: &str) -> Result<Vec<StoredSession>> {
        let now = self.clock.now_ms();
        let mut sessions = self.store.sessions(user_id, now).await?;
        sessions.retain(|session| !self.is_idle(session, now));
        for session in &mut sessions {
            session.seen_ms = session.seen_ms.max(self.seen.of(&session.id).unwrap_or(0));
        }
        Ok(sessions)
    }

    /// When each account was last seen in a browser, by its id; 0 for never.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_seen(&self) -> Result<HashMap<String, i64>> {
        let mut last = self.store.last_seen().await?;
        for (account, at_ms) in &mut last {
            *at_ms = (*at_ms).max(self.seen.of_owner(account).unwrap_or(0));
        }
        Ok(last)
    }

    /// Ends one of an account's sessions; `false` when it has none such.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn end(&self, user_id: &str, id: &str) -> Result<bool> {
        Ok(self.store.remove_session(user_id, id).await?)
    }

    /// Ends all of an account's sessions but the one that is named, and says how many.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn end_all(&self, user_id: &str, except: &str) -> Result<u64> {
        Ok(self.store.remove_sessions(user_id, except).await?)
    }
}

fn actor(session: StoredSession, user: &User) -> Actor {
    Actor {
        user_id: user.id.clone(),
        name: user.name.clone(),
        session_expires_ms: session.expires_ms,
        grants: user.grants.clone(),
        via: Via::Session(session.id),
        address: NOWHERE,
    }
}

fn printable(agent: &str) -> String {
    agent
        .chars()
        .filter(|c| !is_hidden(*c))
        .take(MAX_AGENT_CHARS)
        .collect()
}
