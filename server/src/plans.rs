//! Sealed plans.

pub mod store;
