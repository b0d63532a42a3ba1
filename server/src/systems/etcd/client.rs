//! A client for the few calls that a boot check makes.

use std::time::Duration;

use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use super::sockets::Socket;

#[allow(missing_docs, clippy::all, unreachable_pub, unused_qualifications)]
mod rpc {
    tonic::include_proto!("etcdserverpb");
}

pub(super) use rpc::{HashKvResponse, StatusResponse};

/// What a member answers instead.
pub(super) type Refused = tonic::Status;

/// How long one call may take; hashing reads the whole database.
const CALL_WITHIN: Duration = Duration::from_secs(120);
/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// One member, as its clients reach it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    channel: Channel,
    /// Keeps the path to it good.
    _socket: Socket,
}

impl Client {
    /// A client for this socket; it connects when it is first used.
    pub(super) fn at(socket: &Socket) -> Self {
        let endpoint = Endpoint::from_shared(format!("unix:{}", socket.client_path()))
            .expect("a path is a valid endpoint")
            .connect_timeout(CONNECT_WITHIN)
            .timeout(CALL_WITHIN);
        Self {
            channel: endpoint.connect_lazy(),
            _socket: socket.clone(),
        }
    }

    pub(super) async fn status(&self) -> Result<StatusResponse, Refused> {
        rpc::maintenance_client::MaintenanceClient::new(self.channel.clone())
            .status(rpc::StatusRequest {})
            .await
            .map(tonic::Response::into_inner)
    }

    /// HashKV at the newest revision.
    pub(super) async fn hash_kv(&self) -> Result<HashKvResponse, Refused> {
        rpc::maintenance_client::MaintenanceClient::new(self.channel.clone())
            .hash_kv(rpc::HashKvRequest { revision: 0 })
            .await
            .map(tonic::Response::into_inner)
    }

    /// How many keys this member serves by itself, asking nobody.
    pub(super) async fn key_count(&self) -> Result<i64, Refused> {
        let everything = rpc::RangeRequest {
            key: vec![0],
            range_end: vec![0],
            serializable: true,
            count_only: true,
        };
        rpc::kv_client::KvClient::new(self.channel.clone())
            .range(everything)
            .await
            .map(|response| response.into_inner().count)
    }

    /// Writes a key.
    pub(super) async fn put(&self, key: &str) -> Result<(), Refused> {
        let put = rpc::PutRequest {
            key: key.into(),
            value: b"written by a boot check".to_vec(),
        };
        rpc::kv_client::KvClient::new(self.channel.clone())
            .put(put)
            .await
            .map(drop)
    }

    /// Whether the cluster has a key, by way of this member.
    pub(super) async fn has(&self, key: &str) -> Result<bool, Refused> {
        let one = rpc::RangeRequest {
            key: key.into(),
            range_end: Vec::new(),
            serializable: false,
            count_only: true,
        };
        rpc::kv_client::KvClient::new(self.channel.clone())
            .range(one)
            .await
            .map(|response| response.into_inner().count == 1)
    }

    /// Deletes a key; how many were deleted.
    pub(super) async fn delete(&self, key: &str) -> Result<i64, Refused> {
        let one = rpc::DeleteRangeRequest { key: key.into() };
        rpc::kv_client::KvClient::new(self.channel.clone())
            .delete_range(one)
            .await
            .map(|response| response.into_inner().deleted)
    }

    /// Names of the members, sorted; empty for one that has not started yet.
    pub(super) async fn member_names(&self) -> Result<Vec<String>, Refused> {
        let list = rpc::cluster_client::ClusterClient::new(self.channel.clone())
            .member_list(rpc::MemberListRequest {})
            .await?
            .into_inner();
        let mut names: Vec<String> = list.members.into_iter().map(|m| m.name).collect();
        names.sort();
        Ok(names)
    }
}

/// Whether an alarm is why a member takes no writes.
pub(super) fn is_by_alarm(status: &Refused) -> bool {
    matches!(status.code(), Code::ResourceExhausted | Code::DataLoss)
}

/// Whether the same may be answered a moment later, as when the leader changes.
pub(super) fn is_for_now(status: &Refused) -> bool {
    status.code() == Code::Unavailable
}

/// Whether the answer is that a password is missing; etcd says so with one of several codes, and 3.4 with none.
pub(super) fn wants_password(status: &Refused) -> bool {
    match status.code() {
        Code::InvalidArgument | Code::Unauthenticated | Code::PermissionDenied => true,
        Code::Unknown => status.message().starts_with("auth: "),
        _ => false,
    }
}
