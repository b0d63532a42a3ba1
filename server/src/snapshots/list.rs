//! Stored snapshots as lists show them.

use async_trait::async_trait;

use super::store::Snapshot;
use crate::paging::{Clusters, Cursor, Slice, Tally};

/// What a list of snapshots is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// When they were stored.
    Stored,
    /// Their names.
    Name,
    /// Their clusters.
    Cluster,
    /// Their verdicts.
    Verdict,
    /// Their revisions.
    Revision,
    /// How many keys they have.
    Keys,
    /// Their sizes.
    Size,
}

impl Column {
    /// All of them, as the API names them.
    const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Stored, "stored", "-stored"),
        (Self::Name, "name", "-name"),
        (Self::Cluster, "cluster", "-cluster"),
        (Self::Verdict, "verdict", "-verdict"),
        (Self::Revision, "revision", "-revision"),
        (Self::Keys, "keys", "-keys"),
        (Self::Size, "size", "-size"),
    ];
}

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: Column,
    /// The greatest first.
    pub descending: bool,
    /// As the API writes it.
    pub word: &'static str,
}

impl Order {
    /// Reads it; the newest first when it is empty. `None` for one that is not known.
    pub fn parse(word: &str) -> Option<Self> {
        let word = if word.is_empty() { "-stored" } else { word };
        Column::ALL.into_iter().find_map(|(by, up, down)| {
            let word = [up, down].into_iter().find(|known| *known == word)?;
            Some(Self {
                by,
                descending: word == down,
                word,
            })
        })
    }

    /// Where a row is in it.
    pub fn cursor(self, snapshot: &Snapshot) -> Cursor {
        let Snapshot {
            id, headline, name, ..
        } = snapshot;
        match self.by {
            Column::Stored => Cursor::at(snapshot.stored_ms, id),
            Column::Revision => Cursor::at(or_below(headline.revision), id),
            Column::Keys => Cursor::at(or_below(headline.total_key), id),
            Column::Size => Cursor::at(or_below(Some(snapshot.size)), id),
            Column::Name => Cursor::named(name, id),
            Column::Cluster => Cursor::named(&snapshot.cluster, id),
            Column::Verdict => Cursor::named(&headline.verdict, id),
        }
    }
}

/// A number as it is ordered: what is not known is less than all that is.
pub fn or_below(number: Option<impl TryInto<i64>>) -> i64 {
    number.map_or(-1, |number| number.try_into().unwrap_or(i64::MAX))
}

/// Which snapshots.
#[derive(Debug, Clone)]
pub struct SnapshotFilter {
    /// Of these clusters.
    pub clusters: Clusters,
    /// That have each of these in what there is to read of them, in small letters.
    pub words: Vec<String>,
}

/// Snapshots in lists.
#[async_trait]
pub trait SnapshotList: Send + Sync {
    /// Some of them.
    async fn snapshot_rows(
        &self,
        filter: &SnapshotFilter,
        order: Order,
        slice: &Slice,
    ) -> anyhow::Result<Vec<Snapshot>>;
    /// How many fit.
    async fn count_snapshots(&self, filter: &SnapshotFilter) -> anyhow::Result<u64>;
    /// How many there are of each cluster and verdict, and how many bytes they have.
    async fn tally_snapshots(&self) -> anyhow::Result<Vec<(Tally, u64)>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_or_refused() {
        assert_eq!(Order::parse("").unwrap().word, "-stored");
        let order = Order::parse("size").unwrap();
        assert_eq!((order.by, order.descending), (Column::Size, false));
        assert!(Order::parse("-name").unwrap().descending);
        assert_eq!(Order::parse("--name"), None);
        assert_eq!(Order::parse("hash"), None);
    }
}
