//! Sealed plans.

pub mod approval_list;
pub mod approvals;
pub mod brief;
pub mod list;
pub mod store;
