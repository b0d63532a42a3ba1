//! A file on its way to the server, in one compact row.

use leptos::prelude::*;

use crate::components::meter::Meter;
use crate::format;
use crate::format::Progress;

/// What is shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferView {
    /// Class of its state.
    pub class: &'static str,
    /// Its state: `uploading 61 %`, `verified`.
    pub state: String,
    /// More in words; empty where the state says all.
    pub words: String,
    /// How far it is.
    pub progress: Progress,
    /// What can be done about it.
    pub act: TransferAct,
}

/// What is next for a stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// To be opened: what is in it is not known yet, or there is nothing more to do with it.
    Open,
    /// Its findings are to be read: it is damaged.
    Findings,
    /// A recovery can be planned from it.
    Plan,
}

/// What can be done about a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferAct {
    /// It is on its way: it can be cancelled.
    Cancel,
    /// It failed: it can be tried again or cancelled.
    Retry,
    /// It was refused because no recovery uses such a file: it can be kept as evidence or cancelled.
    Keep,
    /// It is stored: this is next.
    Stored(Next),
}

/// One transfer with its acts.
#[component]
pub fn TransferRow(
    /// The file's name.
    name: String,
    /// The cluster that it is for; empty for none.
    cluster: String,
    /// What is shown of it.
    #[prop(into)]
    view: Signal<TransferView>,
    /// Links of a stored one.
    #[prop(into)]
    stored: Callback<Next, AnyView>,
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
    let state = Memo::new(move |_| view.with(|v| (v.class, v.state.clone())));
    let words = Memo::new(move |_| view.with(|v| v.words.clone()));
    let act = Memo::new(move |_| view.with(|v| v.act.clone()));
    let size = format::bytes(view.with_untracked(|v| v.progress.total));
    let label = format!("Uploading {name}");
    let cancel = move || {
        view! { <button type="button" class="button small" on:click=move |_| on_cancel.run(())>"Cancel"</button> }
    };
    let acts = move || {
        match act.get() {
        TransferAct::Stored(next) => view! {
            {stored.run(next)}
            <button type="button" class="button small" on:click=move |_| on_dismiss.run(())>"Dismiss"</button>
        }
        .into_any(),
        TransferAct::Keep => view! {
            <button type="button" class="button small" on:click=move |_| on_keep.run(())>"Keep as evidence"</button>
            {cancel()}
        }
        .into_any(),
        TransferAct::Retry => view! {
            <button type="button" class="button small" on:click=move |_| on_again.run(())>"Retry"</button>
            {cancel()}
        }
        .into_any(),
        TransferAct::Cancel => cancel().into_any(),
    }
    };
    let is_going = Memo::new(move |_| act.get() == TransferAct::Cancel);
    view! {
        <li class="upload">
            <span class="upload-name clip" title=name.clone()>{format::visible(&name)}</span>
            <span class="upload-size muted small">{size} {(!cluster.is_empty()).then(|| format!(" · {cluster}"))}</span>
            {move || { let (class, state) = state.get(); view! { <span class=format!("status pill {class}")>{state}</span> } }}
            <div class="acts">{acts}</div>
            {move || is_going.get().then(|| view! {
                <div class="upload-progress"><Meter label=label.clone() progress=Signal::derive(move || view.with(|v| v.progress)) /></div>
            })}
            <p class="upload-words small" role="status">{words}</p>
        </li>
    }
}

/// `Continue upload: 61 %`, for the button that resumes one.
pub fn continued(offset: u64, length: u64) -> String {
    format!("Continue upload: {} %", format::percent(offset, length))
}
