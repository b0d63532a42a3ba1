//! The bbolt file format: metas, pages, buckets, an ordered cursor over a random-access source, and a scan in one pass.
//!
//! ```text
//!   page   0      1      2      3      4                              high-water mark
//!        ┌──────┬──────┬──────┬──────┬───────────────────┬───── ─ ──┐
//!        │ meta │ meta │ leaf │branch│ leaf     overflow │ free  …  │   page size: that of the machine, 4096 mostly
//!        └──┬───┴──────┴──────┴──────┴───────────────────┴───── ─ ──┘
//!           │ root
//!           └──> the root bucket: name ──> bucket ──> branches ──> leaves of pairs
//!                                          or, of a small one, its only leaf right in the value (inline)
//! ```
//!
//! A file is an array of pages of one size. Pages 0 and 1 are metas; the valid one with the greater
//! transaction id names the root page of a B+tree whose leaves hold the buckets, and each bucket is again a
//! tree of branch and leaf pages (or one leaf image inside its parent's value). All numbers are little-endian.
//! Everything read here is untrusted: every length is checked against the bytes that are there, and every
//! error says on which page and at which byte of the file it lies.
//!
//! | module | what it is |
//! |---|---|
//! | [`limits`] | every maximum that is believed about a file, by name |
//! | [`locate`] | where in a file the database starts, and its page size |
//! | [`meta`], [`page`], [`node`] | the pages, each drawn where it is decoded |
//! | [`reader`], [`bucket`], [`cursor`] | random access: a database, its buckets, their pairs in order |
//! | [`scan`] | one pass over all of it: the verdict on its structure, the page map, and what a schema makes of the pairs |
//! | [`mod@write`] | new pages behind the old ones |
//! | [`error`] | what is wrong, and where |
//!
//! Nothing here knows what a bucket holds: that is for etcd, Raft's log, or any other schema to say.

pub mod bucket;
mod bytes;
pub mod cursor;
pub mod error;
pub mod limits;
pub mod locate;
pub mod meta;
pub mod node;
pub mod page;
pub mod reader;
pub mod scan;
pub mod write;

pub use bucket::{Bucket, BucketHeader, BucketRoot};
pub use bytes::{u16_at, u32_at, u64_at};
pub use cursor::{Cursor, Entry};
pub use error::{Error, ErrorKind, MetaError};
pub use meta::{Meta, Metas};
pub use node::{Node, NodeElement, Value};
pub use page::{PageHeader, PageType};
pub use reader::{Database, Extent};
