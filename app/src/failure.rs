//! One failure shape: what happened, why as far as known, what to do next.

use requorum_shared::api::login::ErrorBody;

/// What kind of failure it is, as far as the page acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nobody is signed in, or the session is over.
    SignedOut,
    /// The server could not be reached; trying again may help.
    Offline,
    /// There is no such thing.
    NotFound,
    /// The server refused: what was asked for does not fit the state of things.
    Refused,
    /// Anything else.
    Other,
}

/// The server is there, and does nothing because it cannot write it down first. Trying again by itself helps nobody.
const UNWRITABLE: &str = "ledger.unwritable";
/// The code of a refusal for want of a role.
pub const ROLE_MISSING: &str = "role.missing";

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind it is.
    pub kind: Kind,
    /// A stable name, where the server gave one: `upload.offset-mismatch`.
    pub code: String,
    /// What happened and why.
    pub what: String,
    /// What to do next.
    pub next: String,
    /// Finds the server's log lines.
    pub request_id: String,
}

impl Failure {
    /// A failure with no more than its first sentence.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            code: String::new(),
            what: what.into(),
            next: String::new(),
            request_id: String::new(),
        }
    }

    /// The server could not be reached.
    pub fn offline() -> Self {
        Self {
            next: "Check that it runs and that this network reaches it; nothing that you typed is lost.".into(),
            ..Self::new(Kind::Offline, "The server does not answer.")
        }
    }

    /// The server refused, in its own words.
    pub fn refused(body: ErrorBody) -> Self {
        Self {
            code: body.code,
            request_id: body.request_id,
            ..Self::new(Kind::Refused, body.message)
        }
    }

    /// From an HTTP answer that is not a success.
    pub fn from_http(status: u16, body: &str) -> Self {
        let kind = match status {
            401 => Kind::SignedOut,
            404 => Kind::NotFound,
            400 | 403 | 409 | 410 | 412 | 413 | 422 | 429 | 507 => Kind::Refused,
            502..=504 => Kind::Offline,
            _ => Kind::Other,
        };
        match serde_json::from_str::<ErrorBody>(body) {
            Ok(body) => Self {
                request_id: body.request_id,
                ..Self::new(kind, body.message).coded(body.code)
            },
            Err(_) if kind == Kind::Offline => Self::offline(),
            Err(_) => Self::new(
                kind,
                format!("The server answered with status {status} and no reason."),
            ),
        }
    }

    /// From the status of a typed call.
    pub fn from_grpc(status: &tonic::Status) -> Self {
        use tonic::Code;
        let kind = match status.code() {
            Code::Unauthenticated => Kind::SignedOut,
            Code::Unavailable => Kind::Offline,
            Code::NotFound => Kind::NotFound,
            Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::OutOfRange => Kind::Refused,
            _ => Kind::Other,
        };
        let header = |name: &str| {
            status
                .metadata()
                .get(name)
                .and_then(|v| v.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        if kind == Kind::SignedOut {
            return Self {
                next: "Sign in; you come back to this page.".into(),
                ..Self::new(kind, "You are not signed in, or your session has ended.")
            };
        }
        // The transport reports a failed fetch in its own words; a person needs ours.
        let transport = status.code() == Code::Unknown && status.message().contains("JS API error");
        if transport || (kind == Kind::Offline && status.message().is_empty()) {
            return Self::offline();
        }
        let id = header("x-request-id");
        // Every refusal of the server's names its request; what names none was made on the way.
        let cut = matches!(
            status.code(),
            Code::Unknown | Code::Internal | Code::DataLoss
        );
        if cut && id.is_empty() {
            return Self {
                next: "What was asked for may have been done all the same: load the page again and look.".into(),
                ..Self::new(kind, "The server's answer was cut off on its way.")
            };
        }
        let message = status.message();
        let what = if message.is_empty() {
            format!("The server refused without a reason ({:?}).", status.code())
        } else {
            message.to_owned()
        };
        Self {
            request_id: id,
            ..Self::new(kind, what).coded(header("x-error-code"))
        }
    }

    fn coded(self, code: String) -> Self {
        let kind = match code.as_str() {
            UNWRITABLE => Kind::Refused,
            _ => self.kind,
        };
        Self { kind, code, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_are_kept() {
        let body =
            r#"{"code":"upload.offset-mismatch","message":"Send from 5.","request_id":"r7"}"#;
        let failure = Failure::from_http(409, body);
        assert_eq!(failure.kind, Kind::Refused);
        assert_eq!(failure.code, "upload.offset-mismatch");
        assert_eq!(failure.what, "Send from 5.");
        assert_eq!(failure.request_id, "r7");
    }

    #[test]
    fn a_proxy_that_finds_no_server_is_offline() {
        assert_eq!(Failure::from_http(502, "<html>").kind, Kind::Offline);
        assert_eq!(Failure::from_http(401, "").kind, Kind::SignedOut);
        assert!(Failure::from_http(500, "").what.contains("500"));
        let full = r#"{"code":"ledger.unwritable","message":"Not done.","request_id":""}"#;
        assert_eq!(Failure::from_http(503, full).kind, Kind::Refused);
    }

    #[test]
    fn typed_calls_translate_their_status() {
        let refused = Failure::from_grpc(&tonic::Status::failed_precondition("The plan is void."));
        assert_eq!(
            (refused.kind, refused.what.as_str()),
            (Kind::Refused, "The plan is void.")
        );
        let out = Failure::from_grpc(&tonic::Status::unauthenticated("x"));
        assert_eq!(out.kind, Kind::SignedOut);
        let network = Failure::from_grpc(&tonic::Status::unknown("JS API error: Failed to fetch"));
        assert_eq!(network.kind, Kind::Offline);
    }

    #[test]
    fn an_answer_that_was_cut_off_is_no_answer() {
        for status in [
            tonic::Status::unknown("protocol error: missing grpc-status trailer"),
            tonic::Status::unknown("Malformed response"),
            tonic::Status::internal("Unexpected EOF decoding stream."),
        ] {
            let cut = Failure::from_grpc(&status);
            assert_eq!(cut.what, "The server's answer was cut off on its way.");
            assert!(cut.next.contains("may have been done all the same"));
        }
        let mut broken = tonic::Status::internal("The server could not do this.");
        let id = "r7".parse().unwrap();
        broken.metadata_mut().insert("x-request-id", id);
        assert_eq!(Failure::from_grpc(&broken).request_id, "r7");
    }
}
