//! What waits for the person, what is under way, and what became of their own plans, behind a button on every page.

use leptos::prelude::*;

use crate::components::icon::{INBOX, Icon};
use crate::components::popover::Popover;
use crate::components::status::Status;
use crate::components::time::Ago;
use crate::format;
use crate::paths;
use crate::waiting::{Item, Waiting, Yours};

const ID: &str = "inbox";
/// So much of it is listed where no more is new; the overview has the rest.
const YOURS: usize = 6;

/// Where this browser keeps up to when a person has seen what became of their plans.
fn key(person: &str) -> String {
    format!("requorum.inbox-seen.{person}")
}

/// How many came after `seen_ms`.
fn unread(yours: &[Yours], seen_ms: i64) -> usize {
    yours.iter().filter(|one| one.at_ms > seen_ms).count()
}

/// How many are listed: the newest, and all that were new when the panel was opened, since that marks them as seen.
fn listed(yours: &[Yours], seen_before_ms: i64) -> usize {
    unread(yours, seen_before_ms).max(YOURS)
}

/// The button and its panel.
#[component]
pub fn Inbox(
    /// The id of the person whose it is.
    person: String,
    /// What the server said last.
    #[prop(into)]
    waiting: Signal<Waiting>,
    /// Uploads of this tab that are under way.
    #[prop(into)]
    uploads: Signal<usize>,
) -> impl IntoView {
    let total = Memo::new(move |_| waiting.with(|waiting| waiting.total));
    let person = StoredValue::new(person);
    let seen = RwSignal::new(person.with_value(|person| remembered(person)));
    // While the panel is open, what was new when it opened stays marked.
    let seen_before = RwSignal::new(i64::MAX);
    let new = Memo::new(move |_| waiting.with(|waiting| unread(&waiting.yours, seen.get())));
    let label = move || label(total.get(), new.get());
    let on_open = move |_| {
        seen_before.set(seen.get_untracked());
        let newest = waiting.with_untracked(|all| all.yours.iter().map(|one| one.at_ms).max());
        if let Some(newest) = newest.filter(|newest| *newest > seen.get_untracked()) {
            seen.set(newest);
            person.with_value(|person| remember(person, newest));
        }
    };
    // Rows that do not change are not drawn again, so that the keyboard focus is not lost.
    let items = Memo::new(move |_| waiting.with(|waiting| waiting.items.clone()));
    let jobs = Memo::new(move |_| waiting.with(|waiting| u64::from(waiting.jobs)));
    let more = Memo::new(move |_| total.get().saturating_sub(items.with(Vec::len) as u64));
    let yours = Memo::new(move |_| waiting.with(|waiting| waiting.yours.clone()));
    let shown = Memo::new(move |_| {
        yours.with(|yours| {
            let most = listed(yours, seen_before.get());
            yours.iter().take(most).cloned().collect::<Vec<_>>()
        })
    });
    let any_yours = Memo::new(move |_| yours.with(|yours| !yours.is_empty()));
    let more_yours = Memo::new(move |_| yours.with(Vec::len) > shown.with(Vec::len));
    let caught_up = Memo::new(move |_| {
        total.get() == 0 && shown.with(|shown| unread(shown, seen_before.get())) == 0
    });
    let items = view! {
        {move || caught_up.get().then(|| view! { <p class="muted">"You're all caught up."</p> })}
        <ul><For each=move || items.get() key=Item::clone children=|item| waits(item) /></ul>
        {move || (more.get() > 0).then(|| view! { <a class="menu-item" href=paths::overview()>{format!("{} more", format::number(more.get()))}</a> })}
        {move || (jobs.get() > 0).then(|| view! { <a class="menu-item" href=paths::jobs()>{format!("{} running", format::count(jobs.get(), "job", "jobs"))}</a> })}
    };
    let yours = move || {
        any_yours.get().then(|| {
            view! {
                <h3>"Yours"</h3>
                <ul>
                    <For
                        each=move || shown.get()
                        key=Yours::clone
                        children=move |one| {
                            let at_ms = one.at_ms;
                            view! { <Outcome one is_new=Signal::derive(move || at_ms > seen_before.get()) /> }
                        }
                    />
                </ul>
                {move || more_yours.get().then(|| view! { <a class="menu-item" href=paths::overview()>"All outcomes"</a> })}
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

/// A row of what waits.
fn waits(item: Item) -> impl IntoView {
    view! {
        <li>
            <a class="menu-item" href=item.path>
                <span><strong>{item.what}</strong> <span class="small">{item.title}</span></span>
                <span class="small muted"><Ago ms=item.since_ms /></span>
            </a>
        </li>
    }
}

#[component]
fn Outcome(one: Yours, is_new: Signal<bool>) -> impl IntoView {
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
                    {move || is_new.get().then(|| view! { <span class="new-mark">"new"</span> " " })}
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

fn remembered(person: &str) -> i64 {
    let storage = window().local_storage().ok().flatten();
    let text = storage.and_then(|storage| storage.get_item(&key(person)).ok().flatten());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn remember(person: &str, seen_ms: i64) {
    // A browser that keeps nothing marks it as new again.
    if let Some(storage) = window().local_storage().ok().flatten() {
        let _ = storage.set_item(&key(person), &seen_ms.to_string());
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

    #[test]
    fn what_is_marked_as_seen_is_listed() {
        let yours: Vec<_> = (1..=9)
            .rev()
            .map(|at_ms| Yours {
                at_ms,
                ..Yours::default()
            })
            .collect();
        assert_eq!(listed(&yours, 0), 9);
        assert_eq!(listed(&yours, 8), YOURS);
        assert_eq!(listed(&yours, i64::MAX), YOURS);
    }

    #[test]
    fn each_person_has_seen_their_own() {
        assert_ne!(key("ada"), key("ben"));
    }
}
