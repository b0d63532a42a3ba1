//! Tests over real files: snapshots of etcd 3.4 to 3.7 with what the real tools said of each.

mod fixtures;
mod inspection;
mod reader;
mod restore;
mod status;
