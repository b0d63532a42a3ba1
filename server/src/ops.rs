//! What an operator can do, whichever way the request came in. The only place of rules: handlers hold none, and
//! stores hold none.

pub mod console;
pub mod snapshots;
pub mod uploads;
