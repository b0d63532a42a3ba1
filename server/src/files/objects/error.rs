//! Why a file could not be stored or read: which object, what happened, what to do next. Never a credential, and
//! nothing that a server answered but the name of its error.

use std::error::Error as StdError;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};
use thiserror::Error;

use crate::error::{ApiError, Kind};

/// Seconds after which somebody may try again.
const TRY_AGAIN_AFTER: u64 = 30;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There is no such object.
    Missing,
    /// What is there is not what was stored.
    Damaged,
    /// No room.
    Full,
    /// The store does not let us, or is not there.
    Closed,
    /// The store cannot right now.
    Unavailable,
}

/// A file could not be stored or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ObjectError {
    /// What went wrong.
    pub why: Why,
    /// For a person.
    pub message: String,
}

/// What an operation on objects gives.
pub type Result<T, E = ObjectError> = std::result::Result<T, E>;

impl ObjectError {
    pub(super) fn new(why: Why, message: impl Into<String>) -> Self {
        Self {
            why,
            message: message.into(),
        }
    }

    /// The disk of this machine failed.
    pub(super) fn disk(what: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::new(
                Why::Full,
                format!(
                    "The server's disk is full: {what} failed. Free some space there and try again."
                ),
            ),
            _ => Self::new(
                Why::Unavailable,
                format!("{what} failed: {error}. Check the server's log for its disk."),
            ),
        }
    }
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        tracing::error!(request_id = %crate::error::request_id(), "objects: {error}");
        let (kind, code) = match error.why {
            Why::Missing => (Kind::NotFound, "objects.missing"),
            Why::Damaged => (Kind::Internal, "objects.damaged"),
            Why::Full => (Kind::NoSpace, "objects.no-room"),
            Why::Closed => (Kind::Unavailable, "objects.closed"),
            Why::Unavailable => (Kind::Unavailable, "objects.unavailable"),
        };
        let answer = Self::new(kind, code, error.message);
        match error.why {
            Why::Unavailable => answer.retry_after(TRY_AGAIN_AFTER),
            _ => answer,
        }
    }
}

/// What was being done to an object of a bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doing<'a> {
    /// `storing`, `reading`.
    pub(super) what: &'a str,
    /// The object's key.
    pub(super) key: &'a str,
    /// `s3://bucket/prefix`.
    pub(super) place: &'a str,
    /// The server.
    pub(super) server: &'a str,
}

impl Doing<'_> {
    /// Puts what the client of the bucket says into words.
    pub(super) fn failed(self, error: &object_store::Error) -> ObjectError {
        let Self {
            what,
            key,
            place,
            server,
        } = self;
        let said = Said::from(error);
        let name = said.code.as_deref().unwrap_or_default();
        let named = match (&said.code, said.status) {
            (Some(code), Some(status)) => format!(" ({status} {code})"),
            (Some(code), None) => format!(" ({code})"),
            (None, Some(status)) => format!(" ({status})"),
            (None, None) => String::new(),
        };
        let (why, words) = match (error, name, said.transport) {
            (_, "NoSuchBucket", _) => (
                Why::Closed,
                format!(
                    "{server} has no such bucket{named}. Create it there, or name another one with --objects."
                ),
            ),
            (
                _,
                "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken",
                _,
            )
            | (object_store::Error::Unauthenticated { .. }, _, _) => (
                Why::Closed,
                format!(
                    "{server} does not accept the credentials{named}. Check AWS_ACCESS_KEY_ID and \
                     AWS_SECRET_ACCESS_KEY."
                ),
            ),
            (object_store::Error::PermissionDenied { .. }, _, _) => (
                Why::Closed,
                format!(
                    "{server} does not allow it{named}. Let the console's credentials read, write and delete there."
                ),
            ),
            (object_store::Error::NotFound { .. }, _, _) => (
                Why::Missing,
                format!(
                    "it is missing{named}. It was deleted outside the console: upload the file again."
                ),
            ),
            (_, "InvalidRange", _) => (
                Why::Damaged,
                format!(
                    "it is shorter than what was stored{named}: it is damaged. Upload the file again."
                ),
            ),
            (_, _, Some(HttpErrorKind::Connect)) => (
                Why::Unavailable,
                format!(
                    "{server} cannot be reached. Check the network and that server, then try again."
                ),
            ),
            (_, _, Some(HttpErrorKind::Timeout)) => (
                Why::Unavailable,
                format!("{server} did not answer in time. Check that server, then try again."),
            ),
            (_, _, Some(_)) => (
                Why::Unavailable,
                format!("the connection to {server} broke off. Check the network, then try again."),
            ),
            (_, "InsufficientStorage" | "QuotaExceeded" | "XMinioStorageFull", _) => (
                Why::Full,
                format!("{server} has no room left{named}. Make some there and try again."),
            ),
            _ if said.moved => (
                Why::Closed,
                format!(
                    "{server} sends elsewhere: the bucket is in another region. Set AWS_REGION."
                ),
            ),
            _ => (
                Why::Unavailable,
                format!("{server} fails{named}. Check that server, then try again."),
            ),
        };
        ObjectError::new(why, format!("{what} {key} in {place} failed: {words}"))
    }
}

/// What a failed request says of itself, without the rest of the answer: servers put the credentials' name and
/// what was signed into it.
struct Said {
    code: Option<String>,
    status: Option<u16>,
    transport: Option<HttpErrorKind>,
    moved: bool,
}

impl From<&object_store::Error> for Said {
    fn from(error: &object_store::Error) -> Self {
        let (mut transport, mut text) = (None, String::new());
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(http) = error.downcast_ref::<HttpError>() {
                transport = Some(http.kind());
            }
            text = error.to_string();
            if text.starts_with("Server returned") || text.starts_with("Received redirect") {
                break;
            }
            next = error.source();
        }
        let between = |from: &str, to: &str| {
            let (_, rest) = text.split_once(from)?;
            rest.split_once(to)
                .map(|(found, _)| found.trim().to_owned())
        };
        let code = between("<Code>", "</Code>")
            .filter(|code| code.len() <= 60 && code.bytes().all(|b| b.is_ascii_alphanumeric()));
        let status = between("status code: ", " ").and_then(|status| status.parse().ok());
        Self {
            code,
            status,
            transport,
            moved: text.starts_with("Received redirect") || matches!(status, Some(301 | 307 | 308)),
        }
    }
}
