//! TLS on the console's own port: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, by a pair of files that may be replaced while
//! it runs.

mod files;
mod validity;
mod watch;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::files::{Pair, Stamp};

/// How long a client may take until it and we agree on a key.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// The first byte of a TLS connection: a handshake record.
const HANDSHAKE: u8 = 22;

/// What is said to those who speak plain HTTP.
const NOT_PLAIN: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
    connection: close\r\n\r\nThis port speaks TLS: the address begins with https://\n";

/// The files with the console's certificate and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead to a root, in PEM.
    pub cert: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// The certificate in use.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    /// How the files were just before they were read first.
    stamp: Stamp,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

/// What new connections are greeted with.
struct Current(RwLock<Pair>);

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current(…)")
    }
}

impl Current {
    fn set(&self, pair: Pair) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
    }

    fn expires_ms(&self) -> i64 {
        let pair = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pair.expires_ms
    }
}

impl Current {
    fn is_for(&self, name: &str) -> bool {
        let pair = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let certificate = pair.certified.cert.first();
        let certificate = certificate.and_then(|first| ParsedCertificate::try_from(first).ok());
        certificate
            .zip(ServerName::try_from(name).ok())
            .is_some_and(|(certificate, name)| verify_server_name(&certificate, &name).is_ok())
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pair = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(pair.certified.clone())
    }
}

impl Tls {
    /// With what is in these files now.
    ///
    /// # Errors
    /// When they cannot be read, do not belong together, or others may read the key.
    pub fn open(files: TlsFiles) -> anyhow::Result<Self> {
        let stamp = files::stamp(&files);
        let current = Arc::new(Current(RwLock::new(files::read(&files)?)));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&TLS13, &TLS12])
                .context("setting up TLS")?
                .with_no_client_auth()
                .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            files,
            stamp,
            current,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// Until when the certificate is good, milliseconds since the Unix epoch.
    pub fn expires_ms(&self) -> i64 {
        self.current.expires_ms()
    }

    /// Whether the certificate in use is one for this name: browsers that go by it talk to us and to nobody else.
    pub fn is_for(&self, name: &str) -> bool {
        self.current.is_for(name)
    }

    /// Takes new files when they change or SIGHUP asks for it; what cannot be taken is logged, and the old stays.
    pub async fn follow(&self) {
        watch::follow(&self.files, self.stamp, |pair| self.current.set(pair)).await;
    }

    /// Agrees on a key with a client. Whoever speaks plain HTTP is told so.
    ///
    /// # Errors
    /// When the client does not speak TLS, not as we do, or not in time.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        tokio::time::timeout(HANDSHAKE_WITHIN, self.shake_hands(stream))
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
    }

    async fn shake_hands(&self, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
            stream.write_all(NOT_PLAIN.as_bytes()).await?;
            stream.shutdown().await?;
            // What was sent must be read, or the answer is lost with the connection.
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
            return Err(io::Error::other("it speaks no TLS"));
        }
        self.acceptor.accept(stream).await
    }
}
