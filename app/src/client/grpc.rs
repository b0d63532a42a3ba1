//! The typed API over gRPC-Web. A request says which method it is of ([`Call`]): one function asks them all.
//!
//! An answer is read to the end of its body, past the trailers: a browser reports a body that is let go before as an
//! aborted request, and a person who looks at the network log during an incident would see nothing but failures. One
//! answer is read whole by the browser itself, which reports some that were read piece by piece as aborted even then.

use std::marker::PhantomData;

use gloo_net::http::{Request, Response};
use js_sys::{Promise, Reflect, Uint8Array};
use prost::Message;
use requorum_shared::api::methods::Call;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortController;

use super::acts;
use super::frames::{Frame, Frames};
use crate::failure::{Failure, Status};

const CONTENT_TYPE: &str = "application/grpc-web+proto";

#[wasm_bindgen]
extern "C" {
    /// `ReadableStream`.
    type Body;
    #[wasm_bindgen(method, js_name = getReader)]
    fn reader(this: &Body) -> Reader;

    /// `ReadableStreamDefaultReader`.
    type Reader;
    #[wasm_bindgen(method)]
    fn read(this: &Reader) -> Promise;
}

/// Asks, and waits for the answer.
///
/// # Errors
/// As [`Failure::from_grpc`].
pub async fn call<R: Call>(request: R) -> Result<R::Response, Failure> {
    let answer = unary(request).await;
    if !R::METHOD.reads {
        acts::done();
    }
    answer.map_err(|status| Failure::from_grpc(&status))
}

async fn unary<R: Call>(request: R) -> Result<R::Response, Status> {
    let (response, abort) = send(request).await?;
    let bytes = response.binary().await;
    let bytes = bytes.map_err(|_| Status::unreachable())?;
    abort.ended();
    let mut frames = Frames::default();
    frames.push(&bytes);
    let (mut first, mut end) = (None, None);
    while let Some(frame) = frames.take() {
        match frame {
            Frame::Message(bytes) => {
                let message = R::Response::decode(&*bytes).map_err(|_| Status::cut())?;
                first.get_or_insert(message);
            }
            Frame::Trailers(status) => end = Some(status),
            Frame::Unreadable => return Err(Status::cut()),
        }
    }
    match end {
        Some(status) if status.is_ok() => first.ok_or_else(Status::cut),
        Some(status) => Err(status),
        None => Err(Status::cut()),
    }
}

/// Asks for a stream of answers.
///
/// # Errors
/// As [`Failure::from_grpc`].
pub async fn stream<R: Call>(request: R) -> Result<Answers<R::Response>, Failure> {
    open(request)
        .await
        .map_err(|status| Failure::from_grpc(&status))
}

/// Answers as they come. The request is given up when this is dropped before its end.
pub struct Answers<T> {
    reader: Reader,
    frames: Frames,
    status: Option<Status>,
    abort: AbortOnDrop,
    of: PhantomData<T>,
}

impl<T: Message + Default> Answers<T> {
    /// The next answer; nothing once the server has ended the stream without an error. Not to be asked again then.
    ///
    /// # Errors
    /// What the server ended it with, or that it broke.
    pub async fn message(&mut self) -> Result<Option<T>, Status> {
        loop {
            match self.frames.take() {
                Some(Frame::Message(bytes)) => {
                    return T::decode(&*bytes).map(Some).map_err(|_| Status::cut());
                }
                Some(Frame::Trailers(status)) => self.status = Some(status),
                Some(Frame::Unreadable) => return Err(Status::cut()),
                None => match self.chunk().await? {
                    Some(bytes) => self.frames.push(&bytes),
                    None => {
                        self.abort.ended();
                        return match self.status.take() {
                            Some(status) if status.is_ok() => Ok(None),
                            Some(status) => Err(status),
                            None => Err(Status::cut()),
                        };
                    }
                },
            }
        }
    }

    async fn chunk(&self) -> Result<Option<Vec<u8>>, Status> {
        let read = JsFuture::from(self.reader.read()).await;
        let read = read.map_err(|_| Status::unreachable())?;
        let part = |name: &str| Reflect::get(&read, &name.into()).unwrap_or(JsValue::UNDEFINED);
        Ok((!part("done").is_truthy()).then(|| Uint8Array::new(&part("value")).to_vec()))
    }
}

async fn open<R: Call>(request: R) -> Result<Answers<R::Response>, Status> {
    let (response, abort) = send(request).await?;
    let body = response.body().ok_or_else(Status::cut)?;
    Ok(Answers {
        reader: body.unchecked_into::<Body>().reader(),
        frames: Frames::default(),
        status: None,
        abort,
        of: PhantomData,
    })
}

/// Sends a request; gives an answer of gRPC-Web whose body is still to be read.
async fn send<R: Call>(request: R) -> Result<(Response, AbortOnDrop), Status> {
    let abort = AbortOnDrop::new()?;
    let body = Uint8Array::from(&*super::frames::of_message(&request.encode_to_vec()));
    let response = Request::post(R::METHOD.path)
        .header("content-type", CONTENT_TYPE)
        .header("accept", CONTENT_TYPE)
        .header("x-grpc-web", "1")
        .abort_signal(abort.signal().as_ref())
        .body(body)
        .map_err(|_| Status::unreachable())?
        .send()
        .await
        .map_err(|_| Status::unreachable())?;
    let headers = response.headers();
    let refused = Status::of(|name| headers.get(name));
    let of_grpc = headers
        .get("content-type")
        .is_some_and(|kind| kind.starts_with("application/grpc-web"));
    let failed = match refused {
        // A refusal comes in the headers, and nothing after them.
        Some(status) if !status.is_ok() => Some(status),
        _ if !of_grpc => Some(Status::of_http(response.status())),
        _ => None,
    };
    if let Some(status) = failed {
        // To its end, as above; what it holds has no meaning.
        let _ = response.binary().await;
        abort.ended();
        return Err(status);
    }
    Ok((response, abort))
}

/// Gives a request up that nobody waits for any more.
struct AbortOnDrop {
    controller: AbortController,
    ended: std::cell::Cell<bool>,
}

impl AbortOnDrop {
    fn new() -> Result<Self, Status> {
        Ok(Self {
            controller: AbortController::new().map_err(|_| Status::unreachable())?,
            ended: false.into(),
        })
    }

    fn signal(&self) -> Option<web_sys::AbortSignal> {
        Some(self.controller.signal())
    }

    fn ended(&self) {
        self.ended.set(true);
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if !self.ended.get() {
            self.controller.abort();
        }
    }
}
