//! `--initial-advertise-peer-urls` against what `--initial-cluster` says of the member (spec 4.2).

use std::net::{SocketAddr, ToSocketAddrs};

use requorum_shared::etcd::restore::{initial_cluster, peer_url};

/// Whether both name the same URLs. Where the words differ, hosts are resolved and addresses compared, as the
/// reference does.
pub(super) fn check(advertised: &str, in_cluster: &[String]) -> Result<(), String> {
    let advertised: Vec<String> = advertised
        .split(',')
        .map(|url| url.trim().to_owned())
        .collect();
    for url in &advertised {
        peer_url::normalize(url).map_err(|why| {
            format!("--initial-advertise-peer-urls {url:?} cannot be used: {why}. Write it like http://10.0.0.1:2380")
        })?;
    }
    let Some(mismatch) = initial_cluster::advertise_mismatch(&advertised, in_cluster) else {
        return Ok(());
    };
    if advertised.len() == in_cluster.len() && same_addresses(&advertised, in_cluster) {
        return Ok(());
    }
    let mut parts = Vec::new();
    if !mismatch.only_in_cluster.is_empty() {
        parts.push(format!(
            "--initial-cluster has {} but missing from --initial-advertise-peer-urls={}",
            mismatch.only_in_cluster.join(","),
            advertised.join(",")
        ));
    }
    if !mismatch.only_advertised.is_empty() {
        parts.push(format!(
            "--initial-advertise-peer-urls has {} but missing from --initial-cluster",
            mismatch.only_advertised.join(",")
        ));
    }
    Err(format!(
        "{}. Give both the same URLs for this member",
        parts.join("; ")
    ))
}

/// Whether both lists resolve to the same addresses under the same schemes.
fn same_addresses(one: &[String], other: &[String]) -> bool {
    let resolve = |urls: &[String]| -> Option<Vec<(String, SocketAddr)>> {
        let mut resolved = Vec::new();
        for url in urls {
            let url = peer_url::normalize(url).ok()?;
            let address = peer_url::host_and_port(&url)?;
            // The reference does not resolve this one, so that it stays apart from 127.0.0.1.
            if address.starts_with("localhost:") {
                return None;
            }
            let scheme = url.split("://").next()?.to_owned();
            resolved.push((scheme, address.to_socket_addrs().ok()?.next()?));
        }
        resolved.sort();
        Some(resolved)
    };
    match (resolve(one), resolve(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_same_urls_in_any_order_and_spelling() {
        let cluster = urls(&["http://10.0.0.2:1", "http://10.0.0.1:1"]);
        assert_eq!(
            check("HTTP://10.0.0.1:1, http://10.0.0.2:1", &cluster),
            Ok(())
        );
        // Another spelling of the same address.
        assert_eq!(check("http://[0::1]:1", &urls(&["http://[::1]:1"])), Ok(()));
    }

    #[test]
    fn conformance_37_what_is_missing_where() {
        let message = check("http://10.0.0.1:1", &urls(&["http://10.0.0.2:1"])).unwrap_err();
        assert!(message.contains("--initial-cluster has http://10.0.0.2:1 but missing from"));
        assert!(
            message
                .contains("--initial-advertise-peer-urls has http://10.0.0.1:1 but missing from")
        );
        let slash = check("http://10.0.0.1:1/", &urls(&["http://10.0.0.1:1"])).unwrap_err();
        assert!(slash.contains("a path"), "{slash}");
        let localhost = check("http://localhost:1", &urls(&["http://127.0.0.1:1"]));
        assert!(localhost.is_err());
    }
}
