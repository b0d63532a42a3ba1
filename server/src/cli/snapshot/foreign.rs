//! Files that are no etcd database, given to a command that needs one.

use std::path::Path;

use requorum_shared::etcd::needed::snapshot_needed;
use requorum_shared::kinds;
use requorum_shared::unpack::UnpackError;

use crate::cli::reading::{FAILED, ReadThrough, complain, refuse_changed};
use crate::cli::terminal;

/// Stops at a file that is recognised as something else than a sound etcd database, and says what it is. `path` is
/// what was asked for.
pub(super) fn refuse(read: &ReadThrough, path: &Path) -> Result<(), u8> {
    let file = &read.file;
    let source = file.source().map_err(complain)?;
    let found = kinds::recognise(&source, &file.name()).map(snapshot_needed);
    refuse_changed(file, path)?;
    let error = read.not_unpacked.as_ref();
    // The advice to unpack it would fill a disk then.
    let found = found.filter(|_| !error.is_some_and(UnpackError::is_too_much));
    if let Some(found) = &found {
        terminal::complain(format_args!("requorum: {}: {}", file.name(), found.words()));
    }
    if let Some(error) = error {
        terminal::complain(format_args!(
            "requorum: {}: it was not unpacked: {error}",
            file.name()
        ));
    }
    match found.is_some() || error.is_some() {
        true => Err(FAILED),
        false => Ok(()),
    }
}
