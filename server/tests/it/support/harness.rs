//! A real server on a free port, in a temporary folder, and clients for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use requorum_server::address::Proxies;
use requorum_server::app::App;
use requorum_server::auth::oidc::config::OidcConfig;
use requorum_server::clock::{Clock, ManualClock, SystemClock};
use requorum_server::config::{Config, LEASE, RootConfig};
use requorum_server::files::objects::place::BucketPlace;
use requorum_server::grpc::v1::file_service_client::FileServiceClient;
use requorum_server::grpc::v1::people_service_client::PeopleServiceClient;
use requorum_server::limits::Limits;
use requorum_server::serve::Server;
use requorum_server::tls::TlsFiles;
use requorum_shared::api::login::{ErrorBody, SetupRequest};
use requorum_shared::api::v1;
use requorum_shared::api::v1::InvitePersonRequest;
use requorum_shared::api::v1::{FileSummary, GetFileRequest, ListFilesRequest, ListFilesResponse};
use requorum_shared::kinds::Inspection;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataValue;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

pub(crate) const NAME: &str = "Anna K.";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What a test wants to be different.
pub(crate) struct Options {
    pub(crate) public_url: Option<String>,
    pub(crate) proxies: Proxies,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) max_upload_bytes: u64,
    pub(crate) restore_roots: Vec<RootConfig>,
    pub(crate) etcd_bin: Vec<PathBuf>,
    pub(crate) oidc: Option<OidcConfig>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) limits: Limits,
    /// A PostgreSQL database instead of a file.
    pub(crate) database: Option<String>,
    pub(crate) ledger_key: Option<PathBuf>,
    pub(crate) objects: Option<BucketPlace>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_url: None,
            proxies: Proxies::default(),
            clock: Arc::new(SystemClock),
            max_upload_bytes: 1 << 30,
            restore_roots: Vec::new(),
            etcd_bin: Vec::new(),
            oidc: None,
            tls: None,
            limits: Limits::default(),
            database: None,
            ledger_key: None,
            objects: None,
        }
    }
}

impl Options {
    /// With a clock that the test turns.
    pub(crate) fn with_clock() -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(1_795_000_000_000));
        let options = Self {
            clock: clock.clone(),
            ..Self::default()
        };
        (options, clock)
    }
}

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) setup_link: Option<String>,
    dir: Arc<tempfile::TempDir>,
    database: Option<String>,
    app: App,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::in_dir(dir, options).await
    }

    pub(crate) async fn in_dir(dir: Arc<tempfile::TempDir>, options: Options) -> Self {
        let config = Config {
            data_dir: dir.path().join("data"),
            database: options.database.as_ref().map(|url| url.parse().unwrap()),
            ledger_key: options.ledger_key,
            lease: LEASE,
            listen: "127.0.0.1:0".parse().unwrap(),
            public_url: options.public_url.map(|url| url.parse().unwrap()),
            proxies: options.proxies,
            restore_roots: options.restore_roots,
            etcd_bin: options.etcd_bin,
            max_upload_bytes: options.max_upload_bytes,
            objects: options.objects,
            master_key: None,
            oidc: options.oidc,
            tls: options.tls,
            demo: false,
        };
        let server = Server::open(config, options.clock).await.unwrap();
        let server = server.with_limits(options.limits);
        let stop = CancellationToken::new();
        Self {
            address: server.address(),
            app: server.app().clone(),
            setup_link: server.setup_link().map(Into::into),
            dir,
            database: options.database,
            running: tokio::spawn(server.run(stop.clone())),
            stop,
        }
    }

    /// Stops it as SIGTERM would, and starts another on the same data.
    pub(crate) async fn restart(self, options: Options) -> Self {
        let dir = self.dir.clone();
        self.stop().await;
        Self::in_dir(dir, options).await
    }

    /// The same, with something done while no server runs.
    pub(crate) async fn restart_after(self, options: Options, meanwhile: impl FnOnce()) -> Self {
        let dir = self.dir.clone();
        self.stop().await;
        meanwhile();
        Self::in_dir(dir, options).await
    }

    /// Its PostgreSQL database, where it has one.
    pub(crate) fn database(&self) -> Option<String> {
        self.database.clone()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }

    /// Stops it, and leaves its data for as long as this is kept.
    pub(crate) async fn stop_and_keep(self) -> Arc<tempfile::TempDir> {
        let dir = self.dir.clone();
        self.stop().await;
        dir
    }

    /// The server's parts: what no answer of it would show.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A client that nobody knows.
    pub(crate) fn stranger(&self) -> Client {
        Client {
            base: self.url(""),
            http: http_client(),
            cookie: None,
            token: None,
        }
    }

    /// A program with this token.
    pub(crate) fn program(&self, token: &str) -> Client {
        Client {
            token: Some(token.into()),
            ..self.stranger()
        }
    }

    pub(crate) fn setup_token(&self) -> &str {
        let link = self.setup_link.as_deref().expect("a link was printed");
        link.split_once("#token=").unwrap().1
    }

    /// Makes the first administrator.
    pub(crate) async fn admin(&self) -> Client {
        let mut client = self.stranger();
        let response = client
            .post(
                "/api/setup",
                &SetupRequest {
                    token: self.setup_token().into(),
                    name: NAME.into(),
                    password: PASSWORD.into(),
                },
            )
            .await;
        assert_eq!(response.status(), 200);
        client.keep_cookie(&response);
        client
    }

    /// Signs in as the administrator made before.
    pub(crate) async fn signed_in(&self) -> Client {
        let mut client = self.stranger();
        let response = client.login(NAME, PASSWORD).await;
        assert_eq!(response.status(), 200);
        client.keep_cookie(&response);
        client
    }

    /// Somebody whom the administrator invites with these roles, who joins, and of whom whoever keeps the machine says
    /// that they are somebody else: as `requorum user confirm` does.
    pub(crate) async fn person(&self, admin: &Client, name: &str, grants: &[&str]) -> Client {
        let link = admin
            .people()
            .await
            .invite_person(InvitePersonRequest {
                name: name.into(),
                grants: self::grants(grants),
            })
            .await
            .unwrap()
            .into_inner()
            .link
            .unwrap();
        let mut client = self.stranger();
        let body = json!({"token": link.token, "password": PASSWORD});
        let response = client.post("/api/join", &body).await;
        assert_eq!(response.status(), 200);
        client.keep_cookie(&response);
        let id = link.person.unwrap().id;
        self.app.people.confirm(&id).await.unwrap();
        client
    }
}

