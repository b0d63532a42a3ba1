//! Uploads: new ones, those under way, and those that an earlier visit left unfinished.

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::upload::{FOREIGN, Upload};
use requorum_shared::permission::check_cluster_name;
use wasm_bindgen::JsCast;

use crate::client::upload;
use crate::components::field::Field;
use crate::components::file_drop::FileDrop;
use crate::components::transfer::{TransferRow, TransferView, continued};
use crate::dropped::Dropped;
use crate::failure::Failure;
use crate::format;
use crate::identity::Identity;
use crate::pages::of_cluster;
use crate::paths;
use crate::uploads::{Transfer, TransferState, UploadQueue};
use crate::worker::protocol::Refusal;

/// The upload part of the page.
#[component]
pub fn Sending(
    /// Names of clusters that were used before.
    #[prop(into)]
    known: Signal<Vec<String>>,
) -> impl IntoView {
    let uploads = UploadQueue::expect();
    let cluster = RwSignal::new(of_cluster::only(&Identity::expect().grants_now()));
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
        let mut bad: Vec<_> = dropped
            .folders
            .iter()
            .map(|name| Refusal::folder(name))
            .collect();
        for file in dropped.files {
            if file.size() as u64 == 0 {
                bad.push(Refusal::empty(&file.name()));
            } else {
                uploads.add(file, &name, None);
            }
        }
        refused.set(bad);
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
    view! {
        <section class="section">
            <div class="filter">
                <Field
                    id="upload-cluster"
                    label="Cluster that the next files are of"
                    value=cluster
                    error=wrong
                    suggestions=known
                    hint="Its name here, such as prod-etcd: the roles and the policy of that cluster count. Empty for none."
                />
            </div>
            <FileDrop
                title="Drop snapshots here to upload them, or press to choose"
                hint="Each is checked while it arrives. Closing this page stops an upload; it can be continued later."
                slim=true
                on_files=UnsyncCallback::new(on_files)
            />
            {move || refused.get().into_iter().map(|refusal| view! {
                <div class="notice warning" role="alert">
                    <p><strong>{refusal.what}</strong></p><p>{refusal.why}</p><p>{refusal.next}</p>
                </div>
            }).collect_view()}
            <ul class="stack">
                <For each=move || uploads.keys() key=|key| *key children=move |key| transfer(uploads, key) />
            </ul>
            <ul class="stack">
                <For
                    each=move || left.get()
                    key=|upload| upload.id.clone()
                    children=move |upload| left_behind(uploads, upload, unfinished)
                />
            </ul>
        </section>
    }
}

fn transfer(uploads: UploadQueue, key: u32) -> impl IntoView {
    let name = uploads.with(key, |t| t.name.clone()).unwrap_or_default();
    let shown = Memo::new(move |before: Option<&TransferView>| {
        uploads
            .with(key, shown)
            .or_else(|| before.cloned())
            .unwrap_or_else(|| TransferView {
                status: ("waits", "gone"),
                words: String::new(),
                progress: Default::default(),
                done: None,
                evidence: false,
                failed: false,
                foreign: false,
            })
    });
    let done_acts = Callback::new(move |snapshot: String| {
        let evidence = shown.with_untracked(|view| view.evidence);
        view! {
            {(!evidence).then(|| view! { <a class="button small primary" href=paths::restore(&snapshot)>"Plan a restore"</a> })}
            <a class="button small" href=paths::file(&snapshot)>"Open the snapshot"</a>
        }
        .into_any()
    });
    view! {
        <TransferRow
            name
            view=shown
            done_acts
            on_cancel=Callback::new(move |()| uploads.cancel(key))
            on_again=Callback::new(move |()| uploads.try_again(key))
            on_keep=Callback::new(move |()| uploads.keep_as_evidence(key))
            on_dismiss=Callback::new(move |()| uploads.dismiss(key))
        />
    }
}

fn shown(transfer: &Transfer) -> TransferView {
    let (status, words, done, failed) = match &transfer.state {
        TransferState::Waiting => (
            ("waits", "waits"),
            "Goes on when another upload has ended.".to_owned(),
            None,
            false,
        ),
        TransferState::Sending => (("busy", "sending"), String::new(), None, false),
        TransferState::Checking => (
            ("busy", "arriving"),
            "The last bytes are on their way; then the server gives its verdict.".into(),
            None,
            false,
        ),
        TransferState::Pausing(left) => (
            ("warning", "interrupted"),
            format!(
                "The server does not answer. It goes on by itself, next in {left} s; what arrived is safe."
            ),
            None,
            false,
        ),
        TransferState::Done(id) => (
            ("pass", "stored"),
            "Stored, and looked at by the server.".into(),
            Some(id.clone()),
            false,
        ),
        TransferState::Kept(id) => (
            ("not-checked", "kept as evidence"),
            "Stored as it is. It is not an etcd database, and is not offered for a restore.".into(),
            Some(id.clone()),
            false,
        ),
        TransferState::Failed(failure) if failure.code == FOREIGN => (
            ("fail", "not etcd"),
            format!("{} {}", failure.what, failure.next),
            None,
            false,
        ),
        TransferState::Failed(failure) => (
            ("fail", "failed"),
            format!("{} {}", failure.what, failure.next),
            None,
            true,
        ),
    };
    let mut progress = transfer.progress;
    if done.is_some() {
        progress.done = progress.total;
        progress.rate = Default::default();
    }
    TransferView {
        status,
        words,
        progress,
        done,
        evidence: matches!(transfer.state, TransferState::Kept(_)),
        failed,
        foreign: matches!(&transfer.state, TransferState::Failed(failure) if failure.code == FOREIGN),
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
        if file.size() as u64 == wanted {
            failure.set(String::new());
            stored.with_value(|u| uploads.add(file, &u.cluster, Some(u)));
        } else {
            failure.set(format!(
                "{} has {}, and this upload is of a file of {}. Choose the file that it was begun with.",
                file.name(),
                format::exact_bytes(file.size() as u64),
                format::exact_bytes(wanted)
            ));
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
    let arrived = format!(
        "{} of {} arrived. Begun at {}.",
        format::bytes(upload.offset),
        format::bytes(upload.length),
        format::parse_rfc3339(&upload.started_at).map_or(upload.started_at.clone(), format::utc)
    );
    view! {
        <li class="file-row">
            <div class="file-row-head"><strong>{upload.name.clone()}</strong><span class="status pill warning">"unfinished"</span></div>
            <p class="small">{arrived}</p>
            <p class="field-error" role="alert" hidden=move || failure.with(String::is_empty)>{failure}</p>
            <div class="acts">
                <button type="button" class="button small" on:click=move |_| if let Some(input) = input.get() { input.click() }>
                    {continued(upload.offset, upload.length)}
                </button>
                <button type="button" class="button small" on:click=on_cancel>"Drop it"</button>
                <input node_ref=input type="file" hidden aria-label=format!("Choose {} again", upload.name) on:change=on_change />
            </div>
        </li>
    }
}
