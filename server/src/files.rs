//! Stored files: how they arrive, where they lie, what is known of them.

pub mod file_source;
pub mod list;
pub mod objects;
pub mod part;
pub mod removals;
pub mod store;
pub mod unpacking;
pub mod uploads;
