//! C2SP checkpoints: the tree's size and root, signed as a C2SP note with Ed25519.
//!
//! Whoever reads a checkpoint must know the key beforehand: from the console on first sight, from a colleague, from
//! what the browser remembers. A note's other signatures are ignored, as the note format demands.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::Signer;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::merkle::{Hash, MAX_SIZE};

#[cfg(test)]
mod tests;

/// A checkpoint is at most this long.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;

/// A note has at most this many signatures.
const MAX_SIGNATURES: usize = 100;

/// The note format's identifier of Ed25519.
const ED25519: u8 = 1;

/// The size and root of a ledger at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger this is.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why a checkpoint or a key is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// It is not in the format at all.
    #[error("this is not a checkpoint: {0}")]
    Malformed(&'static str),
    /// It is not a key.
    #[error("this is not the key of a ledger: {0}")]
    Key(&'static str),
    /// None of its signatures is by the key.
    #[error(
        "the checkpoint is signed by {signed_by}, not by {expected}: it comes from another console"
    )]
    OtherKey {
        /// Names and ids of the keys that signed it.
        signed_by: String,
        /// Name and id of the key that should have.
        expected: String,
    },
    /// It claims to be by the key, and is not.
    #[error(
        "the signature of {key} on the checkpoint is wrong: its text was changed after it was signed"
    )]
    Signature {
        /// Name and id of the key.
        key: String,
    },
    /// It is about another ledger.
    #[error("the checkpoint is of the ledger {found}, not of {expected}")]
    OtherLedger {
        /// The origin it names.
        found: String,
        /// The origin it should name.
        expected: String,
    },
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            self.root.to_base64()
        )
    }

    /// The checkpoint as a signed note.
    pub fn sign(&self, key: &SigningKey) -> String {
        sign_note(&self.text(), key)
    }

    /// Reads a signed note and believes it if `key` signed it.
    ///
    /// # Errors
    /// Says why it is not believed.
    pub fn open(note: &str, key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let checkpoint = Self::parse(open_note(note, key)?)?;
        if checkpoint.origin != key.name {
            return Err(CheckpointError::OtherLedger {
                found: checkpoint.origin,
                expected: key.name.clone(),
            });
        }
        Ok(checkpoint)
    }

    /// Reads the text of a checkpoint. Extension lines are let through and ignored.
    fn parse(text: &str) -> Result<Self, CheckpointError> {
        use CheckpointError::Malformed;
        let text = text
            .strip_suffix('\n')
            .ok_or(Malformed("its text does not end with a newline"))?;
        let mut lines = text.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty());
        let origin = origin.ok_or(Malformed("it names no ledger"))?;
        let size_line = lines.next().ok_or(Malformed("it has no size"))?;
        let size: u64 = size_line
            .parse()
            .map_err(|_| Malformed("its size is not a number"))?;
        if size.to_string() != size_line {
            return Err(Malformed("its size is not written in the one allowed way"));
        }
        if size > MAX_SIZE {
            return Err(Malformed("its size is beyond any ledger"));
        }
        let root = lines
            .next()
            .and_then(Hash::from_base64)
            .ok_or(Malformed("its root is not 32 bytes in base64"))?;
        if lines.any(str::is_empty) {
            return Err(Malformed("it has an empty line"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}

/// Signs a text as a note. Its last line ends with a newline.
pub fn sign_note(text: &str, key: &SigningKey) -> String {
    let mut signature = key.verifying().id.to_be_bytes().to_vec();
    signature.extend_from_slice(&key.key.sign(text.as_bytes()).to_bytes());
    format!(
        "{text}\n\u{2014} {} {}\n",
        key.name,
        BASE64_STANDARD.encode(signature)
    )
}

/// Reads a signed note and gives its text, if `key` signed it.
///
/// # Errors
/// Says why it is not believed.
pub fn open_note<'a>(note: &'a str, key: &VerifyingKey) -> Result<&'a str, CheckpointError> {
    let note = Note::parse(note)?;
    let mut believed = false;
    for signature in &note.signatures {
        if signature.name != key.name || signature.id != key.id {
            continue;
        }
        let bytes = <&[u8; 64]>::try_from(signature.bytes.as_slice()).ok();
        let good = bytes.is_some_and(|bytes| {
            let signature = ed25519_dalek::Signature::from_bytes(bytes);
            key.key
                .verify_strict(note.text.as_bytes(), &signature)
                .is_ok()
        });
        if !good {
            return Err(CheckpointError::Signature { key: key.short() });
        }
        believed = true;
    }
    if !believed {
        let signed_by = note
            .signatures
            .iter()
            .map(|s| format!("{}+{:08x}", s.name, s.id));
        return Err(CheckpointError::OtherKey {
            signed_by: signed_by.collect::<Vec<_>>().join(", "),
            expected: key.short(),
        });
    }
    Ok(note.text)
}

/// A signed note: text and who signed it.
struct Note<'a> {
    text: &'a str,
    signatures: Vec<Signature<'a>>,
}

