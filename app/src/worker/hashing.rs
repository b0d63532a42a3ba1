//! Hashing in a second thread. SHA-256 is the slowest thing done with a file and cannot be split; beside the scan
//! it costs nothing, because the buffers are handed over, not copied.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use js_sys::{Array, ArrayBuffer, Uint8Array};
use requorum_shared::kinds::{Digests, Hasher, Image};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::protocol::HASHER;

/// Pieces handed over and not yet hashed: what bounds memory when hashing lags behind.
const OUTSTANDING: u32 = 4;

/// The thread that hashes, seen from the one that reads.
pub(super) struct HashThread {
    worker: Worker,
    state: Rc<RefCell<State>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(web_sys::Event)>,
}

#[derive(Default)]
struct State {
    outstanding: u32,
    /// Buffers that came back.
    spare: Vec<ArrayBuffer>,
    digests: Option<Digests>,
    failed: bool,
    waker: Option<Waker>,
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl HashThread {
    /// Starts it, from the same script as this worker.
    pub(super) fn start(scope: &DedicatedWorkerGlobalScope) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name(HASHER);
        let worker = Worker::new_with_options(&scope.location().href(), &options)?;
        let state = Rc::new(RefCell::new(State::default()));
        let on_message = {
            let state = state.clone();
            Closure::<dyn FnMut(_)>::new(move |ev: MessageEvent| {
                let mut state = state.borrow_mut();
                match ev.data().dyn_into::<ArrayBuffer>() {
                    Ok(buffer) => {
                        state.outstanding = state.outstanding.saturating_sub(1);
                        state.spare.push(buffer);
                    }
                    Err(answer) => {
                        let bytes = answer.dyn_into::<Uint8Array>().map(|b| b.to_vec());
                        state.digests = bytes.ok().and_then(|b| unpack(&b));
                        state.failed = state.digests.is_none();
                    }
                }
                state.wake();
            })
        };
        let on_error = {
            let state = state.clone();
            Closure::<dyn FnMut(_)>::new(move |_: web_sys::Event| {
                let mut state = state.borrow_mut();
                state.failed = true;
                state.wake();
            })
        };
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self {
            worker,
            state,
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    /// Hands over the next bytes; their buffer comes back when they are hashed.
    pub(super) fn feed(&self, piece: &Uint8Array) -> Result<(), JsValue> {
        self.worker
            .post_message_with_transfer(piece, &Array::of1(&piece.buffer()))?;
        self.state.borrow_mut().outstanding += 1;
        Ok(())
    }

    /// Waits while too many pieces are on their way; gives a buffer that came back, if one did.
    pub(super) async fn spare(&self) -> Result<Option<ArrayBuffer>, JsValue> {
        self.until(|state| (state.outstanding < OUTSTANDING).then_some(()))
            .await?;
        Ok(self.state.borrow_mut().spare.pop())
    }

    /// The digests, once everything is hashed.
    pub(super) async fn finish(self) -> Result<Digests, JsValue> {
        self.worker.post_message(&JsValue::NULL)?;
        self.until(|state| state.digests).await
    }

    async fn until<T>(&self, ready: impl Fn(&State) -> Option<T>) -> Result<T, JsValue> {
        poll_fn(|cx| {
            let mut state = self.state.borrow_mut();
            if state.failed {
                return Poll::Ready(Err(js_sys::Error::new("the hashing thread stopped").into()));
            }
            if let Some(value) = ready(&state) {
                return Poll::Ready(Ok(value));
            }
            state.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Drop for HashThread {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// What the hashing thread does: bytes are hashed and their buffer goes back, anything else asks for the digests.
pub(super) fn serve(scope: DedicatedWorkerGlobalScope) {
    let answer = scope.clone();
    let mut hasher = Hasher::new();
    let mut bytes = Vec::new();
    let on_message = Closure::<dyn FnMut(_)>::new(move |ev: MessageEvent| {
        let posted = match ev.data().dyn_into::<Uint8Array>() {
            Ok(piece) => {
                bytes.resize(piece.length() as usize, 0);
                piece.copy_to(&mut bytes);
                hasher.feed(&bytes);
                let buffer = piece.buffer();
                answer.post_message_with_transfer(&buffer, &Array::of1(&buffer))
            }
            Err(_) => {
                let digests = std::mem::take(&mut hasher).finish();
                answer.post_message(&Uint8Array::from(&pack(&digests)[..]))
            }
        };
        // A closed channel means that nobody waits for the answer any more.
        let _ = posted;
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
}

/// Size and three digests; where the database was found, start, length, digest and what follows it.
const PACKED: usize = 8 + 32 * 3;
const PACKED_IMAGE: usize = PACKED + 8 + 8 + 32 + 32 + 1;

fn pack(digests: &Digests) -> Vec<u8> {
    let mut out = Vec::with_capacity(PACKED_IMAGE);
    out.extend_from_slice(&digests.size.to_le_bytes());
    out.extend_from_slice(&digests.whole);
    out.extend_from_slice(&digests.body);
    out.extend_from_slice(&digests.tail);
    if let Some(image) = &digests.image {
        out.extend_from_slice(&image.start.to_le_bytes());
        out.extend_from_slice(&image.len.to_le_bytes());
        out.extend_from_slice(&image.digest);
        out.extend_from_slice(&image.behind);
        out.push(image.behind_len);
    }
    out
}

fn unpack(bytes: &[u8]) -> Option<Digests> {
    if !matches!(bytes.len(), PACKED | PACKED_IMAGE) {
        return None;
    }
    let number = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let digest = |at: usize| Some(*bytes.get(at..)?.first_chunk::<32>()?);
    let image = || {
        Some(Image {
            start: number(PACKED)?,
            len: number(PACKED + 8)?,
            digest: digest(PACKED + 16)?,
            behind: digest(PACKED + 48)?,
            behind_len: *bytes.get(PACKED + 80)?,
        })
    };
    Some(Digests {
        size: number(0)?,
        whole: digest(8)?,
        body: digest(40)?,
        tail: digest(72)?,
        image: image(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_survive_the_way_between_threads() {
        let mut hasher = Hasher::new();
        hasher.feed(&[7; 100]);
        let digests = hasher.finish();
        assert_eq!(unpack(&pack(&digests)), Some(digests));
        let image = Image {
            start: 7,
            len: 1 << 40,
            digest: [3; 32],
            behind: [4; 32],
            behind_len: 32,
        };
        let digests = Digests {
            image: Some(image),
            ..digests
        };
        assert_eq!(unpack(&pack(&digests)), Some(digests));
        assert_eq!(unpack(&[0; PACKED - 1]), None);
    }
}
