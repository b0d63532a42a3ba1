#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod api;
pub mod approval;
pub mod bbolt;
pub mod canonical;
pub mod dossier;
pub mod escape;
pub mod etcd;
pub mod events;
pub mod finding;
pub mod job_view;
pub mod ledger;
mod number;
pub mod permission;
pub mod plan;
pub mod raft;
pub mod recognition;
pub mod second_look;
pub mod source;
pub mod unpack;
