//! The built page, out of the binary: compressed where the browser takes it, kept for ever where the name
//! carries a hash.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::{ApiError, Kind, not_found};

#[derive(RustEmbed)]
#[folder = "$REQUORUM_APP_FOLDER"]
struct Files;

/// The first parts of the addresses that the page itself shows.
const PAGES: &[&str] = &[
    "", "inspect", "login", "setup", "join", "help", "overview", "clusters", "files", "restore",
    "plans", "reviews", "jobs", "ledger", "settings",
];

/// What is served in place of a page that was not built in.
const NO_PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Requorum</title>\
    <h1>The page is not built into this server</h1>\
    <p>The API and the command line work. For the page, build it first and then build the server with \
    REQUORUM_APP_DIST naming the folder with its files; <code>make run</code> does both.</p>";

/// Whether anybody may have what lies at `path`: a file of the page, or one of its addresses.
pub fn is_page_or_file(path: &str) -> bool {
    file_name(path).is_some() || is_page(path)
}

/// Whether a person asks, in a browser: they are shown a page at any address, programs are answered in JSON.
pub fn wants_page(request: &HeaderMap) -> bool {
    request
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|kind| {
            let kind = kind.split(';').next().unwrap_or_default();
            kind.trim().eq_ignore_ascii_case("text/html")
        })
}

/// What every page of a demo says, before anything else is loaded.
const DEMO_BANNER: &str = "<aside class=\"demo-banner\" aria-label=\"Demo\"><strong>Demo: nothing here is real.</strong> \
    Everything is removed when the server stops.</aside>";

/// A file of the page; at the page's addresses, the page; at any other, to a person, the page, which says that it has
/// none there. In a `demo` each page says that it is one.
pub fn serve(request: &Request, demo: bool) -> Response {
    let path = request.uri().path();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return not_found("route", format!("Nothing was found at {path}.")).into_response();
    }
    if let Some(name) = file_name(path) {
        return file(&name, request.headers());
    }
    if is_page(path) {
        return page(request.headers(), demo);
    }
    if !wants_page(request.headers()) {
        return not_found("route", format!("Nothing was found at {path}.")).into_response();
    }
    let mut headers = request.headers().clone();
    headers.remove(header::IF_NONE_MATCH);
    let mut response = page(&headers, demo);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn page(request: &HeaderMap, demo: bool) -> Response {
    match Files::get("index.html") {
        Some(page) if demo => html(with_banner(&String::from_utf8_lossy(&page.data))),
        Some(_) => file("index.html", request),
        None => html(NO_PAGE.to_owned()),
    }
}

/// The page with the banner as the first of its body.
fn with_banner(page: &str) -> String {
    const BODY: &str = "<body>";
    match page.split_once(BODY) {
        Some((before, after)) => format!("{before}{BODY}{DEMO_BANNER}{after}"),
        None => format!("{page}{DEMO_BANNER}"),
    }
}

fn html(page: String) -> Response {
    let mut response = page.into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    no_cache(response.headers_mut());
    response
}

/// The answer where the address is right and the method is not.
pub async fn method_not_allowed(request: Request) -> Response {
    ApiError::new(
        Kind::BadRequest,
        "method",
        format!(
            "{} does not accept {}.",
            request.uri().path(),
            request.method()
        ),
    )
    .into_response()
}

/// Whether `path` is an address of the page.
pub fn is_page(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next();
    first.is_some_and(|first| PAGES.contains(&first))
}

/// The name of the embedded file at `path`. Compressed twins are reached through the plain name only.
fn file_name(path: &str) -> Option<String> {
    let name = path.strip_prefix('/')?;
    let plain = !name.is_empty() && !name.ends_with(".br") && name != "index.html";
    (plain && Files::get(name).is_some()).then(|| name.to_owned())
}

