//! Canonical JSON (RFC 8785) and its SHA-256: what plans are sealed by and the ledger's entries are made of.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The RFC 8785 form of `value`.
///
/// # Panics
/// When `value` cannot be JSON at all (a map with keys that are no strings, a number that is not finite). The
/// types sealed here are our own and have neither.
pub fn to_canonical_json<T: Serialize>(value: &T) -> String {
    serde_jcs::to_string(value).expect("sealed types are plain JSON")
}

/// SHA-256 of `bytes`, 64 lowercase hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_space_is_gone() {
        let value = serde_json::json!({"b": 1, "a": {"z": [1, 2], "y": "é"}});
        assert_eq!(
            to_canonical_json(&value),
            r#"{"a":{"y":"é","z":[1,2]},"b":1}"#
        );
    }
}
