//! Sealed plans.

pub mod approval_list;
pub mod approvals;
pub mod list;
pub mod store;
