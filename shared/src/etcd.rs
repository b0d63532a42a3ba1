//! etcd on top of bbolt: what a snapshot holds, whether it is whole, and how a cluster is restored from it.

pub mod auth;
mod contents;
pub mod hashkv;
pub mod inspect;
pub mod inspection;
mod lint;
pub mod restore;
pub mod scan;
pub mod schema;
pub mod status;
pub mod trailer;
