//! A stored file, by its id: for whatever rests on files and for what is done with files themselves.

use crate::app::App;
use crate::error::{ApiError, Result, not_found, precondition};
use crate::files::objects::is_sha256;
use crate::files::store::StoredFile;

/// The code of the answer to a person who wants to use a file that was removed.
pub(super) const REMOVED: &str = "file.removed";

/// The row and its inspection. Whether it may be seen is for the caller to ask.
pub(super) async fn find(app: &App, id: &str) -> Result<(StoredFile, String)> {
    if !is_sha256(id) {
        return Err(unknown());
    }
    app.store.file(id).await?.ok_or_else(unknown)
}

/// A file that is kept; its row, without its inspection.
pub(super) fn kept(file: StoredFile) -> Result<StoredFile> {
    match file.removed_ms {
        0 => Ok(file),
        _ => Err(removed()),
    }
}

/// The answer to whoever wants to use a file that was removed.
pub(super) fn removed() -> ApiError {
    precondition(
        REMOVED,
        "This file was removed from the console: its findings are kept, its content is not. Upload it again, or \
         choose another file.",
    )
}

/// The answer where there is no such file.
pub(super) fn unknown() -> ApiError {
    not_found(
        "file.unknown",
        "File not found. Look for it in the list of files.",
    )
}
