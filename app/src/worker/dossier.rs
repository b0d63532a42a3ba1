//! A dossier, read whole and verified here.

use requorum_shared::dossier::{is_dossier, verify, zip};
use requorum_shared::source::Source;
use web_sys::Blob;

use super::blob::{BlobSource, said};
use super::protocol::{Refusal, Unpacked};

/// Bytes that tell a dossier from other files.
const HEAD: u64 = 64;

/// Looks whether `blob` is a dossier, by how it begins and not by its name, and verifies it if it is. No key is known
/// here: the page asks for it.
pub(super) fn look(blob: &Blob, name: &str) -> Result<Option<Unpacked>, Refusal> {
    let unreadable = |message: String| Refusal::unreadable(name, 0, &message);
    let source = BlobSource::new(blob.clone()).map_err(|error| unreadable(said(&error)))?;
    let read = |length: u64| -> Result<Vec<u8>, Refusal> {
        let mut bytes = vec![0; length as usize];
        let result = source.read_at(0, &mut bytes);
        result.map_err(|error| unreadable(error.to_string()))?;
        Ok(bytes)
    };
    let size = source.size();
    if !is_dossier(&read(size.min(HEAD))?) {
        return Ok(None);
    }
    if size > zip::MAX_ARCHIVE_BYTES as u64 {
        return Err(Refusal::long_dossier(name, size));
    }
    let mut verdict = verify(&read(size)?, None);
    Ok(Some(Unpacked {
        document: verdict.document.take(),
        verdict,
    }))
}
