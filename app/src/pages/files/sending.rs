//! Uploads: new ones, those under way, and those that an earlier visit left unfinished.

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::upload::{FOREIGN, Upload};
use requorum_shared::api::v1::{FileSummary, ListFilesRequest, Trust};
use requorum_shared::permission::check_cluster_name;
use wasm_bindgen::JsCast;

use crate::client::{grpc, upload};
use crate::components::field::Field;
use crate::components::file_drop::FileDrop;
use crate::components::status;
use crate::components::time::Ago;
use crate::components::transfer::{Next, TransferAct, TransferRow, TransferView, continued};
use crate::dropped::Dropped;
use crate::failure::Failure;
use crate::format;
use crate::identity::Identity;
use crate::pages::cluster_filter;
use crate::paths;
use crate::uploads::{self, Transfer, TransferState, UploadQueue};
use crate::worker::protocol::Refusal;

/// The upload part of the page.
#[component]
pub fn Sending(
    /// Names of clusters that were used before.
    #[prop(into)]
    known: Signal<Vec<String>>,
) -> impl IntoView {
    let uploads = UploadQueue::expect();
    let only = cluster_filter::only(&Identity::expect().grants_now());
    let cluster = RwSignal::new(if only.is_empty() {
        remembered_cluster()
    } else {
        only
    });
    Effect::new(move |_| remember_cluster(cluster.with(|name| name.trim().to_owned())));
    let wrong = Signal::derive(move || {
        cluster.with(|name| match check_cluster_name(name.trim()) {
            Ok(()) => String::new(),
            Err(error) => format!("{error}."),
        })
    });
    let refused = RwSignal::new(Vec::<Refusal>::new());
    let unfinished = LocalResource::new(move || {
        uploads.arrived();
        upload::unfinished()
    });
    let on_files = move |dropped: Dropped| {
        let name = cluster.with_untracked(|name| name.trim().to_owned());
        let bad: Vec<_> = dropped
            .folders
            .iter()
            .map(|name| Refusal::folder(name))
            .chain(
                dropped
                    .files
                    .iter()
                    .filter(|file| file.size() as u64 == 0)
                    .map(|file| Refusal::empty(&file.name())),
            )
            .collect();
        refused.set(bad);
        spawn_local(async move {
            // What an earlier visit left: the same file goes on where it was.
            let left = upload::unfinished().await.map(|list| list.uploads);
            let left = left.unwrap_or_default();
            for file in dropped.files {
                if file.size() as u64 > 0 {
                    uploads.add_or_continue(file, &name, &left);
                }
            }
        });
    };
    // What this page is sending itself is not left behind.
    let left = Memo::new(move |_| match unfinished.get() {
        Some(Ok(list)) => {
            let mine = uploads.ids();
            list.uploads
                .into_iter()
                .filter(|u| !mine.contains(&u.id))
                .collect::<Vec<_>>()
        }
        _ => Vec::new(),
    });
    let any = Memo::new(move |_| !uploads.keys().is_empty() || !left.with(Vec::is_empty));
    view! {
        <section class="section" aria-label="Uploads">
            <div class="upload-bar">
                <FileDrop
                    title="Drop files here or click to browse"
                    hint="Each file is checked while it arrives. ZIP (one entry), gzip and Zstandard are unpacked by the server."
                    slim=true
                    on_files=UnsyncCallback::new(on_files)
                />
                <Field
                    id="upload-cluster"
                    label="Cluster for these uploads"
                    value=cluster
                    error=wrong
                    suggestions=known
                    hint="Determines who can see them and which approval policy applies. Optional."
                />
            </div>
            {move || refused.get().into_iter().map(|refusal| view! {
                <div class="notice warning" role="alert">
                    <p><strong>{refusal.what}</strong></p><p>{refusal.why}</p><p>{refusal.next}</p>
                </div>
            }).collect_view()}
            <ul class="uploads" aria-label="Uploads" hidden=move || !any.get()>
                <For each=move || uploads.keys() key=|key| *key children=move |key| transfer(uploads, key) />
                <For
                    each=move || left.get()
                    key=|upload| upload.id.clone()
                    children=move |upload| left_behind(uploads, upload, unfinished)
                />
            </ul>
        </section>
    }
}

