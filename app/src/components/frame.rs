//! The frame around every page: the bar, the list of pages, the keys that work everywhere.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::components::keys::Keys;
use crate::components::palette::{Entry, Palette};
use crate::paths;
use crate::theme::Theme;

/// The pages of the side list.
pub fn places() -> Vec<(&'static str, String)> {
    vec![
        ("Overview", paths::overview()),
        ("Inspect", paths::inspect()),
        ("Files", paths::files()),
        ("Plans", paths::plans()),
        ("Jobs", paths::jobs()),
        ("Ledger", paths::ledger()),
        ("Settings", paths::settings()),
    ]
}

/// Bar, side list and the place for the page.
#[component]
pub fn Frame(
    /// The chosen theme.
    theme: RwSignal<Theme>,
    /// Who is signed in; empty for nobody.
    #[prop(into)]
    user: Signal<String>,
    /// What is under way and what waits, in words; empty for nothing.
    #[prop(into)]
    busy: Signal<String>,
    /// Plans that were run without approval, and that nobody has looked into: every page says so.
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
    /// Told when the palette opens.
    #[prop(into)]
    on_palette: Callback<()>,
    /// Signs out.
    #[prop(into)]
    on_sign_out: Callback<()>,
    /// The page.
    children: Children,
) -> impl IntoView {
    let menu = RwSignal::new(false);
    let keys = RwSignal::new(false);
    let palette = RwSignal::new(false);
    let location = use_location();
    let path = location.pathname;
    // A new page closes the menu and is read from its top.
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            menu.set(false);
        }
        now
    });
    Effect::new(move |_| {
        if palette.get() {
            on_palette.run(());
        }
    });
    let keydown = window_event_listener(leptos::ev::keydown, move |ev| on_key(&ev, keys, palette));
    on_cleanup(move || keydown.remove());
    let all = Signal::derive(move || {
        let pages = places().into_iter().map(|(label, path)| Entry {
            label: label.into(),
            kind: "page",
            path,
        });
        pages.chain(entries.get()).collect::<Vec<_>>()
    });
    let links = places()
        .into_iter()
        .map(|(label, to)| {
            let target = to.clone();
            let current = move || is_current(&path.get(), &target).then_some("page");
            view! { <li><a href=to aria-current=current>{label}</a></li> }
        })
        .collect_view();
    view! {
        <a class="skip" href="#page" rel="external" on:click=|ev| { ev.prevent_default(); focus_page() }>"To the page"</a>
        <header class="bar">
            <button
                type="button"
                class="button icon narrow-only"
                aria-expanded=move || menu.get().to_string()
                aria-controls="places"
                on:click=move |_| menu.update(|open| *open = !*open)
            >
                "Menu"
            </button>
            <a class="brand" href=paths::overview()>
                <Mark />
                <span class="brand-name">"Requorum"</span>
            </a>
            <div class="bar-end">
                <a class="waiting-badge" href=paths::overview() hidden=move || busy.with(String::is_empty)>{busy}</a>
                <button type="button" class="button small wide-only" on:click=move |_| palette.set(true)>
                    "Go to " <kbd>"Ctrl K"</kbd>
                </button>
                <button
                    type="button"
                    class="button small icon"
                    title=move || theme.get().label()
                    aria-label=move || theme.get().label()
                    on:click=move |_| theme.update(|t| *t = t.next())
                >
                    {move || match theme.get() { Theme::System => "◐", Theme::Light => "☀", Theme::Dark => "☾" }}
                </button>
                {move || {
                    let name = user.get();
                    if name.is_empty() {
                        view! { <a class="button small" href=paths::login(Some(&path.get()))>"Sign in"</a> }.into_any()
                    } else {
                        view! {
                            <span class="small wide-only" title="Signed in">{name}</span>
                            <button type="button" class="button small" on:click=move |_| on_sign_out.run(())>"Sign out"</button>
                        }
                        .into_any()
                    }
                }}
            </div>
        </header>
        <nav id="places" class="side" class:open=menu aria-label="Pages"><ul>{links}</ul></nav>
        <main id="page" tabindex="-1">
            {alarm.run()}
            {move || broken_glass(open_reviews.get())}
            {children()}
        </main>
        {corner.run()}
        <Keys open=keys />
        <Palette open=palette entries=all />
    }
}

/// The glass is broken, and nobody has looked into it.
fn broken_glass(open: u32) -> Option<impl IntoView> {
    (open > 0).then(|| {
        let what = match open {
            1 => "A plan was let run without approval, and its review is open.".to_owned(),
            n => format!("{n} plans were let run without approval, and their reviews are open."),
        };
        view! {
            <div class="notice fail glass" role="alert">
                <p><strong>"Broken glass. "</strong> {what} " " <a href=paths::reviews()>"Look into it"</a></p>
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
