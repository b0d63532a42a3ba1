//! The frame around every page: the bar, the list of pages, the keys that work everywhere.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::arrival::Arrival;
use crate::components::crumbs::Crumbs;
use crate::components::icon::{self, Drawing, Icon};
use crate::components::inbox::Inbox;
use crate::components::keys::Keys;
use crate::components::palette::{Act, Entry, Group, Palette};
use crate::components::user_menu::UserMenu;
use crate::format::Zone;
use crate::notifications::Notify;
use crate::paths;
use crate::theme::Theme;
use crate::times::Times;
use crate::waiting::Waiting;

/// A page of the side list.
#[derive(Debug, Clone)]
pub struct NavItem {
    /// What the link says.
    pub label: &'static str,
    /// Its address.
    pub path: String,
    /// Its drawing.
    pub drawing: Drawing,
    /// Whether a stranger can open it.
    pub open: bool,
}

/// The pages of the side list.
pub fn places() -> Vec<NavItem> {
    let place = |label, path, drawing, open| NavItem {
        label,
        path,
        drawing,
        open,
    };
    vec![
        place("Overview", paths::overview(), icon::OVERVIEW, false),
        place("Inspect", paths::inspect(), icon::INSPECT, true),
        place("Files", paths::files(), icon::FILES, false),
        place("Plans", paths::plans(), icon::PLANS, false),
        place("Jobs", paths::jobs(), icon::JOBS, false),
        place("Ledger", paths::ledger(), icon::LEDGER, false),
        place("Settings", paths::settings(), icon::SETTINGS, false),
        place("Help", paths::help(), icon::HELP, true),
    ]
}

/// Bar, side list and the place for the page.
#[component]
pub fn Frame(
    /// The chosen theme.
    theme: RwSignal<Theme>,
    /// Who is signed in; empty for a stranger.
    #[prop(into)]
    user: Signal<String>,
    /// Their id; empty for a stranger.
    #[prop(into)]
    user_id: Signal<String>,
    /// Their roles, in words.
    #[prop(into)]
    roles: Signal<String>,
    /// Whether pages that need an account are listed.
    #[prop(into)]
    admitted: Signal<bool>,
    /// What waits and what is under way.
    #[prop(into)]
    waiting: Signal<Waiting>,
    /// Uploads of this tab that are under way.
    #[prop(into)]
    uploads: Signal<usize>,
    /// Overrides of an approval that wait for a review: every page says so.
    #[prop(into)]
    open_reviews: Signal<u32>,
    /// What has to be said loudly on every page, above it.
    #[prop(into)]
    alarm: ViewFn,
    /// What stands in the corner of every page.
    #[prop(into)]
    corner: ViewFn,
    /// What the palette knows beside the pages.
    #[prop(into)]
    entries: Signal<Vec<Entry>>,
    /// What is typed in the palette; nothing while it is closed.
    typed: RwSignal<Option<String>>,
    /// Whether the browser's notifications come.
    #[prop(into)]
    notify: Signal<Notify>,
    /// Turns them on or off.
    #[prop(into)]
    on_notify: Callback<bool>,
    /// Signs out.
    #[prop(into)]
    on_sign_out: Callback<()>,
    /// The page.
    children: Children,
) -> impl IntoView {
    let menu = RwSignal::new(false);
    let keys = RwSignal::new(false);
    let palette = RwSignal::new(false);
    let words = RwSignal::new(String::new());
    let times = Times::expect();
    let arrival = Arrival::expect();
    let location = use_location();
    let path = location.pathname;
    // A new page closes the menu and is read from its heading.
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            menu.set(false);
            arrival.begin();
        }
        now
    });
    Effect::new(move |_| typed.set(palette.get().then(|| words.get())));
    let keydown = window_event_listener(leptos::ev::keydown, move |ev| on_key(&ev, keys, palette));
    on_cleanup(move || keydown.remove());
    let signed_in = Memo::new(move |_| user.with(|name| !name.is_empty()));
    // Another person has another inbox.
    let person = Memo::new(move |_| user_id.get());
    let all = Signal::derive(move || {
        let admitted = admitted.get();
        let mut all: Vec<Entry> = places()
            .into_iter()
            .filter(|place| admitted || place.open)
            .map(|place| Entry::to(Group::Pages, place.label, place.path))
            .collect();
        if !signed_in.get() {
            all.push(Entry::to(Group::Pages, "Sign in", paths::login(None)));
        }
        all.extend(acts(signed_in.get()));
        all.extend(entries.get());
        all
    });
    let on_act = Callback::new(move |act: Act| match act {
        Act::Keys => keys.set(true),
        Act::SignOut => on_sign_out.run(()),
        Act::Theme(chosen) => theme.set(chosen),
        Act::Zone(zone) => times.choose(zone),
    });
    let links = places()
        .into_iter()
        .map(|NavItem { label, path: to, drawing, open }| {
            let target = to.clone();
            let current = move || is_current(&path.get(), &target).then_some("page");
            view! { <li hidden=move || !open && !admitted.get()><a href=to aria-current=current><Icon is=drawing />{label}</a></li> }
        })
        .collect_view();
    view! {
        <a class="skip" href="#page" rel="external" on:click=|ev| { ev.prevent_default(); focus_page() }>"Skip to content"</a>
        <header class="bar">
            <button
                type="button"
                class="button small icon narrow-only"
                aria-expanded=move || menu.get().to_string()
                aria-controls="places"
                on:click=move |_| menu.update(|open| *open = !*open)
            >
                <Icon is=icon::MENU />
                <span class="visually-hidden">"Menu"</span>
            </button>
            <a class="brand" href=paths::overview()>
                <Mark />
                <span class="brand-name">"Requorum"</span>
            </a>
            <div class="bar-end">
                <button type="button" class="button small search-button" aria-keyshortcuts="Control+K" on:click=move |_| palette.set(true)>
                    <Icon is=icon::SEARCH />
                    <span class="search-words">"Search"</span>
                    <kbd class="wide-only" aria-hidden="true">"Ctrl K"</kbd>
                </button>
                <button
                    type="button" class="button small icon wide-only" title="Keyboard shortcuts" aria-keyshortcuts="?"
                    on:click=move |_| keys.set(true)
                >
                    <span aria-hidden="true">"?"</span>
                    <span class="visually-hidden">"Keyboard shortcuts"</span>
                </button>
                {move || Some(person.get()).filter(|person| !person.is_empty()).map(|person| view! { <Inbox person waiting uploads /> })}
                <span class="zone" title="Times on this page are in this zone. The menu beside it changes that.">
                    <span class="visually-hidden">"Times are "</span>
                    {move || times.name()}
                </span>
                <UserMenu
                    user roles theme notify on_notify on_sign_out
                    on_keys=Callback::new(move |()| keys.set(true))
                />
                {move || (!signed_in.get()).then(|| view! { <a class="button small" href=paths::login(Some(&path.get()))>"Sign in"</a> })}
            </div>
        </header>
        <nav id="places" class="side" class:open=menu aria-label="Pages"><ul>{links}</ul></nav>
        <main id="page" tabindex="-1">
            {alarm.run()}
            {move || override_notice(open_reviews.get())}
            <Crumbs />
            {children()}
        </main>
        {corner.run()}
        <Keys open=keys />
        <Palette open=palette entries=all typed=words on_act />
    }
}

