//! A running server: the listener, its connections, and the way it stops.

mod connection;
mod sending;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address::Proxies;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::limits::Limits;
use crate::ops;
use crate::places::{Place, Places};
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
        let proxies = self.app.config.proxies.clone();
        let places = Places::new(
            self.limits.connections,
            self.limits.connections_per_address,
            self.limits.newcomer_grace,
            proxies,
        );
        let uploads = self.app.uploads.clone();
        let over = stop.clone();
        tokio::spawn(async move { over.run_until_cancelled(uploads.watch_over()).await });
        let (over, releases) = (stop.clone(), self.app.releases.clone());
        tokio::spawn(async move { over.run_until_cancelled(releases.watch_over()).await });
        let (over, app) = (stop.clone(), self.app.clone());
        tokio::spawn(async move { over.run_until_cancelled(ops::plans::watch(app)).await });
        let (over, app) = (stop.clone(), self.app.clone());
        tokio::spawn(async move { over.run_until_cancelled(ops::disks::watch(app)).await });
        let (over, ledger) = (stop.clone(), self.app.ledger.clone());
        tokio::spawn(async move {
            let read = over.run_until_cancelled(ledger.read_decisions()).await;
            if let Some(Err(error)) = read {
                tracing::warn!("reading the decisions of the ledger: {error}");
            }
        });
        if let Some(tls) = self.app.tls.clone() {
            let stop = stop.clone();
            tokio::spawn(async move { stop.run_until_cancelled(tls.follow()).await });
        }
        // Whatever is waited for here, the end is heard.
        while let Some(Some((stream, peer, place))) =
            stop.run_until_cancelled(self.next(&places)).await
        {
            let greeting = Greeting {
                tls: self.app.tls.clone(),
                proxies: self.app.config.proxies.clone(),
                limits: self.limits,
                stop: stop.clone(),
                router: router.clone(),
            };
            connections.spawn(greeting.greet(stream, peer, place));
        }
        // Streams end first: what is left then is requests that end by themselves.
        self.app.stopping.cancel();
        drop(self.listener);
        connections.close();
        self.app.acts.close();
        let (acts, began) = (&self.app.acts, tokio::time::Instant::now());
        let ended = async {
            let answered = tokio::time::timeout(STOP_WITHIN, connections.wait()).await;
            // What was begun ends, though nobody waits for it any more.
            let acted = tokio::time::timeout_at(began + STOP_WITHIN, acts.wait()).await;
            (answered, acted)
        };
        let ((answered, acted), ()) = tokio::join!(ended, self.app.engine.stop());
        if answered.is_err() {
            tracing::warn!("{} connections were cut", connections.len());
        }
        if acted.is_err() {
            tracing::warn!("{} acts did not end in time", acts.len());
        }
        // A job may have been started meanwhile.
        self.app.engine.stop().await;
        self.app.close().await;
    }

    /// The next connection for which there is a place.
    async fn next(&self, places: &Places) -> Option<(TcpStream, SocketAddr, Place)> {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => match places.give(peer.ip()).await {
                    Some(place) => return Some((stream, peer, place)),
                    None => tracing::debug!(%peer, "all places of its address are at work"),
                },
                Err(error) => {
                    // Out of file descriptors, most likely: making room is all that helps.
                    tracing::error!("accepting a connection: {error}");
                    places.make_room();
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// What every connection is served with.
struct Greeting {
    tls: Option<Tls>,
    proxies: Proxies,
    limits: Limits,
    stop: CancellationToken,
    router: Router,
}

impl Greeting {
    /// Serves one connection, by TLS where the server speaks it, as long as it has its place.
    async fn greet(self, stream: TcpStream, peer: SocketAddr, place: Place) {
        let served = self.serve(stream, peer, &place);
        tokio::select! {
            () = served => {}
            () = place.taken_back() => tracing::debug!(%peer, "its place was given to another"),
        }
    }

    async fn serve(mut self, stream: TcpStream, peer: SocketAddr, place: &Place) {
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.take() else {
            return connection::serve(stream, peer, place, self).await;
        };
        let agreed = self.stop.run_until_cancelled(tls.accept(stream)).await;
        match agreed {
            Some(Ok(stream)) => connection::serve(stream, peer, place, self).await,
            Some(Err(error)) => tracing::debug!(%peer, "no TLS came about: {error}"),
            None => {}
        }
    }
}
