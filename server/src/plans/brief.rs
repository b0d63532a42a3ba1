//! What a list says of a plan, and of the job that carries it out, in one line.

use requorum_shared::recovery::Outline;

/// A plan's number, and what its line says beside its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brief {
    /// Counted over the console, given when the plan is kept; 0 before.
    pub number: u64,
    /// What follows from the plan.
    pub outline: Outline,
}
