//! What have people begun to upload and not ended? Administrators see it, because it takes room from everybody.

use leptos::prelude::*;
use requorum_shared::api::upload::{Upload, Uploads as Listed};

use crate::client::upload;
use crate::components::confirm::Confirm;
use crate::components::empty::Empty;
use crate::components::error_view::ErrorView;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::time::Ago;
use crate::failure::Failure;
use crate::format;
use crate::paths;

/// The section.
#[component]
pub fn Uploads() -> impl IntoView {
    let uploads = LocalResource::new(upload::unfinished_of_all);
    let again = Callback::new(move |()| uploads.refetch());
    let sentence = Signal::derive(move || match uploads.get() {
        Some(Ok(listed)) => headline(&listed.uploads),
        _ => "Unfinished uploads".into(),
    });
    view! {
        <PageHeader sentence />
        {load(uploads, move |listed| table(listed, again))}
    }
}

fn headline(uploads: &[Upload]) -> String {
    let arrived = uploads.iter().map(|upload| upload.offset).sum();
    match uploads.len() as u64 {
        0 => "No unfinished uploads".into(),
        n => format!(
            "{}, {} received",
            format::count(n, "unfinished upload", "unfinished uploads"),
            format::bytes(arrived)
        ),
    }
}

fn table(listed: Listed, again: Callback<()>) -> impl IntoView {
    if listed.uploads.is_empty() {
        return view! {
            <Empty text="An interrupted upload can be resumed for a week after its last byte, or for 10 minutes if none arrived.">
                <a class="button" href=paths::files()>"Files"</a>
            </Empty>
        }
        .into_any();
    }
    let failure = RwSignal::new(None::<Failure>);
    let asked = RwSignal::new(None::<Upload>);
    let asking = RwSignal::new(false);
    let cancel = Action::new_local(move |id: &String| {
        let id = id.clone();
        async move {
            failure.set(None);
            match upload::cancel_any(&id).await {
                Ok(()) => {
                    again.try_run(());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    let on_ask = Callback::new(move |upload: Upload| {
        asked.set(Some(upload));
        asking.set(true);
    });
    let busy: Signal<bool> = cancel.pending().into();
    let rows = listed
        .uploads
        .into_iter()
        .map(|upload| row(upload, busy, on_ask))
        .collect_view();
    view! {
        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"File"</th><th scope="col">"Started by"</th><th scope="col">"Cluster"</th>
                        <th scope="col">"Received"</th><th scope="col">"Started"</th>
                        <th scope="col"><span class="visually-hidden">"Act"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {move || asked.get().map(|upload| {
            let (id, name, owner) = (upload.id, upload.name, upload.owner);
            view! {
                <Confirm
                    open=asking
                    title=format!("Discard the upload of {name}")
                    act="Discard upload"
                    keep="Cancel"
                    on_act=Callback::new(move |()| { cancel.dispatch_local(id.clone()); })
                >
                    <p>{format!("What has arrived is discarded; {owner} has to upload the file again.")}</p>
                </Confirm>
            }
        })}
    }
    .into_any()
}

fn row(upload: Upload, busy: Signal<bool>, on_ask: Callback<Upload>) -> impl IntoView {
    let label = format!("Discard the upload of {}", upload.name);
    let arrived = format!(
        "{} of {}",
        format::bytes(upload.offset),
        format::bytes(upload.length)
    );
    let asked = upload.clone();
    let begun = js_sys::Date::parse(&upload.started_at) as i64;
    view! {
        <tr>
            <th scope="row" data-label="File">{upload.name}</th>
            <td data-label="Started by">{upload.owner}</td>
            <td data-label="Cluster">{upload.cluster}</td>
            <td data-label="Received">{arrived}</td>
            <td data-label="Started"><Ago ms=begun /></td>
            <td data-label="Act">
                <button type="button" class="button small" aria-label=label disabled=busy on:click=move |_| on_ask.run(asked.clone())>"Discard"</button>
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_counts_what_is_left() {
        assert_eq!(headline(&[]), "No unfinished uploads");
        let upload = |offset| Upload {
            id: "1".into(),
            name: "a.db".into(),
            length: 4096,
            cluster: String::new(),
            offset,
            owner: "al".into(),
            started_at: "2026-11-28T03:00:00Z".into(),
            snapshot: None,
            unpacked_from: None,
        };
        let said = headline(&[upload(0), upload(1024)]);
        assert!(said.starts_with("2 unfinished uploads, "), "{said}");
    }
}
