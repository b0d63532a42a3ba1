//! The JSON of login, first-administrator setup and errors: what HTTP carries beside bytes.

use serde::{Deserialize, Serialize};

use crate::permission::Grants;

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

/// Body of `POST /api/join`: sets a password by a one-time link, and signs in.
#[derive(Clone, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The one-time token from the link.
    pub token: String,
    /// The password from now on.
    pub password: String,
    /// Whether the account's tokens for programs end too.
    #[serde(default = "yes")]
    pub end_tokens: bool,
}

/// Body of `POST /api/join/link`: whose link this is.
#[derive(Clone, Serialize, Deserialize)]
pub struct LinkRequest {
    /// The one-time token from the link.
    pub token: String,
}

/// Answer of `POST /api/join/link`: what a link that sets a password is for. It is not used up by that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Account name, which one signs in with.
    pub name: String,
    /// What the account may do.
    pub grants: Grants,
    /// Who made the link.
    pub invited_by: String,
    /// Whether the account has a password already, which this link replaces.
    pub has_password: bool,
    /// When the link ends, RFC 3339 in UTC.
    pub expires_at: String,
}

/// Whoever does not say otherwise lets nothing of before come in.
fn yes() -> bool {
    true
}

/// Body of `POST /api/password`: changes one's own password, and ends one's other sessions and links.
#[derive(Clone, Serialize, Deserialize)]
pub struct PasswordRequest {
    /// The password until now.
    pub current: String,
    /// The password from now on.
    pub new: String,
    /// Whether one's tokens for programs end too.
    #[serde(default = "yes")]
    pub end_tokens: bool,
}

/// Who is signed in: answer of `POST /api/login`, `POST /api/setup`, `POST /api/join` and
/// `GET /api/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Account name.
    pub name: String,
    /// When it ends, RFC 3339 in UTC.
    pub expires_at: String,
    /// The account's id.
    #[serde(default)]
    pub user_id: String,
    /// What the account may do: the page hides what it may not, and says why.
    #[serde(default)]
    pub grants: Grants,
}

/// Answer of `GET /api/sign-in`: who is signed in, and how one can sign in here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaysIn {
    /// What people call the identity provider; none when there is none.
    pub provider: Option<String>,
    /// Why the last try there did not work, for the code that the page's address holds.
    pub failure: Option<ErrorBody>,
    /// Who asks; none for a stranger, who is no error: every page asks this first.
    #[serde(default)]
    pub session: Option<Session>,
    /// Whether this console waits for its first administrator, who needs the link that the server printed.
    #[serde(default)]
    pub waits_for_setup: bool,
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