fn file(name: &str, request: &HeaderMap) -> Response {
    let Some(plain) = Files::get(name) else {
        return not_found("route", format!("No file {name}.")).into_response();
    };
    let compressed = takes_brotli(request)
        .then(|| Files::get(&format!("{name}.br")))
        .flatten();
    let is_compressed = compressed.is_some();
    let chosen = compressed.unwrap_or_else(|| plain.clone());
    let tag = entity_tag(&chosen);
    let fresh = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .any(|v| v.split(',').any(|t| t.trim() == tag));

    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(chosen.data))
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type(name));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if has_hash(name) {
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        );
    } else {
        no_cache(headers);
    }
    response
}

fn no_cache(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
}

fn entity_tag(file: &EmbeddedFile) -> String {
    format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]))
}

fn takes_brotli(request: &HeaderMap) -> bool {
    request
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|coding| {
            let mut parts = coding.split(';');
            let name = parts.next().unwrap_or_default().trim();
            let refused = parts.any(|p| {
                p.trim()
                    .strip_prefix("q=")
                    .is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q == 0.0))
            });
            name.eq_ignore_ascii_case("br") && !refused
        })
}

/// Whether the name ends, before its extension, in at least eight hexadecimal digits: `page-1f0c9a3b.wasm`. Such
/// a name never gets other content.
fn has_hash(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let Some((stem, _)) = file.rsplit_once('.') else {
        return false;
    };
    let last = stem.rsplit(['-', '.', '_']).next().unwrap_or_default();
    last.len() >= 8 && last.len() < stem.len() && last.bytes().all(|b| b.is_ascii_hexdigit())
}

fn content_type(name: &str) -> HeaderValue {
    let extension = name.rsplit('.').next().unwrap_or_default();
    HeaderValue::from_static(match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        for (name, hashed) in [
            ("page-1f0c9a3b.wasm", true),
            ("worker.0123456789abcdef.js", true),
            ("snippets/inline0-00ff00ff.js", true),
            ("index.html", false),
            ("deadbeef.js", false),
            ("page-1f0c9a3.wasm", false),
            ("page-notahash.wasm", false),
            ("sample.db", false),
        ] {
            assert_eq!(has_hash(name), hashed, "{name}");
        }
    }

    #[test]
    fn the_banner_of_a_demo_is_in_the_page_and_comes_first() {
        let page = with_banner("<html><body>\n<p>page</p></body></html>");
        assert!(
            page.contains("<body><aside class=\"demo-banner\""),
            "{page}"
        );
        assert!(page.ends_with("<p>page</p></body></html>"), "{page}");
    }

    #[test]
    fn brotli_is_served_to_those_who_take_it() {
        for (accept, takes) in [
            ("br", true),
            ("gzip, deflate, br, zstd", true),
            ("gzip, br;q=0.5", true),
            ("br;q=0", false),
            ("gzip", false),
            ("brr", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
            assert_eq!(takes_brotli(&headers), takes, "{accept}");
        }
        assert!(!takes_brotli(&HeaderMap::new()));
    }

    #[test]
    fn people_ask_for_a_page_and_programs_do_not() {
        for (accept, page) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("application/json, TEXT/HTML;q=0.5", true),
            ("*/*", false),
            ("application/json", false),
            ("text/htmlx", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(wants_page(&headers), page, "{accept}");
        }
        assert!(!wants_page(&HeaderMap::new()));
    }

    #[test]
    fn pages_are_pages_and_the_api_is_not() {
        for page in [
            "/",
            "/inspect",
            "/files/ab12",
            "/plans/p1",
            "/reviews",
            "/setup",
            "/join",
            "/jobs/",
        ] {
            assert!(is_page_or_file(page), "{page}");
        }
        for other in [
            "/api",
            "/api/files",
            "/requorum.v1.JobService/ListJobs",
            "/inspectx",
            "/../x",
        ] {
            assert!(!is_page_or_file(other), "{other}");
        }
    }
}
