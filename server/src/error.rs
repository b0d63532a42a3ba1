//! The one door for errors: code, message and request id, from which both the HTTP answer and the gRPC status
//! are made.
//!
//! Messages are for a person: what happened, why, what to do. Anything unplanned is logged once, in full, and
//! leaves the server as a plain sentence with the request id that finds the log line.

mod storage;

use std::fmt::Display;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use requorum_shared::api::login::ErrorBody;

tokio::task_local! {
    /// The id of the request that this task answers.
    pub(crate) static REQUEST_ID: String;
}

/// Where a gRPC status says its stable name.
pub(crate) const CODE_HEADER: &str = "x-error-code";

/// What kind of failure it is; decides the HTTP status and the gRPC code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be understood or is not allowed to say what it says.
    BadRequest,
    /// Nobody is signed in.
    Unauthenticated,
    /// Somebody is signed in and may not.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// It exists already, or somebody else is at it.
    Conflict,
    /// It may not happen in this state.
    Precondition,
    /// More bytes than are accepted.
    TooLarge,
    /// Too many attempts.
    TooMany,
    /// No room on the medium.
    NoSpace,
    /// The server cannot right now.
    Unavailable,
    /// The server failed.
    Internal,
}

impl Kind {
    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn grpc(self) -> tonic::Code {
        match self {
            Self::BadRequest => tonic::Code::InvalidArgument,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::Forbidden => tonic::Code::PermissionDenied,
            Self::NotFound => tonic::Code::NotFound,
            Self::Conflict => tonic::Code::AlreadyExists,
            Self::Precondition => tonic::Code::FailedPrecondition,
            Self::TooLarge | Self::TooMany | Self::NoSpace => tonic::Code::ResourceExhausted,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::Internal => tonic::Code::Internal,
        }
    }
}

/// A failure on its way to a person or a program.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// What kind it is.
    pub kind: Kind,
    /// A stable name for programs: `upload.offset-mismatch`.
    pub code: &'static str,
    /// What happened, why, what to do.
    pub message: String,
    /// Headers that the HTTP answer carries: `Retry-After`, `Upload-Offset`.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What the caller claimed and nothing confirmed, as the ledger may quote it.
    claimed: Option<String>,
}

/// What an operation gives.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

impl ApiError {
    /// A failure of this kind.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
            headers: Vec::new(),
            claimed: None,
        }
    }

    /// Adds what the caller claimed and nothing confirmed, for the ledger to quote.
    #[must_use]
    pub fn with_claim(mut self, what: &str, claimed: &str) -> Self {
        self.claimed = Some(format!("{what} {}", quoted(claimed)));
        self
    }

    /// What the caller claimed and nothing confirmed: short, and with nothing in it that looks like something else.
    pub fn claimed(&self) -> Option<&str> {
        self.claimed.as_deref()
    }

    /// Adds a header to the HTTP answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, seconds)
    }
}

/// The longest claim that is quoted, in characters: a SHA-256 in hexadecimal.
const MAX_CLAIM_CHARS: usize = 64;

/// What somebody claimed, in quotation marks: cut, and with everything escaped that a reader could not see or could take
/// for something else.
pub fn quoted(claimed: &str) -> String {
    let mut quoted = String::from("“");
    for c in claimed.chars().take(MAX_CLAIM_CHARS) {
        if c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ' {
            quoted.push(c);
        } else {
            quoted.extend(c.escape_unicode());
        }
    }
    if claimed.chars().nth(MAX_CLAIM_CHARS).is_some() {
        quoted.push('…');
    }
    quoted.push('”');
    quoted
}

/// `work` as a part of the request that this task answers, to be carried out in a task of its own.
pub(crate) fn in_request<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
    REQUEST_ID.scope(id, work)
}

/// The request cannot be understood or accepted.
pub fn bad_request(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(Kind::BadRequest, code, message)
}

/// There is no such thing.
pub fn not_found(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(Kind::NotFound, code, message)
}

/// It exists already, or somebody else is at it.
pub fn conflict(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(Kind::Conflict, code, message)
}

/// It may not happen in this state.
pub fn precondition(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(Kind::Precondition, code, message)
}

/// Nobody is signed in.
pub fn unauthenticated() -> ApiError {
    ApiError::new(
        Kind::Unauthenticated,
        "login.required",
        "This needs a login. Sign in and try again.",
    )
}

const INTERNAL: &str = "internal";
const DATABASE_AWAY: &str = "database.unavailable";

/// Whether an error with this code leaves open whether anything was done: a commit whose answer was lost looks so.
pub fn leaves_open(code: &str) -> bool {
    [INTERNAL, DATABASE_AWAY].contains(&code)
}

/// The server failed: logged here, once and in full.
pub fn internal(error: impl Display) -> ApiError {
    tracing::error!(request_id = %request_id(), "unplanned: {error:#}");
    ApiError::new(
        Kind::Internal,
        INTERNAL,
        "The server could not do this. Its log has the reason under this request id. Nothing was changed beyond \
         what is listed here.",
    )
}

/// Whether the database could not be reached, or could not do anything for anybody right now.
fn is_out_of_reach(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| match cause.downcast_ref() {
        Some(
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed,
        ) => true,
        // Of PostgreSQL's codes: connections, resources, somebody stops it, waiting for a lock, read only, held it
        // too long.
        Some(sqlx::Error::Database(error)) => error.code().is_some_and(|code| {
            code.len() == 5
                && (["08", "53", "57"]
                    .iter()
                    .any(|class| code.starts_with(class))
                    || ["55P03", "25006", "25P03"].contains(&&*code))
        }),
        _ => false,
    })
}

/// Whether PostgreSQL cannot keep a text: one with a NUL in it.
fn is_unkeepable(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| match cause.downcast_ref() {
        Some(sqlx::Error::Database(error)) => error.code().is_some_and(|code| code == "22021"),
        _ => false,
    })
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        if is_unkeepable(&error) {
            return bad_request(
                "text.unkeepable",
                "A text contains a character that cannot be stored (U+0000). Remove it and try again.",
            );
        }
        if let Some(answer) = storage::answer(&error) {
            tracing::error!(request_id = %request_id(), "the medium: {error:#}");
            return answer;
        }
        if is_out_of_reach(&error) {
            tracing::error!(request_id = %request_id(), "the database is out of reach: {error:#}");
            return Self::new(
                Kind::Unavailable,
                DATABASE_AWAY,
                "The database does not answer, so this could not be done. Jobs wait for it and resume automatically. \
                 Try again in a moment; if the error persists, the server's log has the reason under this request \
                 id.",
            )
            .retry_after(5);
        }
        internal(format_args!("{error:#}"))
    }
}

/// The id of the request being answered; empty outside of one.
pub(crate) fn request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            code: self.code.into(),
            message: self.message,
            request_id: request_id(),
        };
        let mut response = (self.kind.status(), Json(body)).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<ApiError> for tonic::Status {
    fn from(error: ApiError) -> Self {
        let mut status = Self::new(error.kind.grpc(), error.message);
        let metadata = status.metadata_mut();
        if let Ok(code) = error.code.parse() {
            metadata.insert(CODE_HEADER, code);
        }
        if let Ok(id) = request_id().parse() {
            metadata.insert("x-request-id", id);
        }
        status
    }
}
