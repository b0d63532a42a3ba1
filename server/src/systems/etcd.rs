//! etcd: restoring a cluster from a stored snapshot, and booting the result to see.

pub mod binaries;
mod boot;
mod client;
pub mod members;
pub mod observe;
mod present;
pub mod process;
mod run;
mod sockets;
pub mod steps;
