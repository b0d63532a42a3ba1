//! The programs beside the page, each in threads of its own, so that the page never freezes.
//!
//! The reader looks at files. Nothing is sent anywhere; what goes back to the page holds no key, no value and no
//! password hash. The verifier, which few people need at first, is fetched once it is needed: it verifies dossiers,
//! and the ledger, which it reads from the server.

mod blob;
mod dossier;
mod hashing;
mod inspect;
pub mod ledger;
pub mod protocol;
mod serve;
mod unpack;

pub use serve::{start_reader, start_verifier};
