//! Jobs: carried out, steered, killed and resumed.

pub(crate) mod boots;
pub(crate) mod engine;
pub(crate) mod handover;
pub(crate) mod leftovers;
pub(crate) mod mounts;
pub(crate) mod questions;
pub(crate) mod restore;
pub(crate) mod steering;
pub(crate) mod targets;
pub(crate) mod under_fire;
