//! Who is in a cluster and who votes.

use serde::{Deserialize, Serialize};

use super::msgpack::{Item, Malformed, Reader};
use crate::source::Source;

/// Servers of one cluster that are read at most.
pub const MAX_SERVERS: u64 = 1000;

/// The servers of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// In the order in which they are written.
    pub servers: Vec<Server>,
}

/// A server of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// What the program calls it: for Dkron the node's name.
    pub id: String,
    /// Host and port of its Raft transport.
    pub address: String,
    /// Whether it votes.
    pub suffrage: Suffrage,
}

/// What a server may do in an election.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suffrage {
    /// It votes, and counts for the quorum.
    Voter,
    /// It receives the log and does not vote.
    NonVoter,
    /// It will vote once it has caught up.
    Staging,
    /// A number that the library does not define.
    Unknown,
}

impl Suffrage {
    /// As the library numbers it.
    pub(super) fn from_number(n: u64) -> Self {
        match n {
            0 => Self::Voter,
            1 => Self::NonVoter,
            2 => Self::Staging,
            _ => Self::Unknown,
        }
    }

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Voter => "voter",
            Self::NonVoter => "non-voter",
            Self::Staging => "staging",
            Self::Unknown => "unknown",
        }
    }
}

impl Configuration {
    /// How many servers vote.
    pub fn voters(&self) -> usize {
        let votes = |server: &&Server| server.suffrage == Suffrage::Voter;
        self.servers.iter().filter(votes).count()
    }

    /// Decodes the data of a configuration entry: `{"Servers": [{"Address", "ID", "Suffrage"}]}`.
    pub(super) fn decode(source: &dyn Source, at: u64) -> Result<Self, Malformed> {
        let mut reader = Reader::within(source, at);
        let mut servers = None;
        for _ in 0..reader.map("the configuration")? {
            if reader.taken("a name of the configuration")? == b"Servers" {
                servers = Some(list(&mut reader)?);
            } else {
                reader.skip()?;
            }
        }
        let servers = servers.ok_or(Malformed::Missing("the list of servers"))?;
        Ok(Self { servers })
    }
}

fn list(reader: &mut Reader<'_>) -> Result<Vec<Server>, Malformed> {
    let count = match reader.item()? {
        Item::Array(count) if count > MAX_SERVERS => return Err(Malformed::TooLong(count)),
        Item::Array(count) => count,
        Item::Nil => 0,
        _ => return Err(Malformed::Unexpected("the list of servers")),
    };
    (0..count).map(|_| server(reader)).collect()
}

fn server(reader: &mut Reader<'_>) -> Result<Server, Malformed> {
    let (mut id, mut address, mut suffrage) = (None, None, 0);
    for _ in 0..reader.map("a server")? {
        match reader.taken("a name of a server's field")?.as_slice() {
            b"ID" => id = Some(text(&reader.taken("a server's ID")?)),
            b"Address" => address = Some(text(&reader.taken("a server's address")?)),
            b"Suffrage" => suffrage = reader.number("a server's suffrage")?,
            _ => reader.skip()?,
        }
    }
    Ok(Server {
        id: id.ok_or(Malformed::Missing("a server's ID"))?,
        address: address.ok_or(Malformed::Missing("a server's address"))?,
        suffrage: Suffrage::from_number(suffrage),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
