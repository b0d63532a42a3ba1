//! A ledger in memory, for an engine that must write down what it does. The ledger has tests of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use requorum_server::clock::SystemClock;
use requorum_server::ledger::store::{
    AppendLock, Batch, Columns, Effect, Filter, Head, LedgerStore, Stored,
};
use requorum_server::ledger::{Ledger, OpenActs};
use requorum_shared::ledger::checkpoint::SigningKey;
use requorum_shared::ledger::merkle::Hash;

#[derive(Default)]
struct Books(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    head: Option<Head>,
    entries: Vec<Stored>,
    leaves: Vec<Hash>,
    nodes: HashMap<u8, Vec<Hash>>,
}

/// A ledger that has not begun.
pub(super) async fn fresh() -> Ledger {
    let key = SigningKey::from_seed("requorum/ledger/test", [7; 32]).unwrap();
    Ledger::take_up(
        Arc::new(Books::default()),
        key,
        Arc::new(SystemClock),
        OpenActs::Orphaned,
    )
    .await
    .unwrap()
}

fn part<T: Clone>(all: &[T], start: u64, count: u64) -> Vec<T> {
    let (start, count) = (start as usize, count as usize);
    all.iter().skip(start).take(count).cloned().collect()
}

#[async_trait]
impl LedgerStore for Books {
    async fn head(&self) -> anyhow::Result<Option<Head>> {
        Ok(self.0.lock().unwrap().head.clone())
    }

    async fn turn(&self) -> anyhow::Result<Box<dyn AppendLock>> {
        let end = self.0.lock().unwrap().entries.len() as u64;
        Ok(Box::new(Page(self.0.clone(), end)))
    }

    async fn entries(&self, start: u64, count: u64) -> anyhow::Result<Vec<Stored>> {
        Ok(part(&self.0.lock().unwrap().entries, start, count))
    }

    async fn leaves(&self, start: u64, count: u64) -> anyhow::Result<Vec<Hash>> {
        Ok(part(&self.0.lock().unwrap().leaves, start, count))
    }

    async fn nodes(&self, level: u8, start: u64, count: u64) -> anyhow::Result<Vec<Hash>> {
        let rows = self.0.lock().unwrap();
        Ok(rows
            .nodes
            .get(&level)
            .map_or_else(Vec::new, |all| part(all, start, count)))
    }

    async fn list(&self, _: &Filter) -> anyhow::Result<Vec<Stored>> {
        Ok(Vec::new())
    }

    async fn open_acts(&self, _: Option<&str>) -> anyhow::Result<Vec<Stored>> {
        Ok(Vec::new())
    }

    async fn effects(&self) -> anyhow::Result<Vec<Effect>> {
        Ok(Vec::new())
    }

    async fn columns(&self, _: u64, _: u64) -> anyhow::Result<Vec<Columns>> {
        Ok(Vec::new())
    }
}

/// A turn to write. There is one writer.
struct Page(Arc<Mutex<Rows>>, u64);

#[async_trait]
impl AppendLock for Page {
    fn end(&self) -> u64 {
        self.1
    }

    async fn append(self: Box<Self>, batch: &Batch) -> anyhow::Result<()> {
        let mut rows = self.0.lock().unwrap();
        for entry in &batch.entries {
            let index = rows.entries.len() as u64;
            rows.entries.push(Stored {
                index,
                canonical: entry.canonical.clone(),
                closing: None,
            });
            rows.leaves.push(entry.leaf);
        }
        for node in &batch.nodes {
            rows.nodes.entry(node.level).or_default().push(node.hash);
        }
        rows.head = Some(Head {
            size: batch.size,
            note: batch.note.clone(),
            end: batch.size,
        });
        Ok(())
    }
}