/// Where this browser keeps the cluster that files were uploaded for last.
const CLUSTER_KEY: &str = "requorum.upload-cluster";

fn remembered_cluster() -> String {
    let storage = window().local_storage().ok().flatten();
    let name = storage.and_then(|storage| storage.get_item(CLUSTER_KEY).ok().flatten());
    name.unwrap_or_default()
}

fn remember_cluster(name: String) {
    // A browser that keeps nothing asks again the next time.
    if let Some(storage) = window().local_storage().ok().flatten() {
        let _ = match name.is_empty() {
            true => storage.remove_item(CLUSTER_KEY),
            false => storage.set_item(CLUSTER_KEY, &name),
        };
    }
}

fn transfer(uploads: UploadQueue, key: u32) -> impl IntoView {
    let (name, cluster) = uploads
        .with_untracked(key, |t| (t.name.clone(), t.cluster().to_owned()))
        .unwrap_or_default();
    let stored_id = Memo::new(move |_| {
        uploads
            .with(key, |t| t.stored().map(str::to_owned))
            .flatten()
    });
    // What was found in it is the server's to say.
    let found = LocalResource::new(move || {
        let id = stored_id.get();
        async move { file_of(id?).await }
    });
    let found = Memo::new(move |_| found.get().flatten());
    let shown = Memo::new(move |before: Option<&TransferView>| {
        uploads
            .with(key, |transfer| shown(transfer, found.get().as_ref()))
            .or_else(|| before.cloned())
            .unwrap_or_else(|| TransferView {
                class: "waits",
                state: "gone".into(),
                words: String::new(),
                progress: Default::default(),
                act: TransferAct::Cancel,
            })
    });
    let stored = move |next: Next| {
        let Some(id) = stored_id.get_untracked() else {
            return ().into_any();
        };
        match next {
            Next::Plan => {
                let offers = found.with_untracked(|found| found.as_ref().map(super::offers));
                let plans = offers.unwrap_or_default().into_iter().map(|offer| {
                    let path = offer.path([id.as_str()]);
                    view! { <a class="button small primary" href=path>{offer.title}</a> }
                });
                view! {
                    {plans.collect_view()}
                    <a class="button small" href=paths::file(&id)>"Open"</a>
                }
                .into_any()
            }
            Next::Findings => {
                view! { <a class="button small" href=paths::file(&id)>"View findings"</a> }
                    .into_any()
            }
            Next::Open => {
                view! { <a class="button small" href=paths::file(&id)>"Open"</a> }.into_any()
            }
        }
    };
    view! {
        <TransferRow
            name
            cluster
            view=shown
            stored=Callback::new(stored)
            on_cancel=Callback::new(move |()| uploads.cancel(key))
            on_again=Callback::new(move |()| uploads.try_again(key))
            on_keep=Callback::new(move |()| uploads.keep_as_evidence(key))
            on_dismiss=Callback::new(move |()| uploads.dismiss(key))
        />
    }
}

/// What the server lists of a file; `None` when it cannot be had.
async fn file_of(id: String) -> Option<FileSummary> {
    let request = ListFilesRequest {
        query: id,
        page_size: 1,
        ..ListFilesRequest::default()
    };
    grpc::call(request).await.ok()?.files.pop()
}