struct Signature<'a> {
    name: &'a str,
    id: u32,
    bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    fn parse(note: &'a str) -> Result<Self, CheckpointError> {
        use CheckpointError::Malformed;
        if note.len() > MAX_NOTE_BYTES {
            return Err(Malformed("it is longer than 64 KiB"));
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(Malformed("it has control characters"));
        }
        let at = note
            .rfind("\n\n")
            .ok_or(Malformed("no empty line separates text and signatures"))?;
        let (text, rest) = (&note[..=at], &note[at + 2..]);
        let lines = rest
            .strip_suffix('\n')
            .ok_or(Malformed("its last line does not end with a newline"))?;
        let signatures: Vec<_> = lines
            .split('\n')
            .take(MAX_SIGNATURES + 1)
            .map(|line| {
                Signature::parse(line).ok_or(Malformed("a line below its text is not a signature"))
            })
            .collect::<Result<_, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(Malformed("it has more than 100 signatures"));
        }
        Ok(Self { text, signatures })
    }
}

impl<'a> Signature<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let signature = BASE64_STANDARD.decode(signature).ok()?;
        let (id, bytes) = signature.split_first_chunk::<4>()?;
        (is_key_name(name) && !bytes.is_empty()).then(|| Self {
            name,
            id: u32::from_be_bytes(*id),
            bytes: bytes.to_vec(),
        })
    }
}

/// Whether the note format allows `name` for a key.
fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

fn key_id(name: &str, public: &[u8; 32]) -> u32 {
    let mut sha = Sha256::new();
    sha.update(name.as_bytes());
    sha.update([b'\n', ED25519]);
    sha.update(public);
    let [a, b, c, d, ..] = <[u8; 32]>::from(sha.finalize());
    u32::from_be_bytes([a, b, c, d])
}

/// What a reader needs to believe a ledger's checkpoints. Its text form is `name+id+key`, as Go's `sumdb/note` and
/// other readers of notes take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: u32,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifyingKey {
    /// The key's name, which is the ledger's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name and id: enough to tell keys apart, not enough to verify.
    pub fn short(&self) -> String {
        format!("{}+{:08x}", self.name, self.id)
    }

    /// Reads a key.
    ///
    /// # Errors
    /// When the text is not that of an Ed25519 key, or its id is another key's.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        use CheckpointError::Key;
        let mut parts = text.trim_end_matches('\n').splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Key("it is not of the form name+id+key"));
        };
        if !is_key_name(name) {
            return Err(Key("its name is empty or has a space"));
        }
        let key = BASE64_STANDARD
            .decode(key)
            .map_err(|_| Key("its last part is not base64"))?;
        let [ED25519, public @ ..] = key.as_slice() else {
            return Err(Key("it is not an Ed25519 key"));
        };
        let public: &[u8; 32] = public
            .try_into()
            .map_err(|_| Key("an Ed25519 key has 32 bytes"))?;
        let computed = key_id(name, public);
        if format!("{computed:08x}") != id {
            return Err(Key("its id belongs to another key"));
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(public)
            .map_err(|_| Key("its bytes are not a point on the curve"))?;
        Ok(Self {
            name: name.to_owned(),
            id: computed,
            key,
        })
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{:08x}+{}",
            self.name,
            self.id,
            BASE64_STANDARD.encode(key)
        )
    }
}

/// What signs a ledger's checkpoints. Never printed: [`SigningKey::to_secret_text`] is for the one file it is kept in.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// A key from 32 random bytes.
    ///
    /// # Errors
    /// When a key cannot be called `name`.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, CheckpointError> {
        if !is_key_name(name) {
            return Err(CheckpointError::Key("its name is empty or has a space"));
        }
        Ok(Self {
            name: name.to_owned(),
            key: ed25519_dalek::SigningKey::from_bytes(&seed),
        })
    }

    /// The key that readers need.
    pub fn verifying(&self) -> VerifyingKey {
        let key = self.key.verifying_key();
        VerifyingKey {
            name: self.name.clone(),
            id: key_id(&self.name, key.as_bytes()),
            key,
        }
    }

    /// The key as Go's `sumdb/note` writes one: `PRIVATE+KEY+name+id+key`.
    pub fn to_secret_text(&self) -> String {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        format!(
            "PRIVATE+KEY+{}+{}",
            self.verifying().short(),
            BASE64_STANDARD.encode(key)
        )
    }

    /// Reads what [`SigningKey::to_secret_text`] writes.
    ///
    /// # Errors
    /// When it is anything else. The text is not repeated.
    pub fn parse_secret_text(text: &str) -> Result<Self, CheckpointError> {
        use CheckpointError::Key;
        let rest = text
            .trim_end_matches('\n')
            .strip_prefix("PRIVATE+KEY+")
            .ok_or(Key("it does not begin with PRIVATE+KEY+"))?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Key("it is not of the form PRIVATE+KEY+name+id+key"));
        };
        let key = BASE64_STANDARD
            .decode(key)
            .map_err(|_| Key("its last part is not base64"))?;
        let [ED25519, seed @ ..] = key.as_slice() else {
            return Err(Key("it is not an Ed25519 key"));
        };
        let seed: [u8; 32] = seed
            .try_into()
            .map_err(|_| Key("an Ed25519 key has 32 bytes"))?;
        let signing = Self::from_seed(name, seed)?;
        if signing.verifying().short() != format!("{name}+{id}") {
            return Err(Key("its id belongs to another key"));
        }
        Ok(signing)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifying().short())
    }
}
