//! A file of the browser: read in order with the next pieces already on their way, and at random.

use std::collections::VecDeque;

use js_sys::{ArrayBuffer, Promise, Uint8Array};
use requorum_shared::source::{Source, SourceError};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, FileReaderSync};

/// Bytes per piece: large, because each has its own trip to the browser's process that owns the file.
const PIECE: u64 = 4 << 20;
/// Pieces on their way while one is worked on.
const AHEAD: usize = 4;

/// Reads a blob from start to end.
pub(super) struct Pieces {
    blob: Blob,
    asked: u64,
    size: u64,
    coming: VecDeque<Promise>,
}

impl Pieces {
    /// From the beginning of `blob`.
    pub(super) fn new(blob: Blob) -> Self {
        let size = blob.size() as u64;
        Self {
            blob,
            asked: 0,
            size,
            coming: VecDeque::new(),
        }
    }

    /// The next piece, `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<ArrayBuffer>, JsValue> {
        while self.coming.len() < AHEAD && self.asked < self.size {
            let end = (self.asked + PIECE).min(self.size);
            self.coming
                .push_back(slice(&self.blob, self.asked, end)?.array_buffer());
            self.asked = end;
        }
        match self.coming.pop_front() {
            Some(promise) => Ok(Some(JsFuture::from(promise).await?.unchecked_into())),
            None => Ok(None),
        }
    }
}

/// A blob at random: what a worker may do while it waits for nobody.
pub(super) struct BlobSource {
    blob: Blob,
    reader: FileReaderSync,
}

impl BlobSource {
    /// A source over `blob`.
    pub(super) fn new(blob: Blob) -> Result<Self, JsValue> {
        Ok(Self {
            blob,
            reader: FileReaderSync::new()?,
        })
    }
}

impl Source for BlobSource {
    fn size(&self) -> u64 {
        self.blob.size() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        let len = out.len() as u64;
        let end = offset.checked_add(len).filter(|end| *end <= self.size());
        let end = end.ok_or(SourceError::OutOfBounds {
            offset,
            len,
            size: self.size(),
        })?;
        let failed = |error: JsValue| SourceError::Read {
            offset,
            message: said(&error),
        };
        let part = slice(&self.blob, offset, end).map_err(failed)?;
        let bytes = Uint8Array::new(
            self.reader
                .read_as_array_buffer(&part)
                .map_err(failed)?
                .as_ref(),
        );
        if bytes.length() as usize != out.len() {
            return Err(SourceError::Read {
                offset,
                message: "the file has become shorter".into(),
            });
        }
        bytes.copy_to(out);
        Ok(())
    }
}

/// Offsets stay exact as numbers of the browser up to 2^53.
fn slice(blob: &Blob, start: u64, end: u64) -> Result<Blob, JsValue> {
    blob.slice_with_f64_and_f64(start as f64, end as f64)
}

/// What an error of the browser says.
pub(super) fn said(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => format!("{}: {}", error.name(), error.message()),
        None => match error.dyn_ref::<web_sys::DomException>() {
            Some(error) => format!("{}: {}", error.name(), error.message()),
            None => format!("{error:?}"),
        },
    }
}
