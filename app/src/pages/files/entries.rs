//! What the ledger says of a file: looked for when the section is opened, since entries are not listed by file.

use leptos::prelude::*;
use requorum_shared::api::v1::{FileSummary, ListEntriesRequest};
use requorum_shared::ledger::entry::act;

use crate::client::grpc;
use crate::client::whole::MOST;
use crate::components::load::load;
use crate::components::status::Status;
use crate::components::time::Ago;
use crate::failure::Failure;
use crate::format;
use crate::ledger::rows::Row;
use crate::paths;

/// Pages that are read of each act.
const PAGES: usize = 5;
/// What is done to files.
const ACTS: [&str; 4] = [
    act::FILE_UPLOAD,
    act::FILE_CLUSTER,
    act::FILE_REMOVE,
    act::FILE_DOWNLOAD,
];

/// The section, fetched when it is opened.
pub(super) fn entries(file: &FileSummary) -> impl IntoView + use<> {
    let open = RwSignal::new(false);
    let file = file.clone();
    view! {
        <details class="fold" on:toggle=move |_| if !open.get_untracked() { open.set(true) }>
            <summary>"Ledger entries of this file"</summary>
            {move || open.get().then(|| {
                let file = file.clone();
                let found = LocalResource::new(move || find(file.clone()));
                load(found, shown)
            })}
        </details>
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    /// Newest first.
    rows: Vec<Row>,
    /// Not all that the ledger has was read.
    partly: bool,
}

async fn find(file: FileSummary) -> Result<Found, Failure> {
    let mut found = Found {
        rows: Vec::new(),
        partly: false,
    };
    for act in ACTS {
        let mut request = request(act, &file);
        for page in 1..=PAGES {
            let list = grpc::call(request.clone()).await?;
            let rows = list.entries.iter().filter_map(Row::read);
            found.rows.extend(rows.filter(|row| is_of(row, &file.id)));
            if list.next_page_token.is_empty() {
                break;
            }
            found.partly |= page == PAGES;
            request.page_token = list.next_page_token;
        }
    }
    found
        .rows
        .sort_by_key(|row| std::cmp::Reverse(row.entry.index));
    Ok(found)
}

/// An upload ends when the file is there; everything else follows.
fn request(act: &str, file: &FileSummary) -> ListEntriesRequest {
    const SECOND_MS: i64 = 1000;
    let upload = act == act::FILE_UPLOAD;
    ListEntriesRequest {
        page_size: MOST,
        act: act.to_owned(),
        acts_only: true,
        until_ms: upload.then_some(file.uploaded_at_ms + SECOND_MS),
        from_ms: (!upload).then_some(file.uploaded_at_ms - SECOND_MS),
        ..ListEntriesRequest::default()
    }
}

/// Whether an act names the file; an upload does so when it ends.
fn is_of(row: &Row, id: &str) -> bool {
    let names = |subject: &str| subject.contains(id);
    names(&row.entry.subject) || row.closing.as_ref().is_some_and(|end| names(&end.subject))
}

fn shown(found: Found) -> impl IntoView {
    let none = found.rows.is_empty();
    let rows = found.rows.into_iter().map(|row| {
        let is = row.outcome();
        let who = match row.entry.who.as_str() {
            "" => "anonymous".to_owned(),
            who => format::visible(who),
        };
        view! {
            <li class="line">
                <a class="line-name" href=paths::ledger_entry(row.entry.index)>{format!("Entry {}", format::number(row.entry.index))}</a>
                <Status is />
                <span class="line-words">{format!("{} by {who}", format::capital(act::phrase(&row.entry.act)))}</span>
                <span class="muted small"><Ago ms=row.entry.at_ms /></span>
            </li>
        }
    });
    let rows = rows.collect_view();
    view! {
        {none.then(|| view! { <p class="muted">"No entries found."</p> })}
        {(!none).then(|| view! { <ul class="line-list">{rows}</ul> })}
        {found.partly.then(|| view! {
            <p class="small muted">"Not all entries were searched: the ledger has too many. "<a href=paths::ledger()>"Open the ledger"</a></p>
        })}
    }
}

#[cfg(test)]
mod tests {
    use requorum_shared::ledger::entry::{Draft, Entry, Outcome, Place};

    use super::*;

    #[test]
    fn an_upload_names_its_file_when_it_ends() {
        let place = |index| Place {
            index,
            at_ms: 0,
            previous_ms: None,
        };
        let draft = |subject: &str| Draft {
            act: act::FILE_UPLOAD.into(),
            subject: subject.into(),
            ..Draft::default()
        };
        let mut row = Row {
            entry: Entry::opened(place(1), &draft("upload u1: prod.db")),
            closing: None,
        };
        assert!(!is_of(&row, "abab"));
        let end = Entry::closed(place(2), &draft("file abab"), 1, Outcome::Done, "");
        row.closing = Some(end);
        assert!(is_of(&row, "abab") && !is_of(&row, "abac"));
    }

    #[test]
    fn entries_are_looked_for_around_the_upload() {
        let file = FileSummary {
            uploaded_at_ms: 5_000,
            ..FileSummary::default()
        };
        let upload = request(act::FILE_UPLOAD, &file);
        assert_eq!((upload.from_ms, upload.until_ms), (None, Some(6_000)));
        let removal = request(act::FILE_REMOVE, &file);
        assert_eq!((removal.from_ms, removal.until_ms), (Some(4_000), None));
    }
}
