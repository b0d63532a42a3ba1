//! Following a job: its journal folded into a view and a history, kept up to date by the stream. When the server does
//! not answer the page says since when, keeps what it had, and asks for what is newer.

use futures_util::future::{AbortHandle, Either, abortable, select};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::v1::{JobEvent, WatchJobRequest};
use requorum_shared::job::events::{Body, Event};
use requorum_shared::job::fold::JobView;
use requorum_shared::job::history::History;

use crate::client::grpc;
use crate::client::http;
use crate::client::stream::Life;
use crate::client::upload::wait_seconds;
use crate::failure::{Failure, Kind, ROLE_MISSING};
use crate::identity::Identity;

/// How long a stream may say nothing before the server is asked whether it is there, in milliseconds.
const QUIET_MS: u32 = 4_000;
/// How long that, or a new stream, may take.
const ANSWERS_WITHIN_MS: u32 = 4_000;
/// The longest wait between two attempts to connect, in seconds.
const RETRY_WITHIN_S: u32 = 5;

/// How the connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// Being asked for.
    Connecting,
    /// Live.
    Live,
    /// The server does not answer; tried again in so many seconds.
    Lost(u32),
    /// The job is over; nothing more comes.
    Over,
    /// The server refused: no use in trying.
    Refused(Failure),
}

/// A job as it is followed. Cheap to copy.
#[derive(Clone, Copy)]
pub(super) struct Followed {
    /// Where it is.
    pub(super) view: RwSignal<JobView>,
    /// What happened.
    pub(super) history: RwSignal<History>,
    /// How the connection is.
    pub(super) link: RwSignal<Link>,
    /// When the server last answered, milliseconds since the Unix epoch.
    pub(super) heard_ms: RwSignal<i64>,
    /// When a server that was restarted resumed the job while this page was open.
    pub(super) resumed_ms: RwSignal<Option<i64>>,
}

impl Followed {
    /// Begins with what was answered just now.
    pub(super) fn new(view: JobView, history: History) -> Self {
        Self {
            view: RwSignal::new(view),
            history: RwSignal::new(history),
            link: RwSignal::new(Link::Connecting),
            heard_ms: RwSignal::new(now_ms()),
            resumed_ms: RwSignal::new(None),
        }
    }

    /// Whether the server does not answer.
    pub(super) fn is_lost(self) -> bool {
        self.link.with(|link| matches!(link, Link::Lost(_)))
    }

    /// Keeps it up to date until the page is left.
    pub(super) fn follow(self, id: String) {
        let (work, handle): (_, AbortHandle) = abortable(self.run(id, Identity::expect()));
        spawn_local(async move {
            // Aborted is the page being left.
            let _ = work.await;
        });
        on_cleanup(move || handle.abort());
    }

    /// Fetches what came after the job's end: ticks of its hand-over.
    pub(super) async fn refresh(self, id: String) {
        // The page may have been left before this began, and while it waits.
        let Some(since) = self.last_seq() else {
            return;
        };
        let Ok(mut stream) = grpc::stream(WatchJobRequest { id, since }).await else {
            return;
        };
        while let Ok(Some(answer)) = stream.message().await {
            if self.last_seq().is_none() {
                return;
            }
            self.heard(&answer.event.unwrap_or_default());
        }
    }

    /// The newest event that was folded in; none once the page was left.
    fn last_seq(self) -> Option<u64> {
        self.view.try_with_untracked(|view| view.last_seq)
    }

    /// Folds an event in; `false` where that cannot be.
    fn heard(self, event: &JobEvent) -> bool {
        // The page may have been left meanwhile.
        let _ = self.heard_ms.try_set(now_ms());
        let Some(event) = read(event) else {
            return false;
        };
        let resumes = matches!(&event.body, Body::Adopted { reason } if reason != "start");
        if resumes && self.last_seq().is_some_and(|last| event.seq > last) {
            self.resumed_ms.set(Some(event.at_ms));
        }
        let mut folded = false;
        self.view.update(|view| folded = fold(view, &event));
        if folded && event.seq != 0 {
            self.history.update(|history| history.apply(&event));
        }
        folded
    }

