//! Why an upload is refused or stopped, and what to do about it.

use requorum_shared::api::upload::FOREIGN;
use requorum_shared::kinds::Inspection;
use requorum_shared::number;
use requorum_shared::unpack::UnpackError;

use crate::error::{ApiError, Kind, bad_request, internal, not_found};

/// There is no such upload, for this person.
pub fn gone() -> ApiError {
    not_found(
        "upload.unknown",
        "No such upload: it has ended, was cancelled, or belongs to another person. Start again.",
    )
}

/// What a packed file is, with the reason why what is in it is not known.
pub(super) fn not_read_through(sent: &Inspection, error: &UnpackError) -> String {
    match error {
        // To unpack it is no advice then.
        UnpackError::Bomb { .. } => format!(
            "{} The reason: {error}. {}",
            sent.verdict.sentence, sent.verdict.advice
        ),
        _ => format!("{} It was not unpacked: {error}.", sent.what()),
    }
}

/// What no recovery uses is kept only if the uploader wants that.
pub(super) fn foreign(words: &str) -> ApiError {
    bad_request(
        FOREIGN,
        format!(
            "{words} No recovery uses such a file. It was not stored. Cancel the upload, or keep the file as evidence: \
             no recovery is offered for it then."
        ),
    )
}

pub(super) fn too_much_in_it(name: &str, limit: u64) -> ApiError {
    ApiError::new(
        Kind::TooLarge,
        "upload.too-large",
        format!(
            "More than {} is packed in {name}, and this server accepts no larger file. Its operator can raise that with \
             --max-upload-bytes. What arrived is kept; continue after that, or cancel the upload.",
            number::size(limit)
        ),
    )
}

pub(super) fn no_room_for_content(name: &str, written: u64, error: &std::io::Error) -> ApiError {
    if !matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    ) {
        return medium(error);
    }
    ApiError::new(
        Kind::NoSpace,
        "upload.no-room",
        format!(
            "The server has no room for what is packed in {name}: {} of it could be unpacked. What arrived is kept; \
             free some space on the server's disk and continue.",
            number::size(written)
        ),
    )
}

pub(super) fn interrupted(why: &str) -> ApiError {
    ApiError::new(
        Kind::BadRequest,
        "upload.interrupted",
        format!(
            "The upload was interrupted: {why}. What arrived is kept; ask for the offset and continue from there."
        ),
    )
}

pub(super) fn medium(error: &std::io::Error) -> ApiError {
    if matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    ) {
        return ApiError::new(
            Kind::NoSpace,
            "upload.no-room",
            "The server's disk is full. What arrived is kept; free some space there and resume.",
        );
    }
    if error.kind() == std::io::ErrorKind::FileTooLarge {
        return ApiError::new(
            Kind::NoSpace,
            "upload.no-room",
            "The server may not write a file as large as this one. What arrived is kept; raise the limit on file \
             sizes there (ulimit -f) and resume.",
        );
    }
    match error.raw_os_error() {
        Some(code) => anyhow::Error::from(std::io::Error::from_raw_os_error(code))
            .context("writing an upload")
            .into(),
        None => internal(format_args!("writing an upload: {error}")),
    }
}
