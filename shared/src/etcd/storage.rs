//! What etcd's files hold, and whether they are sound: for all that read them, also a system that embeds etcd.

pub mod auth;
mod contents;
pub mod hashkv;
pub mod inspect;
pub mod inspection;
mod lint;
pub mod mvcc;
pub mod scan;
pub mod schema;
pub mod snap;
pub mod status;
pub mod trailer;
pub mod version;
pub mod wal;
