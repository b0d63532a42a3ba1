//! Files that are judged by another one beside them: which one that is, and what it tells.
//!
//! ```text
//! meta.json   state.bin   the state of a Raft server's snapshot, of which meta.json has length and checksum
//! ```

use super::{Details, Inspection};
use crate::raft::inspect as raft;
use crate::raft::snapshot::{Checksum, Meta};
use crate::source::{Source, SourceError};

/// What a snapshot of a Raft server is of.
const META_JSON: &str = "meta.json";
/// The state itself.
const STATE_BIN: &str = "state.bin";

/// The name of the file that one of this name is judged by, where both came together and neither was looked at. What the
/// file turns out to be says for certain: [`Inspection::companion`].
pub fn companion_of(name: &str) -> Option<&'static str> {
    match name {
        META_JSON => Some(STATE_BIN),
        _ => None,
    }
}

impl Inspection {
    /// The name of the file beside it that it is judged by, where its kind has one: for [`with_companion`].
    pub fn companion(&self) -> Option<&'static str> {
        match &self.details {
            Details::RaftSnapshot(_) => Some(STATE_BIN),
            // Hardly any has one.
            _ => None,
        }
    }
}

/// Judges a file by its [companion](Inspection::companion), which is read to its end. `progress` hears how many of its
/// bytes were read. An inspection that has none stays as it is, and nothing is read.
///
/// # Errors
/// When the companion cannot be read.
pub fn with_companion(
    inspection: Inspection,
    companion: &dyn Source,
    progress: impl FnMut(u64),
) -> Result<Inspection, SourceError> {
    match &inspection.details {
        Details::RaftSnapshot(meta) => {
            let meta = meta.as_ref().clone();
            with_state(inspection, meta, companion, progress)
        }
        _ => Ok(inspection),
    }
}

fn with_state(
    inspection: Inspection,
    meta: Meta,
    state: &dyn Source,
    mut progress: impl FnMut(u64),
) -> Result<Inspection, SourceError> {
    const PIECE: u64 = 1 << 20;
    let (mut checksum, mut piece, mut at) = (Checksum::default(), Vec::new(), 0);
    let size = state.size();
    // Of another length it is another file: it need not be read to tell.
    while size == meta.size && at < size {
        piece.resize((size - at).min(PIECE) as usize, 0);
        state.read_at(at, &mut piece)?;
        checksum.feed(&piece);
        at += piece.len() as u64;
        progress(at);
    }
    let crc = checksum.finish();
    let judged = raft::snapshot(inspection.file, &Ok(meta), Some(raft::State { size, crc }));
    let mut judged =
        judged.map(|meta| meta.map_or(Details::None, |meta| Details::RaftSnapshot(Box::new(meta))));
    judged.unpacked_from = inspection.unpacked_from;
    Ok(judged)
}
