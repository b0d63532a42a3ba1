//! What ties a sign-in to the browser that began it: one secret in its cookie, with where the sign-in ends and when it
//! began. What the provider and we exchange is derived from the secret, and the cookie is signed, so that nothing need be
//! kept here: whoever begins sign-ins without end takes nothing from anybody.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::random;

/// How long a person may take at the provider, in milliseconds.
pub(super) const TICKET_MS: i64 = 10 * 60_000;

/// By how much the clocks of two servers may differ, in milliseconds.
const AHEAD_MS: i64 = 5 * 60_000;

/// One sign-in.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    secret: String,
    return_to: String,
    started_ms: i64,
}

impl Ticket {
    pub(super) fn new(return_to: &str, now_ms: i64) -> Self {
        Self {
            secret: random::token(),
            return_to: return_to.to_owned(),
            started_ms: now_ms,
        }
    }

    /// For the cookie.
    pub(super) fn sealed(&self, key: &[u8; 32]) -> serde_json::Result<String> {
        let said = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?);
        let code = URL_SAFE_NO_PAD.encode(mac(key, &said).finalize().into_bytes());
        Ok(format!("{said}.{code}"))
    }

    /// From a cookie; none when that is not ours, or is too old.
    pub(super) fn open(text: &str, key: &[u8; 32], now_ms: i64) -> Option<Self> {
        let (said, code) = text.split_once('.')?;
        let code = URL_SAFE_NO_PAD.decode(code).ok()?;
        mac(key, said).verify_slice(&code).ok()?;
        let said = URL_SAFE_NO_PAD.decode(said).ok()?;
        let ticket: Self = serde_json::from_slice(&said).ok()?;
        let age = now_ms.saturating_sub(ticket.started_ms);
        (-AHEAD_MS..TICKET_MS).contains(&age).then_some(ticket)
    }

    /// Where the browser goes afterwards: one of our own paths.
    pub fn return_to(&self) -> &str {
        &self.return_to
    }

    /// When it is void, milliseconds since the Unix epoch.
    pub(super) fn expires_ms(&self) -> i64 {
        self.started_ms + TICKET_MS
    }

    /// Comes back in the address.
    pub(super) fn state(&self) -> String {
        self.derive("state")
    }

    /// Whether the state is this ticket's.
    pub(super) fn is_of(&self, state: &str) -> bool {
        self.state().as_bytes().ct_eq(state.as_bytes()).into()
    }

    /// Comes back in the ID token.
    pub(super) fn nonce(&self) -> String {
        self.derive("nonce")
    }

    /// Proves to the provider that whoever redeems a code is whoever asked for it (RFC 7636).
    pub(super) fn verifier(&self) -> String {
        self.derive("verifier")
    }

    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier().as_bytes()))
    }

    fn derive(&self, what: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(b"requorum.oidc/1\0");
        hash.update(what.as_bytes());
        hash.update(b"\0");
        hash.update(self.secret.as_bytes());
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }
}

fn mac(key: &[u8; 32], said: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(b"requorum.ticket/1\0");
    mac.update(said.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_derived_differs_and_says_nothing_of_the_secret() {
        let ticket = Ticket::new("/", 0);
        let all = [
            ticket.secret.clone(),
            ticket.state(),
            ticket.nonce(),
            ticket.verifier(),
            ticket.challenge(),
        ];
        for (n, one) in all.iter().enumerate() {
            assert_eq!(one.len(), 43);
            assert!(!all[n + 1..].contains(one));
        }
        assert!(ticket.is_of(&ticket.state()) && !Ticket::new("/", 0).is_of(&ticket.state()));
        assert!(!ticket.is_of(""));
    }

    #[test]
    fn a_cookie_is_ours_in_time_and_as_it_was() {
        let key = [7; 32];
        let ticket = Ticket::new("/plans/7?tab=x", 1000);
        let cookie = ticket.sealed(&key).unwrap();
        assert_eq!(Ticket::open(&cookie, &key, 1000), Some(ticket));
        assert!(Ticket::open(&cookie, &key, 999 + TICKET_MS).is_some());
        assert!(Ticket::open(&cookie, &key, 1000 + TICKET_MS).is_none());
        assert!(Ticket::open(&cookie, &key, 999 - AHEAD_MS).is_none());
        assert!(Ticket::open(&cookie, &[8; 32], 1000).is_none());
        for at in 0..cookie.len() {
            let mut bent = cookie.clone().into_bytes();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            let bent = String::from_utf8(bent).unwrap();
            assert!(Ticket::open(&bent, &key, 1000).is_none(), "{at}");
        }
        assert!(Ticket::open("", &key, 1000).is_none());
    }
}
