//! Sealing: XChaCha20-Poly1305 with a random nonce for each value, bound to the credential's id, so that one row's
//! ciphertext cannot be put in another's place.

use anyhow::{Context as _, anyhow, ensure};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rand::RngCore as _;

use super::master_key::MasterKey;
use super::secret::Secret;

/// Bytes of a nonce: random ones of this length do not meet.
const NONCE_BYTES: usize = 24;

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The master key that opens it.
    pub key_id: String,
    /// Random, never used twice.
    pub nonce: Vec<u8>,
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

/// Seals a value for the credential with this id.
///
/// # Errors
/// When the cipher refuses, which it does for values of many gigabytes only.
pub fn seal(key: &MasterKey, id: &str, value: &Secret) -> anyhow::Result<Sealed> {
    let mut nonce = [0; NONCE_BYTES];
    rand::rng().fill_bytes(&mut nonce);
    let ciphertext = cipher(key)
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: value.expose(),
                aad: &bound_to(id),
            },
        )
        .map_err(|_| anyhow!("sealing the credential {id}"))?;
    Ok(Sealed {
        key_id: key.id().into(),
        nonce: nonce.into(),
        ciphertext,
    })
}

/// Opens a sealed value.
///
/// # Errors
/// When it is another credential's, sealed under another key, or was changed.
pub fn open(key: &MasterKey, id: &str, sealed: &Sealed) -> anyhow::Result<Secret> {
    ensure!(
        sealed.key_id == key.id(),
        "the credential {id} is sealed under the master key {}, not {}",
        sealed.key_id,
        key.id()
    );
    let nonce: [u8; NONCE_BYTES] = sealed
        .nonce
        .as_slice()
        .try_into()
        .with_context(|| format!("the nonce of the credential {id}"))?;
    cipher(key)
        .decrypt(
            &XNonce::from(nonce),
            Payload {
                msg: &sealed.ciphertext,
                aad: &bound_to(id),
            },
        )
        .map(Secret::new)
        .map_err(|_| {
            anyhow!("the credential {id} was changed in the database, or belongs to another")
        })
}

fn cipher(key: &MasterKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key.bytes()))
}

fn bound_to(id: &str) -> Vec<u8> {
    format!("requorum.secret/1 {id}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    #[test]
    fn what_is_sealed_opens_under_its_key_and_id_alone() {
        let (key, other) = (MasterKey::random(), MasterKey::random());
        let sealed = seal(&key, "a", &secret("hunter2")).unwrap();
        assert_eq!(open(&key, "a", &sealed).unwrap().expose(), b"hunter2");
        assert!(open(&key, "b", &sealed).is_err(), "another row's");
        assert!(open(&other, "a", &sealed).is_err(), "another key");
        let disguised = Sealed {
            key_id: other.id().into(),
            ..sealed.clone()
        };
        assert!(
            open(&other, "a", &disguised).is_err(),
            "another key by name"
        );
        for index in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext[index] ^= 1;
            assert!(open(&key, "a", &changed).is_err(), "byte {index}");
        }
        for nonce in [vec![], vec![0; 12], vec![0; 24]] {
            let changed = Sealed {
                nonce,
                ..sealed.clone()
            };
            assert!(open(&key, "a", &changed).is_err());
        }
    }

    #[test]
    fn the_same_value_is_never_sealed_the_same() {
        let key = MasterKey::random();
        let one = seal(&key, "a", &secret("x")).unwrap();
        let two = seal(&key, "a", &secret("x")).unwrap();
        assert_ne!(one.nonce, two.nonce);
        assert_ne!(one.ciphertext, two.ciphertext);
    }

    #[test]
    fn nothing_of_it_prints() {
        let key = MasterKey::random();
        let sealed = seal(&key, "a", &secret("hunter2")).unwrap();
        let printed = format!("{:?} {key:?} {sealed:?}", secret("hunter2"));
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(!printed.contains(&hex::encode(key.bytes())), "{printed}");
        assert!(
            !printed.contains(&format!("{:?}", key.bytes())),
            "{printed}"
        );
    }
}
