//! etcd on top of bbolt: what its files hold and whether they are sound, and how a cluster is recovered from them.

pub mod inspect;
pub mod log_files;
pub mod needed;
pub mod recovery;
pub mod storage;
