#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod api;
pub mod approval;
pub mod bbolt;
pub mod canonical;
pub mod document;
pub mod dossier;
pub mod escape;
pub mod etcd;
pub mod finding;
pub mod handover;
pub mod inspection;
pub mod job;
pub mod kinds;
pub mod ledger;
pub mod matrix;
mod number;
pub mod password;
pub mod permission;
pub mod plan;
pub mod raft;
pub mod recognise;
pub mod recovery;
pub mod replan;
pub mod source;
pub mod system;
pub mod unpack;
pub mod value;
