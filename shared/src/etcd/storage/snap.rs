//! A member's `.snap` file: raft's snapshot of the membership, with the legacy tree in it (spec 4.9, 4.10).
//!
//! ```text
//! snappb.Snapshot   crc=1: CRC-32C of data     data=2: raftpb.Snapshot
//! raftpb.Snapshot   data=1: the v2 tree, JSON  metadata=2: { conf_state=1, index=2, term=3 }
//! v2 tree           /0/members/<id>/{raftAttributes,attributes}  /0/removed_members/<id>  /0/version
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::inspection::{ConfState, MemberFacts};
use super::schema::{Fields, Wire, WireError};
use super::wal::conf_state;
use crate::source::{Source, SourceError};

/// The longest `.snap` that is read: real ones have kilobytes.
pub const MAX_BYTES: u64 = 64 << 20;

/// What a `.snap` file holds. Ids are hexadecimal, as etcd prints them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snap {
    /// Index of the last entry in it.
    pub index: u64,
    /// Term of that entry.
    pub term: u64,
    /// Who voted then.
    pub conf_state: ConfState,
    /// The members, by id.
    pub members: Vec<MemberFacts>,
    /// Ids of former members.
    pub removed_members: Vec<String>,
    /// The cluster's version; servers from 3.6 on and restores do not write it.
    pub cluster_version: Option<String>,
}

/// Why a `.snap` file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapError {
    /// Longer than any.
    #[error("it has more than {MAX_BYTES} bytes")]
    TooLong,
    /// The medium failed.
    #[error(transparent)]
    Read(#[from] SourceError),
    /// A message cannot be decoded.
    #[error("it cannot be decoded: {0}")]
    Wire(#[from] WireError),
    /// There is no checksum or nothing in it.
    #[error("it holds no snapshot")]
    Empty,
    /// The checksum is another one.
    #[error("its checksum differs")]
    Crc,
    /// The v2 tree is not readable.
    #[error("the tree in it cannot be read: {0}")]
    Tree(String),
}

/// Whether a file is laid out like a `.snap`: the fields `crc` and `data`, and nothing else.
pub fn begins(head: &[u8], size: u64) -> bool {
    let layout = || {
        let rest = head.strip_prefix(&[0x08])?;
        let (_, rest) = number(rest)?;
        let rest = rest.strip_prefix(&[0x12])?;
        let (len, rest) = number(rest)?;
        let before = (head.len() - rest.len()) as u64;
        Some(before.checked_add(len)? == size)
    };
    layout().unwrap_or(false)
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(7 * at as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}

/// Reads a `.snap` file.
///
/// # Errors
/// [`SnapError`].
pub fn read(source: &dyn Source) -> Result<Snap, SnapError> {
    if source.size() > MAX_BYTES {
        return Err(SnapError::TooLong);
    }
    let mut bytes = vec![0; source.size() as usize];
    source.read_at(0, &mut bytes)?;
    let (mut crc, mut data) = (0, &[][..]);
    for field in Fields::new(&bytes) {
        match field? {
            (1, Wire::Varint(n)) => crc = n,
            (2, Wire::Bytes(bytes)) => data = bytes,
            _ => {}
        }
    }
    if crc == 0 || data.is_empty() {
        return Err(SnapError::Empty);
    }
    if u64::from(crc32c::crc32c(data)) != crc {
        return Err(SnapError::Crc);
    }
    let mut snap = Snap::default();
    let mut tree = &[][..];
    for field in Fields::new(data) {
        match field? {
            (1, Wire::Bytes(bytes)) => tree = bytes,
            (2, Wire::Bytes(bytes)) => snap.metadata(bytes)?,
            _ => {}
        }
    }
    if !tree.is_empty() {
        snap.tree(tree)
            .map_err(|error| SnapError::Tree(error.to_string()))?;
    }
    Ok(snap)
}

#[derive(Deserialize)]
struct Tree {
    #[serde(rename = "Root")]
    root: Node,
}

/// A node of the v2 tree.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Node {
    #[serde(rename = "Value")]
    value: String,
    #[serde(rename = "Children")]
    children: Option<BTreeMap<String, Node>>,
}

impl Node {
    fn at(&self, path: &[&str]) -> Option<&Self> {
        match path {
            [] => Some(self),
            [first, rest @ ..] => self.children.as_ref()?.get(*first)?.at(rest),
        }
    }

    fn names(&self) -> impl Iterator<Item = (&String, &Self)> {
        self.children.iter().flatten()
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RaftAttributes {
    #[serde(rename = "peerURLs")]
    peer_urls: Option<Vec<String>>,
    is_learner: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Attributes {
    name: String,
    #[serde(rename = "clientURLs")]
    client_urls: Option<Vec<String>>,
}

impl Snap {
    fn metadata(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        for field in Fields::new(bytes) {
            match field? {
                (1, Wire::Bytes(bytes)) => self.conf_state = conf_state(bytes)?,
                (2, Wire::Varint(n)) => self.index = n,
                (3, Wire::Varint(n)) => self.term = n,
                _ => {}
            }
        }
        Ok(())
    }

    fn tree(&mut self, json: &[u8]) -> Result<(), serde_json::Error> {
        let tree: Tree = serde_json::from_slice(json)?;
        let root = &tree.root;
        if let Some(members) = root.at(&["0", "members"]) {
            for (id, node) in members.names() {
                let value = |name| node.at(&[name]).map_or("{}", |node| node.value.as_str());
                let raft: RaftAttributes = serde_json::from_str(value("raftAttributes"))?;
                let published: Attributes = serde_json::from_str(value("attributes"))?;
                self.members.push(MemberFacts {
                    id: id.clone(),
                    name: published.name,
                    peer_urls: raft.peer_urls.unwrap_or_default(),
                    client_urls: published.client_urls.unwrap_or_default(),
                    learner: raft.is_learner,
                });
            }
        }
        if let Some(removed) = root.at(&["0", "removed_members"]) {
            self.removed_members = removed.names().map(|(id, _)| id.clone()).collect();
        }
        let version = root.at(&["0", "version"]);
        self.cluster_version = version.map(|node| node.value.clone());
        Ok(())
    }
}
