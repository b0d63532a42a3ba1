//! Following the ledger: new entries as they are written. When the connection is lost the page says so, and asks for
//! what it has missed.

use futures_util::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::ledger::entry::Entry;

use crate::client::grpc;
use crate::client::upload::wait_seconds;
use crate::failure::{Failure, Kind};
use crate::ledger::watch::LedgerWatch;

/// How the stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Being asked for.
    Connecting,
    /// Live.
    Live,
    /// Lost; tried again in so many seconds.
    Lost(u32),
    /// The server refused: no use in trying.
    Refused(Failure),
}

impl Line {
    /// For people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Connecting => "Connecting to the server.".into(),
            Self::Live => "Live: new acts appear as they are written down.".into(),
            Self::Lost(left) => {
                format!("The connection was lost. What was missed is fetched in {left} s.")
            }
            Self::Refused(failure) => format!("Not live. {}", failure.what),
        }
    }
}

/// Gives every entry from `since` on to `take`, until the page is left.
pub(super) fn follow(since: u64, line: RwSignal<Line>, take: impl Fn(Entry) + 'static) {
    let (work, handle) = abortable(run(LedgerWatch::expect(), since, line, take));
    spawn_local(async move {
        // Aborted is the page being left.
        let _ = work.await;
    });
    on_cleanup(move || handle.abort());
}

async fn run(watch: LedgerWatch, mut next: u64, line: RwSignal<Line>, take: impl Fn(Entry)) {
    let mut failed = 0;
    loop {
        match grpc::tail_entries(next).await {
            Ok(mut stream) => {
                line.set(Line::Live);
                while let Ok(Some(piece)) = stream.message().await {
                    failed = 0;
                    for listed in piece.entries {
                        // What is no entry is for the verification to find; it is not listed.
                        if let Ok(entry) = serde_json::from_slice(&listed.canonical) {
                            take(entry);
                        }
                        next = listed.index + 1;
                    }
                    // There is a new checkpoint: look at it.
                    if !piece.checkpoint.is_empty() {
                        watch.look();
                    }
                }
            }
            Err(failure) if matches!(failure.kind, Kind::SignedOut | Kind::Refused) => {
                line.set(Line::Refused(failure));
                watch.look();
                return;
            }
            Err(_) => {}
        }
        failed += 1;
        for left in (1..=wait_seconds(failed)).rev() {
            line.set(Line::Lost(left));
            gloo_timers::future::TimeoutFuture::new(1000).await;
        }
        line.set(Line::Connecting);
    }
}
