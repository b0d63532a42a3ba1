//! The MVCC store in one pass: what is kept of each revision of bucket `key`, and what the revisions that are in use
//! add up to.
//!
//! ```text
//!   bucket key:   revision                        value
//!                 main (8) _ sub (8)       put:   KeyValue { key, create, mod, version, value, lease }
//!                 main (8) _ sub (8) t     tombstone: KeyValue { key }
//!
//!   the pass      each revision ──> the user key as a hash, whether it is a tombstone; where HashKV is wanted, the
//!                                   checksum of the page up to it; lease and label, which few have; oddities
//!   the walk      those in use, in order ──> live keys, tombstones, the order of the pages for HashKV
//! ```

mod folders;
mod head_hash;
mod label;
mod live;
mod records;
mod revision_key;
mod tally;
mod user_key;
mod visit;
mod walk;
mod words;

pub(super) use label::Label;
pub(super) use records::Records;
pub(super) use tally::Oddity;
pub(super) use walk::FolderTotals;
pub use walk::{KeyNumbers, KeySpace, Walk};
