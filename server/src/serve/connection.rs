//! One connection: HTTP/1 or HTTP/2 as the client chooses, until it ends, is of no use any more, or the server stops.
//!
//! A place at the server is scarce, so nobody keeps one by being silent: the first request comes soon, and a
//! connection on which nothing is under way is let go.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use http::Response;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::limits::Limits;

/// Serves it.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let under_way = UnderWay::default();
    let idle = idle(under_way.0.subscribe(), limits);
    let service = tower::service_fn(move |mut request: http::Request<_>| {
        let counted = under_way.one_more();
        request.extensions_mut().insert(ConnectInfo(peer));
        let request: Request = request.map(Body::new);
        let answer = router.clone().call(request);
        async move {
            let answer: Response<Body> = answer.await?;
            // The body carries the count for as long as somebody reads it.
            Ok::<_, Infallible>(answer.map(|body| {
                body.map_err(move |error| {
                    let _ = &counted;
                    error
                })
            }))
        }
    });
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
        .max_header_list_size(limits.header_list_bytes);
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection, idle);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = idle.as_mut() => {
            connection.as_mut().graceful_shutdown();
            // A request may have begun at this very moment.
            match tokio::time::timeout(limits.answer_begins_within, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, "a connection ended: {error}");
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
    fn one_more(&self) -> One {
        self.0.send_modify(|n| *n += 1);
        One(self.clone())
    }
}

/// A request under way, until it is dropped.
struct One(UnderWay);

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.send_modify(|n| *n -= 1);
    }
}
