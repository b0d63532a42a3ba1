//! The ledger's files from the server, as any client of transparency logs asks for them.

use js_sys::{ArrayBuffer, Uint8Array};
use requorum_shared::ledger::tiles::{self, Tile};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, RequestCache, RequestInit, Response};

/// The bytes of a tile or bundle; `None` when the server says that it has none.
///
/// # Errors
/// Why the server did not say, in words.
pub(super) async fn tile(
    scope: &DedicatedWorkerGlobalScope,
    tile: Tile,
) -> Result<Option<Vec<u8>>, String> {
    get(scope, &format!("/ledger/{}", tile.path())).await
}

/// The bytes of bundles that follow each other, each with its tile; `None` when the server does not have all of them.
///
/// # Errors
/// Why the server did not say, in words.
pub(super) async fn bundles(
    scope: &DedicatedWorkerGlobalScope,
    bundles: &[Tile],
) -> Result<Option<Vec<Vec<u8>>>, String> {
    let start = bundles.first().map_or(0, Tile::start);
    let count: u64 = bundles.iter().map(|tile| tile.width).sum();
    let path = format!("/ledger/entries/{start}/{count}");
    let Some(bytes) = get(scope, &path).await? else {
        return Ok(None);
    };
    let mut rest = &bytes[..];
    let mut parts: Vec<_> = bundles
        .iter()
        .map(|tile| {
            let (bundle, after) = tiles::cut(rest, tile.width);
            rest = after;
            bundle.to_vec()
        })
        .collect();
    // What should not be there is not passed over.
    if let Some(last) = parts.last_mut() {
        last.extend_from_slice(rest);
    }
    Ok(Some(parts))
}

/// What lies at `path`; `None` when nothing does.
async fn get(scope: &DedicatedWorkerGlobalScope, path: &str) -> Result<Option<Vec<u8>>, String> {
    let away = |_| format!("The server did not answer when it was asked for {path}.");
    let init = RequestInit::new();
    // It is what the server has now that counts, and gigabytes are not to be kept beside it.
    init.set_cache(RequestCache::NoStore);
    let response = JsFuture::from(scope.fetch_with_str_and_init(path, &init))
        .await
        .map_err(away)?;
    let response: Response = response.dyn_into().map_err(away)?;
    match response.status() {
        200 => {}
        404 => return Ok(None),
        401 => return Err("You are not signed in, or your session has ended.".into()),
        status => {
            return Err(format!(
                "The server answered with status {status} when it was asked for {path}."
            ));
        }
    }
    let body = response.array_buffer().map_err(away)?;
    let body: ArrayBuffer = JsFuture::from(body)
        .await
        .and_then(|body| body.dyn_into())
        .map_err(away)?;
    Ok(Some(Uint8Array::new(&body).to_vec()))
}
