//! A restored member as a tar stream: `tar x` gives a data directory that etcd starts from.
//!
//! The WAL's 64 MB of zeros are in it as they are: sparse entries are an extension that not every tar reads, and
//! a stream of known length tells whoever downloads it when it was cut off.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::Stream;
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::Permission;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::super::record;
use super::super::stay::Stay;
use super::{Loaded, find_for, of_job, unknown};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, internal, not_found, precondition};

/// Bytes of a tar block.
const BLOCK: u64 = 512;
/// The longest name that a plain header holds; a longer one takes blocks of its own.
const PLAIN_NAME: usize = 100;
/// Bytes sent at once.
const CHUNK: usize = 256 * 1024;

/// A tar stream with its length.
pub struct Download<S> {
    /// The file name to suggest.
    pub name: String,
    /// Bytes of the whole stream.
    pub length: u64,
    /// The stream.
    pub stream: S,
}

/// The tar of one member of a finished job: it holds every value of its cluster.
pub async fn member(
    app: &App,
    actor: &Actor,
    job_id: &str,
    file: &str,
) -> Result<Download<impl Stream<Item = io::Result<Bytes>> + Send + 'static + use<>>> {
    let row = find_for(app, actor, Permission::ReadValues, job_id).await?;
    let name = file.strip_suffix(".tar").ok_or_else(unknown)?.to_owned();
    let job = Loaded::new(app, row).await?;
    if !job.downloads().contains(&name) {
        return Err(no_such_member(&name));
    }
    let mut draft = of_job(actor, act::JOB_DOWNLOAD, &job.row);
    draft.subject = format!("member {name} of job {job_id}");
    let stay = Stay::in_cluster(app, actor, Permission::ReadValues, &job.row.cluster);
    let sent = record::act(app, draft, send(app, job_id, name)).await?;
    Ok(Download {
        name: sent.name,
        length: sent.length,
        stream: stay.bytes(sent.stream),
    })
}

async fn send(
    app: &App,
    job_id: &str,
    name: String,
) -> Result<Download<impl Stream<Item = io::Result<Bytes>> + Send + 'static + use<>>> {
    let folder = app.data_dir.downloads().join(job_id).join(&name);
    let entries = {
        let (folder, name) = (folder, name.clone());
        tokio::task::spawn_blocking(move || walk(&folder, &name))
            .await
            .map_err(internal)?
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound if app.db.is_shared() => precondition(
                    "job.download-elsewhere",
                    "The members that this job made are on the disk of the server that ran it, and not of this one. \
                     Download them from that server.",
                ),
                io::ErrorKind::NotFound => no_such_member(&name_of(job_id)),
                _ => internal(error),
            })?
    };
    let length = entries.iter().map(Entry::length).sum::<u64>() + 2 * BLOCK;
    let (out, stream) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        let mut sender = Sender {
            out,
            gathered: Vec::with_capacity(CHUNK),
        };
        if let Err(error) = write(&entries, &mut sender) {
            // The length was promised: a stream that ends early is seen to be cut.
            tracing::warn!("sending a member: {error}");
            let _ = sender.out.blocking_send(Err(error));
        }
    });
    Ok(Download {
        name: format!("{name}.tar"),
        length,
        stream: ReceiverStream::new(stream),
    })
}

/// A folder or file of the member.
#[derive(Debug)]
struct Entry {
    /// Its name in the archive.
    name: String,
    path: PathBuf,
    metadata: Metadata,
}

impl Entry {
    fn length(&self) -> u64 {
        let content = if self.metadata.is_file() {
            self.metadata.len()
        } else {
            0
        };
        let long_name = match self.name.len() {
            length if length > PLAIN_NAME => BLOCK + blocks(length as u64 + 1),
            _ => 0,
        };
        long_name + BLOCK + blocks(content)
    }
}

fn blocks(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK) * BLOCK
}

/// The folder and all below it, each folder before what is in it.
fn walk(folder: &Path, name: &str) -> io::Result<Vec<Entry>> {
    let metadata = folder.symlink_metadata()?;
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(io::Error::other(format!(
            "{} is neither a folder nor a file",
            folder.display()
        )));
    }
    let is_dir = metadata.is_dir();
    let mut entries = vec![Entry {
        name: if is_dir {
            format!("{name}/")
        } else {
            name.to_owned()
        },
        path: folder.into(),
        metadata,
    }];
    if is_dir {
        let mut below = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        below.sort_by_key(std::fs::DirEntry::file_name);
        for entry in below {
            let below = format!("{name}/{}", entry.file_name().to_string_lossy());
            entries.extend(walk(&entry.path(), &below)?);
        }
    }
    Ok(entries)
}

fn write(entries: &[Entry], out: &mut Sender) -> io::Result<()> {
    let mut archive = tar::Builder::new(&mut *out);
    for entry in entries {
        let metadata = &entry.metadata;
        let mut header = tar::Header::new_gnu();
        header.set_mode(metadata.permissions().mode() & 0o777);
        header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
        header.set_uid(0);
        header.set_gid(0);
        if metadata.is_file() {
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(metadata.len());
            archive.append_data(&mut header, &entry.name, File::open(&entry.path)?)?;
        } else {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(0);
            archive.append_data(&mut header, &entry.name, io::empty())?;
        }
    }
    archive.into_inner()?;
    out.flush()
}

/// Hands what is written to whoever downloads.
struct Sender {
    out: mpsc::Sender<io::Result<Bytes>>,
    gathered: Vec<u8>,
}

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.gathered, Vec::with_capacity(CHUNK));
        self.out
            .blocking_send(Ok(chunk.into()))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone"))
    }
}

fn name_of(job_id: &str) -> String {
    format!("of job {job_id}")
}

fn no_such_member(name: &str) -> ApiError {
    not_found(
        "job.no-download",
        format!(
            "There is no member {name} to download: the job is not completed, its result went to a folder, or \
             the member has another name."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promised_length_is_the_length() {
        let dir = tempfile::tempdir().unwrap();
        let long = "n".repeat(120);
        let folder = dir.path().join(&long).join("member/snap");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("db"), vec![7; 1025]).unwrap();
        std::fs::write(folder.join("empty"), b"").unwrap();
        for name in [
            "m1",
            &"n".repeat(80),
            &"n".repeat(86),
            &"n".repeat(87),
            &long,
        ] {
            let entries = walk(&dir.path().join(&long), name).unwrap();
            let length = entries.iter().map(Entry::length).sum::<u64>() + 2 * BLOCK;
            let (out, mut chunks) = mpsc::channel(1000);
            let mut sender = Sender {
                out,
                gathered: Vec::new(),
            };
            write(&entries, &mut sender).unwrap();
            drop(sender);
            let mut bytes = Vec::new();
            while let Some(chunk) = chunks.blocking_recv() {
                bytes.extend_from_slice(&chunk.unwrap());
            }
            assert_eq!(bytes.len() as u64, length, "{} characters", name.len());
        }
    }
}
