//! One sequential pass over the source, shared by everybody who needs its bytes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::act::Act;
use super::error::RestoreError;
use super::{Progress, Restore, Stage};
use crate::system::{self, SystemError};

/// Bytes read at once: large enough that the system calls do not count, small enough to stay in the cache
/// until everybody has used them.
const CHUNK: usize = 1 << 20;

/// How many chunks a consumer may lag behind.
const LAG: usize = 4;

/// Somebody who takes the source's bytes in order, on a thread of their own.
pub(super) type Consumer<'c> = Box<dyn FnMut(u64, &[u8]) -> Result<(), RestoreError> + Send + 'c>;

struct Chunk {
    offset: u64,
    len: usize,
    bytes: Arc<Vec<u8>>,
}

impl Restore<'_> {
    /// Reads the first `total` bytes of the source once and hands them to `here` on this thread and to each
    /// consumer on its own. Stops at the first failure, and gives that of a consumer before one of reading.
    pub(super) fn pass(
        &self,
        source: &File,
        total: u64,
        stage: Stage,
        mut here: impl FnMut(&[u8]),
        consumers: Vec<Consumer<'_>>,
    ) -> Result<(), RestoreError> {
        system::check_reading(total, consumers.len())?;
        std::thread::scope(|scope| {
            let mut senders = Vec::new();
            let mut threads = Vec::new();
            let mut result = Ok(());
            for mut consumer in consumers {
                let (sender, receiver): (SyncSender<Chunk>, Receiver<Chunk>) = sync_channel(LAG);
                senders.push(sender);
                let spawned = std::thread::Builder::new().spawn_scoped(scope, move || {
                    for chunk in receiver {
                        consumer(chunk.offset, &chunk.bytes[..chunk.len])?;
                    }
                    Ok(())
                });
                match spawned {
                    Ok(thread) => threads.push(thread),
                    Err(error) => {
                        result = Err(SystemError::Threads(error).into());
                        break;
                    }
                }
            }
            let read = match result {
                Ok(()) => self.read_all(source, total, stage, &mut here, &senders),
                Err(_) => Ok(()),
            };
            drop(senders);
            for thread in threads {
                let ended = match thread.join() {
                    Ok(ended) => ended,
                    Err(panic) => std::panic::resume_unwind(panic),
                };
                result = result.and(ended);
            }
            result.and(read)
        })
    }

    fn read_all(
        &self,
        source: &File,
        total: u64,
        stage: Stage,
        here: &mut impl FnMut(&[u8]),
        senders: &[SyncSender<Chunk>],
    ) -> Result<(), RestoreError> {
        const PROGRESS_EVERY: u64 = 8 << 20;
        // One more than can be under way, so that there is always one to read into.
        let mut ring: Vec<Arc<Vec<u8>>> = (0..LAG + 3).map(|_| Arc::new(vec![0; CHUNK])).collect();
        let mut offset = 0;
        let tell = |done| {
            (self.watch.progress)(Progress { stage, done, total });
        };
        tell(0);
        for turn in (0..ring.len()).cycle() {
            if offset >= total {
                break;
            }
            self.check_cancel()?;
            let len = usize::try_from(total - offset).map_or(CHUNK, |rest| rest.min(CHUNK));
            let buffer = loop {
                // The slowest consumer still looks at it; the bound on its channel makes that short.
                match Arc::get_mut(&mut ring[turn]) {
                    Some(_) => break Arc::get_mut(&mut ring[turn]),
                    None => std::thread::yield_now(),
                }
            };
            let Some(buffer) = buffer else { continue };
            let read = self.disk().act(Act::Read, self.order.source_name, || {
                source.read_exact_at(&mut buffer[..len], offset)
            });
            if let Err(RestoreError::Io { cause, path, .. }) = &read
                && cause.kind() == std::io::ErrorKind::UnexpectedEof
            {
                return Err(RestoreError::SourceChanged(path.clone()));
            }
            read?;
            for sender in senders {
                let chunk = Chunk {
                    offset,
                    len,
                    bytes: Arc::clone(&ring[turn]),
                };
                if sender.send(chunk).is_err() {
                    // It failed, and says why when it is joined.
                    return Ok(());
                }
            }
            here(&ring[turn][..len]);
            let before = offset / PROGRESS_EVERY;
            offset += len as u64;
            if offset / PROGRESS_EVERY > before {
                tell(offset);
            }
        }
        tell(total);
        Ok(())
    }
}
