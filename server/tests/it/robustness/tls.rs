//! TLS on the server's own port: both protocols, certificates that are replaced, and clients that do not hold to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use requorum_server::clock;
use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_server::tls::{Tls, TlsFiles};
use requorum_shared::api::v1::AboutRequest;
use rustix::process::Signal;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::Endpoint;

use crate::support::harness::{NAME, Options, PASSWORD, TestServer, error, set_cookie};
use crate::support::process::Process;

/// An authority, and the files that a server is given.
pub(crate) struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    root: rcgen::Certificate,
    dir: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        Self {
            issuer: rcgen::Issuer::new(params, key),
            root,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn files(&self) -> TlsFiles {
        TlsFiles {
            cert: self.dir.path().join("cert.pem"),
            key: self.dir.path().join("key.pem"),
        }
    }

    /// The certificate that leads to it, in PEM.
    pub(crate) fn root(&self) -> String {
        self.root.pem()
    }

    /// A certificate and its key, in PEM.
    pub(crate) fn issue(&self) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["localhost".into(), "127.0.0.1".into()];
        let params = rcgen::CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Puts a pair in place, as whatever renews certificates does. What a client will see of it.
    fn place(&self) -> CertificateDer<'static> {
        let (cert, key) = self.issue();
        self.write("key.pem", &key, 0o600);
        self.write("cert.pem", &cert, 0o644);
        CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let part = self.dir.path().join(format!("{name}.part"));
        std::fs::write(&part, text).unwrap();
        std::fs::set_permissions(&part, std::fs::Permissions::from_mode(mode)).unwrap();
        std::fs::rename(part, self.dir.path().join(name)).unwrap();
    }

    /// A client that trusts this authority alone.
    fn client(&self) -> reqwest::ClientBuilder {
        let root = reqwest::Certificate::from_der(self.root.der()).unwrap();
        reqwest::Client::builder().tls_certs_only([root])
    }

    async fn connect(&self, port: u16, protocol: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// The certificate that a new connection is greeted with.
    async fn seen(&self, server: &TestServer) -> CertificateDer<'static> {
        let stream = self.connect(server.address.port(), b"h2").await.unwrap();
        let (_, session) = stream.get_ref();
        session.peer_certificates().unwrap()[0].clone()
    }

    async fn server(&self) -> TestServer {
        TestServer::with(Options {
            tls: Some(self.files()),
            ..Options::default()
        })
        .await
    }
}

fn https(server: &TestServer, path: &str) -> String {
    format!("https://localhost:{}{path}", server.address.port())
}

#[tokio::test]
async fn both_protocols_and_typed_calls_go_over_tls() {
    let authority = Authority::new();
    authority.place();
    let server = authority.server().await;
    let link = server.setup_link.clone().unwrap();
    assert!(link.starts_with("https://127.0.0.1:"), "{link}");

    let body = json!({"token": server.setup_token(), "name": NAME, "password": PASSWORD});
    let one = authority.client().http1_only().build().unwrap();
    let setup = one.post(https(&server, "/api/setup")).json(&body);
    // As a browser says it: the origin is the one that it sees.
    let setup = setup.header("origin", https(&server, ""));
    let response = setup.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), http::Version::HTTP_11);
    let hsts = &response.headers()["strict-transport-security"];
    assert_eq!(hsts, "max-age=31536000");
    let cookie = set_cookie(&response);
    assert!(cookie.starts_with("__Host-requorum="), "{cookie}");
    assert!(cookie.contains("Secure"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();

    let two = authority.client().build().unwrap();
    let session = two.get(https(&server, "/api/session"));
    let response = session.header("cookie", &cookie).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), http::Version::HTTP_2);
    // The plain origin is another site's.
    let plain = https(&server, "").replace("https", "http");
    let foreign = two
        .post(https(&server, "/api/logout"))
        .header("origin", plain);
    let response = foreign.header("cookie", &cookie).send().await.unwrap();
    assert_eq!(response.status(), 403);

    // Native gRPC.
    let stream = authority
        .connect(server.address.port(), b"h2")
        .await
        .unwrap();
    let mut stream = Some(TokioIo::new(stream));
    let channel = Endpoint::from_static("http://localhost")
        .connect_with_connector(tower::service_fn(move |_: http::Uri| {
            let stream = stream.take().ok_or(std::io::Error::other("once"));
            async move { stream }
        }))
        .await
        .unwrap();
    let mut request = tonic::Request::new(AboutRequest {});
    request
        .metadata_mut()
        .insert("cookie", cookie.parse().unwrap());
    let about = ConsoleServiceClient::new(channel).about(request).await;
    let about = about.unwrap().into_inner();
    assert_eq!(about.user, NAME);
    // As the maker of the certificate has it where nobody says otherwise.
    assert_eq!(
        clock::text(about.certificate_ends_at_ms),
        "4096-01-01T00:00:00Z"
    );
}

