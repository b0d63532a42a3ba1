//! The second binary: reads files in a thread of its own, so that the page never freezes. Nothing is sent
//! anywhere; what goes back to the page holds no key, no value and no password hash.

mod blob;
mod dossier;
mod hashing;
mod inspect;
pub mod protocol;
mod serve;

pub use serve::start;
