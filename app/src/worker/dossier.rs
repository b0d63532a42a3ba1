//! A dossier, read whole and verified here.

use requorum_shared::dossier::{is_dossier, verify, zip};
use requorum_shared::source::Source;
use web_sys::Blob;

use super::blob::{BlobSource, said};
use super::protocol::{Refusal, Unpacked};

/// Bytes that tell a dossier from other files.
const HEAD: u64 = 64;

/// Whether `blob` is a dossier, by how it begins and not by its name.
///
/// # Errors
/// When it cannot be read.
pub(super) fn begins(blob: &Blob, name: &str) -> Result<bool, Refusal> {
    let source = open(blob, name)?;
    Ok(is_dossier(&read(&source, name, source.size().min(HEAD))?))
}

/// Verifies a dossier. No key is known here: the page asks for it.
///
/// # Errors
/// When it cannot be read, or is longer than any dossier.
pub(super) fn look(blob: &Blob, name: &str) -> Result<Unpacked, Refusal> {
    let source = open(blob, name)?;
    let size = source.size();
    if size > zip::MAX_ARCHIVE_BYTES as u64 {
        return Err(Refusal::long_dossier(name, size));
    }
    let mut verdict = verify(&read(&source, name, size)?, None);
    Ok(Unpacked {
        document: verdict.document.take(),
        verdict,
    })
}

fn open(blob: &Blob, name: &str) -> Result<BlobSource, Refusal> {
    BlobSource::new(blob.clone()).map_err(|error| Refusal::unreadable(name, 0, &said(&error)))
}

fn read(source: &BlobSource, name: &str, length: u64) -> Result<Vec<u8>, Refusal> {
    let mut bytes = vec![0; length as usize];
    let result = source.read_at(0, &mut bytes);
    result.map_err(|error| Refusal::unreadable(name, 0, &error.to_string()))?;
    Ok(bytes)
}
