//! What is in a packed file, as a file of the browser, which keeps large ones on disk.

use std::cell::Cell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Uint8Array};
use requorum_shared::inspection::PackedFile;
use requorum_shared::kinds;
use requorum_shared::unpack::{Limits, UnpackError, Unpacker};
use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::blob::BlobSource;

/// Bytes that are handed to the browser at once.
const PART: usize = 8 << 20;

/// What came of looking into a file.
pub(super) enum Content {
    /// It is not packed in a way that is read here.
    Plain,
    /// What is in it, and the packed file.
    Unpacked(Blob, PackedFile),
    /// Why it is not read through.
    Refused(UnpackError),
    /// A person stopped it.
    Stopped,
}

/// Unpacks `blob`, if it is packed. `tell` hears how many of its bytes were read; `stop` ends it early.
pub(super) async fn content(
    blob: &Blob,
    name: &str,
    stop: &Rc<Cell<bool>>,
    tell: impl Fn(u64),
) -> Result<Content, JsValue> {
    let source = BlobSource::new(blob.clone())?;
    let mut unpacker = match Unpacker::open(&source, Limits::DEFAULT) {
        Ok(Some(unpacker)) => unpacker,
        Ok(None) => return Ok(Content::Plain),
        Err(error) => return Ok(Content::Refused(error)),
    };
    let parts = Array::new();
    let (mut piece, mut part) = (Vec::new(), Vec::new());
    loop {
        match unpacker.next(&mut piece) {
            Ok(true) => part.extend_from_slice(&piece),
            Ok(false) => break,
            Err(error) => return Ok(Content::Refused(error)),
        }
        if part.len() >= PART {
            let blob = as_blob(&part)?;
            parts.push(&blob);
            part.clear();
            tell(unpacker.read());
            // The order to stop is heard between two turns of the worker.
            TimeoutFuture::new(0).await;
            if stop.get() {
                return Ok(Content::Stopped);
            }
        }
    }
    let last = as_blob(&part)?;
    parts.push(&last);
    let packed = kinds::packed_file(&unpacker, name, blob.size() as u64);
    Ok(Content::Unpacked(
        Blob::new_with_blob_sequence(&parts)?,
        packed,
    ))
}

fn as_blob(bytes: &[u8]) -> Result<Blob, JsValue> {
    Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)))
}
