//! What the operator of the server decided at start. Checked here, before anything is opened.

mod database_url;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http::Uri;
use requorum_shared::permission::check_cluster_name;

pub use self::database_url::DatabaseUrl;
use crate::address::{Proxies, is_loopback};
use crate::auth::oidc::config::OidcConfig;
use crate::files::objects::place::BucketPlace;
use crate::secrets::master_key::KeyPlace;
use crate::tls::TlsFiles;

/// How long a server that shares its database may be silent before others take its jobs over, unless told otherwise.
pub const LEASE: Duration = Duration::from_secs(30);

/// Everything `requorum serve` is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server keeps all it knows.
    pub data_dir: PathBuf,
    /// The PostgreSQL database, where it is not the SQLite file in the data directory.
    pub database: Option<DatabaseUrl>,
    /// The file with the ledger's key, where it is not in the data directory.
    pub ledger_key: Option<PathBuf>,
    /// How long this server may be silent before others that share the database take its jobs over.
    pub lease: Duration,
    /// Where it listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// How browsers reach it, where that is not the address it listens on.
    pub public_url: Option<PublicUrl>,
    /// Proxies that are believed when they say for whom they speak.
    pub proxies: Proxies,
    /// Folders below which restores may be placed, beside the one inside the data directory.
    pub restore_roots: Vec<RootConfig>,
    /// Folders with an `etcd` binary, tried before PATH.
    pub etcd_bin: Vec<PathBuf>,
    /// Largest upload accepted, in bytes.
    pub max_upload_bytes: u64,
    /// The bucket with the stored files, when they are not in the data directory.
    pub objects: Option<BucketPlace>,
    /// Where the master key of the sealed credentials is, when not in the data directory.
    pub master_key: Option<KeyPlace>,
    /// The identity provider at which people may sign in too.
    pub oidc: Option<OidcConfig>,
    /// The certificate with which it speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// Whether all that is in it is made up: every page says so.
    pub demo: bool,
}

impl Config {
    /// Whether browsers speak TLS to it: with itself, or with what is in front of it.
    pub fn is_https(&self) -> bool {
        match &self.public_url {
            Some(url) => url.is_https(),
            None => self.tls.is_some(),
        }
    }

    /// How browsers reach it at `authority`, where nothing else was said: what they send as `Origin`.
    pub fn origin(&self, authority: &str) -> String {
        match &self.public_url {
            Some(url) => url.origin(),
            None if self.tls.is_some() => format!("https://{authority}"),
            None => format!("http://{authority}"),
        }
    }

    /// Refuses what would not be safe to serve.
    ///
    /// # Errors
    /// When session cookies would travel over plain HTTP beyond this machine, or the identity provider cannot work.
    pub fn check(&self) -> anyhow::Result<()> {
        if let Some(oidc) = &self.oidc {
            oidc.check()?;
        }
        let loopback = self.listen.ip().is_loopback();
        match &self.public_url {
            Some(url) if self.tls.is_some() && !url.is_https() => bail!(
                "--public-url {} is not how browsers reach a server that speaks TLS; give its https address, or leave \
                 --tls-cert out",
                url.origin()
            ),
            Some(url) if url.is_https() || url.is_loopback() => Ok(()),
            Some(url) => bail!(
                "--public-url {} would send passwords and session cookies over plain HTTP; put TLS in front and \
                 give its https address, or use a loopback address",
                url.origin()
            ),
            None if loopback || self.tls.is_some() => Ok(()),
            None => bail!(
                "--listen {} can be reached from other machines, and passwords and session cookies would cross \
                 the network in plain HTTP; give --tls-cert and --tls-key, put TLS in front and give --public-url \
                 https://…, or listen on 127.0.0.1",
                self.listen
            ),
        }
    }
}

/// A folder below which restores may be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootConfig {
    /// How plans name it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Whose restores may go there.
    pub clusters: RootClusters,
}

/// The clusters whose restores may be placed below a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootClusters {
    /// All of them, and snapshots that belong to none.
    All,
    /// These. The empty name stands for snapshots that belong to none.
    Named(Vec<String>),
}

impl RootClusters {
    /// For snapshots that belong to no cluster, and nothing else.
    pub fn none() -> Self {
        Self::Named(vec![String::new()])
    }

    /// Whether a cluster's restores may go there; the empty name stands for none.
    pub fn include(&self, cluster: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == cluster),
        }
    }
}

/// The path and the clusters in `PATH@CLUSTER+CLUSTER`. A path may have an `@` in it: what comes after the last one
/// holds no slash, or it is a part of the path.
fn split_clusters(text: &str) -> anyhow::Result<(&str, RootClusters)> {
    let Some((path, clusters)) = text
        .rsplit_once('@')
        .filter(|(_, after)| !after.contains('/'))
    else {
        return Ok((text, RootClusters::none()));
    };
    if clusters == "*" {
        return Ok((path, RootClusters::All));
    }
    let names: Vec<String> = clusters.split('+').map(str::to_owned).collect();
    for name in &names {
        ensure!(
            !name.is_empty() && check_cluster_name(name).is_ok(),
            "`{clusters}` after the @ is neither * nor names of clusters, like prod or prod+staging. If the @ is a part \
             of the path, put @* or a cluster behind it"
        );
    }
    Ok((path, RootClusters::Named(names)))
}

