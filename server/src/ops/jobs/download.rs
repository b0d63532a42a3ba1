//! An artifact of a job as a download: the archive of its folder.

use std::io;

use bytes::Bytes;
use futures_util::Stream;
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::Permission;

use super::super::audit;
use super::super::stay::Stay;
use super::{Loaded, find_for, of_job};
use crate::app::App;
use crate::archive;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, internal, not_found, precondition, quoted};

/// A tar stream with its length.
pub struct Download<S> {
    /// The file name to suggest.
    pub name: String,
    /// Bytes of the whole stream.
    pub length: u64,
    /// The stream.
    pub stream: S,
}

/// An artifact of a finished job, by its name. It may hold every value of its cluster.
pub async fn artifact(
    app: &App,
    actor: &Actor,
    job_id: &str,
    artifact: &str,
) -> Result<Download<impl Stream<Item = io::Result<Bytes>> + Send + 'static + use<>>> {
    let row = find_for(app, actor, Permission::ReadValues, job_id).await?;
    let job = Loaded::new(app, row).await?;
    let made = job.artifacts().iter().any(|made| made.name == artifact);
    let Some(name) = artifact.strip_suffix(".tar").filter(|_| made) else {
        return Err(no_such_artifact(artifact));
    };
    let name = name.to_owned();
    let mut draft = of_job(actor, act::JOB_DOWNLOAD, &job.row);
    draft.subject = format!("artifact {artifact} of job {job_id}");
    let stay = Stay::in_cluster(app, actor, Permission::ReadValues, &job.row.cluster);
    let (here, job_id) = (app.clone(), job_id.to_owned());
    let send = async move { send(&here, &job_id, name).await };
    let sent = audit::act(app, draft, send).await?;
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
    let file_name = archive::file_name(&name);
    let (length, stream) = tokio::task::spawn_blocking(move || archive::open(&folder, &name))
        .await
        .map_err(internal)?
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if app.db.is_shared() => precondition(
                "job.download-elsewhere",
                "What this job made is on the disk of the server that ran it, and not of this one. Download it from that \
                 server.",
            ),
            io::ErrorKind::NotFound => no_such_artifact(&name_of(job_id)),
            _ => internal(error),
        })?;
    Ok(Download {
        name: file_name,
        length,
        stream,
    })
}

fn name_of(job_id: &str) -> String {
    format!("of job {job_id}")
}

fn no_such_artifact(name: &str) -> ApiError {
    not_found(
        "job.no-artifact",
        format!(
            "There is no artifact {} to download: the job is not completed, its result went to a folder, or the \
             artifact has another name.",
            quoted(name)
        ),
    )
}
