//! One connection: HTTP/1 or HTTP/2 as the client chooses, until it ends, is of no use any more, or the server stops.
//!
//! A place at the server is scarce, so it is not kept by silence: the first request comes soon, a connection on which
//! nothing is under way is let go, and so is one whose client takes nothing of what it asked for.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use http::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower::Service as _;

use super::Greeting;
use super::sending::Answers;
use crate::limits::Limits;
use crate::places::{Busy, Place};

/// How often in that time it is looked whether a client has been silent for too long.
const LOOKS: u32 = 4;

/// Serves it.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    place: &Place,
    greeting: Greeting,
) {
    let Greeting {
        proxies,
        limits,
        stop,
        router,
        ..
    } = greeting;
    let under_way = UnderWay::default();
    let answers = Arc::new(Answers::default());
    let idle = idle(under_way.0.subscribe(), limits);
    let service = {
        let (answers, under_way, place) = (answers.clone(), under_way.clone(), place.clone());
        tower::service_fn(move |mut request: http::Request<_>| {
            let counted = under_way.one_more(&place);
            let client = SocketAddr::new(proxies.client(peer.ip(), request.headers()), peer.port());
            request.extensions_mut().insert(ConnectInfo(client));
            request.extensions_mut().insert(place.clone());
            let request: Request = request.map(Body::new);
            let (answer, answers) = (router.clone().call(request), answers.clone());
            async move {
                let answer: Response<Body> = answer.await?;
                // The body carries the count for as long as somebody reads it.
                Ok::<_, Infallible>(answer.map(|body| answers.watch(body, counted)))
            }
        })
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers_within)
        .max_buf_size(limits.header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.ping_answered_within)
        .keep_alive_timeout(limits.ping_answered_within)
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(limits.window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_header_list_size(limits.header_list_bytes);
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection, idle);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = silent(&answers, &under_way, limits.silent_at_the_end_for) => return,
            }
        }
        () = idle.as_mut() => {
            connection.as_mut().graceful_shutdown();
            // A request may have begun at this very moment.
            match tokio::time::timeout(limits.answer_begins_within, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
        () = silent(&answers, &under_way, limits.silent_for) => {
            tracing::info!(%peer, "nothing of an answer was taken: the connection is let go");
            return;
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, "a connection ended: {error}");
    }
}

/// Gives up answers of which nothing was taken for so long, and returns when that leaves nothing under way.
async fn silent(answers: &Answers, under_way: &UnderWay, silent_for: Duration) {
    loop {
        tokio::time::sleep(silent_for / LOOKS).await;
        if answers.give_up(silent_for) && *under_way.0.borrow() == 0 {
            return;
        }
    }
}

/// Returns when the first request does not come, or nothing was under way for a while.
async fn idle(mut under_way: watch::Receiver<usize>, limits: Limits) {
    let mut patience = limits.headers_within;
    loop {
        let busy = *under_way.borrow_and_update() > 0;
        let changed = match busy {
            true => under_way.changed().await,
            false => match tokio::time::timeout(patience, under_way.changed()).await {
                Ok(changed) => changed,
                Err(_) => return,
            },
        };
        if changed.is_err() {
            return std::future::pending().await;
        }
        patience = limits.idle_for;
    }
}

/// How many requests are under way.
#[derive(Clone)]
struct UnderWay(watch::Sender<usize>);

impl Default for UnderWay {
    fn default() -> Self {
        Self(watch::channel(0).0)
    }
}

impl UnderWay {
    fn one_more(&self, place: &Place) -> One {
        self.0.send_modify(|n| *n += 1);
        One {
            under_way: self.clone(),
            _busy: place.busy(),
        }
    }
}

/// A request under way, until it is dropped.
struct One {
    under_way: UnderWay,
    _busy: Busy,
}

impl Drop for One {
    fn drop(&mut self) {
        self.under_way.0.send_modify(|n| *n -= 1);
    }
}