fn shown(transfer: &Transfer, found: Option<&FileSummary>) -> TransferView {
    let of = |class, state: &str, words: String, act| TransferView {
        class,
        state: state.to_owned(),
        words,
        progress: transfer.progress,
        act,
    };
    let percent = format::percent(transfer.progress.done, transfer.progress.total);
    match &transfer.state {
        TransferState::Waiting => of("waits", "queued", String::new(), TransferAct::Cancel),
        TransferState::Sending => {
            let state = format!("uploading {percent}\u{202f}%");
            of("busy", &state, String::new(), TransferAct::Cancel)
        }
        TransferState::Checking => of("busy", "checking", String::new(), TransferAct::Cancel),
        TransferState::Pausing(left) => of(
            "warning",
            "interrupted",
            format!("The server does not answer. Retrying in {left} s; nothing is lost."),
            TransferAct::Cancel,
        ),
        TransferState::Done(_) => {
            let (class, state) =
                found.map_or(("busy", "stored"), |f| status::stored_trust(f.trust()));
            let words = found.filter(|f| f.trust() != Trust::Verified);
            let words = words.map(|f| f.sentence.clone());
            let unpacked = transfer.unpacked_from.as_ref().map(|packed| {
                format!(
                    "Unpacked from {}: its id is the SHA-256 of the unpacked file.",
                    packed.kind
                )
            });
            let words: Vec<String> = unpacked.into_iter().chain(words).collect();
            // One look at the file says its state and what is next: the two cannot differ.
            let next = match found {
                Some(file) if !super::offers(file).is_empty() => Next::Plan,
                Some(file) if file.trust() == Trust::Damaged => Next::Findings,
                _ => Next::Open,
            };
            of(class, state, words.join(" "), TransferAct::Stored(next))
        }
        TransferState::Kept(_) => of(
            "not-checked",
            "no recovery uses it",
            "Kept as evidence: it cannot be restored from.".into(),
            TransferAct::Stored(Next::Open),
        ),
        TransferState::Failed(failure) if failure.code == FOREIGN => of(
            "fail",
            "no recovery uses it",
            format!("{} {}", failure.what, failure.next),
            TransferAct::Keep,
        ),
        TransferState::Failed(failure) => of(
            "fail",
            "failed",
            format!("{} {}", failure.what, failure.next),
            TransferAct::Retry,
        ),
    }
}

/// An upload of an earlier visit: the same file continues it.
fn left_behind(
    uploads: UploadQueue,
    upload: Upload,
    list: LocalResource<Result<requorum_shared::api::upload::Uploads, Failure>>,
) -> impl IntoView {
    let input = NodeRef::<leptos::html::Input>::new();
    let failure = RwSignal::new(String::new());
    let id = StoredValue::new(upload.id.clone());
    let stored = StoredValue::new(upload.clone());
    let on_change = move |ev: web_sys::Event| {
        let Some(input) = ev
            .target()
            .and_then(|t| t.dyn_into::<web_sys::HtmlInputElement>().ok())
        else {
            return;
        };
        let file = input.files().and_then(|files| files.get(0));
        input.set_value("");
        let Some(file) = file else { return };
        let wanted = stored.with_value(|u| u.length);
        if file.size() as u64 == wanted && !uploads::was_changed(&id.get_value(), &file) {
            failure.set(String::new());
            stored.with_value(|u| uploads.add(file, &u.cluster, Some(u)));
        } else {
            failure.set(match file.size() as u64 == wanted {
                true => format!(
                    "{} was changed since the upload began. Discard this upload and start again.",
                    file.name()
                ),
                false => format!(
                    "{} has {}, but this upload is of a file with {}. Choose the original file.",
                    file.name(),
                    format::exact_bytes(file.size() as u64),
                    format::exact_bytes(wanted)
                ),
            });
        }
    };
    let on_cancel = move |_| {
        spawn_local(async move {
            match upload::cancel(&id.get_value()).await {
                Ok(()) => list.refetch(),
                Err(refused) => failure.set(format!("{} {}", refused.what, refused.next)),
            }
        });
    };
    let size = format!(
        "{} of {}",
        format::bytes(upload.offset),
        format::bytes(upload.length)
    );
    let begun = format::parse_rfc3339(&upload.started_at).unwrap_or_default();
    let cluster = (!upload.cluster.is_empty()).then(|| format!(" · {}", upload.cluster));
    view! {
        <li class="upload">
            <span class="upload-name clip" title=upload.name.clone()>{format::visible(&upload.name)}</span>
            <span class="upload-size muted small">{size} {cluster} " · " <Ago ms=begun /></span>
            <span class="status pill warning">"unfinished"</span>
            <div class="acts">
                <button type="button" class="button small" on:click=move |_| if let Some(input) = input.get() { input.click() }>
                    {continued(upload.offset, upload.length)}
                </button>
                <button type="button" class="button small" on:click=on_cancel>"Discard"</button>
                <input node_ref=input type="file" hidden aria-label=format!("Choose {} again", upload.name) on:change=on_change />
            </div>
            <p class="upload-words field-error" role="alert" hidden=move || failure.with(String::is_empty)>{failure}</p>
        </li>
    }
}
