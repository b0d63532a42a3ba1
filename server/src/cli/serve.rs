//! `requorum serve`: the console.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::location::DatabaseArguments;
use super::objects::ObjectsArguments;
use super::oidc::OidcArguments;
use super::secrets::KeyArguments;
use super::terminal;
use crate::address::{self, ForwardedHeader, Proxies};
use crate::clock::SystemClock;
use crate::config::{Config, LEASE, PublicUrl, RootConfig};
use crate::demo;
use crate::serve::Server;
use crate::tls::TlsFiles;

/// How long work that blocks a thread may continue once everything else has ended.
const BLOCKING_ENDS_WITHIN: Duration = Duration::from_secs(2);

/// Run the console: page, API and jobs in one process.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where everything is kept. Created if it is missing, accessible to its owner only.
    #[arg(
        long,
        env = "REQUORUM_DATA_DIR",
        value_name = "DIR",
        default_value = "requorum-data"
    )]
    data_dir: PathBuf,
    /// Show the console with made-up people, snapshots, plans and jobs, in a temporary data directory that is removed
    /// when the server stops.
    #[arg(
        long,
        conflicts_with_all = [
            "data_dir", "database_url", "ledger_key_file", "objects", "master_key_file", "issuer", "restore_roots",
        ]
    )]
    demo: bool,
    /// Where to listen; port 0 picks a free one.
    #[arg(
        long,
        env = "REQUORUM_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8420"
    )]
    listen: SocketAddr,
    /// The URL by which browsers reach the console, if TLS or a proxy is in front of it.
    #[arg(long, env = "REQUORUM_PUBLIC_URL", value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// A proxy in front of the console, by its address or network; may be given several times. Client addresses are
    /// taken from these proxies only.
    #[arg(
        long = "trusted-proxy",
        env = "REQUORUM_TRUSTED_PROXY",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = address::network
    )]
    trusted_proxies: Vec<IpNet>,
    /// The header in which trusted proxies name the client.
    #[arg(
        long,
        env = "REQUORUM_FORWARDED_HEADER",
        value_name = "HEADER",
        value_enum,
        default_value_t
    )]
    forwarded_header: ForwardedHeader,
    /// A folder below which restores of a cluster may be placed; may be given several times. @CLUSTER+CLUSTER names
    /// several clusters and @* all of them; without @ the folder is for snapshots that belong to no cluster. The root
    /// `console` inside the data directory is there for all clusters, unless another is given that name.
    #[arg(
        long = "restore-root",
        env = "REQUORUM_RESTORE_ROOT",
        value_name = "NAME=PATH@CLUSTER",
        value_delimiter = ','
    )]
    restore_roots: Vec<RootConfig>,
    /// A folder with an `etcd` binary for boot checks; may be given several times, PATH is searched as well.
    #[arg(
        long = "etcd-bin",
        env = "REQUORUM_ETCD_BIN",
        value_name = "DIR",
        value_delimiter = ','
    )]
    etcd_bin: Vec<PathBuf>,
    /// The largest upload accepted, in bytes.
    #[arg(
        long,
        env = "REQUORUM_MAX_UPLOAD_BYTES",
        value_name = "N",
        default_value_t = 64 << 30
    )]
    max_upload_bytes: u64,
    /// The certificate for TLS with its chain to a root, in PEM. It is read again when the file changes.
    #[arg(
        long,
        env = "REQUORUM_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM. It must not be readable by other users.
    #[arg(
        long,
        env = "REQUORUM_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArguments,
    /// How many seconds a server may be silent before others that share its database take its jobs over; the same for
    /// all of them.
    #[arg(
        long,
        env = "REQUORUM_LEASE_SECONDS",
        value_name = "N",
        default_value_t = LEASE.as_secs(),
        value_parser = clap::value_parser!(u64).range(2..=600)
    )]
    lease_seconds: u64,
    #[command(flatten)]
    objects: ObjectsArguments,
    #[command(flatten)]
    master_key: KeyArguments,
    #[command(flatten)]
    oidc: OidcArguments,
}