impl std::str::FromStr for RootConfig {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, path) = text.split_once('=').context(
            "a restore root is NAME=PATH@CLUSTER, like etcd=/var/lib/etcd-restores@prod",
        )?;
        ensure!(
            !name.is_empty()
                && name.len() <= 40
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
            "the root's name `{name}` may hold letters, digits, - and _ only, at most 40"
        );
        let (path, clusters) = split_clusters(path)?;
        let path = PathBuf::from(path);
        ensure!(
            path.is_absolute(),
            "the root's path `{}` is not absolute",
            path.display()
        );
        Ok(Self {
            name: name.into(),
            path,
            clusters,
        })
    }
}

/// An origin that browsers use: scheme and authority, no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: String,
    authority: String,
    host: String,
}

impl PublicUrl {
    /// `https://console.example` without a slash at the end: what browsers send as `Origin`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Whether browsers speak TLS to it.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// Whether it can be reached from this machine only.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl std::str::FromStr for PublicUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let uri: Uri = text.trim_end_matches('/').parse()?;
        let scheme = uri
            .scheme_str()
            .context("the scheme is missing: https://…")?;
        ensure!(
            matches!(scheme, "http" | "https"),
            "the scheme `{scheme}` is neither http nor https"
        );
        let authority = uri.authority().context("the host is missing: https://…")?;
        ensure!(
            matches!(uri.path(), "" | "/") && uri.query().is_none(),
            "the console must own its whole origin: `{text}` has a path or a query"
        );
        ensure!(
            !authority.as_str().contains('@'),
            "a user name has no place in a public URL"
        );
        // Browsers leave the scheme's own port out of `Origin`.
        let default_port = if scheme == "https" { 443 } else { 80 };
        let host = authority.host().to_ascii_lowercase();
        let authority = match authority.port_u16() {
            Some(port) if port != default_port => format!("{host}:{port}"),
            _ => host.clone(),
        };
        Ok(Self {
            scheme: scheme.into(),
            authority,
            host,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(listen: &str, public_url: Option<&str>) -> Config {
        Config {
            data_dir: "/nowhere".into(),
            database: None,
            ledger_key: None,
            lease: LEASE,
            listen: listen.parse().unwrap(),
            public_url: public_url.map(|u| u.parse().unwrap()),
            proxies: Proxies::default(),
            restore_roots: Vec::new(),
            etcd_bin: Vec::new(),
            max_upload_bytes: 1,
            objects: None,
            master_key: None,
            oidc: None,
            tls: None,
            demo: false,
        }
    }

    #[test]
    fn cookies_never_cross_a_network_in_plain_http() {
        for (listen, url, good) in [
            ("127.0.0.1:0", None, true),
            ("[::1]:0", None, true),
            ("0.0.0.0:80", None, false),
            ("0.0.0.0:80", Some("http://console.example"), false),
            ("0.0.0.0:80", Some("https://console.example"), true),
            ("0.0.0.0:80", Some("http://localhost:8420"), true),
            ("127.0.0.1:0", Some("http://10.0.0.1"), false),
        ] {
            assert_eq!(
                config(listen, url).check().is_ok(),
                good,
                "{listen} {url:?}"
            );
        }
        for (url, good) in [
            (None, true),
            (Some("https://console.example"), true),
            (Some("http://localhost:8420"), false),
        ] {
            let mut config = config("0.0.0.0:443", url);
            config.tls = Some(TlsFiles {
                cert: "cert.pem".into(),
                key: "key.pem".into(),
            });
            assert_eq!(config.check().is_ok(), good, "{url:?} with TLS");
            assert!(!good || config.is_https());
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for (text, origin) in [
            ("https://Console.example/", "https://console.example"),
            ("https://console.example:443", "https://console.example"),
            ("http://localhost:8420", "http://localhost:8420"),
            ("http://[::1]:8420", "http://[::1]:8420"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().origin(), origin);
        }
        for bad in [
            "console.example",
            "ftp://a",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_root_is_a_name_an_absolute_path_and_the_clusters_that_may_use_it() {
        let named =
            |names: &[&str]| RootClusters::Named(names.iter().map(ToString::to_string).collect());
        for (text, path, clusters) in [
            ("etcd=/var/lib/x", "/var/lib/x", RootClusters::none()),
            ("etcd=/var/lib/x@prod", "/var/lib/x", named(&["prod"])),
            ("etcd=/x@prod+staging", "/x", named(&["prod", "staging"])),
            ("etcd=/x@*", "/x", RootClusters::All),
            ("etcd=/a@b/x", "/a@b/x", RootClusters::none()),
            ("etcd=/a@b@*", "/a@b", RootClusters::All),
            ("etcd=/a=b@c", "/a=b", named(&["c"])),
        ] {
            let root: RootConfig = text.parse().unwrap();
            assert_eq!(
                (root.name.as_str(), root.path.as_path()),
                ("etcd", Path::new(path))
            );
            assert_eq!(root.clusters, clusters, "{text}");
        }
        for (clusters, cluster, include) in [
            (RootClusters::All, "", true),
            (RootClusters::All, "prod", true),
            (RootClusters::none(), "", true),
            (RootClusters::none(), "prod", false),
            (named(&["prod"]), "prod", true),
            (named(&["prod"]), "", false),
            (named(&["prod"]), "pro", false),
        ] {
            assert_eq!(
                clusters.include(cluster),
                include,
                "{clusters:?} {cluster:?}"
            );
        }
        for bad in [
            "etcd",
            "=/x",
            "a b=/x",
            "a/b=/x",
            "etcd=x",
            "etcd=",
            "etcd=/x@",
            "etcd=/x@a+",
            "etcd=/x@*+a",
            "etcd=/x@a b",
            "etcd=@prod",
        ] {
            assert!(bad.parse::<RootConfig>().is_err(), "{bad}");
        }
    }
}
