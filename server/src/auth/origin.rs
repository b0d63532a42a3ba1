//! Requests that change something must come from the console's own pages or from a program, never from another
//! site's page.

use std::net::IpAddr;

use http::{HeaderMap, Method, header};

use crate::error::{ApiError, Kind, Result};

/// Refuses a request that another site's page made.
///
/// Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`) and pages cannot forge it. Programs say
/// neither, and carry no cookie that they did not choose to send.
///
/// # Errors
/// When the request changes something and comes from elsewhere.
pub fn check(method: &Method, headers: &HeaderMap, own_origin: &str) -> Result<()> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let site = headers.get("sec-fetch-site").map(|v| v.as_bytes());
    let origin = headers.get(header::ORIGIN).map(|v| v.as_bytes());
    let site_ok = site.is_none_or(|s| s == b"same-origin");
    let origin_ok = origin.is_none_or(|o| o == own_origin.as_bytes());
    if site_ok && origin_ok {
        return Ok(());
    }
    Err(ApiError::new(
        Kind::Forbidden,
        "origin.foreign",
        format!(
            "The request came from another site's page and was refused. Use the console at {own_origin}; if that \
             is not how you reach it, its operator must start it with --public-url."
        ),
    ))
}

/// Refuses a request for another name, where the console is reached at loopback addresses alone.
///
/// A site can have its own name lead to 127.0.0.1 and then talk to the console as if it were its own server; the
/// name is what gives it away.
///
/// # Errors
/// When `host`, a name or address with or without a port, is not this machine's own.
pub fn check_loopback(host: &str) -> Result<()> {
    let name = name_of(host);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    if name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback()) {
        return Ok(());
    }
    Err(ApiError::new(
        Kind::Forbidden,
        "host.foreign",
        "This console answers at 127.0.0.1, [::1] and localhost alone. If it is reached by another name, its \
         operator must start it with --public-url.",
    ))
}

/// Refuses a request for a name that the console's own certificate does not have. Such a name leads here only in a
/// browser that was told to overlook that, and its pages would be another site's. A plain address is this machine's.
///
/// # Errors
/// When `host`, a name or address with or without a port, is neither.
pub fn check_named(host: &str, is_ours: impl FnOnce(&str) -> bool) -> Result<()> {
    let name = name_of(host);
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    if is_address || name.eq_ignore_ascii_case("localhost") || is_ours(name) {
        return Ok(());
    }
    Err(ApiError::new(
        Kind::Forbidden,
        "host.foreign",
        "This console answers at the names in its certificate, and at plain addresses. If it is reached by another \
         name, get a certificate with that name, or have its operator start it with --public-url.",
    ))
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_for_this_machine_is_refused() {
        for (host, good) in [
            ("127.0.0.1:8420", true),
            ("127.0.0.1", true),
            ("127.9.9.9:1", true),
            ("localhost:8420", true),
            ("LocalHost", true),
            ("[::1]:8420", true),
            ("[::1]", true),
            ("", false),
            ("evil.example:8420", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example:8420", false),
            ("10.0.0.1:8420", false),
            ("0.0.0.0:8420", false),
            ("127.0.0.1:evil", false),
            ("evil.example:127.0.0.1", false),
        ] {
            assert_eq!(check_loopback(host).is_ok(), good, "{host}");
        }
    }

    #[test]
    fn under_tls_the_certificate_says_which_names_are_ours() {
        for (host, good) in [
            ("console.example", true),
            ("console.example:8443", true),
            ("10.0.0.1:8443", true),
            ("[2001:db8::1]:8443", true),
            ("::1", false),
            ("", false),
            (":8443", false),
            ("evil.example", false),
            ("console.example.evil.example", false),
            ("console.example:evil", false),
            ("evil.example:10.0.0.1", false),
        ] {
            let checked = check_named(host, |name| name == "console.example");
            assert_eq!(checked.is_ok(), good, "{host}");
        }
    }

    #[test]
    fn only_our_own_pages_and_programs_change_things() {
        let ours = "https://console.example";
        for (method, site, origin, good) in [
            (Method::POST, Some("same-origin"), Some(ours), true),
            (Method::POST, None, Some(ours), true),
            (Method::POST, None, None, true),
            (
                Method::POST,
                Some("cross-site"),
                Some("https://evil.example"),
                false,
            ),
            (
                Method::POST,
                Some("same-site"),
                Some("https://b.example"),
                false,
            ),
            (Method::POST, Some("none"), None, false),
            (
                Method::POST,
                Some("same-origin"),
                Some("https://evil.example"),
                false,
            ),
            (Method::POST, None, Some("null"), false),
            (Method::POST, None, Some("http://console.example"), false),
            (Method::DELETE, Some("cross-site"), None, false),
            (Method::PATCH, Some("cross-site"), None, false),
            (Method::GET, Some("cross-site"), None, true),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(
                check(&method, &headers, ours).is_ok(),
                good,
                "{method} {site:?} {origin:?}"
            );
        }
    }
}
