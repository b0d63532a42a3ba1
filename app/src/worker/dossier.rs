//! A dossier, read whole and verified here.

use requorum_shared::dossier::{is_dossier, verify};
use requorum_shared::source::{Source as _, SourceError};
use web_sys::Blob;

use super::blob::{BlobSource, said};
use super::protocol::{Refusal, Unpacked};

/// Whether `blob` is a dossier.
///
/// # Errors
/// When it cannot be read.
pub(super) fn begins(blob: &Blob, name: &str) -> Result<bool, Refusal> {
    is_dossier(&open(blob, name)?).map_err(|error| unreadable(name, &error))
}

/// Verifies a dossier. No key is known here: the page asks for it.
///
/// # Errors
/// When it cannot be read.
pub(super) fn look(blob: &Blob, name: &str) -> Result<Unpacked, Refusal> {
    let source = open(blob, name)?;
    // At most the longest dossier.
    let mut bytes = vec![0; source.size() as usize];
    let read = source.read_at(0, &mut bytes);
    read.map_err(|error| unreadable(name, &error))?;
    let mut verdict = verify(&bytes, None);
    Ok(Unpacked {
        document: verdict.document.take(),
        verdict,
    })
}

fn open(blob: &Blob, name: &str) -> Result<BlobSource, Refusal> {
    BlobSource::new(blob.clone()).map_err(|error| Refusal::unreadable(name, 0, &said(&error)))
}

fn unreadable(name: &str, error: &SourceError) -> Refusal {
    Refusal::unreadable(name, 0, &error.to_string())
}
