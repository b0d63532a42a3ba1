//! The bbolt file format: metas, pages, buckets, and an ordered cursor over a random-access source.
//!
//! A file is an array of pages of one size. Pages 0 and 1 are metas; the valid one with the greater
//! transaction id names the root page of a B+tree whose leaves hold the buckets, and each bucket is again a
//! tree of branch and leaf pages (or one leaf image inside its parent's value). All numbers are little-endian.
//! Everything read here is untrusted: every length is checked against the bytes that are there, and every
//! error says on which page and at which byte of the file it lies.

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

pub use bytes::{u16_at, u32_at, u64_at};
pub use cursor::{Cursor, Entry};
pub use error::{Error, ErrorKind};
pub use meta::{Meta, MetaError, Metas};
pub use node::{Extent, Node, NodeElement, Value};
pub use page::{PageHeader, PageType};
pub use reader::{Bucket, BucketHeader, BucketRoot, Database};
