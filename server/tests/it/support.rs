//! What tests stand on: servers in this process and in their own, a database, a bucket, the walk of a whole recovery.

pub(crate) mod believed;
pub(crate) mod bucket_server;
pub(crate) mod harness;
pub(crate) mod killed;
pub(crate) mod packing;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod recovery;
pub(crate) mod sparse;
