//! A file of the browser: read in order as a stream, and at random.

use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use requorum_shared::source::{Source, SourceError};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, FileReaderSync};

/// Bytes per piece.
const PIECE: u32 = 2 << 20;

/// Reads a blob from start to end, into buffers that are used again and again: slices of a blob would leave a
/// buffer each to the browser's collector, which lets hundreds of megabytes of them pile up.
pub(super) struct Pieces {
    reader: JsValue,
    /// Whether the browser fills our buffers; otherwise it brings its own.
    fills: bool,
}

impl Pieces {
    /// From the beginning of `blob`.
    pub(super) fn new(blob: &Blob) -> Result<Self, JsValue> {
        let stream = blob.stream();
        let wanted = Object::new();
        Reflect::set(&wanted, &"mode".into(), &"byob".into())?;
        match call(&stream, "getReader", &[wanted.into()]) {
            Ok(reader) => Ok(Self {
                reader,
                fills: true,
            }),
            Err(_) => Ok(Self {
                reader: call(&stream, "getReader", &[])?,
                fills: false,
            }),
        }
    }

    /// The next bytes, `None` at the end. They lie in `spare` where there is one and the browser takes it.
    pub(super) async fn next(
        &self,
        spare: Option<ArrayBuffer>,
    ) -> Result<Option<Uint8Array>, JsValue> {
        if !self.fills {
            let (value, _) = self.read(&[]).await?;
            return Ok(value);
        }
        let mut buffer = spare.unwrap_or_else(|| ArrayBuffer::new(PIECE));
        let mut filled = 0;
        while filled < buffer.byte_length() {
            let free = buffer.byte_length() - filled;
            let view = Uint8Array::new_with_byte_offset_and_length(&buffer, filled, free);
            let (value, done) = self.read(&[view.into()]).await?;
            // Reading takes the buffer away, and gives it back in what was read.
            let Some(value) = value else { break };
            filled += value.length();
            buffer = value.buffer();
            if done {
                break;
            }
        }
        Ok((filled > 0).then(|| Uint8Array::new_with_byte_offset_and_length(&buffer, 0, filled)))
    }

    async fn read(&self, arguments: &[JsValue]) -> Result<(Option<Uint8Array>, bool), JsValue> {
        let promise: Promise = call(&self.reader, "read", arguments)?.dyn_into()?;
        let result = JsFuture::from(promise).await?;
        let value = Reflect::get(&result, &"value".into())?.dyn_into().ok();
        let done = Reflect::get(&result, &"done".into())?.is_truthy();
        Ok((value, done))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        // A reader that was stopped early would go on filling its pipe. Its answer interests nobody.
        if let Ok(promise) = call(&self.reader, "cancel", &[]).and_then(|p| p.dyn_into::<Promise>())
        {
            wasm_bindgen_futures::spawn_local(async move {
                let _ = JsFuture::from(promise).await;
            });
        }
    }
}

/// Calls a method by its name: the bindings do not know whether a browser's blobs fill buffers.
fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    function.apply(object, &arguments.iter().collect::<Array>())
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
