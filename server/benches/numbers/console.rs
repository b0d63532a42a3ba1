//! A real `requorum serve` on loopback, with people in it.

use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use requorum_server::grpc::v1::people_service_client::PeopleServiceClient;
use requorum_shared::api;
use requorum_shared::api::v1::InvitePersonRequest;
use requorum_shared::permission::Grants;
use serde_json::json;
use tempfile::TempDir;
use tonic::metadata::MetadataValue;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The server; killed and its data removed when dropped.
pub(crate) struct Console {
    pub(crate) base: String,
    /// Its data directory.
    pub(crate) data: PathBuf,
    process: Child,
    _dir: TempDir,
}

impl Console {
    /// Starts it with its data in `folder`, and makes the first administrator; gives the cookie.
    pub(crate) async fn start(folder: &Path) -> (Self, String) {
        let dir = tempfile::tempdir_in(folder).unwrap();
        let data: PathBuf = dir.path().join("data");
        let mut process = Command::new(super::requorum())
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut next = || lines.next().expect("it says where it is").unwrap();
        let base = next().strip_prefix("listening on ").unwrap().to_owned();
        let link = next();
        let token = link.split_once("#token=").unwrap().1;
        let console = Self {
            base,
            data,
            process,
            _dir: dir,
        };
        let body = json!({"token": token, "name": "admin", "password": PASSWORD});
        let admin = console.come_in("/api/setup", &body).await;
        (console, admin)
    }

    /// Signs in by whatever way; gives the cookie.
    pub(crate) async fn come_in(&self, path: &str, body: &serde_json::Value) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client
            .post(format!("{}{path}", self.base))
            .json(body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        // Both that are set: the session, and the mark of a known browser.
        let cookies = answer.headers().get_all("set-cookie").iter();
        let pairs = cookies.filter_map(|cookie| cookie.to_str().unwrap().split(';').next());
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Invites so many operators, who join.
    pub(crate) async fn people(&self, admin: &str, count: usize) -> Vec<String> {
        self.people_who(admin, count, &["operator"]).await
    }

    /// Invites so many people with these roles, who join.
    pub(crate) async fn people_who(
        &self,
        admin: &str,
        count: usize,
        grants: &[&str],
    ) -> Vec<String> {
        let mut people = PeopleServiceClient::new(self.grpc(admin).await);
        let mut cookies = Vec::new();
        for n in 0..count {
            let invite = InvitePersonRequest {
                name: name(n),
                grants: api::grants(&Grants::parse(grants).unwrap()),
            };
            let answer = people.invite_person(invite).await.unwrap();
            let link = answer.into_inner().link.unwrap();
            let body = json!({"token": link.token, "password": PASSWORD});
            cookies.push(self.come_in("/api/join", &body).await);
        }
        cookies
    }

    /// A native gRPC connection of its own, with this cookie.
    pub(crate) async fn grpc(&self, cookie: &str) -> InterceptedService<Channel, Cookie> {
        self.grpc_from(None, cookie).await
    }

    /// The same from an address of this machine.
    pub(crate) async fn grpc_from(
        &self,
        address: Option<IpAddr>,
        cookie: &str,
    ) -> InterceptedService<Channel, Cookie> {
        let channel = Channel::from_shared(self.base.clone()).unwrap();
        let channel = channel.local_address(address);
        let cookie = Cookie(MetadataValue::try_from(cookie).unwrap());
        InterceptedService::new(channel.connect().await.unwrap(), cookie)
    }

    /// The most memory that it has held so far, in MiB.
    pub(crate) fn mebibytes(&self) -> f64 {
        f64::from(super::measure::most_memory(self.process.id()).unwrap()) / 1024.0
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the nth person is called.
pub(crate) fn name(n: usize) -> String {
    format!("person {n}")
}

/// Sends a session's cookie.
#[derive(Clone)]
pub(crate) struct Cookie(MetadataValue<tonic::metadata::Ascii>);

impl tonic::service::Interceptor for Cookie {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("cookie", self.0.clone());
        Ok(request)
    }
}
