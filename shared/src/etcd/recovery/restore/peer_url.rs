//! Peer URLs: what etcd accepts, and the one way it writes them back (spec 4.2, 4.3).

use std::net::Ipv6Addr;

use thiserror::Error;

use super::typed;
use crate::escape;

/// Why a peer URL is refused. The texts name the rule; the caller names the URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PeerUrlError {
    /// Nothing there.
    #[error("it is empty")]
    Empty,
    /// White space inside.
    #[error("it contains white space")]
    Space,
    /// White space, and after it what looks like the next member.
    #[error("it contains a space; separate members with commas")]
    SpaceBetweenMembers,
    /// A quotation mark, plain or typographic.
    #[error("it contains the quotation mark {0}; remove the quotes")]
    Quote(char),
    /// A dash that only looks like a hyphen.
    #[error("it contains {0}, a typographic dash; type a hyphen")]
    Dash(char),
    /// `;`
    #[error("it contains a semicolon; separate members with commas")]
    Semicolon,
    /// A character without a width of its own.
    #[error("it contains the invisible character U+{:04X}; type the URL again", u32::from(*.0))]
    Invisible(char),
    /// A character that no URL has, or one outside ASCII.
    #[error("it contains {0:?}, which a URL cannot")]
    Character(char),
    /// `host:port` alone.
    #[error("the scheme is missing; write http://{0}, or https:// where peers use TLS")]
    SchemeMissing(String),
    /// `http:/host` or `http:host`.
    #[error("the scheme needs two slashes, like http://10.0.0.1:2380")]
    Slashes,
    /// No scheme, or another one.
    #[error("it must begin with http://, https://, unix:// or unixs://")]
    Scheme,
    /// `user:password@`.
    #[error("it carries a user name, which peers do not use")]
    UserInfo,
    /// No host, or none that can be one.
    #[error("it needs a host name or address before the port")]
    Host,
    /// `[…]` without an IPv6 address in it, or an IPv6 address without `[…]`.
    #[error("an IPv6 address needs brackets, like http://[2001:db8::1]:2380")]
    Ipv6,
    /// No port.
    #[error("it needs a port, like http://10.0.0.1:2380")]
    PortMissing,
    /// Not a number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// A path, if only `/`.
    #[error("it must end after the port: a path, even a single slash, is not allowed")]
    Path,
    /// `#…`.
    #[error("it must not have a fragment (#)")]
    Fragment,
}

/// The URL as etcd would write it back: white space around it gone, the scheme in lower case.
///
/// # Errors
/// The first rule that it breaks. We are stricter than the reference in refusing user names, fragments, empty
/// hosts, ports that no socket has, and brackets without an IPv6 address: it accepts them, and the member could
/// never be reached.
pub fn normalize(text: &str) -> Result<String, PeerUrlError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(PeerUrlError::Empty);
    }
    if let Some((_, after)) = text.split_once(char::is_whitespace) {
        return Err(if after.contains("://") {
            PeerUrlError::SpaceBetweenMembers
        } else {
            PeerUrlError::Space
        });
    }
    if let Some(odd) = text
        .chars()
        .find(|&c| !c.is_ascii_graphic() || "<>\"\\^`{|}';".contains(c))
    {
        return Err(match odd {
            ';' => PeerUrlError::Semicolon,
            c if typed::is_quote(c) => PeerUrlError::Quote(c),
            c if typed::is_dash(c) => PeerUrlError::Dash(c),
            c if escape::is_hidden(c) => PeerUrlError::Invisible(c),
            c => PeerUrlError::Character(c),
        });
    }
    let (scheme, rest) = text.split_once("://").ok_or_else(|| no_scheme(text))?;
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        "http" | "https" => check_authority(rest)?,
        // A socket's address is whatever the servers agree on.
        "unix" | "unixs" if rest.is_empty() => return Err(PeerUrlError::Host),
        "unix" | "unixs" => {}
        _ => return Err(PeerUrlError::Scheme),
    }
    Ok(format!("{scheme}://{rest}"))
}

/// Which part of `scheme://` is missing.
fn no_scheme(text: &str) -> PeerUrlError {
    let lower = text.to_ascii_lowercase();
    if ["http:", "https:", "unix:", "unixs:"]
        .iter()
        .any(|scheme| lower.starts_with(scheme))
    {
        return PeerUrlError::Slashes;
    }
    match check_authority(text) {
        Ok(()) => PeerUrlError::SchemeMissing(text.to_owned()),
        Err(_) => PeerUrlError::Scheme,
    }
}

