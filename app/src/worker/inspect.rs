//! One file from its first byte to its verdict.

use std::cell::Cell;
use std::rc::Rc;

use requorum_shared::kinds::{self, Inspection, Options, Scanner, inspect};
use requorum_shared::unpack::content_name;
use wasm_bindgen::JsValue;
use web_sys::{Blob, DedicatedWorkerGlobalScope};

use super::blob::{BlobSource, Pieces, said};
use super::dossier;
use super::hashing::HashThread;
use super::protocol::{Phase, Refusal};
use super::unpack::{self, Content};

/// Below this a second thread takes longer to start than it saves.
const HASH_BESIDE: u64 = 32 << 20;

/// Reads `blob` to its end, and through when it is packed, and judges it. `tell` hears how far it is and of how many
/// bytes; `stop` ends it early.
pub(super) async fn look(
    scope: &DedicatedWorkerGlobalScope,
    blob: Blob,
    name: &str,
    stop: Rc<Cell<bool>>,
    tell: impl Fn(u64, u64, Phase),
) -> Result<Inspection, Refusal> {
    let size = blob.size() as u64;
    let unpacking = |read| tell(read, size, Phase::Unpacking);
    let content = unpack::content(&blob, name, &stop, unpacking).await;
    let content = content.map_err(|error| Refusal::unreadable(name, 0, &said(&error)))?;
    match content {
        Content::Plain => read(scope, blob, name, stop, tell).await,
        Content::Unpacked(content, packed) => {
            if dossier::begins(&content, name)? {
                return Err(Refusal::packed_dossier(name, packed.kind.as_str()));
            }
            let mut inspection = read(scope, content, content_name(name), stop, tell).await?;
            inspection.unpacked_from = Some(packed);
            Ok(inspection)
        }
        Content::Refused(error) => {
            let mut inspection = read(scope, blob, name, stop, tell).await?;
            kinds::not_unpacked(&mut inspection, &error);
            Ok(inspection)
        }
        Content::Stopped => Err(Refusal::cancelled(name)),
    }
}

/// Judges a file by its companion, which came with it, where its kind has one.
pub(super) fn with_companion(
    inspection: Inspection,
    companion: Blob,
) -> Result<Inspection, Refusal> {
    let Some(name) = inspection.companion() else {
        return Ok(inspection);
    };
    let unreadable = |said: &str| Refusal::unreadable(name, 0, said);
    let source = BlobSource::new(companion).map_err(|error| unreadable(&said(&error)))?;
    let judged = kinds::with_companion(inspection, &source, |_| {});
    judged.map_err(|error| unreadable(&error.to_string()))
}

async fn read(
    scope: &DedicatedWorkerGlobalScope,
    blob: Blob,
    name: &str,
    stop: Rc<Cell<bool>>,
    tell: impl Fn(u64, u64, Phase),
) -> Result<Inspection, Refusal> {
    let size = blob.size() as u64;
    let tell = |read, phase| tell(read, size, phase);
    if size == 0 {
        return Err(Refusal::empty(name));
    }
    let mut read = 0;
    let result = async {
        let beside = (size >= HASH_BESIDE)
            .then(|| HashThread::start(scope))
            .transpose()?;
        let mut scanner = Scanner::new(Options {
            hash: beside.is_none(),
            hash_kv: true,
            prefixes: true,
        });
        let pieces = Pieces::new(&blob)?;
        let mut bytes = Vec::new();
        let mut spare = None;
        while let Some(piece) = pieces.next(spare.take()).await? {
            if stop.get() {
                return Ok(None);
            }
            bytes.resize(piece.length() as usize, 0);
            piece.copy_to(&mut bytes);
            // Handed over before the scan, so that both threads work on it at once.
            if let Some(beside) = &beside {
                beside.feed(&piece)?;
            }
            scanner.feed(&bytes);
            spare = match &beside {
                Some(beside) => beside.spare().await?,
                None => Some(piece.buffer()),
            };
            read += bytes.len() as u64;
            tell(read, Phase::Reading);
            // Nobody should wait for 20 GB of something else to be hashed.
            if beside.is_some() && scanner.is_hopeless() {
                return Ok(Some(inspect(
                    scanner.finish(),
                    name,
                    &BlobSource::new(blob)?,
                )));
            }
        }
        drop(bytes);
        tell(read, Phase::Hashing);
        let digests = match beside {
            Some(beside) => Some(beside.finish().await?),
            None => None,
        };
        if stop.get() {
            return Ok(None);
        }
        tell(read, Phase::Walking);
        let mut scan = scanner.finish();
        if let Some(digests) = digests {
            scan = scan.with_digests(digests);
        }
        Ok::<_, JsValue>(Some(inspect(scan, name, &BlobSource::new(blob)?)))
    };
    match result.await {
        Ok(Some(inspection)) => Ok(inspection),
        Ok(None) => Err(Refusal::cancelled(name)),
        Err(error) => Err(Refusal::unreadable(name, read, &said(&error))),
    }
}
