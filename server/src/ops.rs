//! What an operator can do, whichever way the request came in. The only place of rules: handlers hold none, and
//! stores hold none.
//!
//! Every operation begins with a line that says what it takes to be allowed: [`permit::permit`].

pub mod approvals;
pub mod console;
pub mod files;
pub mod jobs;
pub mod ledger;
pub mod oidc;
pub mod people;
pub mod permit;
pub mod plans;
pub mod record;
pub mod secrets;
pub mod sessions;
pub mod sign_in;
pub mod stay;
pub mod tokens;
pub mod uploads;
pub mod waiting;
