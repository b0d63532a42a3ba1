//! A whole object on its way out, hashed as it goes: whoever gets its last bytes got what was stored.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, try_unfold};
use sha2::{Digest as _, Sha256};

use super::damaged;
use super::error::Result;

struct Passing {
    bytes: BoxStream<'static, Result<Bytes>>,
    hasher: Sha256,
    /// Kept back until it is known what follows.
    last: Option<Bytes>,
    sha256: String,
}

/// The same bytes, with an error in place of the last ones when all of them together are something else.
pub(super) fn proven(
    sha256: &str,
    bytes: BoxStream<'static, Result<Bytes>>,
) -> BoxStream<'static, Result<Bytes>> {
    let passing = Passing {
        bytes,
        hasher: Sha256::new(),
        last: None,
        sha256: sha256.to_owned(),
    };
    try_unfold(passing, |mut passing| async move {
        while let Some(chunk) = passing.bytes.next().await.transpose()? {
            passing.hasher.update(&chunk);
            if let Some(before) = passing.last.replace(chunk) {
                return Ok(Some((before, passing)));
            }
        }
        let Some(last) = passing.last.take() else {
            return Ok(None);
        };
        let found = hex::encode(passing.hasher.finalize_reset());
        if found != passing.sha256 {
            return Err(damaged(&passing.sha256, &format!("its SHA-256 is {found}")));
        }
        Ok(Some((last, passing)))
    })
    .boxed()
}
