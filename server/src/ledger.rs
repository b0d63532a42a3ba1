//! The ledger of who did what: written before an act and after it, durable before anything goes on, signed, and
//! served so that every reader can verify it. The formats and the verification live in `requorum_shared::ledger`.

pub mod key;
pub mod reader;
pub mod recorder;
pub mod store;
mod tail;
mod writer;

pub use recorder::{Ledger, LedgerError, Left, Opened};
