//! Browsers that an account has come in with before. Each has a cookie that says so, and counts its own failures: what
//! strangers guess elsewhere, or from the same address, does not keep it waiting. An allowance of the account alone
//! would not do, because strangers could use it up.
//!
//! The cookie lets nobody in. It is signed, so that nothing need be kept of it, and worth nothing once the password is
//! another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};

use super::store::User;

/// How long a browser is known, in milliseconds.
const KNOWN_MS: i64 = 180 * 24 * 3_600_000;
/// Bytes that tell one browser from another.
const ID: usize = 9;
/// The id, when it was made, and the code that proves both.
const LENGTH: usize = ID + 8 + 32;

/// Proves cookies.
pub(super) struct Devices([u8; 32]);

/// A browser that is known, by a name that tells nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device(String);

impl Device {
    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

impl Devices {
    /// With the console's key for this.
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The cookie for a browser that this account has just come in with.
    pub(super) fn cookie(&self, user: &User, now_ms: i64) -> String {
        let mut bytes = [0; LENGTH];
        rand::rng().fill_bytes(&mut bytes[..ID]);
        bytes[ID..ID + 8].copy_from_slice(&now_ms.to_be_bytes());
        let code = self.mac(user, &bytes[..ID + 8]).finalize().into_bytes();
        bytes[ID + 8..].copy_from_slice(&code);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The browser with this cookie, if this account has come in with it.
    pub(super) fn find(&self, cookie: &str, user: &User, now_ms: i64) -> Option<Device> {
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(cookie).ok()?.try_into().ok()?;
        let (said, code) = bytes.split_at(ID + 8);
        self.mac(user, said).verify_slice(code).ok()?;
        let made_ms = i64::from_be_bytes(said[ID..].try_into().ok()?);
        (now_ms.saturating_sub(made_ms) < KNOWN_MS).then(|| Device(hex::encode(&said[..ID])))
    }

    fn mac(&self, user: &User, said: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length will do");
        mac.update(b"requorum.device/1\0");
        mac.update(&Sha256::digest(user.id.as_bytes()));
        mac.update(&Sha256::digest(user.password_hash.as_bytes()));
        mac.update(said);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_one_accounts_until_its_password_is_another() {
        let devices = Devices::new([7; 32]);
        let user = User {
            id: "1".into(),
            password_hash: "$argon2id$a".into(),
            ..User::default()
        };
        let cookie = devices.cookie(&user, 1000);
        let known = devices.find(&cookie, &user, 1000).unwrap();
        assert_eq!(devices.find(&cookie, &user, 999 + KNOWN_MS), Some(known));
        assert_ne!(cookie, devices.cookie(&user, 1000));
        assert_eq!(devices.find(&cookie, &user, 1000 + KNOWN_MS), None);
        let other = User {
            id: "2".into(),
            ..user.clone()
        };
        let changed = User {
            password_hash: "$argon2id$b".into(),
            ..user.clone()
        };
        for user in [&other, &changed] {
            assert_eq!(devices.find(&cookie, user, 1000), None);
        }
        assert_eq!(Devices::new([8; 32]).find(&cookie, &user, 1000), None);
        for at in 0..cookie.len() {
            let mut bent = cookie.clone().into_bytes();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            let bent = String::from_utf8(bent).unwrap();
            assert_eq!(devices.find(&bent, &user, 1000), None, "{at}");
        }
        assert_eq!(devices.find("", &user, 1000), None);
    }
}
