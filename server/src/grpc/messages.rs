//! How much memory the messages of requests may take while they arrive. Nearly all are short. For a long one its caller
//! needs a place, of which one account has a few, and all together have not many: whoever sends many long messages
//! slowly waits for themselves.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::{Buf as _, BytesMut};
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, BodyStream, StreamBody};

use crate::auth::actor::Actor;
use crate::error::internal;
use crate::shares::Shares;

/// The longest message that a method takes, in bytes.
pub(super) const MAX_MESSAGE_BYTES: usize = 256 << 10;
/// The longest of those that take a restore's request: as long as that may be, and what is around it.
pub(super) const MAX_RESTORE_BYTES: usize = MAX_MESSAGE_BYTES + (4 << 10);
/// A message that is no longer needs no place, in bytes.
const SHORT: usize = 8 << 10;
/// Long messages at the same time: 16 MiB of them.
const AT_ONCE: usize = 64;
/// Those of one account.
const OF_ONE: usize = 4;
/// One byte that says whether it is compressed, four with its length.
const HEADER: usize = 5;

/// The places of a server.
pub(super) fn places() -> Shares {
    Shares::new(AT_ONCE, OF_ONE)
}

/// Lets a request with a long message wait for its turn, and lets the others pass.
pub(super) async fn in_turn(
    State(places): State<Shares>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let (length, body) = announced(body).await;
    let is_long = length.is_some_and(|length| (SHORT + 1..=MAX_RESTORE_BYTES).contains(&length));
    // The guard let nobody pass without an account.
    let account = parts.extensions.get::<Actor>().map(|a| a.user_id.clone());
    let place = match account.filter(|_| is_long) {
        Some(account) => match places.take(&account).await {
            Ok(place) => Some(place),
            Err(error) => return internal(error).into_response(),
        },
        None => None,
    };
    let answer = next.run(Request::from_parts(parts, body)).await;
    drop(place);
    answer
}

/// The length of the first message, as it is announced, and the same body.
async fn announced(mut body: Body) -> (Option<usize>, Body) {
    let mut begin = BytesMut::new();
    let mut frames: Vec<_> = Vec::new();
    while begin.len() < HEADER {
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    begin.extend_from_slice(&data[..data.len().min(HEADER)]);
                }
                frames.push(Ok(frame));
            }
            Some(Err(error)) => {
                frames.push(Err(error));
                break;
            }
            None => break,
        }
    }
    let length = begin
        .get(1..HEADER)
        .map(|mut length: &[u8]| length.get_u32() as usize);
    let frames = futures_util::stream::iter(frames).chain(BodyStream::new(body));
    (length, Body::new(StreamBody::new(frames)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn the_length_is_read_and_the_body_is_the_same() {
        let whole = [&[0, 0, 1, 2, 3][..], &[7; 40]].concat();
        for piece in [1, 2, 4, 5, 6, 45] {
            let pieces: Vec<_> = whole
                .chunks(piece)
                .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)))
                .collect();
            let body = Body::from_stream(futures_util::stream::iter(pieces));
            let (length, body) = announced(body).await;
            assert_eq!(length, Some(0x0001_0203));
            assert_eq!(body.collect().await.unwrap().to_bytes(), whole);
        }
        let (length, body) = announced(Body::from("abc")).await;
        assert_eq!(length, None);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }
}
