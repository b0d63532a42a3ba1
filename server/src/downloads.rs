//! Answers that take their time, at the same time: a few for each account, so that one account's leave room for the
//! others'.

use crate::error::{ApiError, Kind, Result, internal};
use crate::shares::{Share, Shares};

/// Files at the same time for one account: the members of a large cluster, and something beside.
const FILES: usize = 8;
/// Files at the same time for all accounts.
const ALL_FILES: usize = 256;
/// Pieces of the ledger at the same time for one account. They are short, so that one waits for the other.
const PIECES: usize = 4;
/// Pieces of the ledger at the same time for all accounts.
const ALL_PIECES: usize = 64;
/// Jobs followed, and tails of the ledger, at the same time for one account: many tabs of many browsers.
const STREAMS: usize = 128;
/// The same for all accounts.
const ALL_STREAMS: usize = 4096;

/// The places of a server.
#[derive(Debug, Clone)]
pub struct Downloads {
    files: Shares,
    pieces: Shares,
    streams: Shares,
}

impl Default for Downloads {
    fn default() -> Self {
        Self {
            files: Shares::new(ALL_FILES, FILES),
            pieces: Shares::new(ALL_PIECES, PIECES),
            streams: Shares::new(ALL_STREAMS, STREAMS),
        }
    }
}

impl Downloads {
    /// A place for one more file, kept as long as it is on its way.
    ///
    /// # Errors
    /// When this account has as many as one may have.
    pub fn file(&self, account: &str) -> Result<Share> {
        self.files.try_take(account).ok_or_else(|| {
            ApiError::new(
                Kind::TooMany,
                "download.too-many",
                format!(
                    "{} downloads of yours are under way, or the console is sending to many people at once. Wait \
                     until one has ended, or stop one.",
                    self.files.each()
                ),
            )
            .retry_after(5)
        })
    }

    /// A place for a piece of the ledger, when it is this account's turn.
    ///
    /// # Errors
    /// Never: the places are not closed.
    pub async fn piece(&self, account: &str) -> Result<Share> {
        self.pieces.take(account).await.map_err(internal)
    }

    /// A place for a stream that goes on until its job is over or its caller leaves.
    ///
    /// # Errors
    /// When this account has as many as one may have.
    pub fn stream(&self, account: &str) -> Result<Share> {
        self.streams.try_take(account).ok_or_else(|| {
            ApiError::new(
                Kind::TooMany,
                "stream.too-many",
                format!(
                    "{} streams of yours are open, or the console is followed by very many. Close some of them.",
                    self.streams.each()
                ),
            )
        })
    }
}
