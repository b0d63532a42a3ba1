//! Every maximum that is believed about a file, by name. A number read from a file is checked against one of
//! these, or against bytes that are really there, before anything is allocated or looped for it.

/// Smallest page size that bbolt's own probe finds, in bytes.
pub const MIN_PAGE_SIZE: u32 = 1024;

/// Largest page size that bbolt's own probe finds, in bytes.
pub const MAX_PAGE_SIZE: u32 = 16 << 20;

/// Pages of one file. Page ids fit in 32 bits up to here: 16 TiB of 4 KiB pages.
pub const MAX_PAGES: u64 = (u32::MAX - 1) as u64;

/// Levels of one bucket's tree. Sixteen levels of the narrowest tree hold more pages than [`MAX_PAGES`].
pub const MAX_DEPTH: usize = 64;

/// Buckets within buckets; etcd has none.
pub const MAX_BUCKET_DEPTH: usize = 16;

/// Longest key that bbolt writes, in bytes.
pub const MAX_KEY_SIZE: u32 = 32_768;

/// Longest value that bbolt writes, in bytes.
pub const MAX_VALUE_SIZE: u32 = (1 << 31) - 2;

/// Bytes of a bucket that is loaded whole (`members`, `meta`, `auth` and their like).
pub const MAX_SMALL_BUCKET: u64 = 64 << 20;

/// Top-level buckets; etcd has ten.
pub const MAX_BUCKETS: usize = 4096;
