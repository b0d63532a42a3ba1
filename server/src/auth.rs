//! Who is asking: accounts, sessions, tokens, and the guard that lets nobody through by default.

pub mod actor;
mod device;
pub mod login;
pub mod names;
pub mod oidc;
pub mod origin;
pub mod password;
pub mod people;
pub mod seen;
pub mod session;
pub mod store;
pub mod throttle;
pub mod token;
