//! What a list says of a plan, and of the job that carries it out, in one line.

use requorum_shared::recovery::Outline;
use requorum_shared::value::Value;

/// A plan's number, and what its line says beside its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brief {
    /// Counted over the console, given when the plan is kept; 0 before.
    pub number: u64,
    /// What follows from the plan.
    pub outline: Outline,
}

impl Brief {
    /// The names of the files, one a line: what lists are searched and ordered by. No name has a line break.
    pub fn files(&self) -> String {
        self.outline.file_names.join("\n")
    }

    /// What a list is ordered by where it is ordered by headlines: the number of the first value, 0 where that is none.
    pub fn headline_number(&self) -> i64 {
        let first = self.outline.headline.first();
        match first.and_then(|of| of.value.as_ref()) {
            Some(Value::Revision(n)) => *n,
            Some(Value::Count(n) | Value::Bytes(n) | Value::Index(n)) => {
                i64::try_from(*n).unwrap_or(i64::MAX)
            }
            _ => 0,
        }
    }
}
