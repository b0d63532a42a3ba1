//! Following a job: its journal folded into a view, kept up to date by the stream. When the connection is lost the
//! page says so, keeps what it had, and asks for what is newer.

use futures_util::future::{AbortHandle, abortable};
use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::v1::{JobEvent, WatchJobRequest};
use requorum_shared::job::events::{Body, Event};
use requorum_shared::job::fold::JobView;

use crate::client::grpc;
use crate::client::stream::Life;
use crate::client::upload::wait_seconds;
use crate::failure::{Failure, Kind, ROLE_MISSING};
use crate::identity::Identity;

/// How the stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Being asked for.
    Connecting,
    /// Live.
    Live,
    /// Lost; tried again in so many seconds.
    Lost(u32),
    /// The job is over, nothing more will come.
    Over,
    /// The server refused: no use in trying.
    Refused(Failure),
}

/// Folds one event in. `false` when it cannot be read or leaves a gap: then ask again from where the view is.
pub(super) fn fold(view: &mut JobView, wire: &JobEvent) -> bool {
    let Ok(body) = serde_json::from_str::<Body>(&wire.body_json) else {
        return false;
    };
    let event = Event {
        seq: wire.seq,
        at_ms: wire.at_ms,
        body,
    };
    // What was folded before comes again after a reconnection, and changes nothing.
    view.apply(&event) || (wire.seq != 0 && wire.seq <= view.last_seq)
}

/// Keeps `view` up to date until the page is left.
pub(super) fn follow(id: String, view: RwSignal<JobView>, line: RwSignal<Line>) {
    let (work, handle): (_, AbortHandle) = abortable(run(id, view, line, Identity::expect()));
    spawn_local(async move {
        // Aborted is the page being left.
        let _ = work.await;
    });
    on_cleanup(move || handle.abort());
}

async fn run(id: String, view: RwSignal<JobView>, line: RwSignal<Line>, identity: Identity) {
    let mut failed = 0;
    loop {
        if view.with_untracked(|v| v.state.is_over()) {
            line.set(Line::Over);
            return;
        }
        let since = view.with_untracked(|v| v.last_seq);
        let mut begun = Life::begin();
        let ended = match grpc::stream(WatchJobRequest {
            id: id.clone(),
            since,
        })
        .await
        {
            Ok(mut stream) => {
                line.set(Line::Live);
                loop {
                    let event = match stream.message().await {
                        Ok(Some(answer)) => answer.event.unwrap_or_default(),
                        Ok(None) => {
                            begun.ended();
                            break Ok(());
                        }
                        Err(status) => break Err(Failure::from_grpc(&status)),
                    };
                    failed = 0;
                    let mut folded = false;
                    view.update(|view| folded = fold(view, &event));
                    if !folded {
                        break Ok(());
                    }
                }
            }
            Err(failure) => Err(failure),
        };
        // A session that ended, or a role that was taken away, while the page was open.
        if let Err(failure) = ended
            && (matches!(failure.kind, Kind::SignedOut | Kind::NotFound)
                || failure.code == ROLE_MISSING)
        {
            if failure.kind == Kind::SignedOut {
                identity.renew();
            }
            line.set(Line::Refused(failure));
            return;
        }
        if view.with_untracked(|v| v.state.is_over()) {
            continue;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(seq: u64, body: &str) -> JobEvent {
        JobEvent {
            seq,
            at_ms: 1,
            body_json: body.into(),
        }
    }

    #[test]
    fn what_comes_twice_is_no_gap_and_what_is_missing_is() {
        let mut view = JobView::new(1);
        let started = wire(1, r#"{"event":"started","by":"ak"}"#);
        assert!(fold(&mut view, &started));
        assert!(
            fold(&mut view, &started),
            "a repetition after a reconnection"
        );
        assert!(
            !fold(&mut view, &wire(3, r#"{"event":"step-started","step":1}"#)),
            "a gap"
        );
        assert!(!fold(&mut view, &wire(2, "not json")));
        assert!(fold(
            &mut view,
            &wire(2, r#"{"event":"step-started","step":1}"#)
        ));
        assert_eq!(view.last_seq, 2);
    }
}
