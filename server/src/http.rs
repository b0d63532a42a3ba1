//! What HTTP carries: login, bytes, probes, and the page itself.

pub mod assets;
pub mod bodies;
pub mod context;
mod download;
pub mod extract;
pub mod files;
pub mod guard;
pub mod headers;
pub mod health;
pub mod jobs;
pub mod ledger;
pub mod login;
pub mod oidc;
pub mod schemas;
pub mod uploads;
mod waiting;
