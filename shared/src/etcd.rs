//! etcd on top of bbolt: what a snapshot holds, whether it is whole, and how a cluster is restored from it.

pub mod inspect;
pub mod inspection;
pub mod restore;
pub mod scan;
pub mod trailer;
