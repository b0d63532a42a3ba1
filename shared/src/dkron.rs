//! Dkron: what a server of the job scheduler leaves on disk, which of several servers knows most, and the `peers.json`
//! that recovers their cluster.
//!
//! Its log, vote and snapshots are those of HashiCorp's Raft library, which [`crate::raft`] reads; what is here is what
//! Dkron keeps in them.
//!
//! ```text
//! raft.db  logs: command  ┐                            ┌──> ranking   which history a recovery keeps, what it loses
//!          conf: vote     ├──> server ×n ──────────────┤
//! snapshots/…/state.bin   ┘    its term, last entry,   └──> peers     the one file for all of them, or why not
//!                              servers and jobs
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`record`] | a job as it is stored, in JSON or protobuf |
//! | [`command`] | what an entry of the log does |
//! | [`jobs`] | the jobs, and what each command makes of them |
//! | [`state`] | `state.bin`: the jobs of a snapshot |
//! | [`snapshots`] | which snapshot a start takes |
//! | [`terms`] | which term each entry is of: where two histories part |
//! | [`replay`] | the log, applied to the jobs of a snapshot |
//! | [`server`] | one server, from all of its files |
//! | [`ranking`] | which server is the most up to date |
//! | [`address`] | what an address of a server must look like |
//! | [`peers`] | the `peers.json` for the servers that remain |
//!
//! Memory grows with the number of jobs, not with their values or the files: every length is limited by name, and what
//! is beyond a limit is said, never left out in silence.

pub mod address;
pub mod command;
pub mod jobs;
pub mod peers;
pub mod ranking;
pub mod record;
pub mod replay;
pub mod server;
pub mod snapshots;
pub mod state;
pub mod terms;
