//! The ledger of who did what: written before an act and after it, durable before anything goes on, signed, and
//! served so that every reader can verify it. The formats and the verification live in `requorum_shared::ledger`.

pub mod acts;
mod decisions;
pub mod floods;
pub mod key;
pub mod proven;
pub mod reader;
mod recent;
pub mod recorder;
pub mod status;
pub mod store;
mod tail;
pub mod tree;
mod writer;

pub use recorder::{Ledger, Opened};
pub use status::{LedgerError, OpenActs};

tokio::task_local! {
    /// The entry of the act that this task carries out.
    static UNDER_WAY: u64;
}

/// `work` as that of the act that this entry opened: what it changes is written down as its effect.
pub fn carrying_out<F: Future>(index: u64, work: F) -> impl Future<Output = F::Output> {
    UNDER_WAY.scope(index, work)
}

/// The entry of the act that this task carries out, where it does.
pub fn under_way() -> Option<u64> {
    UNDER_WAY.try_with(|index| *index).ok()
}
