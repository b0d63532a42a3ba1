//! The database behind the stores. Every SQL statement is below this module, and no rule is.

pub mod sqlite;

pub use sqlite::Sqlite;
