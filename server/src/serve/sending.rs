//! Answers on their way, and whether anybody takes them.
//!
//! An answer is handed to the connection piece by piece, and the next piece is asked for when the one before is on its
//! way: over HTTP/1 when the socket took it, over HTTP/2 when its stream may carry it. So a piece after which nothing
//! is asked for is one that the client does not take. What the answer holds (an open file, a place among downloads,
//! rows that were read) is given back when that lasts, whether the connection goes on or not.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// The longest piece, in bytes: a client that takes one of them in the time that it has is not silent.
const PIECE: usize = 16 << 10;

/// The answers on one connection.
#[derive(Default)]
pub(super) struct Answers(Mutex<Vec<Weak<Answer>>>);

/// One of them.
struct Answer(Mutex<State>);

struct State {
    /// None once it is not kept any more.
    held: Option<Held>,
    /// Since when a piece is not taken.
    given: Option<Instant>,
}

struct Held {
    body: Body,
    /// What is left of a long piece.
    rest: Bytes,
    /// The request counts as under way as long as this is kept.
    _counted: Box<dyn Send>,
}

/// An answer as the connection sees it.
pub(super) struct Watched(Arc<Answer>);

impl Answers {
    /// The same answer, watched. `counted` is kept as long as it is.
    pub(super) fn watch(&self, body: Body, counted: impl Send + 'static) -> Watched {
        let held = Held {
            body,
            rest: Bytes::new(),
            _counted: Box::new(counted),
        };
        let answer = Arc::new(Answer(Mutex::new(State {
            held: Some(held),
            given: None,
        })));
        let mut answers = lock(&self.0);
        answers.retain(|answer| answer.strong_count() > 0);
        answers.push(Arc::downgrade(&answer));
        Watched(answer)
    }

    /// Gives up the answers of which nothing was taken for so long; whether there were any.
    pub(super) fn give_up(&self, silent_for: Duration) -> bool {
        let silent: Vec<Held> = lock(&self.0)
            .iter()
            .filter_map(Weak::upgrade)
            .filter_map(|answer| {
                let mut state = lock(&answer.0);
                let given = state.given?;
                (given.elapsed() >= silent_for)
                    .then(|| state.held.take())
                    .flatten()
            })
            .collect();
        // Let go here, where nothing is locked.
        !silent.is_empty()
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut state = lock(&self.0.0);
        state.given = None;
        let Some(held) = state.held.as_mut() else {
            let silent = io::Error::new(io::ErrorKind::TimedOut, "nothing of the answer was taken");
            return Poll::Ready(Some(Err(axum::Error::new(silent))));
        };
        if held.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut held.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => held.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        let piece = held.rest.split_to(held.rest.len().min(PIECE));
        state.given = Some(Instant::now());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        let state = lock(&self.0.0);
        let held = state.held.as_ref();
        held.is_some_and(|held| held.rest.is_empty() && held.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let state = lock(&self.0.0);
        let Some(held) = state.held.as_ref() else {
            return SizeHint::default();
        };
        let (rest, hint) = (
            held.rest.len() as u64,
            http_body::Body::size_hint(&held.body),
        );
        let mut sum = SizeHint::new();
        sum.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            sum.set_upper(upper + rest);
        }
        sum
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn it_is_the_same_answer() {
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|n| n as u8).collect();
        let answers = Answers::default();
        let watched = answers.watch(Body::from(bytes.clone()), ());
        assert_eq!(watched.size_hint().exact(), Some(bytes.len() as u64));
        assert_eq!(watched.collect().await.unwrap().to_bytes(), bytes);
        let empty = answers.watch(Body::empty(), ());
        assert!(empty.is_end_stream());
    }

    #[tokio::test]
    async fn what_is_not_taken_is_given_up_and_what_is_waited_for_is_not() {
        let answers = Answers::default();
        let counted = Arc::new(());
        let body = Body::from(vec![1; 2 * PIECE]);
        let mut taken = answers.watch(body, counted.clone());
        let waits = Body::from_stream(futures_util::stream::pending::<io::Result<Bytes>>());
        let mut waits = answers.watch(waits, counted.clone());
        assert!(futures_util::FutureExt::now_or_never(waits.frame()).is_none());
        assert!(!answers.give_up(Duration::ZERO), "nothing was sent yet");
        taken.frame().await.unwrap().unwrap();
        assert!(!answers.give_up(Duration::from_secs(60)));
        assert!(answers.give_up(Duration::ZERO));
        assert_eq!(
            Arc::strong_count(&counted),
            2,
            "the stream that waits stays"
        );
        assert!(
            taken.frame().await.unwrap().is_err(),
            "it is seen to be cut"
        );
    }
}