#[tokio::test]
async fn a_name_that_the_certificate_does_not_have_is_another_sites() {
    let authority = Authority::new();
    authority.place();
    let server = authority.server().await;
    let port = server.address.port();
    let client = authority.client().http1_only().build().unwrap();
    let login = json!({"name": NAME, "password": PASSWORD});
    for (host, expected) in [
        (format!("localhost:{port}"), (401, "login.failed")),
        (format!("127.0.0.1:{port}"), (401, "login.failed")),
        // Addresses cannot be led elsewhere.
        (format!("10.0.0.1:{port}"), (401, "login.failed")),
        (format!("evil.example:{port}"), (403, "host.foreign")),
        ("evil.example".to_owned(), (403, "host.foreign")),
        (
            format!("localhost.evil.example:{port}"),
            (403, "host.foreign"),
        ),
    ] {
        let request = client.post(https(&server, "/api/login")).json(&login);
        let request = request
            .header("host", &host)
            .header("origin", format!("https://{host}"));
        let (status, body) = error(request.send().await.unwrap()).await;
        assert_eq!((status, body.code.as_str()), expected, "{host}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_taken_while_connections_go_on() {
    let authority = Authority::new();
    let first = authority.place();
    let server = authority.server().await;
    assert_eq!(authority.seen(&server).await, first);
    let mut open = authority
        .connect(server.address.port(), b"http/1.1")
        .await
        .unwrap();

    let second = authority.place();
    assert_ne!(first, second);
    wait_for(&authority, &server, &second).await;
    // The connection of before goes on.
    open.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    // Pairs that cannot be served change nothing.
    let (cert, key) = authority.issue();
    let (_, other) = authority.issue();
    for (name, text, mode) in [
        ("cert.pem", cert.as_str(), 0o644),
        ("cert.pem", "-----BEGIN CERTIFICATE-----\n", 0o644),
        ("cert.pem", "", 0o644),
        ("key.pem", &*other, 0o600),
        ("key.pem", &*key, 0o644),
        ("key.pem", "", 0o600),
    ] {
        authority.write(name, text, mode);
        tokio::time::sleep(Duration::from_millis(2_300)).await;
        assert_eq!(authority.seen(&server).await, second, "{name} {mode:o}");
    }
    std::fs::remove_file(authority.files().key).unwrap();
    tokio::time::sleep(Duration::from_millis(2_300)).await;
    assert_eq!(authority.seen(&server).await, second, "no key");

    let third = authority.place();
    wait_for(&authority, &server, &third).await;
}

async fn wait_for(authority: &Authority, server: &TestServer, certificate: &CertificateDer<'_>) {
    let until = tokio::time::Instant::now() + Duration::from_secs(20);
    while authority.seen(server).await != *certificate {
        assert!(tokio::time::Instant::now() < until, "it was not taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_at_the_start() {
    let authority = Authority::new();
    let refused = || Tls::open(authority.files()).err().map(|e| format!("{e:#}"));
    assert!(refused().unwrap().contains("cert.pem"));
    authority.place();
    assert_eq!(refused(), None);
    let (cert, key) = authority.issue();
    let (good_cert, good_key) = (authority.files().cert, authority.files().key);
    let old = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    let (old_cert, old_key) = (old(&good_cert), old(&good_key));
    for (name, text, mode, said) in [
        ("key.pem", key.as_str(), 0o600, "cert.pem and the key in"),
        ("key.pem", "no key", 0o600, "there is no private key in"),
        ("key.pem", &*old_key, 0o644, "its mode is 644"),
        ("key.pem", &*old_key, 0o660, "its mode is 660"),
        ("cert.pem", &*old_key, 0o644, "there is no certificate in"),
        ("cert.pem", &*cert, 0o644, "cert.pem and the key in"),
    ] {
        authority.write("cert.pem", &old_cert, 0o644);
        authority.write("key.pem", &old_key, 0o640);
        assert_eq!(refused(), None);
        authority.write(name, text, mode);
        let error = refused().unwrap();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("PRIVATE KEY-----"), "{error}");
    }
}

#[tokio::test]
async fn plain_http_is_told_and_silence_is_ended() {
    let authority = Authority::new();
    authority.place();
    let server = authority.server().await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    plain.write_all(request).await.unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("https://"), "{answer}");

    // Nothing, half a hello, and nonsense that looks like one: each ends within the time that a handshake has.
    for begin in [&b""[..], &[22, 3, 1], &[22, 3, 1, 0, 4, 1, 2, 3, 4]] {
        let mut slow = TcpStream::connect(server.address).await.unwrap();
        slow.write_all(begin).await.unwrap();
        let mut left = Vec::new();
        let ended = slow.read_to_end(&mut left);
        let ended = tokio::time::timeout(Duration::from_secs(15), ended).await;
        assert!(ended.is_ok(), "{begin:?} is waited for without end");
    }
    // Others were served all the while.
    authority.seen(&server).await;
}

#[tokio::test]
async fn the_program_speaks_tls_and_hears_sighup() {
    let authority = Authority::new();
    authority.place();
    let files = authority.files();
    let (cert, key) = (files.cert.to_str().unwrap(), files.key.to_str().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["--tls-cert", cert, "--tls-key", key];
    let process = Process::start(dir.path(), true, &arguments);
    let url: url::Url = process.base.parse().unwrap();
    assert_eq!(url.scheme(), "https");
    let client = authority.client().build().unwrap();
    let health = format!("https://localhost:{}/healthz", url.port().unwrap());
    assert_eq!(client.get(&health).send().await.unwrap().status(), 200);
    process.signal(Signal::HUP);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(client.get(&health).send().await.unwrap().status(), 200);
}
