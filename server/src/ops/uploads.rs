//! Bringing a file: announce it, send it, cancel it. An upload belongs to whoever began it.

use futures_util::StreamExt as _;
use requorum_shared::api::upload::{CreateUpload, ListUploads, MAX_UNFINISHED, Upload, Uploads};
use requorum_shared::inspection::PackedFile;
use requorum_shared::ledger::entry::{Draft, Outcome, act, named};
use requorum_shared::number;
use requorum_shared::permission::{Permission, Place, check_cluster_name};

use super::audit::{self, Done};
use super::authorize::{authorize, authorize_for_claimed};
use super::stay::{Stay, is_final};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::clock;
use crate::error::{ApiError, Kind, Result, bad_request, internal};
use crate::files::store::UploadRow;
use crate::files::uploads::{Appended, Incoming, KEEP_FREE, gone};
use crate::paging::{Cursor, PageRequest};
use crate::random;

/// The longest file name kept, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Announces a file. Refused when it could not be kept anyway: nobody should send 20 GB to learn that.
pub async fn create(app: &App, actor: &Actor, request: CreateUpload) -> Result<Upload> {
    authorize(app, actor, Permission::Upload, Place::Anywhere).await?;
    check_cluster_name(&request.cluster)
        .map_err(|error| bad_request("upload.cluster", format!("{error}.")))?;
    authorize_for_claimed(app, actor, Permission::Upload, &request.cluster).await?;
    let name = file_name(&request.name)?;
    if request.length == 0 {
        return Err(bad_request(
            "upload.empty",
            format!("{name} is empty and cannot be restored from. Choose another file."),
        ));
    }
    let limit = app.config.max_upload_bytes;
    if request.length > limit {
        let (length, most) = number::sizes(request.length, limit);
        return Err(ApiError::new(
            Kind::TooLarge,
            "upload.too-large",
            format!(
                "{name} has {length}, and this server accepts {most} at most. Its operator can raise that with \
                 --max-upload-bytes."
            ),
        ));
    }
    // What nobody sends any more takes nothing from those who do.
    app.uploads.forget_stale().await?;
    let free = free_bytes(app)?;
    let promised = app.uploads.promised_bytes(&actor.user_id, free).await?;
    let room = free.saturating_sub(promised).saturating_sub(KEEP_FREE);
    if request.length > room {
        let (length, room) = number::sizes(request.length, room);
        return Err(ApiError::new(
            Kind::NoSpace,
            "upload.no-room",
            format!(
                "{name} has {length}, and the server has room for {room} (what others are sending just now is taken \
                 into account). Free some space on its disk."
            ),
        ));
    }
    let now = app.clock.now_ms();
    let upload = UploadRow {
        id: random::id(),
        name,
        cluster: request.cluster,
        length: request.length,
        safe_bytes: 0,
        owner_id: actor.user_id.clone(),
        owner: actor.name.clone(),
        place: app.data_dir.name().to_owned(),
        evidence: request.evidence,
        started_ms: now,
        touched_ms: now,
        entry: None,
        finished: None,
    };
    let (store, new) = (app.store.clone(), upload.clone());
    let add = async move {
        if store.add_upload(&new, MAX_UNFINISHED).await? {
            return Ok(());
        }
        Err(ApiError::new(
            Kind::TooMany,
            "upload.too-many",
            format!(
                "You have {MAX_UNFINISHED} unfinished uploads. Finish or cancel some of them first."
            ),
        ))
    };
    if upload.evidence {
        let draft = draft(actor, act::FILE_UPLOAD_EVIDENCE, &upload);
        audit::act(app, draft, add).await?;
    } else {
        add.await?;
    }
    Ok(view(app, &upload))
}

/// A page of what this person left unfinished.
pub async fn list(app: &App, actor: &Actor, asked: &ListUploads) -> Result<Uploads> {
    authorize(app, actor, Permission::Upload, Place::Anywhere).await?;
    let mut uploads = app.store.uploads().await?;
    uploads.retain(|upload| upload.owner_id == actor.user_id);
    page(asked, &uploads, |upload| view(app, upload))
}

