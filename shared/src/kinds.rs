//! Every kind of file that is known, in one place: which reader a file belongs to, and what only that kind has.
//!
//! ```text
//! etcd-snapshot etcd-db            etcd::inspect
//! etcd-wal etcd-snap               etcd::log_files
//! raft-db raft-snapshot peers-json raft::inspect
//! zip gzip zstd                    read through (unpack), then one of the others
//! dossier                          dossier::inspect
//! zip gzip zstd xz tar age sqlite text … bbolt unknown     recognise, and no more than that
//! ```
//! A new kind of file is a reader in its system's folder, a variant of [`Details`], a variant of `ReadKind` with how it is
//! told, and an arm in [`inspect`].

mod companion;
mod recognised;

use serde::{Deserialize, Serialize};

use crate::bbolt::Database;
use crate::bbolt::scan::Visitor;
use crate::etcd::log_files;
use crate::etcd::needed::snapshot_needed;
use crate::etcd::storage::inspection::{self as etcd, DatabaseDetails, ETCD_DB};
use crate::etcd::storage::scan::{ScanWith, ScannerWith};
use crate::etcd::storage::snap::{self, Snap};
use crate::etcd::storage::wal::{self, Wal};
use crate::finding::Finding;
use crate::inspection::{FileFacts, Kind, PackedFile, Recognised, State};
use crate::raft::inspect as raft;
use crate::raft::peers::{self, Peers};
use crate::raft::snapshot::{MAX_META_BYTES, Meta};
use crate::raft::store::{self, RaftDb};
use crate::raft::visit::Log;
use crate::recognise;
use crate::source::{Blocks, Source};
use crate::unpack::{UnpackError, Unpacker};

pub use self::companion::{companion_of, with_companion};
pub use crate::etcd::storage::scan::Options;
/// The digests of any file, computed beside the pass.
pub use crate::etcd::storage::trailer::{Digests, Hasher, Image};

/// The pass that any file is fed to: the kind is told when it has ended.
pub type Scanner = ScannerWith<Log>;
/// What the pass leaves.
pub type Scan = ScanWith<Log>;

/// The inspection of any file.
pub type Inspection = crate::inspection::Inspection<Details>;

/// What only one kind of file has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Details {
    /// Nothing: what there is to say is in the sections.
    #[default]
    None,
    /// An etcd database, whole or damaged or cut off.
    Etcd(Box<DatabaseDetails>),
    /// A segment of an etcd member's write-ahead log.
    EtcdWal(Box<Wal>),
    /// An etcd member's `.snap` file.
    EtcdSnap(Box<Snap>),
    /// The log of a server of HashiCorp's Raft library.
    RaftDb(Box<RaftDb>),
    /// What a snapshot of such a server is of.
    RaftSnapshot(Box<Meta>),
    /// The servers that a recovery of such a cluster names.
    PeersJson(Box<Peers>),
}

impl Inspection {
    /// What an etcd database has, if it is one.
    pub fn etcd(&self) -> Option<&DatabaseDetails> {
        match &self.details {
            Details::Etcd(details) => Some(details),
            _ => None,
        }
    }

    /// As the inspection of an etcd database, if it is one.
    pub fn into_etcd(self) -> Option<etcd::Inspection> {
        let mut etcd = None;
        let rest = self.map(|details| {
            if let Details::Etcd(details) = details {
                etcd = Some(*details);
            }
        });
        Some(rest.map({
            let details = etcd?;
            |()| details
        }))
    }

    /// What it is, in a sentence.
    pub fn what(&self) -> String {
        match (&self.recognised, &self.details) {
            (Some(recognised), _) => recognised.words(),
            (None, Details::Etcd(_)) => self.verdict.sentence.clone(),
            (None, _) => format!("This is {}.", self.label),
        }
    }
}

/// A file that was looked at as an etcd database, whatever it is: only such a database has etcd's details.
impl From<etcd::Inspection> for Inspection {
    fn from(inspection: etcd::Inspection) -> Self {
        let is_database = inspection.is_database();
        inspection.map(|details| match is_database {
            true => Details::Etcd(Box::new(details)),
            false => Details::None,
        })
    }
}

