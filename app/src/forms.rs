//! What people type, as plain structs: raw text to a typed request, or errors beside the fields. No Leptos here;
//! tested natively.

pub mod account;
pub mod invite;
pub mod policy;
pub mod roles;
pub mod secret;
pub mod token;
