//! The ledger's files from the server, as any client of transparency logs asks for them.

use js_sys::{ArrayBuffer, Uint8Array};
use requorum_shared::ledger::tiles::Tile;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, Response};

/// The bytes of a tile or bundle; `None` when the server says that it has none.
///
/// # Errors
/// Why the server did not say, in words.
pub(super) async fn tile(
    scope: &DedicatedWorkerGlobalScope,
    tile: Tile,
) -> Result<Option<Vec<u8>>, String> {
    let path = format!("/ledger/{}", tile.path());
    let away = |_| format!("The server did not answer when it was asked for {path}.");
    let response = JsFuture::from(scope.fetch_with_str(&path))
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
