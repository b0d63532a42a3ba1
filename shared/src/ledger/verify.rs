//! What a reader does to believe a ledger: from the checkpoint it remembers to the one it is shown.
//!
//! [`Audit`] is given the ledger's entries, a bundle at a time, and recomputes the tree from them. It trusts
//! the key that it remembers and the root that it remembers; everything else has to follow. The first thing that
//! does not is returned as [`Broken`], whose text says what it is and where.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError, VerifyingKey};
use super::entry::Phase;
use super::merkle::{self, Frontier, Hash, ProofError, leaf_hash};
use super::tiles::{self, Tile, TileError};

#[cfg(test)]
mod tests;

/// What a reader keeps between visits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The ledger's key, in its text form.
    pub key: String,
    /// The last checkpoint that was verified, as the signed note.
    pub checkpoint: String,
}

/// The first thing about a ledger that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Broken {
    /// The checkpoint shown cannot be believed.
    #[error("The ledger's checkpoint cannot be trusted: {0}.")]
    Checkpoint(CheckpointError),
    /// What the reader kept cannot be read.
    #[error("The remembered checkpoint cannot be read: {0}.")]
    Memory(CheckpointError),
    /// The ledger is now signed with another key.
    #[error(
        "This is another console's ledger, or its key was exchanged: it is signed by {found}, the remembered one by \
         {remembered}."
    )]
    OtherKey {
        /// The key it shows.
        found: String,
        /// The key that is remembered.
        remembered: String,
    },
    /// It is shorter than it was.
    #[error(
        "The ledger was cut off: it had {remembered} entries when it was last seen, and now has {found}."
    )]
    Truncated {
        /// How many it had.
        remembered: u64,
        /// How many it has.
        found: u64,
    },
    /// Two ledgers with the same key, each sound by itself, that differ among entries that are in both.
    #[error(
        "The ledger was forked: its first {size} entries are signed and add up, and are not the {size} entries that \
         were signed and seen before."
    )]
    Forked {
        /// How many entries the remembered checkpoint covers.
        size: u64,
    },
    /// It is not shown to go on from what was seen, by a proof that should show it.
    #[error(
        "Nothing shows that this ledger continues the {size} entries that were seen before: it was forked or \
         rewritten, or its proof was changed on the way ({error})."
    )]
    Astray {
        /// How many entries the remembered checkpoint covers.
        size: u64,
        /// Where the proof fails.
        error: ProofError,
    },
    /// It does not have the entries that its checkpoint counts.
    #[error(
        "The ledger was cut off: its checkpoint counts {size} entries, and entry {index} is not there."
    )]
    Missing {
        /// The first that is missing.
        index: u64,
        /// How many there should be.
        size: u64,
    },
    /// A bundle or tile is not in the format.
    #[error("The entries from {index} on cannot be read: {error}.")]
    Unreadable {
        /// The first entry of the bundle.
        index: u64,
        /// What is wrong with it.
        error: TileError,
    },
    /// An entry's text does not hash to its leaf.
    #[error(
        "Entry {index} was changed after it was written: its text no longer has the hash that the tree holds."
    )]
    Edited {
        /// Which.
        index: u64,
    },
    /// An entry stands where another belongs.
    #[error("Entries were moved: entry {found} is in the place of entry {index}.")]
    Moved {
        /// The place.
        index: u64,
        /// The entry that is there.
        found: u64,
    },
    /// An entry is not one of ours.
    #[error("Entry {index} is not in the form of an entry: {why}.")]
    NotAnEntry {
        /// Which.
        index: u64,
        /// Why not.
        why: String,
    },
    /// An entry closes an act that is not open.
    #[error("Entry {index} closes entry {closes}, which is not an open act.")]
    StrayClose {
        /// The closing entry.
        index: u64,
        /// What it claims to close.
        closes: u64,
    },
    /// The entries are not those that were remembered, nor those that are signed now.
    #[error(
        "The first {size} entries are not the ones that were seen before: at least one was changed, moved, removed or \
         slipped in."
    )]
    Rewritten {
        /// How many entries the remembered checkpoint covers.
        size: u64,
    },
    /// The entries do not give the root that is signed.
    #[error(
        "The ledger's {size} entries do not add up to its signed checkpoint: at least one of them was changed, moved, \
         removed or slipped in."
    )]
    Root {
        /// How many there are.
        size: u64,
    },
    /// A proof does not hold.
    #[error("The proof is invalid: {0}.")]
    Proof(ProofError),
}

