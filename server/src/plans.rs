//! Sealed plans.

pub mod approvals;
pub mod store;
