//! Stored files as lists show them.

use async_trait::async_trait;

use super::store::StoredFile;
use crate::paging::{Clusters, Cursor, Slice, Tally};

/// What a list of files is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// When they were uploaded.
    Uploaded,
    /// Their names.
    Name,
    /// Their clusters.
    Cluster,
    /// Their kinds.
    Kind,
    /// How far they are trusted.
    Trust,
    /// Their sizes.
    Size,
}

impl Column {
    /// All of them, as the API names them.
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Uploaded, "uploaded", "-uploaded"),
        (Self::Name, "name", "-name"),
        (Self::Cluster, "cluster", "-cluster"),
        (Self::Kind, "kind", "-kind"),
        (Self::Trust, "trust", "-trust"),
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
        let word = if word.is_empty() { "-uploaded" } else { word };
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
    pub fn cursor(self, file: &StoredFile) -> Cursor {
        let id = &file.id;
        match self.by {
            Column::Uploaded => Cursor::at(file.uploaded_ms, id),
            Column::Size => Cursor::at(i64::try_from(file.size).unwrap_or(i64::MAX), id),
            Column::Name => Cursor::named(&file.name, id),
            Column::Cluster => Cursor::named(&file.cluster, id),
            Column::Kind => Cursor::named(&file.kind, id),
            Column::Trust => Cursor::named(file.trust.word(), id),
        }
    }
}

/// Which files.
#[derive(Debug, Clone)]
pub struct FileFilter {
    /// Of these clusters.
    pub clusters: Clusters,
    /// That have each of these in what there is to read of them, in small letters.
    pub words: Vec<String>,
    /// Of one of these kinds; of any when there is none.
    pub kinds: Vec<String>,
    /// Trusted so far, by the words of [`Trust`](requorum_shared::inspection::Trust); however far when there is none.
    pub trusts: Vec<String>,
    /// That came in one of these ways; in any when there is none.
    pub origins: Vec<String>,
    /// Those that were removed, instead of those that are kept.
    pub removed: bool,
}

/// Files in lists.
#[async_trait]
pub trait FileList: Send + Sync {
    /// Some of them.
    async fn file_rows(
        &self,
        filter: &FileFilter,
        order: Order,
        slice: &Slice,
    ) -> anyhow::Result<Vec<StoredFile>>;
    /// How many fit.
    async fn count_files(&self, filter: &FileFilter) -> anyhow::Result<u64>;
    /// How many are kept of each cluster and trust, and how many bytes they have.
    async fn tally_files(&self) -> anyhow::Result<Vec<(Tally, u64)>>;
    /// How many of these clusters were removed.
    async fn count_removed(&self, clusters: &Clusters) -> anyhow::Result<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_or_refused() {
        assert_eq!(Order::parse("").unwrap().word, "-uploaded");
        let order = Order::parse("size").unwrap();
        assert_eq!((order.by, order.descending), (Column::Size, false));
        assert!(Order::parse("-name").unwrap().descending);
        assert_eq!(Order::parse("--name"), None);
        assert_eq!(Order::parse("hash"), None);
    }
}