/// A kind that has a reader of its own, besides etcd's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadKind {
    EtcdWal,
    EtcdSnap,
    RaftDb,
    RaftSnapshot,
    PeersJson,
}

impl ReadKind {
    /// Which of these a file is, sound or damaged. `name` is its name, without folders.
    fn of(source: &dyn Source, name: &str) -> Option<Self> {
        let size = source.size();
        let head = beginning(source, HEAD)?;
        if wal::begins(&head) {
            return Some(Self::EtcdWal);
        }
        if snap::begins(&head, size) {
            return Some(Self::EtcdSnap);
        }
        let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
        match first {
            Some(b'{')
                if size <= MAX_META_BYTES && raft::is_meta_json(&beginning(source, size)?) =>
            {
                return Some(Self::RaftSnapshot);
            }
            Some(b'[')
                if size <= peers::MAX_BYTES
                    && raft::is_peers_json(name, &beginning(source, size)?) =>
            {
                return Some(Self::PeersJson);
            }
            _ => {}
        }
        let is = match Database::open(source) {
            Ok(database) if store::is_raft_db(&database) => Self::RaftDb,
            // A name tells what no content does.
            Err(_) if name.eq_ignore_ascii_case("peers.json") && size <= peers::MAX_BYTES => {
                Self::PeersJson
            }
            _ => return None,
        };
        // What is in an archive that does not pack it begins behind other bytes.
        let alone = !matches!(Database::open(source), Ok(database) if database.start() > 0)
            || !recognise::is_archive(source);
        alone.then_some(is)
    }

    /// What is said of it where it is not read: its reader says more.
    fn recognised(self) -> Recognised {
        let (kind, label) = match self {
            Self::EtcdWal => (log_files::ETCD_WAL, log_files::ETCD_WAL_LABEL),
            Self::EtcdSnap => (log_files::ETCD_SNAP, log_files::ETCD_SNAP_LABEL),
            Self::RaftDb => (raft::RAFT_DB, raft::RAFT_DB_LABEL),
            Self::RaftSnapshot => (raft::RAFT_SNAPSHOT, raft::RAFT_SNAPSHOT_LABEL),
            Self::PeersJson => (raft::PEERS_JSON, raft::PEERS_JSON_LABEL),
        };
        let found = Recognised::new(kind.as_str(), label, State::Unknown);
        match self {
            Self::EtcdWal => found.inside("It holds the last proposals, not the keys."),
            Self::EtcdSnap => found.inside("It holds membership, not keys."),
            Self::RaftDb => found.inside(raft::RAFT_DB_IS).todo(raft::RECOVER),
            Self::RaftSnapshot | Self::PeersJson => found.todo(raft::RECOVER),
        }
    }
}

/// Bytes from the beginning of a file that tell most kinds.
const HEAD: u64 = 64;

fn beginning(source: &dyn Source, len: u64) -> Option<Vec<u8>> {
    // At most a megabyte.
    let mut bytes = vec![0; len.min(source.size()) as usize];
    source.read_at(0, &mut bytes).ok()?;
    Some(bytes)
}

/// What a file is, before anything in it is parsed; `None` of what may be an etcd database, sound or damaged, or is
/// nothing that is known here. Of a kind that has a reader it is no more than the kind.
pub fn recognise(source: &dyn Source, name: &str) -> Option<Recognised> {
    recognise::recognise(source, name, |source, name| {
        ReadKind::of(source, name).map(ReadKind::recognised)
    })
}