/// Serves until SIGINT or SIGTERM.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            EnvFilter::try_from_env("REQUORUM_LOG").unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .init();
    raise_open_files();
    match run_with(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(format_args!("requorum serve: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run_with(mut arguments: Arguments) -> anyhow::Result<()> {
    if !arguments.demo {
        return serve(config(arguments)?);
    }
    let folder = tempfile::Builder::new()
        .prefix("requorum-demo-")
        .tempdir()
        .context("making the demo's data directory")?;
    arguments.data_dir = folder.path().join("data");
    let served = config(arguments).and_then(serve);
    let path = folder.path().to_owned();
    folder
        .close()
        .with_context(|| format!("removing the demo's data directory {}", path.display()))?;
    served
}

fn config(arguments: Arguments) -> anyhow::Result<Config> {
    let place = arguments.database.place(arguments.data_dir)?;
    Ok(Config {
        data_dir: place.data_dir,
        database: place.database,
        ledger_key: place.ledger_key,
        lease: Duration::from_secs(arguments.lease_seconds),
        objects: arguments.objects.place()?,
        listen: arguments.listen,
        public_url: arguments.public_url,
        proxies: Proxies::new(arguments.trusted_proxies, arguments.forwarded_header),
        restore_roots: arguments.restore_roots,
        etcd_bin: arguments.etcd_bin,
        max_upload_bytes: arguments.max_upload_bytes,
        // A demo never seals anything under a key that is used elsewhere.
        master_key: match arguments.demo {
            true => None,
            false => arguments.master_key.place()?,
        },
        demo: arguments.demo,
        oidc: arguments.oidc.config()?,
        tls: arguments
            .tls_cert
            .zip(arguments.tls_key)
            .map(|(cert, key)| TlsFiles { cert, key }),
    })
}

fn serve(config: Config) -> anyhow::Result<()> {
    let runtime = super::runtime::large()?;
    let served = runtime.block_on(async {
        let stop = CancellationToken::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let server = Server::open(config, Arc::new(SystemClock)).await?;
        if server.app().config.demo {
            fill_demo(&server).await?;
        } else {
            announce(&server)?;
        }
        let running = tokio::spawn(server.run(stop.clone()));
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!(
            "stopping; requests and steps that run are given a moment, a second signal ends at once"
        );
        stop.cancel();
        tokio::select! {
            ended = running => ended.context("the server panicked"),
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    });
    // What still blocks a thread is cut: it is found again by its probe, as after a crash.
    runtime.shutdown_timeout(BLOCKING_ENDS_WITHIN);
    served
}

/// Every connection is an open file. Many systems give a process 1,024 as long as it does not ask for what it may have.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(
            "the limit of open files stays at {:?}: {error}",
            limit.current
        );
    }
}

/// Makes what a demo shows, and says who can sign in.
async fn fill_demo(server: &Server) -> anyhow::Result<()> {
    let app = server.app();
    let link = server.setup_link().context("the demo is set up already")?;
    let (_, token) = link.split_once('=').context("a link without a token")?;
    let demo = demo::fill(app, token).await.context("making the demo")?;
    say_where(server)?;
    let folder = app.config.data_dir.parent().unwrap_or(&app.config.data_dir);
    terminal::line(format_args!(
        "Demo: nothing here is real. Everything is in {} and is removed when the server stops. Sign in as:",
        folder.display()
    ))?;
    for person in &demo.people {
        terminal::line(format_args!(
            "  {:<8} {:<9} password {}",
            person.name, person.role, person.password
        ))?;
    }
    // Its job may boot members for seconds: nobody has to wait for that.
    let app = app.clone();
    tokio::spawn(async move {
        if let Err(error) = demo.finish(app).await {
            tracing::error!("the demo is incomplete: {error:#}");
        }
    });
    Ok(())
}

/// Says where the server is, for people and for programs that wait for it.
fn announce(server: &Server) -> anyhow::Result<()> {
    say_where(server)?;
    if let Some(link) = server.setup_link() {
        terminal::line(format_args!(
            "create the first administrator (once): {link}"
        ))?;
    }
    Ok(())
}

fn say_where(server: &Server) -> anyhow::Result<()> {
    let scheme = if server.app().tls.is_some() {
        "https"
    } else {
        "http"
    };
    terminal::line(format_args!("listening on {scheme}://{}", server.address()))?;
    Ok(())
}
