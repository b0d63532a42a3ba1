//! Servers' files in memory: real ones, and logs made entry by entry.

use requorum_shared::dkron::server::{self, Files, Server, ServerError};
use requorum_shared::dkron::snapshots::SnapshotFiles;
use requorum_shared::source::Source;
use requorum_shared::unpack::{Limits, Unpacker};
use serde_json::Value;

use crate::build::{Element, Image, bucket, inline, nested, pair};

/// In `testdata/raft`.
pub(super) const SERVERS: [&str; 6] = [
    "divergent/longer-older-term",
    "divergent/newer-term",
    "stopped",
    "killed",
    "ghost",
    "ingested",
];
/// In `testdata/dkron`, packed.
pub(super) const LARGE: &str = "../dkron/large";

pub(super) fn file(path: &str) -> Vec<u8> {
    crate::raft::file(path)
}

pub(super) fn facts(server: &str) -> Value {
    serde_json::from_slice(&file(&format!("{server}/facts.json"))).unwrap()
}

/// A snapshot's files.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) folder: String,
    pub(super) meta: Vec<u8>,
    pub(super) state: Vec<u8>,
}

/// A server's files.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) path: String,
    pub(super) db: Vec<u8>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) peers_json: Option<Vec<u8>>,
    pub(super) running: bool,
}

impl Disk {
    /// A real one.
    pub(super) fn of(name: &str) -> Self {
        let facts = facts(name);
        let read = |path: String| match name {
            LARGE => unpacked(&file(&format!("{path}.zst"))),
            _ => file(&path),
        };
        let listed = facts["snapshots"].as_array().unwrap().iter();
        let snapshots = listed.map(|snapshot| {
            let folder = snapshot["id"].as_str().unwrap().to_owned();
            let at = format!("{name}/raft/snapshots/{folder}");
            Snapshot {
                meta: file(&format!("{at}/meta.json")),
                state: read(format!("{at}/state.bin")),
                folder,
            }
        });
        // As a folder lists them, and not as they are to be sorted.
        let mut snapshots: Vec<_> = snapshots.collect();
        snapshots.sort_by(|a, b| a.folder.cmp(&b.folder));
        Self {
            path: name.to_owned(),
            db: read(format!("{name}/raft/raft.db")),
            snapshots,
            peers_json: None,
            running: false,
        }
    }

    /// One with this log, and without a vote where the log is empty.
    pub(super) fn made(entries: &[Element]) -> Self {
        let conf = match entries.is_empty() {
            true => Vec::new(),
            false => vec![pair("CurrentTerm", 9u64.to_be_bytes())],
        };
        let mut image = Image::new(4096, 2, 300);
        image.leaf(
            2,
            &[nested("conf", inline(&conf)), nested("logs", bucket(3))],
        );
        image.leaf(3, entries);
        Self {
            path: "made".to_owned(),
            db: image.raw(),
            snapshots: Vec::new(),
            peers_json: None,
            running: false,
        }
    }

    pub(super) fn named(self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..self
        }
    }

    pub(super) fn snapshot(&mut self, folder: &str) -> &mut Snapshot {
        let mut snapshots = self.snapshots.iter_mut();
        snapshots
            .find(|snapshot| snapshot.folder == folder)
            .unwrap()
    }

    pub(super) fn read(&self) -> Result<Server, ServerError> {
        let db = self.db.as_slice();
        let states: Vec<&[u8]> = self.snapshots.iter().map(|s| s.state.as_slice()).collect();
        let snapshots = self
            .snapshots
            .iter()
            .zip(states)
            .map(|(snapshot, state)| SnapshotFiles {
                folder: snapshot.folder.clone(),
                meta: Ok(snapshot.meta.clone()),
                state: Ok(Box::new(state) as Box<dyn Source + '_>),
            });
        server::read(Files {
            path: self.path.clone(),
            running: self.running,
            db: &db,
            snapshots: snapshots.collect(),
            peers_json: self.peers_json.clone().map(Ok),
        })
    }

    pub(super) fn server(&self) -> Server {
        self.read().unwrap()
    }
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let source = packed;
    let mut unpacker = Unpacker::open(&source, Limits::DEFAULT).unwrap().unwrap();
    let (mut all, mut piece) = (Vec::new(), Vec::new());
    while unpacker.next(&mut piece).unwrap() {
        all.extend_from_slice(&piece);
    }
    all
}

/// An entry of a log, as MessagePack.
pub(super) fn entry(index: u64, term: u64, kind: u8, data: &[u8]) -> Element {
    let mut value = vec![0x84];
    for (name, number) in [("Index", index), ("Term", term), ("Type", kind.into())] {
        value.push(0xa0 | name.len() as u8);
        value.extend_from_slice(name.as_bytes());
        value.push(0xcf);
        value.extend_from_slice(&number.to_be_bytes());
    }
    value.extend_from_slice(b"\xa4Data\xdb");
    value.extend_from_slice(&(data.len() as u32).to_be_bytes());
    value.extend_from_slice(data);
    pair(index.to_be_bytes(), value)
}

/// A configuration entry: IDs, addresses and suffrages.
pub(super) fn configuration(index: u64, term: u64, servers: &[(&str, &str, u8)]) -> Element {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend_from_slice(&[0xda, 0, text.len() as u8]);
        out.extend_from_slice(text.as_bytes());
    };
    let mut data = vec![0x81];
    text(&mut data, "Servers");
    data.push(0x90 | servers.len() as u8);
    for (id, address, suffrage) in servers {
        data.push(0x83);
        for (name, value) in [("Address", address), ("ID", id)] {
            text(&mut data, name);
            text(&mut data, value);
        }
        text(&mut data, "Suffrage");
        data.push(*suffrage);
    }
    entry(index, term, 5, &data)
}

/// The data of a command that creates a job.
pub(super) fn set_job(name: &str) -> Vec<u8> {
    let mut data = vec![0, 0x0a, name.len() as u8];
    data.extend_from_slice(name.as_bytes());
    data
}