/// What the palette does at once.
fn acts(signed_in: bool) -> Vec<Entry> {
    let mut acts = vec![
        Entry::act("Theme: system", Act::Theme(Theme::System)),
        Entry::act("Theme: light", Act::Theme(Theme::Light)),
        Entry::act("Theme: dark", Act::Theme(Theme::Dark)),
        Entry::act("Show times in UTC", Act::Zone(Zone::Utc)),
        Entry::act("Show times in local time", Act::Zone(Zone::Local)),
        Entry::act("Keyboard shortcuts", Act::Keys),
    ];
    if signed_in {
        acts.push(Entry::act("Sign out", Act::SignOut));
    }
    acts
}

/// An approval was overridden, and the review of that is open.
fn override_notice(open: u32) -> Option<impl IntoView> {
    (open > 0).then(|| {
        let what = match open {
            1 => "A plan was released without approval, and its review is open.".to_owned(),
            n => format!("{n} plans were released without approval, and their reviews are open."),
        };
        view! {
            <div class="notice fail glass" role="alert">
                <p><strong>"Break-glass override in use. "</strong> {what} " " <a href=paths::reviews()>"Review"</a></p>
            </div>
        }
    })
}

#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">
            <circle cx="10" cy="4.5" r="2.5"></circle>
            <circle cx="4.5" cy="14.5" r="2.5"></circle>
            <circle cx="15.5" cy="14.5" r="2.5" stroke-dasharray="2.6 2.2"></circle>
            <path d="M8.8 6.8 5.9 12.2M11.2 6.8l2.9 5.4M7.2 14.5h5.6"></path>
        </svg>
    }
}

/// Whether the link to `target` is the page at `path`, or an ancestor of it.
pub fn is_current(path: &str, target: &str) -> bool {
    path == target
        || (target != "/"
            && path
                .strip_prefix(target)
                .is_some_and(|rest| rest.starts_with('/')))
}

fn focus_page() {
    let main = document()
        .get_element_by_id("page")
        .and_then(|el| el.dyn_into::<HtmlElement>().ok());
    if let Some(main) = main {
        let _ = main.focus();
    }
}

/// `/`, `?` and Ctrl-K, unless a person is typing.
fn on_key(ev: &web_sys::KeyboardEvent, keys: RwSignal<bool>, palette: RwSignal<bool>) {
    if (ev.ctrl_key() || ev.meta_key()) && ev.key().eq_ignore_ascii_case("k") {
        ev.prevent_default();
        palette.update(|open| *open = !*open);
        return;
    }
    let typing = document().active_element().is_some_and(|el| {
        matches!(el.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
            || el.closest("dialog").ok().flatten().is_some()
    });
    if typing || ev.ctrl_key() || ev.alt_key() || ev.meta_key() {
        return;
    }
    match ev.key().as_str() {
        "?" => keys.set(true),
        "/" => {
            let filter = document()
                .query_selector("main input[type=search]")
                .ok()
                .flatten();
            match filter.and_then(|el| el.dyn_into::<HtmlElement>().ok()) {
                Some(filter) => {
                    let _ = filter.focus();
                }
                None => palette.set(true),
            }
        }
        _ => return,
    }
    ev.prevent_default();
}

#[cfg(test)]
mod tests {
    use super::is_current;

    #[test]
    fn a_place_is_current_for_itself_and_what_lies_below() {
        assert!(is_current("/plans", "/plans"));
        assert!(is_current("/plans/7", "/plans"));
        assert!(!is_current("/plansx", "/plans"));
        assert!(is_current("/", "/"));
        assert!(!is_current("/plans", "/"));
    }
}
