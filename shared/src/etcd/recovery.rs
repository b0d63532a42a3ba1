//! How a cluster comes back: the request, the check, the plan, and every byte of the result.

pub mod restore;
