//! A file on its way to the server.

use leptos::prelude::*;

use crate::components::meter::Meter;
use crate::components::status::Status;
use crate::format;
use crate::format::Progress;

/// What is shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferView {
    /// Class and word.
    pub status: (&'static str, &'static str),
    /// More in words; empty where the word says all.
    pub words: String,
    /// How far it is.
    pub progress: Progress,
    /// The snapshot that it became.
    pub done: Option<String>,
    /// Whether it was kept as evidence, from which nothing is restored.
    pub evidence: bool,
    /// Whether it can be tried again.
    pub failed: bool,
    /// Whether it was refused because it is no etcd database, and can be kept as evidence.
    pub foreign: bool,
}

/// One transfer with its acts.
#[component]
pub fn TransferRow(
    /// The file's name.
    name: String,
    /// What is shown of it.
    #[prop(into)]
    view: Signal<TransferView>,
    /// Acts for a finished one: links to its snapshot.
    #[prop(into)]
    done_acts: Callback<String, AnyView>,
    /// Stops it.
    #[prop(into)]
    on_cancel: Callback<()>,
    /// Tries again.
    #[prop(into)]
    on_again: Callback<()>,
    /// Keeps it as evidence.
    #[prop(into)]
    on_keep: Callback<()>,
    /// Takes it out of the list.
    #[prop(into)]
    on_dismiss: Callback<()>,
) -> impl IntoView {
    let status = Memo::new(move |_| view.with(|v| v.status));
    let words = Memo::new(move |_| view.with(|v| v.words.clone()));
    let kind = Memo::new(move |_| view.with(|v| (v.done.clone(), v.failed, v.foreign)));
    let label = format!("Uploading {name}");
    let acts = move || {
        match kind.get() {
        (Some(snapshot), ..) => view! {
            {done_acts.run(snapshot)}
            <button type="button" class="button small" on:click=move |_| on_dismiss.run(())>"Take off this list"</button>
        }
        .into_any(),
        (None, _, true) => view! {
            <button type="button" class="button small" on:click=move |_| on_keep.run(())>"Keep as evidence"</button>
            <button type="button" class="button small" on:click=move |_| on_cancel.run(())>"Cancel the upload"</button>
        }
        .into_any(),
        (None, true, false) => view! {
            <button type="button" class="button small" on:click=move |_| on_again.run(())>"Try again"</button>
            <button type="button" class="button small" on:click=move |_| on_cancel.run(())>"Cancel the upload"</button>
        }
        .into_any(),
        (None, false, false) => view! {
            <button type="button" class="button small" on:click=move |_| on_cancel.run(())>"Cancel the upload"</button>
        }
        .into_any(),
    }
    };
    view! {
        <li class="file-row">
            <div class="file-row-head">
                <strong>{format::visible(&name)}</strong>
                {move || view! { <Status is=status.get() /> }}
            </div>
            <Meter label progress=Signal::derive(move || view.with(|v| v.progress)) />
            <p class="small" role="status">{words}</p>
            <div class="acts">{acts}</div>
        </li>
    }
}

/// `61 %`, for the button that continues an upload.
pub fn continued(offset: u64, length: u64) -> String {
    format!("Continue upload: {} %", format::percent(offset, length))
}