/// A page of what everybody left unfinished, for administrators: it takes room from all.
pub async fn list_all(app: &App, actor: &Actor, asked: &ListUploads) -> Result<Uploads> {
    authorize(app, actor, Permission::People, Place::Console).await?;
    let uploads = app.store.uploads().await?;
    page(asked, &uploads, |upload| Upload {
        owner: upload.owner.clone(),
        ..view(app, upload)
    })
}

fn page(
    asked: &ListUploads,
    all: &[UploadRow],
    view: impl Fn(&UploadRow) -> Upload,
) -> Result<Uploads> {
    let page = PageRequest::read("uploads", asked.page_size, &asked.page_token)?;
    let rows = all
        .iter()
        .map(|upload| (Cursor::at(upload.started_ms, &upload.id), upload));
    // A name is the one long thing in a row.
    let (rows, next_page_token) =
        page.page_by(page.rest(rows.collect()), |upload| upload.name.len());
    Ok(Uploads {
        uploads: rows.into_iter().map(view).collect(),
        next_page_token,
        total: all.len() as u64,
    })
}

/// Ends another person's upload, and leaves nothing of it.
pub async fn cancel_any(app: &App, actor: &Actor, id: &str) -> Result<()> {
    authorize(app, actor, Permission::People, Place::Console).await?;
    let upload = app.store.upload(id).await?.ok_or_else(gone)?;
    cancel_of(app, actor, &upload).await
}

/// Ends all uploads of an account that may not sign in any more.
pub(super) async fn cancel_all_of(app: &App, actor: &Actor, owner_id: &str) -> Result<()> {
    let uploads = app.store.uploads().await?.into_iter();
    for upload in uploads.filter(|upload| upload.owner_id == owner_id) {
        cancel_of(app, actor, &upload).await?;
    }
    Ok(())
}

async fn cancel_of(app: &App, actor: &Actor, upload: &UploadRow) -> Result<()> {
    let mut draft = draft(actor, act::FILE_UPLOAD_CANCEL, upload);
    draft.subject = format!("{}, begun by {}", draft.subject, upload.owner);
    let (uploads, upload) = (app.uploads.clone(), upload.clone());
    audit::act(app, draft, async move { uploads.cancel(&upload).await }).await
}

/// One of this person's uploads.
pub async fn find(app: &App, actor: &Actor, id: &str) -> Result<Upload> {
    Ok(view(app, &row(app, actor, id).await?))
}

/// Has a file kept as evidence if it turns out that no recovery uses it.
pub async fn keep_as_evidence(app: &App, actor: &Actor, id: &str) -> Result<()> {
    let upload = row(app, actor, id).await?;
    if upload.evidence {
        return Ok(());
    }
    let draft = draft(actor, act::FILE_UPLOAD_EVIDENCE, &upload);
    let store = app.store.clone();
    let keep = async move { Ok(store.upload_is_evidence(&upload.id).await?) };
    audit::act(app, draft, keep).await
}

