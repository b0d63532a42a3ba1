//! Reading all entries, and adding them up to the checkpoint that is signed.

use std::cell::Cell;

use futures_util::{StreamExt as _, stream};
use js_sys::{Array, Uint8Array};
use requorum_shared::ledger::checkpoint::VerifyingKey;
use requorum_shared::ledger::entry::Entry;
use requorum_shared::ledger::export::{CSV_HEADER, csv_line};
use requorum_shared::ledger::tiles::{self, Tile};
use requorum_shared::ledger::verify::{Audit, Broken, Remembered, Verified};
use web_sys::{Blob, DedicatedWorkerGlobalScope};

use super::picked::Picked;
use super::protocol::{End, Export, Format, Whole};
use super::{fetch, point};

/// Requests under way at a time: as many as a browser sends to one server.
const AT_ONCE: usize = 6;
/// Bundles in one of them.
const TOGETHER: usize = (tiles::MAX_TOGETHER / tiles::WIDTH) as usize;
/// At least this many milliseconds lie between two reports of progress.
const TELL_EVERY_MS: f64 = 80.0;

/// What is to be read.
pub(super) struct Wanted {
    pub(super) key: String,
    pub(super) note: String,
    pub(super) remembered: Option<Remembered>,
    /// What was read before.
    pub(super) before: Option<Verified>,
    pub(super) export: Option<Export>,
}

/// Why reading stopped early.
enum Stopped {
    Broken(Broken),
    ByHand,
    Unreached(String),
}

