//! `--initial-advertise-peer-urls` against what `--initial-cluster` says of the member (spec 4.2).

use std::net::SocketAddr;

use requorum_shared::etcd::recovery::restore::{MemberRequest, initial_cluster, peer_url};

use super::lookup::{Lookup, Names};

/// Whether both name the same URLs. Where the words differ, hosts are looked up and addresses compared, as the
/// reference does.
pub(super) fn check(
    advertised: &str,
    own: &MemberRequest,
    members: &[MemberRequest],
    names: &Names,
) -> Result<(), String> {
    let in_cluster = &own.peer_urls;
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
    if advertised.len() == in_cluster.len() && same_addresses(&advertised, in_cluster, names) {
        return Ok(());
    }
    let others = members.iter().filter(|member| member.name != own.name);
    if let Some(other) = others
        .filter(|other| !other.peer_urls.is_empty())
        .find(|other| initial_cluster::advertise_mismatch(&advertised, &other.peer_urls).is_none())
    {
        return Err(format!(
            "--initial-advertise-peer-urls {} is the URL of {}, and --name says {}. The URL of {} is {}: give the \
             name and the URL of one member",
            advertised.join(","),
            other.name,
            own.name,
            own.name,
            in_cluster.join(",")
        ));
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

/// Whether both lists lead to the same addresses under the same schemes.
fn same_addresses(one: &[String], other: &[String], names: &Names) -> bool {
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
            let address = match address.parse() {
                Ok(address) => address,
                Err(_) => match names.get(address) {
                    Lookup::Found(address) => address,
                    Lookup::Unknown(_) | Lookup::Slow => return None,
                },
            };
            resolved.push((scheme, address));
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

    fn member(name: &str, urls: &[&str]) -> MemberRequest {
        MemberRequest {
            name: name.to_owned(),
            peer_urls: urls.iter().map(ToString::to_string).collect(),
        }
    }

    fn check_alone(advertised: &str, urls: &[&str]) -> Result<(), String> {
        let own = member("m1", urls);
        check(
            advertised,
            &own,
            std::slice::from_ref(&own),
            &Names::default(),
        )
    }

    #[test]
    fn the_same_urls_in_any_order_and_spelling() {
        let cluster = ["http://10.0.0.2:1", "http://10.0.0.1:1"];
        assert_eq!(
            check_alone("HTTP://10.0.0.1:1, http://10.0.0.2:1", &cluster),
            Ok(())
        );
        // Another spelling of the same address.
        assert_eq!(check_alone("http://[0::1]:1", &["http://[::1]:1"]), Ok(()));
    }

    #[test]
    fn conformance_37_what_is_missing_where() {
        let message = check_alone("http://10.0.0.1:1", &["http://10.0.0.2:1"]).unwrap_err();
        assert!(message.contains("--initial-cluster has http://10.0.0.2:1 but missing from"));
        assert!(
            message
                .contains("--initial-advertise-peer-urls has http://10.0.0.1:1 but missing from")
        );
        let slash = check_alone("http://10.0.0.1:1/", &["http://10.0.0.1:1"]).unwrap_err();
        assert!(slash.contains("a path"), "{slash}");
        let localhost = check_alone("http://localhost:1", &["http://127.0.0.1:1"]);
        assert!(localhost.is_err());
    }

    #[test]
    fn the_url_of_another_member_is_named_as_such() {
        let members = [
            member("pve1", &["http://10.0.0.1:2380"]),
            member("pve2", &["http://10.0.0.2:2380", "http://10.1.0.2:2380"]),
        ];
        let swapped = "http://10.1.0.2:2380,HTTP://10.0.0.2:2380";
        let said = check(swapped, &members[0], &members, &Names::default()).unwrap_err();
        assert!(said.contains("is the URL of pve2"), "{said}");
        assert!(
            said.contains("The URL of pve1 is http://10.0.0.1:2380"),
            "{said}"
        );
    }
}
