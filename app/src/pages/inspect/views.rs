//! What shows open files: a part of the program that is fetched when the first one is opened.

use leptos::prelude::*;

use super::keys::Keys;
use super::{file, ranking};
use crate::client::inspector::{ReadReport, read_report};
use crate::open_files::OpenFiles;

/// The part, as functions.
#[derive(Debug, Clone, Copy)]
pub struct FileViews {
    /// The headline of an open file, by its number.
    pub header: fn(u32, Keys, Callback<u32>) -> AnyView,
    /// Its evidence.
    pub body: fn(u32, Keys) -> AnyView,
    /// All open files, best first.
    pub ranking: fn(Signal<Option<u32>>, Callback<u32>) -> AnyView,
    /// Reads what the workers say.
    pub read: ReadReport,
}

/// The part itself. Only the split point of the page's binary names it.
pub fn file_views() -> FileViews {
    FileViews {
        header: |job, keys, close| file::header(OpenFiles::expect(), job, keys, close).into_any(),
        body: |job, keys| file::body(OpenFiles::expect(), job, keys).into_any(),
        ranking: |selected, close| {
            ranking::ranking(OpenFiles::expect(), selected, close).into_any()
        },
        read: read_report,
    }
}
