//! The ledger as a file, verified while it is written.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Blob, HtmlAnchorElement, Url};

use crate::components::command::Command;
use crate::components::error_view::ErrorView;
use crate::entry_filter::Filter;
use crate::failure::Failure;
use crate::format;
use crate::ledger::watch::LedgerWatch;
use crate::worker::ledger::protocol::Format;

/// What is exported, and how.
#[component]
pub fn ExportBox(
    /// What the address holds.
    filter: Memo<Filter>,
) -> impl IntoView {
    let watch = LedgerWatch::expect();
    let said = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let start = move |shape: Format, everything: bool| {
        let wanted = if everything {
            Filter::default()
        } else {
            filter.get_untracked()
        };
        busy.set(true);
        failure.set(None);
        said.set("Reading and verifying the ledger.".into());
        let progress = move |read, size| {
            said.set(format!(
                "{} of {} entries read and verified.",
                format::number(read),
                format::number(size)
            ));
        };
        spawn_local(async move {
            match watch.export(shape, wanted, progress).await {
                Ok((whole, file)) => {
                    let name = format!("ledger-{}.{}", whole.point.size, shape.extension());
                    said.set(format!(
                        "{} written to {name}; all {} of the ledger add up to its checkpoint.",
                        format::count(whole.exported, "entry", "entries"),
                        format::number(whole.point.size)
                    ));
                    save(&file, &name);
                }
                Err(failed) => {
                    said.set(String::new());
                    failure.set(Some(failed));
                }
            }
            busy.set(false);
        });
    };
    let button = move |label: &'static str, shape: Format, everything: bool| {
        view! {
            <button type="button" class="button" disabled=busy on:click=move |_| start(shape, everything)>{label}</button>
        }
    };
    view! {
        <details class="fold">
            <summary>"Export"</summary>
            <div class="stack">
                <p>"The complete ledger is read and verified in this browser during the export; nothing that fails verification is written."</p>
                <div class="acts">
                    {button("Everything as JSON Lines", Format::JsonLines, true)}
                    {button("Everything as CSV", Format::Csv, true)}
                    {move || (!filter.with(Filter::is_empty)).then(|| view! {
                        {button("Filtered entries as JSON Lines", Format::JsonLines, false)}
                        {button("Filtered entries as CSV", Format::Csv, false)}
                    })}
                </div>
                <p class="small muted reserve" role="status">{said}</p>
                {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                <Command label="On the server" text="requorum audit export --data-dir DIR --format jsonl --out ledger.jsonl".to_owned() />
            </div>
        </details>
    }
}

/// Gives a file to the person as a download.
fn save(file: &Blob, name: &str) {
    let Ok(address) = Url::create_object_url_with_blob(file) else {
        return;
    };
    let link = document().create_element("a").ok();
    if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) {
        link.set_href(&address);
        link.set_download(name);
        link.click();
    }
    // The browser has taken hold of it by then.
    set_timeout(
        move || {
            let _ = Url::revoke_object_url(&address);
        },
        std::time::Duration::from_secs(60),
    );
}
