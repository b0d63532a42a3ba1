//! Plans: sealed, approved, and what they rest on.

pub(crate) mod approvals;
pub(crate) mod clusters;
pub(crate) mod observations;
pub(crate) mod policies;
pub(crate) mod sealing;
pub(crate) mod withdrawal;
