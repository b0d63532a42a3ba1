//! The ledger as this browser knows it: what it remembers, what it verified, and what it says about that.

pub mod explanations;
pub mod memory;
pub mod rows;
pub mod state;
pub mod watch;
