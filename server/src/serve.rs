//! A running server: the listener, its connections, and the way it stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::router;
use crate::tls::Tls;

/// How long a client may take to send a request's headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(20);
/// How long a silent HTTP/2 connection is kept without an answer to a ping.
const PING_ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// How long requests may go on once the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// Connections at the same time.
const MAX_CONNECTIONS: usize = 1024;

/// A server that listens and does not answer yet.
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
    setup_link: Option<String>,
}

impl Server {
    /// Opens everything and listens.
    ///
    /// # Errors
    /// When a part cannot be opened or the address cannot be had.
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let listen = config.listen;
        let app = App::build(config, clock).await?;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("listening on {listen}"))?;
        let address = listener.local_addr()?;
        let base = app.config.origin(&address.to_string());
        // In the fragment, which browsers never send: no log on the way sees it.
        let setup_link = app
            .login
            .offer_setup()
            .await?
            .map(|token| format!("{base}/setup#token={token}"));
        Ok(Self {
            app,
            listener,
            address,
            setup_link,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The one-time link for the first administrator, when there is none.
    pub fn setup_link(&self) -> Option<&str> {
        self.setup_link.as_deref()
    }

    /// The parts, for tests.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Answers until `stop` is cancelled, then lets running requests end and closes everything.
    pub async fn run(self, stop: CancellationToken) {
        let router = router::router(self.app.clone());
        let connections = TaskTracker::new();
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        if let Some(tls) = self.app.tls.clone() {
            let stop = stop.clone();
            tokio::spawn(async move { stop.run_until_cancelled(tls.follow()).await });
        }
        loop {
            let Ok(slot) = slots.clone().acquire_owned().await else {
                break;
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (tls, router, stop) = (self.app.tls.clone(), router.clone(), stop.clone());
                    connections.spawn(async move {
                        greet(stream, peer, tls, router, stop).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: waiting is all that helps.
                    tracing::error!("accepting a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(self.listener);
        self.app.stopping.cancel();
        connections.close();
        let answered = tokio::time::timeout(STOP_WITHIN, connections.wait());
        let (answered, ()) = tokio::join!(answered, self.app.engine.stop());
        if answered.is_err() {
            tracing::warn!("{} connections were cut", connections.len());
        }
        self.app.close().await;
    }
}

/// Serves one connection, by TLS where the server speaks it.
async fn greet(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Tls>,
    router: Router,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return connection(stream, peer, router, stop).await;
    };
    match stop.run_until_cancelled(tls.accept(stream)).await {
        Some(Ok(stream)) => connection(stream, peer, router, stop).await,
        Some(Err(error)) => tracing::debug!(%peer, "no TLS came about: {error}"),
        None => {}
    }
}

/// Serves one connection, HTTP/1 or HTTP/2 as the client chooses, until it ends or the server stops.
async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    let service = tower::service_fn(move |mut request: http::Request<_>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let request: Request = request.map(axum::body::Body::new);
        router.clone().call(request)
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_ANSWERED_WITHIN)
        .keep_alive_timeout(PING_ANSWERED_WITHIN)
        .max_concurrent_streams(128);
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, "a connection ended: {error}");
    }
}
