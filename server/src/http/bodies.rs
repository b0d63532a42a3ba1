//! How much memory the bodies of plain requests may take, and who may send long ones. Nearly all are short and arrive in
//! one piece. One that is long, or comes piece by piece, needs a place: an account has a few, and so has each network
//! that strangers come from. Those who send many slowly are refused the next, and the others do not notice.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::extract::{MAX_JSON_BYTES, too_long};
use super::waiting::Waiting;
use crate::address::Network;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Kind, bad_request};
use crate::shares::{Share, Shares};

/// The longest body of a request that comes without an account, in bytes: a name and the longest password, with every
/// character of it escaped, fit.
pub const MAX_OPEN_BYTES: usize = 8 << 10;
/// A body that is no longer and arrives in one piece needs no place, in bytes: of an account, and of a stranger.
const SHORT: usize = 8 << 10;
const SHORT_OPEN: usize = 1 << 10;
/// Places for bodies of accounts, 4 MiB of them, and those of one account.
const AT_ONCE: usize = 64;
const OF_ACCOUNT: usize = 4;
/// Places for bodies of strangers, 2 MiB of them, and those of one network.
const OPEN_AT_ONCE: usize = 256;
const OF_NETWORK: usize = 32;
/// Requests of strangers that wait for their bodies, with 64 MiB of headers at most, and those of one network.
const WAITING_AT_ONCE: usize = 1024;
const WAITING_OF_NETWORK: usize = 256;

/// The places of a server.
#[derive(Clone)]
pub(crate) struct Places {
    accounts: Shares,
    strangers: Shares,
    waiting: Waiting,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            accounts: Shares::new(AT_ONCE, OF_ACCOUNT),
            strangers: Shares::new(OPEN_AT_ONCE, OF_NETWORK),
            waiting: Waiting::new(WAITING_AT_ONCE, WAITING_OF_NETWORK),
        }
    }
}

/// Lets a request through once its body is there. What an upload sends is not read here.
pub(crate) async fn in_turn(
    State(places): State<Places>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let sender = Sender::of(&parts, &places);
    let (body, place) = match sender.body(&parts.headers, body).await {
        Ok(read) => read,
        Err(error) => return error.into_response(),
    };
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    // A long one is held by its handler, too.
    drop(place);
    answer
}

/// Who sends a body, and what they may.
struct Sender<'a> {
    name: String,
    places: &'a Shares,
    /// Where a stranger waits.
    waiting: Option<&'a Waiting>,
    most: usize,
    short: usize,
}

impl<'a> Sender<'a> {
    fn of(parts: &Parts, places: &'a Places) -> Self {
        if let Some(actor) = parts.extensions.get::<Actor>() {
            return Self {
                name: actor.user_id.clone(),
                places: &places.accounts,
                waiting: None,
                most: MAX_JSON_BYTES,
                short: SHORT,
            };
        }
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Self {
            name: address.map_or_else(String::new, |from| Network::of(from.0.ip()).to_string()),
            places: &places.strangers,
            waiting: Some(&places.waiting),
            most: MAX_OPEN_BYTES,
            short: SHORT_OPEN,
        }
    }

    async fn body(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Bytes, Option<Share>), ApiError> {
        let read = self.read(headers, body);
        let Some(waiting) = self.waiting else {
            return read.await;
        };
        let waiter = waiting.take(&self.name);
        tokio::select! {
            biased;
            read = read => read,
            () = waiter.evicted() => Err(busy()),
        }
    }

    async fn read(
        &self,
        headers: &HeaderMap,
        mut body: Body,
    ) -> Result<(Bytes, Option<Share>), ApiError> {
        let announced = announced(headers);
        let (mut read, mut place) = (BytesMut::new(), None);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| cut_off())?;
            let Some(data) = frame.data_ref() else {
                continue;
            };
            if read.len() + data.len() > self.most {
                return Err(too_long(self.most));
            }
            read.extend_from_slice(data);
            let whole = announced == Some(read.len()) || body.is_end_stream();
            if place.is_none() && (!whole || read.len() > self.short) {
                place = Some(self.places.try_take(&self.name).ok_or_else(busy)?);
            }
            if whole {
                break;
            }
        }
        Ok((read.freeze(), place))
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn cut_off() -> ApiError {
    bad_request(
        "body.cut-off",
        "The request's body ended before all of it had arrived. Nothing was done.",
    )
}

fn busy() -> ApiError {
    ApiError::new(
        Kind::Unavailable,
        "body.busy",
        "Too many requests from the same sender are long or arrive slowly at the moment. Nothing was done. Try again \
         in a moment.",
    )
    .retry_after(1)
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use futures_util::stream;

    use super::*;

    fn pieces(pieces: &[usize], ends: bool) -> Body {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|length| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; *length])))
            .collect();
        let pieces = stream::iter(pieces);
        match ends {
            true => Body::from_stream(pieces),
            false => Body::from_stream(pieces.chain(stream::pending())),
        }
    }

    fn length(bytes: usize) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, bytes.into());
        headers
    }

    #[tokio::test]
    async fn what_is_short_and_whole_needs_no_place() {
        let places = Places {
            accounts: Shares::new(0, 0),
            strangers: Shares::new(1, 1),
            waiting: Waiting::new(1, 1),
        };
        let (parts, _) = Request::new(Body::empty()).into_parts();
        let sender = Sender::of(&parts, &places);
        let held = sender.places.try_take(&sender.name).unwrap();
        for body in [Body::empty(), Body::from(vec![b' '; SHORT_OPEN])] {
            sender.body(&HeaderMap::new(), body).await.unwrap();
        }
        // Its end comes later than its last byte: it was announced.
        let body = sender.body(&length(9), pieces(&[9], false)).await;
        assert_eq!(body.unwrap().0.len(), 9);
        for (headers, body) in [
            (HeaderMap::new(), Body::from(vec![b' '; SHORT_OPEN + 1])),
            (length(9), pieces(&[5, 4], true)),
            (length(9), pieces(&[8], false)),
        ] {
            let refused = sender.body(&headers, body).await.unwrap_err();
            assert_eq!(refused.code, "body.busy");
        }
        drop(held);
        let body = pieces(&[MAX_OPEN_BYTES - 1, 1], true);
        let (body, place) = sender.body(&HeaderMap::new(), body).await.unwrap();
        assert!(body.len() == MAX_OPEN_BYTES && place.is_some());
        drop(place);
        let body = pieces(&[MAX_OPEN_BYTES, 1], true);
        let refused = sender.body(&HeaderMap::new(), body).await.unwrap_err();
        assert_eq!(refused.code, "body.too-large");
    }
}