/// Looks at any file that was fed to the scanner. `source` is the same file.
pub fn inspect(scan: Scan, name: &str, source: &dyn Source) -> Inspection {
    let file = FileFacts {
        name: name.to_owned(),
        size: source.size(),
        sha256: scan
            .digests()
            .map(|digests| hex::encode(digests.whole))
            .unwrap_or_default(),
    };
    let whole = || beginning(source, source.size()).unwrap_or_default();
    let or_none = |details: Option<Details>| details.unwrap_or_default();
    let Some(kind) = ReadKind::of(source, name) else {
        return of_no_reader(scan, file, source);
    };
    match kind {
        ReadKind::EtcdWal => {
            log_files::inspect_wal(file, source).map(|wal| Details::EtcdWal(Box::new(wal)))
        }
        ReadKind::EtcdSnap => log_files::inspect_snap(file, source)
            .map(|snap| or_none(snap.map(|snap| Details::EtcdSnap(Box::new(snap))))),
        ReadKind::PeersJson => raft::peers_json(file, &whole())
            .map(|peers| or_none(peers.map(|peers| Details::PeersJson(Box::new(peers))))),
        ReadKind::RaftSnapshot => raft::snapshot(file, &Meta::parse(&whole()), None)
            .map(|meta| or_none(meta.map(|meta| Details::RaftSnapshot(Box::new(meta))))),
        ReadKind::RaftDb => {
            let source = Blocks::new(source);
            let walk = scan.walk_second(&source);
            raft::db(file, walk, &source).map(|facts| Details::RaftDb(Box::new(facts)))
        }
    }
}

/// An etcd database, or what is only recognised.
fn of_no_reader(scan: Scan, file: FileFacts, source: &dyn Source) -> Inspection {
    let found = recognise(source, &file.name);
    match (found, Database::open(source)) {
        (Some(found), _) if found.kind() != ETCD_DB => {
            let has_pages = found.kind() == Kind::BBOLT;
            let walk = has_pages.then(|| scan.walk_second(&Blocks::new(source)));
            recognised::inspect(file, found, walk)
        }
        (None, Err(error)) => {
            let walk = scan.walk_second(&Blocks::new(source));
            recognised::unknown(file, error.kind(), walk)
        }
        (found, _) => {
            let name = file.name;
            let inspection = crate::etcd::inspect::inspect(scan, &name, source, found);
            match inspection.is_database() {
                true => inspection.into(),
                false => recognised::of_another(inspection),
            }
        }
    }
}

/// Looks at a file as an etcd database, whatever it is: for what restores one. Other kinds are recognised, and that is
/// the verdict.
pub fn inspect_as_etcd<W: Visitor>(
    scan: ScanWith<W>,
    name: &str,
    source: &dyn Source,
) -> etcd::Inspection {
    let found = recognise(source, name).map(snapshot_needed);
    crate::etcd::inspect::inspect(scan, name, source, found)
}

/// Reads a stored inspection as that of an etcd database.
///
/// # Errors
/// When it cannot be read, or is of another kind of file.
pub fn etcd_from_json(json: &str) -> serde_json::Result<etcd::Inspection> {
    let inspection: Inspection = serde_json::from_str(json)?;
    inspection
        .into_etcd()
        .ok_or_else(|| serde::de::Error::custom("it is of no etcd database"))
}

/// The packed file that an unpacker reads, which has not hashed it.
pub fn packed_file(unpacker: &Unpacker<'_>, name: &str, size: u64) -> PackedFile {
    PackedFile {
        kind: Kind::new(unpacker.packing().word()),
        name: name.to_owned(),
        size,
        sha256: String::new(),
        entry: unpacker.entry().map(str::to_owned),
    }
}

/// Says in the inspection of a packed file why it was not read through. What is only recognised is told from its
/// first bytes already; this is the reason.
pub fn not_unpacked<D>(inspection: &mut crate::inspection::Inspection<D>, error: &UnpackError) {
    let what = format!("It was not read through: {error}.");
    let mut finding = Finding::blocking(format!("unpack.{}", error.code()), "file", what);
    if error.is_too_much() {
        finding = finding.because("Reading on would fill memory or disk.");
        inspection.verdict.advice = "Ask where the file comes from. If you know that it is right, unpack it where there is room, and look at what comes out.".to_owned();
        inspection.verdict.sentence = format!(
            "This is {}, and far more comes out of it than fits: it was not read through.",
            inspection.label
        );
    }
    inspection.push(finding);
}
