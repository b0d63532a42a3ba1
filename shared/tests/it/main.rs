//! Tests over real files: snapshots of etcd 3.4 to 3.7 with what the real tools said of each.

mod bounds;
mod build;
mod damage;
mod dkron;
mod fixtures;
mod fuzz;
mod inspection;
mod kinds;
mod known;
mod lint;
mod log_files;
mod odd;
mod raft;
mod raft_pass;
mod reader;
mod restore;
mod sound;
mod status;
mod translated;
