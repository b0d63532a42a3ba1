//! The second binary: reads files in a thread of its own, so that the page never freezes. Nothing is sent
//! anywhere; what goes back to the page holds no key, no value and no password hash. In a second thread of its own it
//! verifies the ledger, which it reads from the server.

mod blob;
mod dossier;
mod hashing;
mod inspect;
pub mod ledger;
pub mod protocol;
mod serve;

pub use serve::start;
