//! What is there: unfinished uploads, the newest files that can be restored from, recent acts.

use leptos::prelude::*;
use requorum_shared::api::upload::Upload;
use requorum_shared::api::v1::{FileSummary, LedgerEntry};
use requorum_shared::ledger::entry::act;

use crate::components::bytes::Bytes;
use crate::components::status::{self, Status};
use crate::components::table::{Clipped, arrows};
use crate::components::time::Ago;
use crate::format;
use crate::ledger::rows::Row;
use crate::pages::cluster_filter;
use crate::paths;

/// What this person began to upload and did not finish.
pub(super) fn unfinished(uploads: &[Upload]) -> impl IntoView + use<> {
    let rows: Vec<_> = uploads
        .iter()
        .map(|upload| {
            let begun = format::parse_rfc3339(&upload.started_at).unwrap_or_default();
            let size = format!(
                "{} of {}",
                format::bytes(upload.offset),
                format::bytes(upload.length)
            );
            view! {
                <li class="line">
                    <a class="line-name" href=paths::files()>{format::visible(&upload.name)}</a>
                    <Status is=("warning", "unfinished") />
                    <span class="line-words">{size}</span>
                    <span class="muted small"><Ago ms=begun /></span>
                    <a class="button small" href=paths::files()>"Continue"</a>
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="section"><h2>"Unfinished uploads"</h2><ul class="line-list">{rows}</ul></section>
        }
    })
}

/// The newest files that can be restored from.
pub(super) fn files(files: &[FileSummary], may_upload: bool) -> impl IntoView + use<> {
    let none = files.is_empty();
    let rows = files.iter().map(|file| {
        let is = status::stored_trust(file.trust());
        let values = file.headline.iter().map(|of| format!("{} {}", of.label, format::visible(&of.value)));
        let values = values.collect::<Vec<_>>().join(", ");
        view! {
            <tr>
                <th scope="row" data-label="Name"><span class="clip"><a href=paths::file(&file.id)>{format::visible(&file.name)}</a></span></th>
                <td data-label="Cluster">{cluster_filter::shown(&file.cluster)}</td>
                <td data-label="State" class="state"><Status is /></td>
                <td data-label="Content" class="wide-only"><Clipped text=values /></td>
                <td data-label="Size" class="number"><Bytes n=file.size /></td>
                <td data-label="Uploaded"><Ago ms=file.uploaded_at_ms /></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <section class="section">
            <h2>"Newest usable files"</h2>
            {if none {
                let upload = may_upload.then(|| view! { " " <a href=paths::files()>"Upload a snapshot"</a> });
                view! { <p class="muted">"None yet." {upload}</p> }.into_any()
            } else {
                view! {
                    <div class="table-wrap">
                        <table class="table lines roomy">
                            <thead>
                                <tr>
                                    <th scope="col">"Name"</th><th scope="col">"Cluster"</th><th scope="col">"State"</th>
                                    <th scope="col">"Content"</th><th scope="col" class="number">"Size"</th><th scope="col">"Uploaded"</th>
                                </tr>
                            </thead>
                            <tbody on:keydown=arrows>{rows}</tbody>
                        </table>
                    </div>
                }
                .into_any()
            }}
        </section>
    }
}

/// The newest acts of the ledger.
pub(super) fn acts(entries: &[LedgerEntry]) -> impl IntoView + use<> {
    let rows: Vec<_> = entries
        .iter()
        .filter_map(Row::read)
        .map(|row| {
            let is = row.outcome();
            let entry = row.entry;
            let who = match entry.who.as_str() {
                "" => "anonymous".to_owned(),
                who => format::visible(who),
            };
            view! {
                <li class="line">
                    <a class="line-name" href=paths::ledger_entry(entry.index)>{format::capital(act::phrase(&entry.act))}</a>
                    <Status is />
                    <span class="line-words clip" title=entry.subject.clone()>{who} " · " {format::visible(&entry.subject)}</span>
                    <span class="muted small"><Ago ms=entry.at_ms /></span>
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="section">
                <h2>"Recent activity"</h2>
                <ul class="line-list">{rows}</ul>
                <p class="small"><a href=paths::ledger()>"Open the ledger"</a></p>
            </section>
        }
    })
}