/// `host:port`, and a query if need be, which etcd lets pass.
fn check_authority(rest: &str) -> Result<(), PeerUrlError> {
    if rest.contains('#') {
        return Err(PeerUrlError::Fragment);
    }
    let authority = rest.split_once('?').map_or(rest, |(before, _)| before);
    let (authority, has_path) = match authority.split_once('/') {
        Some((before, _)) => (before, true),
        None => (authority, false),
    };
    if authority.contains('@') {
        return Err(PeerUrlError::UserInfo);
    }
    let port = if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']').ok_or(PeerUrlError::Ipv6)?;
        let (address, zone) = match address.split_once("%25") {
            Some((address, zone)) => (address, Some(zone)),
            None => (address, None),
        };
        let zone_is_fine = zone.is_none_or(|zone| !zone.is_empty() && zone.chars().all(in_host));
        if address.parse::<Ipv6Addr>().is_err() || !zone_is_fine {
            return Err(PeerUrlError::Ipv6);
        }
        match port.strip_prefix(':') {
            Some(port) => port,
            None if port.is_empty() => return Err(PeerUrlError::PortMissing),
            None => return Err(PeerUrlError::Port),
        }
    } else {
        let (host, port) = match authority.split_once(':') {
            Some(parts) => parts,
            None if authority.is_empty() => return Err(PeerUrlError::Host),
            None => return Err(PeerUrlError::PortMissing),
        };
        if port.contains(':') {
            return Err(PeerUrlError::Ipv6);
        }
        if host.is_empty() {
            return Err(PeerUrlError::Host);
        }
        if let Some(odd) = host.chars().find(|&c| !in_host(c)) {
            return Err(PeerUrlError::Character(odd));
        }
        port
    };
    if port.is_empty() {
        return Err(PeerUrlError::PortMissing);
    }
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || port.parse::<u16>().is_ok_and(|port| port == 0) || port.parse::<u16>().is_err() {
        return Err(PeerUrlError::Port);
    }
    if has_path {
        return Err(PeerUrlError::Path);
    }
    Ok(())
}

fn in_host(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~".contains(character)
}

/// `host:port` of an http or https URL that [`normalize`] gave; absent for a unix socket.
pub fn host_and_port(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))?;
    Some(rest.split_once('?').map_or(rest, |(before, _)| before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_etcd_accepts_comes_back_as_etcd_writes_it() {
        for (text, written) in [
            ("http://10.0.0.1:2380", "http://10.0.0.1:2380"),
            ("  HTTPS://db-1.example:2380 ", "https://db-1.example:2380"),
            ("http://[2001:db8::1]:2380", "http://[2001:db8::1]:2380"),
            (
                "http://[fe80::1%25eth0]:2380",
                "http://[fe80::1%25eth0]:2380",
            ),
            ("http://h:2380?a=b", "http://h:2380?a=b"),
            ("unix://m1:0", "unix://m1:0"),
            ("unixs://m1.sock", "unixs://m1.sock"),
        ] {
            assert_eq!(normalize(text).as_deref(), Ok(written));
        }
    }

    #[test]
    fn conformance_37_what_is_refused_and_why() {
        use PeerUrlError::*;
        for (text, why) in [
            ("", Empty),
            ("10.0.0.1:2380", SchemeMissing("10.0.0.1:2380".to_owned())),
            ("http:/10.0.0.1:2380", Slashes),
            ("HTTP:10.0.0.1:2380", Slashes),
            ("10.0.0.1", Scheme),
            ("\"http://10.0.0.1:2380\"", Quote('"')),
            ("http://10.0.0.1:2380'", Quote('\'')),
            ("http://10.0.0.1:2380\u{201d}", Quote('\u{201d}')),
            ("http://db\u{2013}1:2380", Dash('\u{2013}')),
            ("http://10.0.0.1:2380;b=http://10.0.0.2:2380", Semicolon),
            (
                "http://10.0.0.1:2380 b=http://10.0.0.2:2380",
                SpaceBetweenMembers,
            ),
            ("http://10.0.0.1\u{200b}:2380", Invisible('\u{200b}')),
            ("ftp://10.0.0.1:2380", Scheme),
            ("http://10.0.0.1", PortMissing),
            ("http://10.0.0.1:", PortMissing),
            ("http://10.0.0.1:0", Port),
            ("http://10.0.0.1:65536", Port),
            ("http://10.0.0.1:23a", Port),
            ("http://:2380", Host),
            ("http://", Host),
            ("http://10.0.0.1:2380/", Path),
            ("http://10.0.0.1:2380/x", Path),
            ("http://10.0.0.1:2380#x", Fragment),
            ("http://a@10.0.0.1:2380", UserInfo),
            ("http://10.0.0.1 :2380", Space),
            ("http://2001:db8::1:2380", Ipv6),
            ("http://[2001:db8::1:2380", Ipv6),
            ("http://[10.0.0.1]:2380", Ipv6),
            ("http://[::1]", PortMissing),
            ("http://dätenbank:2380", Character('ä')),
            ("http://a$b:2380", Character('$')),
            ("unix://", Host),
        ] {
            assert_eq!(normalize(text), Err(why), "{text}");
        }
    }
}
