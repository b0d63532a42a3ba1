//! The durable engine: plans are carried out step by step, everything is in the journal before it happens and
//! after it happened, and a server that was killed goes on by looking, never by guessing.

pub mod context;
pub mod digest;
pub mod engine;
pub mod feed;
pub mod list;
pub mod log;
pub mod next;
pub mod proof;
pub mod questions;
pub mod runner;
pub mod turns;