impl From<Broken> for Stopped {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// Reads it. Gives the verdict, what the next reading goes on from, and the file that was asked for.
pub(super) async fn read(
    scope: &DedicatedWorkerGlobalScope,
    wanted: Wanted,
    stop: &Cell<bool>,
    tell: impl Fn(u64, u64),
) -> (End, Option<Verified>, Option<Blob>) {
    let began = js_sys::Date::now();
    let mut file = wanted.export.clone().map(File::new);
    let mut tally = Tally::default();
    let run = async {
        let audit = begin(&wanted)?;
        let first = carry(
            scope,
            audit.clone(),
            false,
            &mut tally,
            file.as_mut(),
            stop,
            &tell,
        );
        match first.await {
            // Something is wrong somewhere: read once more, with the tree's hashes beside the entries, to say where.
            Err(Stopped::Broken(Broken::Root { .. } | Broken::Rewritten { .. })) => {
                let mut again = Tally::default();
                carry(scope, audit, true, &mut again, None, stop, &tell).await
            }
            other => other,
        }
    };
    match run.await {
        Ok(verified) => {
            let whole = Whole {
                point: point(&verified.checkpoint),
                fresh: tally.entries,
                bytes: tally.bytes,
                open: verified.open.len() as u64,
                unknown: verified.unknown,
                clock_back: verified.clock_back,
                exported: file.as_ref().map_or(0, File::entries),
                took_ms: (js_sys::Date::now() - began).max(0.0) as u64,
            };
            let blob = match file.map(File::close).transpose() {
                Ok(blob) => blob,
                Err(why) => return (End::Unreached { why }, Some(verified), None),
            };
            (End::Whole(whole), Some(verified), blob)
        }
        Err(Stopped::Broken(broken)) => (End::Wrong(broken.into()), None, None),
        Err(Stopped::ByHand) => (End::Stopped, None, None),
        Err(Stopped::Unreached(why)) => (End::Unreached { why }, None, None),
    }
}

/// Goes on from the last reading where that was of the same ledger.
fn begin(wanted: &Wanted) -> Result<Audit, Broken> {
    if let Some(before) = wanted
        .before
        .as_ref()
        .filter(|b| b.remember.key == wanted.key)
    {
        return before.extend(&wanted.note);
    }
    let key = VerifyingKey::parse(&wanted.key).map_err(Broken::Checkpoint)?;
    Audit::begin(&key, &wanted.note, wanted.remembered.as_ref())
}

#[derive(Default)]
struct Tally {
    entries: u64,
    bytes: u64,
}

async fn carry(
    scope: &DedicatedWorkerGlobalScope,
    mut audit: Audit,
    with_leaves: bool,
    tally: &mut Tally,
    mut file: Option<&mut File>,
    stop: &Cell<bool>,
    tell: &impl Fn(u64, u64),
) -> Result<Verified, Stopped> {
    let size = audit.checkpoint().size;
    let first = audit.next().map_or(u64::MAX, |(bundle, _)| bundle.index);
    let runs = (first..).step_by(TOGETHER).map_while(|first| {
        let run = (first..).take(TOGETHER);
        let run: Vec<_> = run.map_while(|index| Tile::entries(index, size)).collect();
        (!run.is_empty()).then_some(run)
    });
    // Asked for ahead, taken in order.
    let mut answers = stream::iter(runs)
        .map(|run| fetched(scope, run, size, with_leaves))
        .buffered(AT_ONCE);
    let mut last = js_sys::Date::now();
    tell(audit.read(), size);
    while let Some(run) = answers.next().await {
        for Fetched {
            bundle,
            entries,
            leaves,
        } in run.map_err(Stopped::Unreached)?
        {
            if stop.get() {
                return Err(Stopped::ByHand);
            }
            let before = audit.read();
            audit.feed(&entries, leaves.as_deref())?;
            tally.entries += audit.read() - before;
            tally.bytes += entries.len() as u64;
            if let Some(file) = file.as_deref_mut()
                && let Ok(entries) = tiles::unpack(&entries, bundle.width)
            {
                file.add(&entries);
            }
            let now = js_sys::Date::now();
            if now - last >= TELL_EVERY_MS {
                last = now;
                tell(audit.read(), size);
            }
        }
    }
    Ok(audit.finish()?)
}

/// What the server has of a bundle.
struct Fetched {
    bundle: Tile,
    entries: Vec<u8>,
    leaves: Option<Vec<u8>>,
}

/// Asks for bundles that follow each other: for all at once, and one at a time where the server does not have all of
/// them or where the tree's hashes are wanted too.
async fn fetched(
    scope: &DedicatedWorkerGlobalScope,
    run: Vec<Tile>,
    size: u64,
    with_leaves: bool,
) -> Result<Vec<Fetched>, String> {
    if !with_leaves && let Some(bundles) = fetch::bundles(scope, &run).await? {
        let pairs = run.into_iter().zip(bundles);
        let fetched = pairs.map(|(bundle, entries)| Fetched {
            bundle,
            entries,
            leaves: None,
        });
        return Ok(fetched.collect());
    }
    let mut fetched = Vec::with_capacity(run.len());
    for bundle in run {
        // A bundle that the checkpoint counts and the server does not have is one without entries.
        let entries = fetch::tile(scope, bundle).await?.unwrap_or_default();
        let leaves = match Tile::hashes(0, bundle.index, size) {
            Some(leaves) if with_leaves => fetch::tile(scope, leaves).await?,
            _ => None,
        };
        fetched.push(Fetched {
            bundle,
            entries,
            leaves,
        });
    }
    Ok(fetched)
}

/// A file that grows, a piece for each bundle.
struct File {
    export: Export,
    pieces: Array,
    entries: u64,
    /// Where only acts that came out in some way are wanted.
    picked: Picked,
}

impl File {
    fn new(export: Export) -> Self {
        let pieces = Array::new();
        if export.format == Format::Csv {
            pieces.push(&Uint8Array::from(CSV_HEADER.as_bytes()));
        }
        Self {
            export,
            pieces,
            entries: 0,
            picked: Picked::default(),
        }
    }

    fn entries(&self) -> u64 {
        self.entries + self.picked.lines(&self.export.filter).len() as u64
    }

    fn add(&mut self, entries: &[&[u8]]) {
        let everything = self.export.filter.is_empty();
        let mut piece = Vec::new();
        for bytes in entries {
            // What cannot be read is not let through by the audit.
            let entry = serde_json::from_slice::<Entry>(bytes).ok();
            let filter = &self.export.filter;
            let wanted = everything || entry.as_ref().is_some_and(|e| filter.lets(e));
            let by_outcome = !filter.outcome.is_empty();
            if !wanted && !by_outcome {
                continue;
            }
            let line = match (self.export.format, &entry) {
                (Format::Csv, Some(entry)) => csv_line(entry).into_bytes(),
                _ => [bytes, b"\n".as_slice()].concat(),
            };
            match entry {
                Some(entry) if by_outcome => self.picked.add(filter, &entry, line),
                _ if by_outcome => {}
                _ => {
                    self.entries += 1;
                    piece.extend_from_slice(&line);
                }
            }
        }
        self.pieces.push(&Uint8Array::from(&piece[..]));
    }

    fn close(self) -> Result<Blob, String> {
        for line in self.picked.lines(&self.export.filter).values() {
            self.pieces.push(&Uint8Array::from(&line[..]));
        }
        Blob::new_with_u8_array_sequence(&self.pieces)
            .map_err(|_| "The browser has no room for the file.".to_owned())
    }
}
