//! A running server: the listener, its connections, and the way it stops.

mod connection;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::limits::Limits;
use crate::router;
use crate::tls::Tls;

/// How long requests may go on once the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A server that listens and does not answer yet.
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
    setup_link: Option<String>,
    limits: Limits,
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
            .offer_setup(app.name_among_others())
            .await?
            .map(|token| format!("{base}/setup#token={token}"));
        Ok(Self {
            app,
            listener,
            address,
            setup_link,
            limits: Limits::default(),
        })
    }

    /// With other limits than the usual.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
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
        let router = router::router(self.app.clone(), self.limits);
        let connections = TaskTracker::new();
        let slots = Arc::new(Semaphore::new(self.limits.connections));
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
                    let limits = self.limits;
                    connections.spawn(async move {
                        greet(stream, peer, tls, router, limits, stop).await;
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
    limits: Limits,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return connection::serve(stream, peer, router, limits, stop).await;
    };
    match stop.run_until_cancelled(tls.accept(stream)).await {
        Some(Ok(stream)) => connection::serve(stream, peer, router, limits, stop).await,
        Some(Err(error)) => tracing::debug!(%peer, "no TLS came about: {error}"),
        None => {}
    }
}
