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
    pub fn from_grpc(status: &Status) -> Self {
        let kind = match status.code {
            code::UNAUTHENTICATED => Kind::SignedOut,
            code::UNAVAILABLE => Kind::Offline,
            code::NOT_FOUND => Kind::NotFound,
            code::INVALID_ARGUMENT
            | code::FAILED_PRECONDITION
            | code::ALREADY_EXISTS
            | code::PERMISSION_DENIED
            | code::RESOURCE_EXHAUSTED
            | code::ABORTED
            | code::OUT_OF_RANGE => Kind::Refused,
            _ => Kind::Other,
        };
        if kind == Kind::SignedOut {
            return Self {
                next: "Sign in; you come back to this page.".into(),
                ..Self::new(kind, "You are not signed in, or your session has ended.")
            };
        }
        if kind == Kind::Offline && status.message.is_empty() {
            return Self::offline();
        }
        // Every refusal of the server's names its request; what names none was made on the way.
        let cut = matches!(
            status.code,
            code::UNKNOWN | code::INTERNAL | code::DATA_LOSS
        );
        if cut && status.request_id.is_empty() {
            return Self {
                next: "The request may have been carried out anyway: reload the page to check."
                    .into(),
                ..Self::new(kind, "The server's answer was cut off on its way.")
            };
        }
        let what = if status.message.is_empty() {
            format!(
                "The server refused without a reason (gRPC status {}).",
                status.code
            )
        } else {
            status.message.clone()
        };
        Self {
            request_id: status.request_id.clone(),
            ..Self::new(kind, what).coded(status.error_code.clone())
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

/// gRPC's status codes.
mod code {
    pub(super) const UNKNOWN: u32 = 2;
    pub(super) const INVALID_ARGUMENT: u32 = 3;
    pub(super) const NOT_FOUND: u32 = 5;
    pub(super) const ALREADY_EXISTS: u32 = 6;
    pub(super) const PERMISSION_DENIED: u32 = 7;
    pub(super) const RESOURCE_EXHAUSTED: u32 = 8;
    pub(super) const FAILED_PRECONDITION: u32 = 9;
    pub(super) const ABORTED: u32 = 10;
    pub(super) const OUT_OF_RANGE: u32 = 11;
    pub(super) const INTERNAL: u32 = 13;
    pub(super) const UNAVAILABLE: u32 = 14;
    pub(super) const DATA_LOSS: u32 = 15;
    pub(super) const UNAUTHENTICATED: u32 = 16;
}

/// How a typed call ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// gRPC's number for it; 0 for a success.
    pub code: u32,
    /// What happened, in the server's words.
    pub message: String,
    /// A stable name, where the server gave one.
    pub error_code: String,
    /// Finds the server's log lines.
    pub request_id: String,
}

impl Status {
    /// From headers or trailers; nothing where they hold none.
    pub fn of(header: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let text = |name| header(name).unwrap_or_default();
        Some(Self {
            code: header("grpc-status")?.parse().unwrap_or(code::UNKNOWN),
            message: percent_decoded(&text("grpc-message")),
            error_code: text("x-error-code"),
            request_id: text("x-request-id"),
        })
    }

    /// From the status of an answer that is not of gRPC: a proxy's.
    pub fn of_http(status: u16) -> Self {
        let code = match status {
            401 => code::UNAUTHENTICATED,
            502..=504 => code::UNAVAILABLE,
            _ => code::UNKNOWN,
        };
        Self {
            code,
            ..Self::default()
        }
    }

    /// The answer did not arrive in one piece.
    pub fn cut() -> Self {
        Self {
            code: code::UNKNOWN,
            ..Self::default()
        }
    }

    /// There was no answer.
    pub fn unreachable() -> Self {
        Self {
            code: code::UNAVAILABLE,
            ..Self::default()
        }
    }

    /// Whether the call succeeded.
    pub fn is_ok(&self) -> bool {
        self.code == 0
    }
}

/// What gRPC encodes in `grpc-message`. What is not encoded right is kept as it is.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        // A sign would be taken for a digit.
        let hex = more
            .get(..2)
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                out.push(byte);
                rest = &more[2..];
            }
            _ => {
                out.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
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

    fn status(code: u32, message: &str) -> Status {
        Status {
            code,
            message: message.into(),
            ..Status::default()
        }
    }

    #[test]
    fn typed_calls_translate_their_status() {
        let refused = Failure::from_grpc(&status(code::FAILED_PRECONDITION, "The plan is void."));
        assert_eq!(
            (refused.kind, refused.what.as_str()),
            (Kind::Refused, "The plan is void.")
        );
        let out = Failure::from_grpc(&status(code::UNAUTHENTICATED, "x"));
        assert_eq!(out.kind, Kind::SignedOut);
        for network in [Status::unreachable(), Status::of_http(502)] {
            assert_eq!(Failure::from_grpc(&network), Failure::offline());
        }
    }

    #[test]
    fn an_answer_that_was_cut_off_is_no_answer() {
        for status in [
            Status::cut(),
            status(code::INTERNAL, "Unexpected EOF decoding stream."),
        ] {
            let cut = Failure::from_grpc(&status);
            assert_eq!(cut.what, "The server's answer was cut off on its way.");
            assert!(cut.next.contains("may have been carried out anyway"));
        }
        let mut broken = status(code::INTERNAL, "The server could not do this.");
        broken.request_id = "r7".into();
        assert_eq!(Failure::from_grpc(&broken).request_id, "r7");
    }

    #[test]
    fn messages_are_decoded_and_what_is_not_encoded_stays() {
        for (encoded, text) in [
            ("a%20b", "a b"),
            ("100%", "100%"),
            ("%zz%", "%zz%"),
            ("%C3%A9", "é"),
            ("%+1", "%+1"),
        ] {
            assert_eq!(percent_decoded(encoded), text, "{encoded}");
        }
    }
}
