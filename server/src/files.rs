//! Stored files: how they arrive, where they lie, what is known of them.

pub mod file_source;
pub mod list;
pub mod objects;
pub mod part;
pub mod store;
pub mod uploads;
