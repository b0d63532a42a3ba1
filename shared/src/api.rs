//! The contract: protobuf messages of the typed API, generated from `shared/proto`, and the JSON of the few
//! HTTP calls.

mod convert;
mod hidden;
pub mod login;
pub mod methods;
pub mod upload;

pub use self::convert::{NotKnown, grants};

/// Messages of package `requorum.v1`.
#[allow(missing_docs, clippy::all, unreachable_pub)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/requorum.v1.rs"));
}
