//! Small drawings beside words; never in their place where a person has to choose.

use leptos::prelude::*;

/// One path on a field of 20 by 20, drawn as a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawing(&'static str);

/// Four tiles.
pub const OVERVIEW: Drawing = Drawing("M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z");
/// A magnifying glass.
pub const SEARCH: Drawing =
    Drawing("M8.5 3a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM12.5 12.5 17 17");
/// A sheet under a magnifying glass.
pub const INSPECT: Drawing =
    Drawing("M8 17.5H4v-15h7.5L15 6v2M12.5 9.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM14.7 14.7 17.5 17.5");
/// A store of files.
pub const FILES: Drawing = Drawing(
    "M10 2.5c-3.6 0-6 1.1-6 2.5s2.4 2.5 6 2.5 6-1.1 6-2.5-2.4-2.5-6-2.5zM4 5v10c0 1.4 2.4 2.5 6 2.5s6-1.1 6-2.5V5M4 10c0 1.4 2.4 2.5 6 2.5s6-1.1 6-2.5",
);
/// A list with ticks.
pub const PLANS: Drawing =
    Drawing("M3 5l1.5 1.5L7 3.5M10 5h7M3 11l1.5 1.5L7 9.5M10 11h7M3.5 16.5H6M10 16.5h7");
/// Something that runs.
pub const JOBS: Drawing = Drawing("M6 3.5v13l10.5-6.5z");
/// A bound book.
pub const LEDGER: Drawing = Drawing(
    "M16 14H5.5A1.5 1.5 0 0 0 4 15.5V4.5A1.5 1.5 0 0 1 5.5 3H16v14.5H5.5A1.5 1.5 0 0 1 4 16M7.5 6.5h5",
);
/// Sliders.
pub const SETTINGS: Drawing = Drawing(
    "M3 6h7.5M14.5 6H17M3 14h2.5M9.5 14H17M12.5 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM7.5 12a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
);
/// A person.
pub const PERSON: Drawing =
    Drawing("M10 3a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM3.5 17a6.5 6.5 0 0 1 13 0");
/// A tray.
pub const INBOX: Drawing = Drawing("M3 11 5.5 4h9L17 11v5.5H3zM3 11h4l1 2h4l1-2h4");
/// Two sheets.
pub const COPY: Drawing = Drawing("M7.5 7.5h9v9h-9zM12.5 7.5v-4h-9v9h4");
/// A tick.
pub const DONE: Drawing = Drawing("M4 10.5l4 4 8-9");
/// A question in a ring.
pub const HELP: Drawing = Drawing(
    "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM7.8 7.8a2.2 2.2 0 1 1 3.3 1.9c-.8.5-1.1.9-1.1 1.8M10 14v.2",
);
/// Three lines.
pub const MENU: Drawing = Drawing("M3 5h14M3 10h14M3 15h14");

/// The drawing; readers that do not see pass over it.
#[component]
pub fn Icon(
    /// What is drawn.
    is: Drawing,
) -> impl IntoView {
    view! {
        <svg class="glyph" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6" aria-hidden="true">
            <path d=is.0></path>
        </svg>
    }
}
