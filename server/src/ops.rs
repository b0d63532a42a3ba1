//! What an operator can do, whichever way the request came in. The only place of rules: handlers hold none, and
//! stores hold none.
//!
//! Every operation begins with a line that says what it takes to be allowed: [`authorize::authorize`].

pub mod approvals;
pub mod audit;
pub mod authorize;
pub mod console;
pub mod disks;
pub mod files;
pub mod inbox;
pub mod jobs;
pub mod ledger;
pub mod oidc;
pub mod outcomes;
pub mod people;
pub mod plans;
pub mod secrets;
pub mod sessions;
pub mod sign_in;
pub mod stay;
pub mod storage;
mod stored;
pub mod tokens;
pub mod uploads;