pub(crate) fn http_client() -> reqwest::Client {
    reqwest::Client::builder().build().unwrap()
}

/// One person's browser, or program.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    pub(crate) cookie: Option<String>,
    pub(crate) token: Option<String>,
}

impl Client {
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method.parse().unwrap(), format!("{}{path}", self.base));
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.request("GET", path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &impl serde::Serialize) -> reqwest::Response {
        self.request("POST", path).json(body).send().await.unwrap()
    }

    pub(crate) async fn login(&self, name: &str, password: &str) -> reqwest::Response {
        self.post("/api/login", &json!({"name": name, "password": password}))
            .await
    }

    pub(crate) fn keep_cookie(&mut self, response: &reqwest::Response) {
        let cookie = set_cookie(response);
        let pair = cookie.split(';').next().unwrap();
        self.cookie = Some(pair.to_owned());
    }

    pub(crate) async fn snapshots(&self) -> ListFilesResponse {
        FileServiceClient::new(self.grpc().await)
            .list_files(ListFilesRequest::default())
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn snapshot(&self, id: &str) -> (FileSummary, Inspection) {
        let response = FileServiceClient::new(self.grpc().await)
            .get_file(GetFileRequest { id: id.into() })
            .await
            .unwrap()
            .into_inner();
        let inspection = serde_json::from_str(&response.inspection_json).unwrap();
        (response.file.unwrap(), inspection)
    }

    /// The people of the console, over native gRPC.
    pub(crate) async fn people(&self) -> PeopleServiceClient<Native> {
        PeopleServiceClient::new(self.grpc().await)
    }

    /// A native gRPC channel that sends this client's cookie or token.
    pub(crate) async fn grpc(&self) -> Native {
        let channel = Channel::from_shared(self.base.clone())
            .unwrap()
            .connect()
            .await
            .unwrap();
        InterceptedService::new(channel, Identified(self.clone()))
    }
}

pub(crate) fn set_cookie(response: &reqwest::Response) -> String {
    // Beside it there may be the one by which the browser is known.
    let mut cookies = response.headers().get_all("set-cookie").iter();
    let session =
        cookies.find(|cookie| !cookie.as_bytes().windows(8).any(|part| part == b"-device="));
    session
        .expect("a cookie is set")
        .to_str()
        .unwrap()
        .to_owned()
}

/// Roles as messages have them: `operator@prod`. What is no role is sent as one that nobody knows.
pub(crate) fn grants(texts: &[&str]) -> Vec<v1::Grant> {
    let grant = |text: &&str| {
        let (role, cluster) = match text.split_once('@') {
            Some((role, cluster)) => (role, Some(cluster.to_owned())),
            None => (*text, None),
        };
        let name = format!("ROLE_{}", role.to_uppercase());
        v1::Grant {
            role: v1::Role::from_str_name(&name).map_or(99, Into::into),
            cluster,
        }
    };
    texts.iter().map(grant).collect()
}

pub(crate) type Native = InterceptedService<Channel, Identified>;

#[derive(Clone)]
pub(crate) struct Identified(Client);

impl tonic::service::Interceptor for Identified {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        let Client { cookie, token, .. } = &self.0;
        let bearer = token.as_ref().map(|token| format!("Bearer {token}"));
        for (name, value) in [("cookie", cookie), ("authorization", &bearer)] {
            if let Some(value) = value {
                request
                    .metadata_mut()
                    .insert(name, MetadataValue::try_from(value.as_str()).unwrap());
            }
        }
        Ok(request)
    }
}

/// The stable name of a gRPC failure.
pub(crate) fn code(status: &tonic::Status) -> &str {
    status
        .metadata()
        .get("x-error-code")
        .unwrap()
        .to_str()
        .unwrap()
}

/// The error body, with its status.
pub(crate) async fn error(response: reqwest::Response) -> (u16, ErrorBody) {
    let status = response.status().as_u16();
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let body: ErrorBody = response.json().await.unwrap();
    assert_eq!(body.request_id, id, "the body names the request");
    assert!(!body.message.is_empty());
    (status, body)
}

/// A file that a real etcd wrote.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/testdata/etcd")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
