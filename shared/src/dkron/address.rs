//! Addresses of a `peers.json`: host and port of the socket on which Dkron serves gRPC and Raft, 6868 by default.
//!
//! A server takes any text. From 4.0 a wrong address is covered up, as peers are looked up by ID first; before, it means
//! that no leader is elected.

use std::net::IpAddr;

use crate::finding::Severity;

/// The port unless `--rpc-port` says otherwise.
pub const DEFAULT_PORT: u16 = 6868;

/// What is wrong with an address, and how much it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Blocking where no server can be reached by it.
    pub severity: Severity,
    /// As it follows the address in a sentence.
    pub what: String,
}

/// Looks at an address. `several` is whether it is one of several in the file.
pub fn problem(address: &str, several: bool) -> Option<Problem> {
    let problem = |severity, what: &str| {
        let what = what.to_owned();
        Some(Problem { severity, what })
    };
    let blocks = |what: &str| problem(Severity::Blocking, what);
    let warns = |what: &str| problem(Severity::Warning, what);
    if address.contains("://") || address.contains('/') {
        return blocks("has a scheme or a path");
    }
    if address
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == char::REPLACEMENT_CHARACTER)
    {
        return blocks("has characters that no address has");
    }
    let Some((host, port)) = address.rsplit_once(':') else {
        return blocks("has no port");
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let Some(port) = port.parse::<u16>().ok().filter(|port| digits && *port > 0) else {
        return blocks("has no port from 1 to 65535");
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let ip = bare.unwrap_or(host).parse::<IpAddr>();
    match (bare, &ip) {
        (None, _) if host.contains(':') => return blocks("has an IPv6 address without brackets"),
        (Some(_), Ok(IpAddr::V4(_)) | Err(_)) => {
            return blocks("has brackets without an IPv6 address in them");
        }
        _ if host.is_empty() => return blocks("has no host"),
        _ => {}
    }
    if let Some(service) = other_service(port) {
        return problem(
            Severity::Warning,
            &format!(
                "has port {port}, which is {service}; Raft's is {DEFAULT_PORT} unless --rpc-port says otherwise"
            ),
        );
    }
    match ip {
        Ok(ip) if ip.is_unspecified() && several => warns("names no host in particular"),
        Ok(ip) if ip.is_loopback() && several => {
            warns("is valid on this host only, and there are others")
        }
        Err(_) if host == "localhost" && several => {
            warns("is valid on this host only, and there are others")
        }
        Err(_) => warns("names a host where Dkron writes an IP address"),
        Ok(_) => None,
    }
}

/// What listens on a port that is often written by mistake.
fn other_service(port: u16) -> Option<&'static str> {
    match port {
        8080 => Some("Dkron's HTTP port"),
        8946 => Some("Dkron's gossip port"),
        4646..=4648 => Some("a port of Nomad, from whose guide Dkron's was adapted"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conformance_15_and_17_addresses() {
        for (address, severity, what) in [
            ("10.0.0.1", Severity::Blocking, "has no port"),
            ("", Severity::Blocking, "has no port"),
            ("10.0.0.1:", Severity::Blocking, "has no port from 1"),
            ("10.0.0.1:0", Severity::Blocking, "has no port from 1"),
            ("10.0.0.1:+80", Severity::Blocking, "has no port from 1"),
            ("10.0.0.1:65536", Severity::Blocking, "has no port from 1"),
            ("http://10.0.0.1:6868", Severity::Blocking, "has a scheme"),
            (":6868", Severity::Blocking, "has no host"),
            ("10.0.0.1 :6868", Severity::Blocking, "has characters"),
            ("fd00::1:6868", Severity::Blocking, "without brackets"),
            ("[10.0.0.1]:6868", Severity::Blocking, "has brackets"),
            ("10.0.0.1:4647", Severity::Warning, "a port of Nomad"),
            ("10.0.0.1:8946", Severity::Warning, "gossip port"),
            ("10.0.0.1:8080", Severity::Warning, "HTTP port"),
            ("node1:6868", Severity::Warning, "names a host"),
            ("localhost:6868", Severity::Warning, "this host only"),
            ("127.0.0.1:6868", Severity::Warning, "this host only"),
            ("[::]:6868", Severity::Warning, "no host in particular"),
        ] {
            let found = problem(address, true).unwrap_or_else(|| panic!("{address}"));
            assert_eq!(found.severity, severity, "{address}");
            assert!(found.what.contains(what), "{address}: {}", found.what);
        }
        for fine in ["10.0.0.1:6868", "[fd00::1]:6868", "10.0.0.1:25811"] {
            assert_eq!(problem(fine, true), None, "{fine}");
        }
        assert_eq!(problem("127.0.0.1:6868", false), None, "alone");
        let port = problem("10.0.0.1:8946", true).unwrap();
        assert!(port.what.contains("6868"), "{}", port.what);
    }
}
