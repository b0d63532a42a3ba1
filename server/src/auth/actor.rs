//! The person or program on whose behalf something is done; every operation takes one.

use std::net::{IpAddr, Ipv4Addr};

use requorum_shared::permission::Grants;

/// Somebody who signed in, or a program that holds somebody's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account's id.
    pub user_id: String,
    /// The account's name, as the journal and lists show it.
    pub name: String,
    /// When the session or the token ends, milliseconds since the Unix epoch.
    pub session_expires_ms: i64,
    /// What they may do: read anew with every request.
    pub grants: Grants,
    /// How they came in.
    pub via: Via,
    /// Where the request comes from; [`NOWHERE`] until the guard has said it.
    pub address: IpAddr,
}

/// No address yet.
pub const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// How somebody came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A browser's session, by its id.
    Session(String),
    /// A token for programs, by its id.
    Token(String),
}

impl Actor {
    /// Whether it is a program with a token.
    pub fn is_program(&self) -> bool {
        matches!(self.via, Via::Token(_))
    }
}
