//! What waits for the person, what is under way, and what became of their own plans, behind a button on every page.

use leptos::prelude::*;

use crate::components::icon::{INBOX, Icon};
use crate::components::popover::Popover;
use crate::components::status::Status;
use crate::components::time::Ago;
use crate::format;
use crate::paths;
use crate::waiting::{Waiting, Yours};

const ID: &str = "inbox";
/// Where this browser keeps up to when the person has seen what became of their plans.
const SEEN: &str = "requorum.inbox-seen";
/// So much of it is listed; the overview has the rest.
const YOURS: usize = 6;

/// How many came after `seen_ms`.
fn unread(yours: &[Yours], seen_ms: i64) -> usize {
    yours.iter().filter(|one| one.at_ms > seen_ms).count()
}

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
    let seen = RwSignal::new(remembered());
    // While the panel is open, what was new when it opened stays marked.
    let seen_before = RwSignal::new(i64::MAX);
    let new = Memo::new(move |_| waiting.with(|waiting| unread(&waiting.yours, seen.get())));
    let label = move || label(total.get(), new.get());
    let on_open = move |_| {
        seen_before.set(seen.get_untracked());
        let newest = waiting.with_untracked(|all| all.yours.iter().map(|one| one.at_ms).max());
        if let Some(newest) = newest.filter(|newest| *newest > seen.get_untracked()) {
            seen.set(newest);
            remember(newest);
        }
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
    let yours = move || {
        let Waiting { yours, .. } = waiting.get();
        let more = yours.len() > YOURS;
        (!yours.is_empty()).then(|| {
            let rows = yours.into_iter().take(YOURS).map(|one| {
                let is_new = one.at_ms > seen_before.get();
                view! { <Outcome one is_new /> }
            });
            view! {
                <h3>"Yours"</h3>
                <ul>{rows.collect_view()}</ul>
                {more.then(|| view! { <a class="menu-item" href=paths::overview()>"All outcomes"</a> })}
            }
        })
    };
    let sending = move || {
        let n = uploads.get() as u64;
        (n > 0).then(|| view! { <a class="menu-item" href=paths::files()>{format!("{} in progress", format::count(n, "upload", "uploads"))}</a> })
    };
    view! {
        <button type="button" class="button small icon" popovertarget=ID on:click=on_open>
            <Icon is=INBOX />
            <span class="visually-hidden">{label}</span>
            <span class="count" aria-hidden="true" hidden=move || total.get() == 0>{move || format::number(total.get())}</span>
            <span class="new-dot" aria-hidden="true" hidden=move || new.get() == 0></span>
        </button>
        <Popover id=ID label="Inbox">
            <h2>"Inbox"</h2>
            {items}
            {sending}
            {yours}
        </Popover>
    }
}

#[component]
fn Outcome(one: Yours, is_new: bool) -> impl IntoView {
    let Yours {
        name,
        is,
        words,
        path,
        at_ms,
        ..
    } = one;
    view! {
        <li>
            <a class="menu-item" href=path>
                <span>
                    {is_new.then(|| view! { <span class="new-mark">"new"</span> " " })}
                    <strong>{name}</strong> " " <Status is /> " "
                    <span class="small">{words}</span>
                </span>
                <span class="small muted"><Ago ms=at_ms /></span>
            </a>
        </li>
    }
}

/// `Inbox: 2 items, 1 new outcome`.
fn label(total: u64, new: usize) -> String {
    let mut parts = Vec::new();
    if total > 0 {
        parts.push(format::count(total, "item", "items"));
    }
    if new > 0 {
        parts.push(format::count(new as u64, "new outcome", "new outcomes"));
    }
    match parts.is_empty() {
        true => "Inbox".to_owned(),
        false => format!("Inbox: {}", parts.join(", ")),
    }
}

fn remembered() -> i64 {
    let storage = window().local_storage().ok().flatten();
    let text = storage.and_then(|storage| storage.get_item(SEEN).ok().flatten());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn remember(seen_ms: i64) {
    // A browser that keeps nothing marks it as new again.
    if let Some(storage) = window().local_storage().ok().flatten() {
        let _ = storage.set_item(SEEN, &seen_ms.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_button_names_both_directions() {
        assert_eq!(label(0, 0), "Inbox");
        assert_eq!(label(1, 0), "Inbox: 1 item");
        assert_eq!(label(0, 1), "Inbox: 1 new outcome");
        assert_eq!(label(2, 3), "Inbox: 2 items, 3 new outcomes");
    }

    #[test]
    fn what_came_after_the_panel_was_opened_is_unread() {
        let one = |at_ms| Yours {
            at_ms,
            ..Yours::default()
        };
        let yours = [one(30), one(20), one(10)];
        assert_eq!(unread(&yours, 0), 3);
        assert_eq!(unread(&yours, 20), 1);
        assert_eq!(unread(&yours, 30), 0);
    }
}
