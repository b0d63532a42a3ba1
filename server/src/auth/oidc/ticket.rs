//! What ties a sign-in to the browser that began it: one secret in its cookie. What the provider and we exchange is
//! derived from that, so that nothing of it need be kept here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::random;

/// How long a person may take at the provider, in milliseconds.
pub(super) const TICKET_MS: i64 = 10 * 60_000;

/// As long as [`random::token`] makes it.
const SECRET_CHARS: usize = 43;

/// The secret of one sign-in.
pub struct Ticket(String);

impl Ticket {
    pub(super) fn new() -> Self {
        Self(random::token())
    }

    /// From a cookie; none when that cannot be ours.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == SECRET_CHARS).then(|| Self(text.into()))
    }

    /// For the cookie.
    pub fn secret(&self) -> &str {
        &self.0
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
        hash.update(self.0.as_bytes());
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_derived_differs_and_says_nothing_of_the_secret() {
        let ticket = Ticket::new();
        let all = [
            ticket.secret().to_owned(),
            ticket.state(),
            ticket.nonce(),
            ticket.verifier(),
            ticket.challenge(),
        ];
        for (n, one) in all.iter().enumerate() {
            assert_eq!(one.len(), 43);
            assert!(!all[n + 1..].contains(one));
        }
        let same = Ticket::parse(ticket.secret()).unwrap();
        assert!(same.is_of(&ticket.state()) && !Ticket::new().is_of(&ticket.state()));
        assert!(!same.is_of(""));
        assert!(Ticket::parse("").is_none() && Ticket::parse(&"x".repeat(44)).is_none());
    }
}
