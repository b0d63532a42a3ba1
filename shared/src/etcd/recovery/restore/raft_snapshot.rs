//! The `.snap` file of a restored member: raft's snapshot with the v2 tree in it (spec 4.9).

use super::cluster::Cluster;
use super::proto::Message;
use super::v2store;
use super::wal::TERM;
use super::{TargetVersion, WireForm};

/// The file's name: term and index in hexadecimal.
pub fn file_name(cluster: &Cluster) -> String {
    format!("{TERM:016x}-{:016x}.snap", cluster.members().len())
}

/// The file's bytes. They are the same for every member.
pub fn file(cluster: &Cluster, version: TargetVersion) -> Vec<u8> {
    let snapshot = Message::default()
        .bytes(1, v2store::json(cluster, version).as_bytes())
        .bytes(2, &metadata(cluster, version.into()))
        .finish();
    Message::default()
        .varint(1, u64::from(crc32c::crc32c(&snapshot)))
        .bytes(2, &snapshot)
        .finish()
}

/// `raftpb.SnapshotMetadata`.
fn metadata(cluster: &Cluster, form: WireForm) -> Vec<u8> {
    Message::default()
        .bytes(1, &form.conf_state(&cluster.voters()))
        .varint(2, cluster.members().len() as u64)
        .varint(3, TERM)
        .finish()
}

#[cfg(test)]
mod tests;
