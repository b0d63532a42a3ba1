//! Following the ledger: new entries as they are written. When the connection is lost the page says so, and asks for
//! what it has missed.

use futures_util::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::v1::TailEntriesRequest;
use requorum_shared::ledger::entry::Entry;

use crate::client::grpc;
use crate::client::stream::Life;
use crate::client::upload::wait_seconds;
use crate::failure::{Failure, Kind};
use crate::identity::Identity;
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
            Self::Live => "Live: new entries appear as they are recorded.".into(),
            Self::Lost(left) => {
                format!("Connection lost. Reconnecting in {left} s.")
            }
            Self::Refused(failure) => format!("Not live. {}", failure.what),
        }
    }
}

/// Gives every entry from `since` on to `take`, until the page is left.
pub(super) fn follow(since: u64, line: RwSignal<Line>, take: impl Fn(Entry) + 'static) {
    let (watch, identity) = (LedgerWatch::expect(), Identity::expect());
    let (work, handle) = abortable(run(watch, identity, since, line, take));
    spawn_local(async move {
        // Aborted is the page being left.
        let _ = work.await;
    });
    on_cleanup(move || handle.abort());
}

async fn run(
    watch: LedgerWatch,
    identity: Identity,
    mut next: u64,
    line: RwSignal<Line>,
    take: impl Fn(Entry),
) {
    let mut failed = 0;
    loop {
        let mut begun = Life::begin();
        let ended = match grpc::stream(TailEntriesRequest { since: next }).await {
            Ok(mut stream) => {
                line.set(Line::Live);
                loop {
                    let piece = match stream.message().await {
                        Ok(Some(piece)) => piece,
                        Ok(None) => {
                            begun.ended();
                            break Ok(());
                        }
                        Err(status) => break Err(Failure::from_grpc(&status)),
                    };
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
            Err(failure) => Err(failure),
        };
        // A session that ended, or a role that was taken away, while the page was open, too.
        if let Err(failure) = ended
            && matches!(failure.kind, Kind::SignedOut | Kind::Refused)
        {
            if failure.kind == Kind::SignedOut {
                identity.renew();
            }
            line.set(Line::Refused(failure));
            watch.look();
            return;
        }
        if begun.lasted() {
            // A stream has a longest life. Nothing was lost, and another begins where this one ended.
            line.set(Line::Connecting);
            continue;
        }
        failed += 1;
        for left in (1..=wait_seconds(failed)).rev() {
            line.set(Line::Lost(left));
            gloo_timers::future::TimeoutFuture::new(1000).await;
        }
        line.set(Line::Connecting);
    }
}