impl Broken {
    /// A stable name for programs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Checkpoint(CheckpointError::Signature { .. }) => "ledger.signature",
            Self::Checkpoint(
                CheckpointError::OtherKey { .. } | CheckpointError::OtherLedger { .. },
            )
            | Self::OtherKey { .. } => "ledger.other-key",
            Self::Checkpoint(_) => "ledger.checkpoint",
            Self::Memory(_) => "ledger.memory",
            Self::Truncated { .. } | Self::Missing { .. } => "ledger.truncated",
            Self::Forked { .. } => "ledger.forked",
            Self::Astray { .. } => "ledger.astray",
            Self::Unreadable { .. } => "ledger.unreadable",
            Self::Edited { .. } => "ledger.edited",
            Self::Moved { .. } => "ledger.moved",
            Self::NotAnEntry { .. } => "ledger.not-an-entry",
            Self::StrayClose { .. } => "ledger.stray-close",
            Self::Rewritten { .. } => "ledger.rewritten",
            Self::Root { .. } => "ledger.root",
            Self::Proof(_) => "ledger.proof",
        }
    }
}

/// What is known of a ledger that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The checkpoint that all entries add up to.
    pub checkpoint: Checkpoint,
    /// What to remember for the next time.
    pub remember: Remembered,
    /// Acts that were opened and not yet closed, by the index of their opening entry.
    pub open: Vec<u64>,
    /// How many acts ended with an unknown outcome.
    pub unknown: u64,
    /// How many entries found the clock behind the entry before.
    pub clock_back: u64,
    state: State,
}

/// What carries over from one audit to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct State {
    frontier: Frontier,
    open: BTreeSet<u64>,
    unknown: u64,
    clock_back: u64,
}

/// A verification under way. Feed it what [`Audit::next`] names until that is nothing, then [`Audit::finish`].
#[derive(Debug, Clone)]
pub struct Audit {
    key: VerifyingKey,
    note: String,
    checkpoint: Checkpoint,
    remembered: Option<Checkpoint>,
    /// Set where the entries passed the remembered size with another root; what to call it depends on the end.
    strayed: bool,
    /// The row's next bundle.
    next: u64,
    state: State,
}

impl Audit {
    /// Begins to verify the ledger whose signed checkpoint is `note`.
    ///
    /// With something remembered, `key` only has to be the same; without, it is believed from now on.
    ///
    /// # Errors
    /// What the checkpoints alone give away: another key, a wrong signature, fewer entries than before.
    pub fn begin(
        key: &VerifyingKey,
        note: &str,
        remembered: Option<&Remembered>,
    ) -> Result<Self, Broken> {
        let before = believed(key, remembered)?;
        Self::new(key.clone(), note, before, State::default())
    }

    fn new(
        key: VerifyingKey,
        note: &str,
        remembered: Option<Checkpoint>,
        state: State,
    ) -> Result<Self, Broken> {
        let checkpoint = Checkpoint::open(note, &key).map_err(Broken::Checkpoint)?;
        if let Some(before) = &remembered {
            if checkpoint.size < before.size {
                return Err(Broken::Truncated {
                    remembered: before.size,
                    found: checkpoint.size,
                });
            }
            if checkpoint.size == before.size && checkpoint.root != before.root {
                return Err(Broken::Forked { size: before.size });
            }
        }
        let next = state.frontier.size() / tiles::WIDTH;
        Ok(Self {
            key,
            note: note.to_owned(),
            checkpoint,
            remembered,
            strayed: false,
            next,
            state,
        })
    }

    /// The checkpoint that is being verified.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// How many entries have been read so far.
    pub fn read(&self) -> u64 {
        self.state.frontier.size()
    }

    /// The bundle to feed next and the tile of its leaves' hashes; `None` when all has been read.
    pub fn next(&self) -> Option<(Tile, Tile)> {
        let size = self.checkpoint.size;
        if self.read() >= size {
            return None;
        }
        Some((
            Tile::entries(self.next, size)?,
            Tile::hashes(0, self.next, size)?,
        ))
    }