/// Adds bytes. `announced` is the body's length where the client said it.
pub async fn append(
    app: &App,
    actor: &Actor,
    id: &str,
    offset: u64,
    announced: Option<u64>,
    body: Incoming,
) -> Result<Upload> {
    let upload = row(app, actor, id).await?;
    let end = offset.saturating_add(announced.unwrap_or(0));
    if end > upload.length {
        return Err(ApiError::new(
            Kind::TooLarge,
            "upload.too-long",
            format!(
                "The bytes from {offset} would end at {end}, and the file was announced with {}. Cancel the \
                 upload and begin again with the file's true length.",
                upload.length
            ),
        ));
    }
    let mut seen = view(app, &upload);
    let uploads = app.uploads.clone();
    // Bytes that arrive are nothing yet; the last of them make a snapshot.
    // The right to bring it in is looked at again while bytes arrive, and before the last of them.
    let stay = Stay::in_cluster(app, actor, Permission::Upload, &upload.cluster);
    let missing = upload.length.saturating_sub(offset);
    let body = stay.clone().upload(missing, body).boxed();
    let last = announced.is_none() || end == upload.length;
    let draft = draft(actor, act::FILE_UPLOAD, &upload);
    let append = async move {
        let appended = uploads.append(upload, offset, body).await;
        if appended.is_err()
            && let Err(ended) = stay.look().await
            && is_final(&ended)
        {
            return Err(ended);
        }
        appended
    };
    let appended = if last {
        audit::carry(app, draft, move |_| async move {
            let appended = append.await?;
            Ok(match &appended {
                Appended::Partly(_) => Done {
                    outcome: Outcome::Failed,
                    reason: "upload.partly".to_owned(),
                    ..Done::plainly(appended)
                },
                Appended::Whole(stored) => Done {
                    subject: Some(format!("file {}", stored.id)),
                    reason: stored.unpacked_from.as_ref().map_or(String::new(), as_sent),
                    ..Done::plainly(appended)
                },
            })
        })
        .await?
    } else {
        audit::to_the_end(app, append).await?
    };
    match appended {
        Appended::Partly(offset) => seen.offset = offset,
        Appended::Whole(stored) => {
            seen.offset = seen.length;
            seen.snapshot = Some(stored.id);
            seen.unpacked_from = stored.unpacked_from;
        }
    }
    Ok(seen)
}

/// What is done with what is being brought in, as the ledger says it.
fn draft(actor: &Actor, act: &str, upload: &UploadRow) -> Draft {
    Draft {
        cluster: named(&upload.cluster),
        ..audit::draft(
            actor,
            act,
            format!("{}, {} bytes", upload.name, upload.length),
        )
    }
}

/// Ends an upload and leaves nothing of it.
pub async fn cancel(app: &App, actor: &Actor, id: &str) -> Result<()> {
    let upload = row(app, actor, id).await?;
    let draft = draft(actor, act::FILE_UPLOAD_CANCEL, &upload);
    let uploads = app.uploads.clone();
    audit::act(app, draft, async move { uploads.cancel(&upload).await }).await
}

/// One of this person's uploads, which they still may bring in.
async fn row(app: &App, actor: &Actor, id: &str) -> Result<UploadRow> {
    authorize(app, actor, Permission::Upload, Place::Anywhere).await?;
    let upload = app.store.upload(id).await?;
    let upload = upload
        .filter(|upload| upload.owner_id == actor.user_id)
        .ok_or_else(gone)?;
    let place = Place::Cluster(&upload.cluster);
    authorize(app, actor, Permission::Upload, place).await?;
    Ok(upload)
}

fn view(app: &App, upload: &UploadRow) -> Upload {
    Upload {
        id: upload.id.clone(),
        name: upload.name.clone(),
        cluster: upload.cluster.clone(),
        length: upload.length,
        offset: app.uploads.written(upload),
        owner: String::new(),
        started_at: clock::text(upload.started_ms),
        snapshot: None,
        unpacked_from: None,
    }
}

/// What was sent, for the entry about what was in it.
fn as_sent(packed: &PackedFile) -> String {
    format!(
        "unpacked from {} ({}), which has the SHA-256 {}",
        packed.name, packed.kind, packed.sha256
    )
}

/// The last part of what the client calls the file: no folder of its machine is kept.
fn file_name(name: &str) -> Result<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if last.is_empty()
        || last.len() > MAX_NAME_BYTES
        || last.chars().any(requorum_shared::escape::is_hidden)
        || matches!(last, "." | "..")
    {
        return Err(bad_request(
            "upload.name",
            format!(
                "A file needs a name of 1 to {MAX_NAME_BYTES} bytes without control or invisible characters."
            ),
        ));
    }
    Ok(last.into())
}

fn free_bytes(app: &App) -> Result<u64> {
    app.uploads.free_bytes().map_err(internal)
}
