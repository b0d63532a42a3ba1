//! Snapshots of the Raft library: `meta.json` says what `state.bin` is, and proves it by a checksum.
//!
//! ```text
//! {"Version":1,"ID":"<term>-<index>-<ms>","Index":n,"Term":n,"Peers":"<base64>",
//!  "Configuration":{"Servers":[{"Suffrage":0,"ID":"node1","Address":"10.0.0.1:6868"}]},
//!  "ConfigurationIndex":n,"Size":n,"CRC":"<base64 of 8 bytes, big-endian>"}
//! ```
//! The checksum is CRC-64/XZ over all of `state.bin`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_64_XZ, Crc, Digest, Table};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::configuration::{Configuration, MAX_SERVERS, Server, Suffrage};

/// The longest `meta.json` that is read: a thousand servers need a tenth of it.
pub const MAX_META_BYTES: u64 = 1 << 20;

/// The newest version of `meta.json` that is known.
const NEWEST_VERSION: u64 = 1;

static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// What `meta.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The snapshot's name, and that of its folder.
    pub id: String,
    /// Of the format: 0 or 1.
    pub version: u64,
    /// Index of the last entry that the snapshot contains.
    pub index: u64,
    /// Term of that entry.
    pub term: u64,
    /// The servers; absent in version 0, whose snapshots list peers only.
    pub configuration: Option<Configuration>,
    /// Index of the entry that the configuration came from; 1 after a recovery by peers.json.
    pub configuration_index: u64,
    /// Bytes of `state.bin`.
    pub size: u64,
    /// CRC-64/XZ of `state.bin`.
    pub crc: u64,
}

/// Why a `meta.json` is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetaError {
    /// It is longer than any.
    #[error("it is longer than any meta.json")]
    TooLong,
    /// It is not JSON, or lacks a field.
    #[error("it is not a meta.json: {0}")]
    Json(String),
    /// The checksum is not 8 bytes in base64.
    #[error("its checksum is not 8 bytes in base64")]
    Crc,
    /// Written by a library that is newer than what is known here.
    #[error("it is of version {0}, and versions up to {NEWEST_VERSION} are known")]
    Version(u64),
    /// More servers than any cluster has.
    #[error("it names {0} servers")]
    Servers(usize),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    #[serde(default)]
    version: u64,
    #[serde(rename = "ID")]
    id: String,
    index: u64,
    term: u64,
    configuration: Option<WrittenConfiguration>,
    #[serde(default)]
    configuration_index: u64,
    size: u64,
    #[serde(rename = "CRC")]
    crc: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrittenConfiguration {
    servers: Option<Vec<WrittenServer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrittenServer {
    suffrage: u64,
    #[serde(rename = "ID")]
    id: String,
    address: String,
}

impl Meta {
    /// Reads a `meta.json`.
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, MetaError> {
        if bytes.len() as u64 > MAX_META_BYTES {
            return Err(MetaError::TooLong);
        }
        let written: Written =
            serde_json::from_slice(bytes).map_err(|error| MetaError::Json(error.to_string()))?;
        if written.version > NEWEST_VERSION {
            return Err(MetaError::Version(written.version));
        }
        let crc = STANDARD.decode(&written.crc).map_err(|_| MetaError::Crc)?;
        let crc = <[u8; 8]>::try_from(crc).map_err(|_| MetaError::Crc)?;
        let servers = match written.configuration.filter(|_| written.version > 0) {
            Some(configuration) => Some(configuration.servers.unwrap_or_default()),
            None => None,
        };
        if let Some(servers) = &servers
            && servers.len() as u64 > MAX_SERVERS
        {
            return Err(MetaError::Servers(servers.len()));
        }
        let configuration = servers.map(|servers| Configuration {
            servers: servers
                .into_iter()
                .map(|server| Server {
                    id: server.id,
                    address: server.address,
                    suffrage: Suffrage::from_number(server.suffrage),
                })
                .collect(),
        });
        Ok(Self {
            id: written.id,
            version: written.version,
            index: written.index,
            term: written.term,
            configuration,
            configuration_index: written.configuration_index,
            size: written.size,
            crc: u64::from_be_bytes(crc),
        })
    }

    /// What the snapshots of one server are sorted by, the newest being the greatest: term, index, then name.
    pub fn order(&self) -> (u64, u64, &str) {
        (self.term, self.index, &self.id)
    }
}

/// The checksum of a `state.bin`, fed piece by piece.
pub struct Checksum(Digest<'static, u64, Table<16>>);

impl Default for Checksum {
    fn default() -> Self {
        Self(CRC.digest())
    }
}

impl Checksum {
    /// The next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all of them.
    pub fn finish(self) -> u64 {
        self.0.finalize()
    }
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checksum").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(bytes: &[u8]) -> u64 {
        let mut checksum = Checksum::default();
        for piece in bytes.chunks(4) {
            checksum.feed(piece);
        }
        checksum.finish()
    }

    #[test]
    fn conformance_7_the_checksum_of_the_specification() {
        assert_eq!(checksum(b"123456789"), 0x995d_c9bb_df19_39fa);
        let state = hex::decode("010a026a31000a036a6f62").unwrap();
        let crc = checksum(&state);
        assert_eq!(crc, 0xd61b_56c4_5708_d04c);
        assert_eq!(STANDARD.encode(crc.to_be_bytes()), "1htWxFcI0Ew=");
    }

    const META: &str = r#"{"Version":1,"ID":"3-132-1","Index":132,"Term":3,"Peers":"ka0xMC4wLjAuMTo2ODY4","Configuration":{"Servers":[{"Suffrage":0,"ID":"node1","Address":"10.0.0.1:6868"}]},"ConfigurationIndex":1,"Size":11,"CRC":"1htWxFcI0Ew="}"#;

    #[test]
    fn conformance_24_versions_and_what_is_broken() {
        let meta = Meta::parse(META.as_bytes()).unwrap();
        assert_eq!((meta.term, meta.index, meta.size), (3, 132, 11));
        assert_eq!(meta.configuration.unwrap().voters(), 1);
        let older = META.replace("\"Version\":1", "\"Version\":0");
        assert_eq!(Meta::parse(older.as_bytes()).unwrap().configuration, None);
        let newer = META.replace("\"Version\":1", "\"Version\":2");
        assert_eq!(Meta::parse(newer.as_bytes()), Err(MetaError::Version(2)));
        let broken = META.replace("1htWxFcI0Ew=", "1htW");
        assert_eq!(Meta::parse(broken.as_bytes()), Err(MetaError::Crc));
        for len in 0..META.len() {
            assert!(Meta::parse(&META.as_bytes()[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn a_newer_term_is_newer_whatever_the_index() {
        let meta = |term, index| Meta {
            term,
            index,
            ..Meta::parse(META.as_bytes()).unwrap()
        };
        assert!(meta(3, 132).order() > meta(2, 169).order());
    }
}
