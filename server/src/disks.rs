//! How full the disks of this server are, and what jobs made on them: measured by a task and kept, so that no request
//! waits for a disk. Each server knows its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// Between two measurements.
const EVERY: Duration = Duration::from_secs(60);
/// Changes that come soon after another are measured together.
const SOON: Duration = Duration::from_secs(1);
/// How long a disk may take to answer before it counts as not measured.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// The most files that are looked at of what jobs made.
const MOST_FILES: usize = 200_000;

/// The newest measurement, and the task's bell.
#[derive(Default)]
pub struct Disks {
    newest: Mutex<Arc<Measured>>,
    changed: Notify,
    /// Disks that have not answered yet: none is asked twice at a time.
    asked: Asked,
}

/// What was measured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// When, milliseconds since the Unix epoch; 0 before the first time.
    pub at_ms: i64,
    /// Bytes free below each root, by its name, of those that answered.
    pub free: BTreeMap<String, u64>,
    /// Bytes free and in all on the disk of uploads, if it answered.
    pub uploads: Option<(u64, u64)>,
    /// Bytes of what jobs made.
    pub made: Vec<Made>,
    /// Whether something was left out of [`Measured::made`]: what is too much, and what cannot be read.
    pub partly: bool,
}

/// What one job made in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The job's cluster.
    pub cluster: String,
    /// Whether it waits to be downloaded; otherwise it is where a restore was asked to put it.
    pub download: bool,
    /// Bytes on the disk.
    pub bytes: u64,
}

impl Disks {
    /// The newest measurement.
    pub fn newest(&self) -> Arc<Measured> {
        self.newest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Something was made or removed: it is measured soon.
    pub fn have_changed(&self) {
        self.changed.notify_one();
    }

    /// Waits for the time of the next measurement.
    pub async fn until_next(&self) {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = self.changed.notified() => tokio::time::sleep(SOON).await,
        }
    }

    /// Keeps a measurement as the newest.
    pub fn keep(&self, measured: Measured) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(measured);
    }

    /// Asks a disk, unless it still owes the last answer.
    ///
    /// None when it does not answer in time, or with an error.
    pub async fn ask<T: Send + 'static>(
        &self,
        what: &str,
        look: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Option<T> {
        let turn = self.asked.begin(what)?;
        let look = spawn_blocking(move || {
            let looked = look();
            drop(turn);
            looked
        });
        match tokio::time::timeout(ANSWERS_WITHIN, look).await {
            Ok(Ok(Ok(seen))) => Some(seen),
            Ok(Ok(Err(error))) => {
                tracing::warn!("measuring {what}: {error}");
                None
            }
            Ok(Err(_)) => None,
            Err(_) => {
                tracing::warn!("measuring {what}: the disk does not answer");
                None
            }
        }
    }
}

/// What is being asked, by name.
#[derive(Default)]
struct Asked(Mutex<BTreeMap<String, Arc<AtomicBool>>>);

/// Until it is dropped, the same is not asked again.
struct Turn(Arc<AtomicBool>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Asked {
    fn begin(&self, what: &str) -> Option<Turn> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = asked.entry(what.to_owned()).or_default();
        (!busy.swap(true, Ordering::AcqRel)).then(|| Turn(busy.clone()))
    }
}

/// A folder that a job made.
#[derive(Debug)]
pub struct Looked {
    /// The job's cluster.
    pub cluster: String,
    /// Where it is.
    pub path: PathBuf,
    /// As [`Made::download`].
    pub download: bool,
}

/// The bytes below each folder, and whether some were left out. Folders that two jobs used count once, for the first.
pub fn bytes_of(places: Vec<Looked>) -> (Vec<Made>, bool) {
    let (mut seen, mut all) = (BTreeSet::new(), Vec::new());
    let mut look = Look::new();
    for place in places {
        if !seen.insert(place.path.clone()) {
            continue;
        }
        let bytes = look.below(&place.path);
        if bytes > 0 {
            all.push(Made {
                cluster: place.cluster,
                download: place.download,
                bytes,
            });
        }
    }
    (all, look.partly)
}

/// A look at what lies on the disk.
struct Look {
    /// How many more files are looked at.
    left: usize,
    /// Whether something was left out: what is too much, and what cannot be read.
    partly: bool,
}

impl Look {
    fn new() -> Self {
        Self {
            left: MOST_FILES,
            partly: false,
        }
    }

    /// Bytes on the disk below a folder; links are not followed. What is not there takes none.
    fn below(&mut self, path: &Path) -> u64 {
        use std::os::unix::fs::MetadataExt as _;

        let mut bytes = 0;
        let Some(entries) = self.read(std::fs::read_dir(path)) else {
            return 0;
        };
        for entry in entries {
            if self.left == 0 {
                self.partly = true;
                break;
            }
            self.left -= 1;
            let Some(entry) = self.read(entry) else {
                continue;
            };
            let Some(metadata) = self.read(entry.metadata()) else {
                continue;
            };
            bytes += match metadata.is_dir() {
                true => self.below(&entry.path()),
                false => metadata.blocks().saturating_mul(512),
            };
        }
        bytes
    }

    fn read<T>(&mut self, read: io::Result<T>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                // It may be removed meanwhile.
                self.partly |= error.kind() != io::ErrorKind::NotFound;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_looked_at_is_said_and_what_is_not_there_takes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("m1")).unwrap();
        let file = dir.path().join("m1/db");
        std::fs::write(&file, vec![1; 10_000]).unwrap();
        let mut look = Look::new();
        assert!(look.below(dir.path()) >= 10_000);
        assert_eq!(look.below(&dir.path().join("gone")), 0);
        assert!(!look.partly);
        // It cannot be listed.
        assert_eq!(look.below(&file), 0);
        assert!(look.partly);
        let mut few = Look {
            left: 1,
            partly: false,
        };
        assert_eq!(few.below(dir.path()), 0);
        assert!(few.partly);
    }
}