    /// Reads the bundle that [`Audit::next`] names. `leaves` is the tile beside it where it is at hand: with it, an
    /// entry that was changed is found by name; without it, only that one was.
    ///
    /// # Errors
    /// The first thing that is broken in it.
    pub fn feed(&mut self, bundle: &[u8], leaves: Option<&[u8]>) -> Result<(), Broken> {
        let Some((tile, _)) = self.next() else {
            return Ok(());
        };
        let start = tile.start();
        let entries = tiles::unpack(bundle, tile.width).map_err(|error| match error {
            TileError::CutOff { at, .. } => Broken::Missing {
                index: start + at,
                size: self.checkpoint.size,
            },
            error => Broken::Unreadable {
                index: start,
                error,
            },
        })?;
        let leaves = match leaves {
            Some(bytes) => {
                tiles::hashes_of(bytes, tile.width).map_err(|error| Broken::Unreadable {
                    index: start,
                    error,
                })?
            }
            None => Vec::new(),
        };
        for (at, entry) in entries.into_iter().enumerate() {
            self.entry(start + at as u64, entry, leaves.get(at))?;
        }
        self.next += 1;
        Ok(())
    }

    fn entry(&mut self, index: u64, bytes: &[u8], leaf: Option<&Hash>) -> Result<(), Broken> {
        let hash = leaf_hash(bytes);
        let read = Read::parse(bytes);
        if let Ok(read) = &read
            && read.index != index
        {
            return Err(Broken::Moved {
                index,
                found: read.index,
            });
        }
        if leaf.is_some_and(|leaf| *leaf != hash) {
            return Err(Broken::Edited { index });
        }
        if index < self.state.frontier.size() {
            // A bundle that was partial at the last audit: these were read then.
            return Ok(());
        }
        let read = read.map_err(|why| Broken::NotAnEntry { index, why })?;
        self.follow(index, &read)?;
        self.state.frontier.push(hash, |_, _| {});
        if let Some(before) = &self.remembered
            && before.size == index + 1
            && before.root != self.state.frontier.root()
        {
            self.strayed = true;
        }
        Ok(())
    }

