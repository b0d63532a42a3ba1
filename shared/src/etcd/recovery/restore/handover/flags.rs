//! The flags that a restored member is started with, and how a shell and a static pod's manifest write them.

use super::settings::{Settings, host_and_port};
use crate::etcd::recovery::restore::native::quote;
use crate::etcd::recovery::restore::{MemberRequest, RestoreRequest, initial_cluster, peer_url};

/// A snapshot from this size on comes too close to etcd's usual quota of 2 GiB, beyond which it refuses writes.
const NEAR_QUOTA: u64 = 3 << 29;
/// The quota that is set then, at least: the greatest that upstream recommends.
const LARGE_QUOTA: u64 = 8 << 30;

/// What a client shows and checks where the members' client URLs are https.
pub(super) const CLIENT_CERTIFICATES: [&str; 3] = [
    "--cacert /etc/etcd/pki/ca.crt",
    "--cert /etc/etcd/pki/client.crt",
    "--key /etc/etcd/pki/client.key",
];

/// One flag with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flag {
    /// Without dashes.
    pub(super) name: &'static str,
    /// Absent for a switch.
    pub(super) value: Option<String>,
    placeholder: bool,
}

impl Flag {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self {
            name,
            value: Some(value.into()),
            placeholder: false,
        }
    }

    fn switch(name: &'static str) -> Self {
        Self {
            name,
            value: None,
            placeholder: false,
        }
    }

    fn file(name: &'static str, value: &str) -> Self {
        Self {
            placeholder: true,
            ..Self::new(name, value)
        }
    }

    /// Whether a person has to put the real value in.
    pub(super) fn is_placeholder(&self) -> bool {
        self.placeholder
    }

    /// `--name=value`, without any quotes.
    pub(super) fn joined(&self) -> String {
        match &self.value {
            Some(value) => format!("--{}={value}", self.name),
            None => format!("--{}", self.name),
        }
    }
}

/// All flags of one member.
pub(super) fn of(
    request: &RestoreRequest,
    member: &MemberRequest,
    settings: &Settings,
    size: u64,
) -> Vec<Flag> {
    let members: Vec<_> = request.members.iter().map(written).collect();
    let peers = written(member).peer_urls;
    let client = settings.client_url(member);
    let listen: Vec<_> = peers.iter().map(|url| bound(url)).collect();
    let mut flags = vec![
        Flag::new("name", &member.name),
        Flag::new("data-dir", settings.data_dir(member)),
        Flag::new("listen-peer-urls", without_repeats(listen).join(",")),
        Flag::new("initial-advertise-peer-urls", peers.join(",")),
        Flag::new("listen-client-urls", with_loopback(bound(&client))),
        Flag::new("advertise-client-urls", &client),
        Flag::new("initial-cluster", initial_cluster::render(&members)),
        Flag::new("initial-cluster-token", &request.token),
        Flag::new("initial-cluster-state", "new"),
    ];
    if size >= NEAR_QUOTA {
        let quota = LARGE_QUOTA.max(size.saturating_mul(2));
        flags.push(Flag::new("quota-backend-bytes", quota.to_string()));
    }
    if peers.iter().any(|url| is_tls(url)) {
        flags.extend([
            Flag::switch("peer-client-cert-auth"),
            Flag::file("peer-trusted-ca-file", "/etc/etcd/pki/ca.crt"),
            Flag::file("peer-cert-file", "/etc/etcd/pki/peer.crt"),
            Flag::file("peer-key-file", "/etc/etcd/pki/peer.key"),
        ]);
    }
    if settings.clients_use_tls() {
        flags.extend([
            Flag::switch("client-cert-auth"),
            Flag::file("trusted-ca-file", "/etc/etcd/pki/ca.crt"),
            Flag::file("cert-file", "/etc/etcd/pki/server.crt"),
            Flag::file("key-file", "/etc/etcd/pki/server.key"),
        ]);
    }
    flags
}

/// The command, a flag per line, for a POSIX shell.
pub(super) fn shell(flags: &[Flag]) -> String {
    let mut lines = vec!["etcd".to_owned()];
    lines.extend(flags.iter().map(|flag| match &flag.value {
        Some(value) => format!("  --{} {}", flag.name, quote(value)),
        None => format!("  --{}", flag.name),
    }));
    lines.join(" \\\n")
}

/// What differs in a static pod's manifest: the certificates are those that it has.
pub(super) fn static_pod(flags: &[Flag], folder: &str) -> String {
    let mut lines = vec![
        "spec:".to_owned(),
        "  containers:".to_owned(),
        "  - name: etcd".to_owned(),
        "    command:".to_owned(),
        "    - etcd".to_owned(),
    ];
    let own = |flag: &&Flag| !flag.is_placeholder() && flag.value.is_some();
    let own = flags.iter().filter(own);
    lines.extend(own.map(|flag| format!("    - {}", yaml(&flag.joined()))));
    lines.push("    # keep the certificate, probe and metrics flags that are there".to_owned());
    lines.push("  volumes:".to_owned());
    lines.push("  - name: etcd-data".to_owned());
    lines.push("    hostPath:".to_owned());
    lines.push(format!("      path: {}", yaml(folder)));
    lines.join("\n")
}

/// A scalar that YAML reads back unchanged: double-quoted, with JSON's escapes.
fn yaml(text: &str) -> String {
    crate::canonical::to_canonical_json(&text)
}

/// As etcd writes the URLs.
fn written(member: &MemberRequest) -> MemberRequest {
    let written = |url: &String| peer_url::normalize(url).unwrap_or_else(|_| url.trim().to_owned());
    MemberRequest {
        name: member.name.clone(),
        peer_urls: member.peer_urls.iter().map(written).collect(),
    }
}

fn is_tls(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("unixs://")
}

/// Where to listen for what comes by this URL: etcd binds to addresses, and not to names other than `localhost`.
fn bound(url: &str) -> String {
    let (scheme, _) = url.split_once("://").unwrap_or(("http", url));
    if scheme.starts_with("unix") {
        return url.to_owned();
    }
    let (host, port) = host_and_port(url);
    let address =
        host.starts_with('[') || host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok();
    let host = if address { host } else { "0.0.0.0" };
    format!("{scheme}://{host}:{port}")
}

/// The same, and loopback: where API servers and `etcdctl` on the member's own host look for it.
fn with_loopback(url: String) -> String {
    let (scheme, _) = url.split_once("://").unwrap_or(("http", &url));
    let (host, port) = host_and_port(&url);
    let covered =
        host.starts_with("127.") || matches!(host, "localhost" | "0.0.0.0" | "[::1]" | "[::]");
    if scheme.starts_with("unix") || covered {
        return url;
    }
    format!("{url},{scheme}://127.0.0.1:{port}")
}

fn without_repeats(mut urls: Vec<String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    urls.retain(|url| {
        let new = !seen.contains(url);
        if new {
            seen.push(url.clone());
        }
        new
    });
    urls
}
