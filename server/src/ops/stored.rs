//! A stored file, by its id: for whatever rests on files and for what is done with files themselves.

use crate::app::App;
use crate::error::{ApiError, Result, not_found};
use crate::files::objects::is_sha256;
use crate::files::store::StoredFile;

/// The row and its inspection. Whether it may be seen is for the caller to ask.
pub(super) async fn find(app: &App, id: &str) -> Result<(StoredFile, String)> {
    if !is_sha256(id) {
        return Err(unknown());
    }
    app.store.file(id).await?.ok_or_else(unknown)
}

fn unknown() -> ApiError {
    not_found(
        "file.unknown",
        "There is no file with this id. Look for it in the list of files.",
    )
}