    /// Keeps track of what is open.
    fn follow(&mut self, index: u64, read: &Read) -> Result<(), Broken> {
        self.state.clock_back += u64::from(read.clock_back_ms.is_some());
        match (read.phase, read.closes) {
            (Phase::Opened, None) => {
                self.state.open.insert(index);
            }
            (Phase::Noted, None) => {}
            (Phase::Closed | Phase::Unknown, Some(closes)) => {
                if !self.state.open.remove(&closes) {
                    return Err(Broken::StrayClose { index, closes });
                }
                self.state.unknown += u64::from(read.phase == Phase::Unknown);
            }
            (_, closes) => {
                let why = if closes.is_some() {
                    "it names an entry that it closes, and closes none"
                } else {
                    "it closes an act without naming it"
                };
                return Err(Broken::NotAnEntry {
                    index,
                    why: why.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The verdict, once all has been read.
    ///
    /// # Errors
    /// When the entries do not add up to the checkpoint, or to the remembered one, or are not all there.
    pub fn finish(self) -> Result<Verified, Broken> {
        let read = self.state.frontier.size();
        if read < self.checkpoint.size {
            return Err(Broken::Missing {
                index: read,
                size: self.checkpoint.size,
            });
        }
        let adds_up = self.state.frontier.root() == self.checkpoint.root;
        if let (true, Some(before)) = (self.strayed, &self.remembered) {
            return Err(if adds_up {
                Broken::Forked { size: before.size }
            } else {
                Broken::Rewritten { size: before.size }
            });
        }
        if !adds_up {
            return Err(Broken::Root { size: read });
        }
        Ok(Verified {
            remember: Remembered {
                key: self.key.to_string(),
                checkpoint: self.note,
            },
            checkpoint: self.checkpoint,
            open: self.state.open.iter().copied().collect(),
            unknown: self.state.unknown,
            clock_back: self.state.clock_back,
            state: self.state,
        })
    }
}

impl Verified {
    /// Goes on from here to a later checkpoint: only what is new is read.
    ///
    /// # Errors
    /// As [`Audit::begin`].
    pub fn extend(&self, note: &str) -> Result<Audit, Broken> {
        let key = VerifyingKey::parse(&self.remember.key).map_err(Broken::Memory)?;
        Audit::new(key, note, Some(self.checkpoint.clone()), self.state.clone())
    }
}

/// The remembered checkpoint, if it is of the ledger that `key` signs.
fn believed(
    key: &VerifyingKey,
    remembered: Option<&Remembered>,
) -> Result<Option<Checkpoint>, Broken> {
    let Some(remembered) = remembered else {
        return Ok(None);
    };
    let old_key = VerifyingKey::parse(&remembered.key).map_err(Broken::Memory)?;
    if old_key != *key {
        return Err(Broken::OtherKey {
            found: key.short(),
            remembered: old_key.short(),
        });
    }
    let checkpoint = Checkpoint::open(&remembered.checkpoint, &old_key);
    checkpoint.map(Some).map_err(Broken::Memory)
}

/// What can be said of a ledger by its checkpoints alone, without reading its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glance {
    /// Nothing was remembered: the key and the checkpoint are believed from now on.
    First(Checkpoint),
    /// It goes on from what was remembered.
    GoesOn {
        /// What was remembered.
        from: Checkpoint,
        /// What there is now.
        to: Checkpoint,
    },
    /// It claims to go on from what was remembered, and brought no proof.
    Unproven(Checkpoint),
}

/// Verifies the checkpoint `note` against what is remembered; `proof` leads from the one to the other, where there is
/// one.
///
/// # Errors
/// The first thing that does not hold.
pub fn glance(
    key: &VerifyingKey,
    note: &str,
    remembered: Option<&Remembered>,
    proof: Option<&[Hash]>,
) -> Result<Glance, Broken> {
    let before = believed(key, remembered)?;
    let now = Checkpoint::open(note, key).map_err(Broken::Checkpoint)?;
    let Some(before) = before else {
        return Ok(Glance::First(now));
    };
    // Fewer entries than before, or others, need no proof to be seen.
    if proof.is_none() && now.size > before.size {
        return Ok(Glance::Unproven(now));
    }
    continues(&before, &now, proof.unwrap_or_default()).map_err(|broken| match broken {
        Broken::Proof(error) => Broken::Astray {
            size: before.size,
            error,
        },
        other => other,
    })?;
    Ok(Glance::GoesOn {
        from: before,
        to: now,
    })
}

/// Verifies that `entry` is entry `index` of the ledger whose signed checkpoint is `note`.
///
/// # Errors
/// When the checkpoint is not believed, the entry is another, or the proof does not lead from one to the other.
pub fn entry_is_in(
    key: &VerifyingKey,
    note: &str,
    index: u64,
    entry: &[u8],
    proof: &[Hash],
) -> Result<Checkpoint, Broken> {
    let checkpoint = Checkpoint::open(note, key).map_err(Broken::Checkpoint)?;
    let read = Read::parse(entry).map_err(|why| Broken::NotAnEntry { index, why })?;
    if read.index != index {
        return Err(Broken::Moved {
            index,
            found: read.index,
        });
    }
    merkle::verify_inclusion(
        index,
        checkpoint.size,
        leaf_hash(entry),
        proof,
        checkpoint.root,
    )
    .map_err(Broken::Proof)?;
    Ok(checkpoint)
}

/// Verifies that the ledger of `new` begins with the ledger of `old`, both already believed.
///
/// # Errors
/// When it is shorter, or the proof does not lead from one to the other.
pub fn continues(old: &Checkpoint, new: &Checkpoint, proof: &[Hash]) -> Result<(), Broken> {
    if new.size < old.size {
        return Err(Broken::Truncated {
            remembered: old.size,
            found: new.size,
        });
    }
    if new.size == old.size && new.root != old.root {
        return Err(Broken::Forked { size: old.size });
    }
    merkle::verify_consistency(old.size, old.root, new.size, new.root, proof).map_err(Broken::Proof)
}

/// The part of an entry that verification looks at. Entries of later versions may have more.
#[derive(Deserialize)]
struct Read {
    index: u64,
    phase: Phase,
    closes: Option<u64>,
    clock_back_ms: Option<i64>,
}

impl Read {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }
}
