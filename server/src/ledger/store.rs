//! What the ledger needs of a database. A store holds rows and no rule, except that nothing is written twice.

use async_trait::async_trait;
use bytes::Bytes;
use requorum_shared::ledger::entry::{Entry, Outcome};
use requorum_shared::ledger::merkle::Hash;

/// One entry on its way into the store.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// The entry, to find it by.
    pub entry: Entry,
    /// The bytes that are hashed.
    pub canonical: Bytes,
    /// Their hash.
    pub leaf: Hash,
}

/// The hash of a complete subtree of 256^`level` leaves.
#[derive(Debug, Clone, Copy)]
pub struct NewNode {
    /// From 1.
    pub level: u8,
    /// Counts from 0 within the level.
    pub index: u64,
    /// The hash.
    pub hash: Hash,
}

/// What is written at once, or not at all.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The entries, in order.
    pub entries: Vec<NewEntry>,
    /// The subtrees that are complete with them.
    pub nodes: Vec<NewNode>,
    /// The size of the ledger with them.
    pub size: u64,
    /// The signed checkpoint of that size.
    pub note: String,
    /// The process that writes it, and will close what is opened in it.
    pub writer: String,
}

/// Where the ledger ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How many entries it covers.
    pub size: u64,
    /// The newest signed note.
    pub note: String,
    /// The index behind the last entry that is there, whatever the checkpoint says.
    pub end: u64,
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its index.
    pub index: u64,
    /// The bytes that were hashed.
    pub canonical: Bytes,
    /// The bytes of the entry that closes it, where one does and where it was asked for.
    pub closing: Option<Bytes>,
}

/// What an act led to, written together with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effect {
    /// The entry that opened the act.
    pub index: u64,
    /// What the act is about, where that was only known then.
    pub subject: Option<String>,
    /// The job that came of it.
    pub job: Option<String>,
}

/// What an entry is found by, as it lies beside its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The entry's index.
    pub index: u64,
    /// As the entry has it.
    pub at_ms: i64,
    /// As the entry has it.
    pub closes: Option<u64>,
    /// As the entry has it.
    pub who: String,
    /// As the entry has it.
    pub act: String,
    /// As the entry has it.
    pub cluster: Option<String>,
    /// As the entry has it.
    pub plan: Option<String>,
    /// As the entry has it.
    pub job: Option<String>,
}

impl Columns {
    /// What an entry must be found by.
    pub fn of(entry: &Entry) -> Self {
        Self {
            index: entry.index,
            at_ms: entry.at_ms,
            closes: entry.closes,
            who: entry.who.clone(),
            act: entry.act.clone(),
            cluster: entry.cluster.clone(),
            plan: entry.plan.clone(),
            job: entry.job.clone(),
        }
    }
}

/// Which entries a list shows. Empty texts let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only below this index.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// Only this person's.
    pub who: String,
    /// Only this act.
    pub act: String,
    /// Only about this cluster.
    pub cluster: String,
    /// Only about no cluster.
    pub no_cluster: bool,
    /// Only under this plan's hash.
    pub plan: String,
    /// Only of this job.
    pub job: String,
    /// Only at or after, in milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Only before.
    pub until_ms: Option<i64>,
    /// Without entries that close another.
    pub acts_only: bool,
    /// Only acts that came out so, without entries that close another.
    pub outcome: Option<ActOutcome>,
}

/// How an act came out, as a list is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActOutcome {
    /// It has ended so.
    Ended(Outcome),
    /// It has not ended.
    Open,
}

/// The turn to write to the ledger. Nobody writes beside, in any process, until it is used or dropped.
#[async_trait]
pub trait AppendLock: Send {
    /// The index behind the last entry, which stays true while the turn lasts.
    fn end(&self) -> u64;

    /// Writes a batch durably: when this returns, the entries survive a power cut. After an error it is not known
    /// whether they were written.
    async fn append(self: Box<Self>, batch: &Batch) -> anyhow::Result<()>;
}

/// The rows of the ledger.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// The newest checkpoint, read at one moment; none while the ledger has not begun. Entries without any
    /// checkpoint have size 0 and an empty note.
    async fn head(&self) -> anyhow::Result<Option<Head>>;

    /// Waits for the turn to write.
    async fn turn(&self) -> anyhow::Result<Box<dyn AppendLock>>;

    /// Up to `count` entries from `start` on, in order.
    async fn entries(&self, start: u64, count: u64) -> anyhow::Result<Vec<Stored>>;

    /// Up to `count` hashes of leaves from `start` on, in order.
    async fn leaves(&self, start: u64, count: u64) -> anyhow::Result<Vec<Hash>>;

    /// Up to `count` hashes of subtrees of 256^`level` leaves from `start` on, in order.
    async fn nodes(&self, level: u8, start: u64, count: u64) -> anyhow::Result<Vec<Hash>>;

    /// Entries that fit the filter, newest first, with what closes them.
    async fn list(&self, filter: &Filter) -> anyhow::Result<Vec<Stored>>;

    /// Entries of acts that were opened and not closed, oldest first: those of one process, or all.
    async fn open_acts(&self, writer: Option<&str>) -> anyhow::Result<Vec<Stored>>;

    /// Those of the open acts that had their effect, as far as that is written down.
    async fn effects(&self) -> anyhow::Result<Vec<Effect>>;

    /// What up to `count` entries from `start` on are found by, in order.
    async fn columns(&self, start: u64, count: u64) -> anyhow::Result<Vec<Columns>>;
}
