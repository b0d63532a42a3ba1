//! What a server of HashiCorp's Raft library leaves on disk: `raft.db`, snapshots, and the `peers.json` that an
//! operator writes to recover one. Dkron, Consul and Nomad keep theirs like this.
//!
//! ```text
//! <data-dir>/raft/raft.db                                   the log, and what the server voted
//! <data-dir>/raft/peers.json                                only while it is being recovered
//! <data-dir>/raft/snapshots/<term>-<index>-<ms>/meta.json   what a snapshot is of
//! <data-dir>/raft/snapshots/<term>-<index>-<ms>/state.bin   the state, in the program's own format
//! ```
//!
//! What a command in the log means is the program's; nothing here looks into one.

pub mod configuration;
pub mod entry;
pub mod inspect;
mod msgpack;
pub mod peers;
pub mod snapshot;
pub mod store;
pub mod visit;

pub use configuration::{Configuration, Server, Suffrage};
