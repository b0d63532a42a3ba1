//! Uploads: announced, sent in pieces at an offset that the server confirms, resumable after anything.

use gloo_net::http::Request;
use requorum_shared::api::upload::{CreateUpload, EVIDENCE_HEADER, Upload, Uploads};
use web_sys::{AbortSignal, Blob};

use super::acts;
use super::http::{self, accept, json};
use crate::failure::{Failure, Kind};
use crate::paths::encode;

/// The server has another offset than the page thought: ask, and go on from there.
pub const OFFSET_MISMATCH: &str = "upload.offset-mismatch";
/// Another request is still writing: wait a little.
pub const BUSY: &str = "upload.busy";
/// The server stopped hearing us in the middle of a piece: ask, and go on.
pub const INTERRUPTED: &str = "upload.interrupted";

/// There is no such upload any more: it ended or was cancelled.
pub const UNKNOWN: &str = "upload.unknown";

/// Where administrators find everybody's.
const OF_ALL: &str = "/api/people/uploads";

/// Announces a file, as one of a cluster; of none where that is empty.
///
/// # Errors
/// In the server's words: too large, no room, too many.
pub async fn create(name: &str, length: u64, cluster: &str) -> Result<Upload, Failure> {
    http::post(
        "/api/uploads",
        &CreateUpload {
            name: name.to_owned(),
            length,
            cluster: cluster.to_owned(),
            evidence: false,
        },
    )
    .await
}

/// What the signed-in person left unfinished: as much as a person may have is one page.
///
/// # Errors
/// As [`Failure::from_http`].
pub async fn unfinished() -> Result<Uploads, Failure> {
    http::get("/api/uploads").await
}

/// Where an upload is.
///
/// # Errors
/// [`Kind::NotFound`] when it was cancelled, expired, or is another person's.
pub async fn find(id: &str) -> Result<Upload, Failure> {
    http::get(&path(id)).await
}

/// Sends `piece`, which begins at `offset`. The last piece's answer names the snapshot.
///
/// # Errors
/// [`OFFSET_MISMATCH`] and the like as the code; [`Kind::Offline`] when the network failed.
pub async fn send(
    id: &str,
    offset: u64,
    piece: &Blob,
    stop: &AbortSignal,
) -> Result<Upload, Failure> {
    let response = Request::patch(&path(id))
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", &offset.to_string())
        .abort_signal(Some(stop))
        .body(piece.clone())
        .map_err(|e| Failure::new(Kind::Other, format!("The request could not be made: {e}")))?
        .send()
        .await
        .map_err(|_| Failure::offline())?;
    acts::done();
    json(response).await
}

/// Keeps an upload as evidence whose file no recovery uses; all `length` bytes of it have arrived.
///
/// # Errors
/// As [`Failure::from_http`].
pub async fn keep_as_evidence(id: &str, length: u64) -> Result<Upload, Failure> {
    let response = Request::patch(&path(id))
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", &length.to_string())
        .header(EVIDENCE_HEADER, "keep")
        .send()
        .await
        .map_err(|_| Failure::offline())?;
    acts::done();
    json(response).await
}

/// Cancels an upload; what had arrived is dropped.
///
/// # Errors
/// As [`Failure::from_http`].
pub async fn cancel(id: &str) -> Result<(), Failure> {
    delete(&path(id)).await
}

/// What everybody left unfinished, for administrators: all pages of it.
///
/// # Errors
/// As [`Failure::from_http`].
pub async fn unfinished_of_all() -> Result<Uploads, Failure> {
    let mut all = Uploads::default();
    loop {
        let token = encode(&all.next_page_token);
        let path = format!("{OF_ALL}?page_size=200&page_token={token}");
        let page: Uploads = http::get(&path).await?;
        all.uploads.extend(page.uploads);
        (all.next_page_token, all.total) = (page.next_page_token, page.total);
        if all.next_page_token.is_empty() {
            return Ok(all);
        }
    }
}

/// Cancels another person's upload, for administrators.
///
/// # Errors
/// As [`Failure::from_http`].
pub async fn cancel_any(id: &str) -> Result<(), Failure> {
    delete(&format!("{OF_ALL}/{}", encode(id))).await
}

async fn delete(path: &str) -> Result<(), Failure> {
    let response = Request::delete(path)
        .send()
        .await
        .map_err(|_| Failure::offline())?;
    acts::done();
    accept(response).await.map(drop)
}

fn path(id: &str) -> String {
    format!("/api/uploads/{}", encode(id))
}

/// The size of the next piece, from how long the last one took: about a second each, so that progress is seen on
/// a slow line and a fast one is not held up by questions.
pub fn next_piece(last_bytes: u64, took_ms: f64) -> u64 {
    const SMALLEST: u64 = 256 << 10;
    const LARGEST: u64 = 32 << 20;
    let ideal = last_bytes as f64 * 1000.0 / took_ms.max(1.0);
    // At most doubled or halved at once: one hiccup is not the line's speed.
    let near = ideal.clamp(last_bytes as f64 / 2.0, last_bytes as f64 * 2.0);
    (near as u64).clamp(SMALLEST, LARGEST)
}

/// The size of the first piece.
pub const FIRST_PIECE: u64 = 1 << 20;

/// How long to wait before the next attempt, in seconds: 1, 2, 4, … 30.
pub fn wait_seconds(failed_attempts: u32) -> u32 {
    2u32.saturating_pow(failed_attempts.saturating_sub(1).min(5))
        .min(30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_the_line() {
        let mut piece = FIRST_PIECE;
        // 100 MiB/s
        for _ in 0..20 {
            piece = next_piece(piece, piece as f64 / 104_857.6);
        }
        assert_eq!(piece, 32 << 20);
        // 64 KiB/s
        for _ in 0..20 {
            piece = next_piece(piece, piece as f64 / 65.536);
        }
        assert_eq!(piece, 256 << 10);
        assert!(next_piece(1 << 20, 0.0) <= 2 << 20);
    }

    #[test]
    fn waiting_grows_and_stays_bearable() {
        let waits: Vec<_> = (1..=8).map(wait_seconds).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(wait_seconds(u32::MAX), 30);
    }
}
