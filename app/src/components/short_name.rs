//! What a row of a list says of a plan, or of its job.

use leptos::prelude::*;

use crate::format;

/// The name, which leads to its page, and how many members come out.
#[component]
pub fn ShortName(
    /// The address of its page.
    to: String,
    /// `prod-etcd #7`.
    name: String,
    /// Members of the new cluster; 0 where that is not known.
    members: u32,
) -> impl IntoView {
    let members =
        (members > 0).then(|| format!(" · {}", format::count(members.into(), "member", "members")));
    view! { <span class="clip"><a href=to>{name}</a><span class="muted">{members}</span></span> }
}

/// A revision; a dash where there is none.
pub fn revision(revision: i64) -> String {
    match revision {
        0 => "–".into(),
        revision => format::signed(revision),
    }
}

/// Where the result goes.
pub fn target(target: &str) -> String {
    match target {
        "" => "Download".into(),
        target => format::visible(target),
    }
}
