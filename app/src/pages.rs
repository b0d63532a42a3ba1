//! What has an address. A page arranges components and talks to the server.

pub mod inspect;
pub mod login;
pub mod not_found;
pub mod overview;
pub mod setup;
