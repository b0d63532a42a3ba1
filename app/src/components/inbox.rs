//! What waits for the person and what is under way, behind a button on every page.

use leptos::prelude::*;

use crate::components::icon::{INBOX, Icon};
use crate::components::popover::Popover;
use crate::components::time::Ago;
use crate::format;
use crate::paths;
use crate::waiting::Waiting;

const ID: &str = "inbox";

/// The button and its panel.
#[component]
pub fn Inbox(
    /// What the server said last.
    #[prop(into)]
    waiting: Signal<Waiting>,
    /// Uploads of this tab that are under way.
    #[prop(into)]
    uploads: Signal<usize>,
) -> impl IntoView {
    let total = Memo::new(move |_| waiting.with(|waiting| waiting.total));
    let label = move || match total.get() {
        0 => "Inbox".to_owned(),
        n => format!("Inbox: {}", format::count(n, "item", "items")),
    };
    let items = move || {
        let Waiting {
            items, total, jobs, ..
        } = waiting.get();
        let more = total.saturating_sub(items.len() as u64);
        let rows = items.into_iter().map(|item| {
            view! {
                <li>
                    <a class="menu-item" href=item.path>
                        <span><strong>{item.what}</strong> <span class="small">{item.title}</span></span>
                        <span class="small muted"><Ago ms=item.since_ms /></span>
                    </a>
                </li>
            }
        });
        let rows = rows.collect_view();
        view! {
            {(total == 0).then(|| view! { <p class="muted">"You're all caught up."</p> })}
            <ul>{rows}</ul>
            {(more > 0).then(|| view! { <a class="menu-item" href=paths::overview()>{format!("{} more", format::number(more))}</a> })}
            {(jobs > 0).then(|| view! { <a class="menu-item" href=paths::jobs()>{format!("{} running", format::count(jobs.into(), "job", "jobs"))}</a> })}
        }
    };
    let sending = move || {
        let n = uploads.get() as u64;
        (n > 0).then(|| view! { <a class="menu-item" href=paths::files()>{format!("{} in progress", format::count(n, "upload", "uploads"))}</a> })
    };
    view! {
        <button type="button" class="button small icon" popovertarget=ID>
            <Icon is=INBOX />
            <span class="visually-hidden">{label}</span>
            <span class="count" aria-hidden="true" hidden=move || total.get() == 0>{move || format::number(total.get())}</span>
        </button>
        <Popover id=ID label="Inbox">
            <h2>"Inbox"</h2>
            {items}
            {sending}
        </Popover>
    }
}