    async fn run(self, id: String, identity: Identity) {
        let Self { view, link, .. } = self;
        let mut failed = 0;
        loop {
            if view.with_untracked(|v| v.state.is_over()) {
                link.set(Link::Over);
                return;
            }
            let since = view.with_untracked(|v| v.last_seq);
            let mut begun = Life::begin();
            let request = WatchJobRequest {
                id: id.clone(),
                since,
            };
            let ended = match within(ANSWERS_WITHIN_MS, grpc::stream(request)).await {
                Some(Ok(mut stream)) => {
                    link.set(Link::Live);
                    let _ = self.heard_ms.try_set(now_ms());
                    loop {
                        let answer = {
                            let mut message = std::pin::pin!(stream.message());
                            loop {
                                let quiet = std::pin::pin!(TimeoutFuture::new(QUIET_MS));
                                if let Either::Left((answer, _)) =
                                    select(message.as_mut(), quiet).await
                                {
                                    break Some(answer);
                                }
                                // Nothing happens, or nothing gets here: the stream alone cannot tell.
                                if !self.server_answers().await {
                                    break None;
                                }
                            }
                        };
                        let event = match answer {
                            Some(Ok(Some(answer))) => answer.event.unwrap_or_default(),
                            Some(Ok(None)) => {
                                begun.ended();
                                break Ok(());
                            }
                            Some(Err(status)) => break Err(Failure::from_grpc(&status)),
                            None => break Err(Failure::offline()),
                        };
                        failed = 0;
                        if !self.heard(&event) {
                            break Ok(());
                        }
                    }
                }
                Some(Err(failure)) => Err(failure),
                None => Err(Failure::offline()),
            };
            // A session that ended, or a role that was taken away, while the page was open.
            if let Err(failure) = ended
                && (matches!(failure.kind, Kind::SignedOut | Kind::NotFound)
                    || failure.code == ROLE_MISSING)
            {
                if failure.kind == Kind::SignedOut {
                    identity.renew();
                }
                link.set(Link::Refused(failure));
                return;
            }
            if view.with_untracked(|v| v.state.is_over()) {
                continue;
            }
            if begun.lasted() {
                // A stream has a longest life. Nothing was lost, and another begins where this one ended.
                link.set(Link::Connecting);
                continue;
            }
            failed += 1;
            for left in (1..=wait_seconds(failed).min(RETRY_WITHIN_S)).rev() {
                link.set(Link::Lost(left));
                TimeoutFuture::new(1000).await;
            }
        }
    }

    async fn server_answers(self) -> bool {
        let answers = matches!(
            within(ANSWERS_WITHIN_MS, http::is_alive()).await,
            Some(true)
        );
        if answers {
            let _ = self.heard_ms.try_set(now_ms());
        }
        answers
    }
}

/// The result of `work`, unless it takes longer.
async fn within<T>(ms: u32, work: impl Future<Output = T>) -> Option<T> {
    let (work, limit) = (std::pin::pin!(work), std::pin::pin!(TimeoutFuture::new(ms)));
    match select(work, limit).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}

fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// An event as it came; `None` where this version cannot read it.
pub(super) fn read(wire: &JobEvent) -> Option<Event> {
    let what = serde_json::from_str(&wire.body_json).ok()?;
    Some(Event::new(wire.seq, wire.at_ms, what))
}

/// Folds one event in. `false` when it leaves a gap: then ask again from where the view is.
pub(super) fn fold(view: &mut JobView, event: &Event) -> bool {
    // What was folded before comes again after a reconnection, and changes nothing.
    view.apply(event) || (event.seq != 0 && event.seq <= view.last_seq)
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
        let mut heard = |wire: &JobEvent| read(wire).is_some_and(|event| fold(&mut view, &event));
        let started = wire(1, r#"{"event":"started","by":"ak"}"#);
        assert!(heard(&started));
        assert!(heard(&started), "a repetition after a reconnection");
        assert!(
            !heard(&wire(3, r#"{"event":"step-started","step":1}"#)),
            "a gap"
        );
        assert!(!heard(&wire(2, "not json")));
        let on_h2 = r#"{"host":"h2","event":"step-started","step":1}"#;
        assert!(heard(&wire(2, on_h2)));
        assert_eq!(view.last_seq, 2);
        assert_eq!(view.steps[0].host.as_deref(), Some("h2"));
    }
}
