//! The JSON of login, first-administrator setup and errors: what HTTP carries beside bytes.

use serde::{Deserialize, Serialize};

/// A password has at least this many characters.
pub const MIN_PASSWORD_CHARS: usize = 12;

/// A password has at most this many bytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Body of `POST /api/login`.
#[derive(Clone, Serialize, Deserialize)]
pub struct LoginRequest {
    /// Account name.
    pub name: String,
    /// Password.
    pub password: String,
}

/// Body of `POST /api/setup`: makes the first administrator.
#[derive(Clone, Serialize, Deserialize)]
pub struct SetupRequest {
    /// The one-time token from the printed link.
    pub token: String,
    /// Account name.
    pub name: String,
    /// Password.
    pub password: String,
}

/// Who is signed in: answer of `POST /api/login`, `POST /api/setup` and `GET /api/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Account name.
    pub name: String,
    /// When it ends, RFC 3339 in UTC.
    pub expires_at: String,
}

/// The body of every HTTP error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A stable name for programs: `upload.offset-mismatch`.
    pub code: String,
    /// What happened, why, and what to do, for a person.
    pub message: String,
    /// Finds the server's log lines of this request.
    pub request_id: String,
}
