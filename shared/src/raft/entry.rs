//! An entry of the log: a value of bucket `logs`.
//!
//! ```text
//! MessagePack map  { AppendedAt: time, Data: bytes, Extensions: bytes, Index: n, Term: n, Type: n }
//! ```
//! In any order, and what older libraries do not write is absent.

use super::configuration::Configuration;
use super::msgpack::{Item, Malformed, NAME, Reader};
use crate::source::Source;

/// Fields that an entry has at most.
const MAX_FIELDS: u64 = 64;

/// An entry without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub index: u64,
    /// The term in which a leader appended it.
    pub term: u64,
    /// What it is.
    pub entry_type: EntryType,
    /// Where in the value its data lies, and how many bytes it has; absent for nil.
    pub data: Option<(u64, u64)>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryType {
    /// The program's own.
    Command,
    /// What a new leader appends to commit what came before.
    Noop,
    /// A change of the servers, as libraries before 2017 wrote it.
    OldPeers,
    /// A wait for all before it.
    Barrier,
    /// The servers of the cluster from here on.
    Configuration,
    /// A number that the library does not define.
    Unknown,
}

impl EntryType {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 6] = [
        Self::Command,
        Self::Noop,
        Self::OldPeers,
        Self::Barrier,
        Self::Configuration,
        Self::Unknown,
    ];

    fn from_number(n: u64) -> Self {
        match n {
            0 => Self::Command,
            1 => Self::Noop,
            2 | 3 => Self::OldPeers,
            4 => Self::Barrier,
            5 => Self::Configuration,
            _ => Self::Unknown,
        }
    }

    /// For people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Noop => "noop",
            Self::OldPeers => "old peer change",
            Self::Barrier => "barrier",
            Self::Configuration => "configuration",
            Self::Unknown => "unknown",
        }
    }
}

impl Entry {
    /// Decodes a value of bucket `logs`; its data stays in the file.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode<S: Source + ?Sized>(value: &S) -> Result<Self, Malformed> {
        let mut reader = Reader::new(value);
        let fields = reader.map("the entry")?;
        if fields > MAX_FIELDS {
            return Err(Malformed::TooLong(fields));
        }
        let (mut index, mut term, mut entry_type, mut data) = (None, None, None, None);
        let mut name = [0; NAME];
        for _ in 0..fields {
            match reader.name("the name of an entry's field", &mut name)? {
                b"Index" => index = Some(reader.number("the entry's index")?),
                b"Term" => term = Some(reader.number("the entry's term")?),
                b"Type" => entry_type = Some(reader.number("the entry's type")?),
                b"Data" => match reader.item()? {
                    Item::Bytes(at, len) => data = Some((at, len)),
                    Item::Nil => {}
                    _ => return Err(Malformed::Unexpected("the entry's data")),
                },
                _ => reader.skip()?,
            }
        }
        Ok(Self {
            index: index.ok_or(Malformed::Missing("the entry's index"))?,
            term: term.ok_or(Malformed::Missing("the entry's term"))?,
            entry_type: EntryType::from_number(
                entry_type.ok_or(Malformed::Missing("the entry's type"))?,
            ),
            data,
        })
    }

    /// The servers that a configuration entry names. `value` is what the entry was decoded from.
    ///
    /// # Errors
    /// [`Malformed`], also for an entry without data.
    pub fn configuration(&self, value: &dyn Source) -> Result<Configuration, Malformed> {
        let (at, _) = self.data.ok_or(Malformed::Missing("the entry's data"))?;
        Configuration::decode(value, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::{Server, Suffrage};

    /// The vectors of the specification (9.1): the bootstrap of node1, and a command.
    const BOOTSTRAP: &str = "86aa417070656e6465644174af01000000000000000000000000ffffa444617461da003481a7536572766572739183a741646472657373ad31302e302e302e313a36383638a24944a56e6f646531a8537566667261676500aa457874656e73696f6e73c0a5496e64657801a45465726d01a45479706505";
    const COMMAND: &str = "86aa417070656e6465644174af010000000ee292e9df130007580000a444617461a5010a026a31aa457874656e73696f6e73c0a5496e64657803a45465726d02a45479706500";

    #[test]
    fn conformance_6_the_bootstrap_entry() {
        let value = hex::decode(BOOTSTRAP).unwrap();
        let value = value.as_slice();
        let entry = Entry::decode(&value).unwrap();
        assert_eq!((entry.index, entry.term), (1, 1));
        assert_eq!(entry.entry_type, EntryType::Configuration);
        let server = Server {
            id: "node1".into(),
            address: "10.0.0.1:6868".into(),
            suffrage: Suffrage::Voter,
        };
        let servers = vec![server];
        assert_eq!(entry.configuration(&value), Ok(Configuration { servers }));
    }

    #[test]
    fn conformance_6_a_command() {
        let value = hex::decode(COMMAND).unwrap();
        let entry = Entry::decode(&value.as_slice()).unwrap();
        assert_eq!((entry.index, entry.term), (3, 2));
        assert_eq!(entry.entry_type, EntryType::Command);
        assert_eq!(entry.data.map(|(_, len)| len), Some(5));
    }

    #[test]
    fn conformance_23_other_forms_of_the_same() {
        // AppendedAt of 16 bytes, Data nil and in bin8, no Extensions, another order.
        let fields = |parts: &[&str]| {
            let map = format!("8{:x}{}", parts.len(), parts.concat());
            Entry::decode(&hex::decode(map).unwrap().as_slice())
        };
        const INDEX: &str = "a5496e64657807";
        const TERM: &str = "a45465726d02";
        const TYPE: &str = "a45479706500";
        const LONG_TIME: &str = "aa417070656e6465644174b002000000000000000000000000ffff07";
        let plain = fields(&[TYPE, TERM, LONG_TIME, INDEX]).unwrap();
        assert_eq!((plain.index, plain.term, plain.data), (7, 2, None));
        let nil = fields(&["a444617461c0", INDEX, TERM, TYPE]).unwrap();
        assert_eq!(nil.data, None);
        let binary = fields(&["a444617461c402abcd", INDEX, TERM, TYPE]).unwrap();
        assert_eq!(binary.data.map(|(_, len)| len), Some(2));
        assert_eq!(
            fields(&[TERM, TYPE]),
            Err(Malformed::Missing("the entry's index"))
        );
        assert_eq!(
            fields(&[INDEX, "a45465726da132", TYPE]),
            Err(Malformed::Unexpected("the entry's term"))
        );
    }

    #[test]
    fn an_entry_cut_anywhere_is_refused() {
        let whole = hex::decode(BOOTSTRAP).unwrap();
        for len in 0..whole.len() {
            assert!(Entry::decode(&&whole[..len]).is_err(), "{len}");
        }
    }
}
