//! Real etcd: which versions are here, clusters of them on loopback, their tools, and our own command.

mod cluster;
mod gateway;
mod peers;
mod run;

pub(crate) use cluster::{Cluster, HashKv, Member, Settings, free_port};
pub(crate) use gateway::{Client, KeyValue, Watched};
pub(crate) use peers::{Peer, peers};
pub(crate) use run::{Ran, requorum, run};
