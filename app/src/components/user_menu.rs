//! Who is signed in, and what a person chooses for this browser: theme, time zone, notifications.

use leptos::prelude::*;

use crate::components::icon::{Icon, PERSON};
use crate::components::popover::Popover;
use crate::format::Zone;
use crate::notifications::Notify;
use crate::paths;
use crate::theme::Theme;
use crate::times::Times;

const ID: &str = "user-menu";

/// The button and its panel.
#[component]
pub fn UserMenu(
    /// Who is signed in; empty for a stranger.
    #[prop(into)]
    user: Signal<String>,
    /// What they may do, in words.
    #[prop(into)]
    roles: Signal<String>,
    /// The chosen theme.
    theme: RwSignal<Theme>,
    /// Whether the browser's notifications come.
    #[prop(into)]
    notify: Signal<Notify>,
    /// Turns them on or off.
    #[prop(into)]
    on_notify: Callback<bool>,
    /// Shows the list of keys.
    #[prop(into)]
    on_keys: Callback<()>,
    /// Signs out.
    #[prop(into)]
    on_sign_out: Callback<()>,
) -> impl IntoView {
    let times = Times::expect();
    let signed_in = Memo::new(move |_| user.with(|name| !name.is_empty()));
    let who = move || {
        signed_in.get().then(|| {
            view! {
                <div class="menu-who">
                    <strong>{user}</strong>
                    <p class="small muted">{roles}</p>
                </div>
                <a class="menu-item" href=paths::settings_section("you")>"Your profile"</a>
            }
        })
    };
    let bells = move || {
        signed_in.get().then(|| {
            let words = move || match notify.get() {
                Notify::Off => {
                    "When an item needs your attention and this tab is in the background."
                }
                Notify::On => "On: you are notified when this tab is in the background.",
                Notify::Blocked => {
                    "Blocked by the browser. Allow notifications for this site in its settings."
                }
                Notify::Missing => "This browser has no notifications.",
            };
            view! {
                <label class="choice">
                    <input
                        type="checkbox"
                        prop:checked=move || notify.get() == Notify::On
                        prop:disabled=move || notify.get() == Notify::Missing
                        on:change=move |ev| on_notify.run(event_target_checked(&ev))
                    />
                    <span>"Browser notifications"</span>
                    <span class="hint">{words}</span>
                </label>
            }
        })
    };
    let out = move || {
        signed_in.get().then(|| {
            view! {
                <button type="button" class="menu-item" data-closes="" on:click=move |_| on_sign_out.run(())>"Sign out"</button>
            }
        })
    };
    let themes = [Theme::System, Theme::Light, Theme::Dark].map(|one| {
        choice(
            "theme",
            one.name(),
            Signal::derive(move || theme.get() == one),
            move || theme.set(one),
        )
    });
    let zones = [(Zone::Utc, "UTC"), (Zone::Local, "Local")].map(|(zone, label)| {
        choice(
            "zone",
            label,
            Signal::derive(move || times.zone() == zone),
            move || times.choose(zone),
        )
    });
    view! {
        <button type="button" class="button small icon" popovertarget=ID>
            <Icon is=PERSON />
            <span class="visually-hidden">{move || if signed_in.get() { "Account: " } else { "Options" }}</span>
            <span class="user-name">{user}</span>
        </button>
        <Popover id=ID label="Account and options">
            {who}
            <fieldset><legend class="small muted">"Theme"</legend><div class="segments">{themes.collect_view()}</div></fieldset>
            <fieldset>
                <legend class="small muted">{move || format!("Times, now shown as {}", times.name())}</legend>
                <div class="segments">{zones.collect_view()}</div>
            </fieldset>
            {bells}
            <a class="menu-item" href=paths::help()>"Help"</a>
            <button type="button" class="menu-item" data-closes="" on:click=move |_| on_keys.run(())>
                <span>"Keyboard shortcuts"</span>
                <kbd>"?"</kbd>
            </button>
            {out}
        </Popover>
    }
}

/// One of a few; the browser moves between them by arrows.
fn choice(
    name: &'static str,
    label: &'static str,
    chosen: Signal<bool>,
    choose: impl Fn() + 'static,
) -> impl IntoView {
    view! {
        <label class="segment">
            <input type="radio" name=name prop:checked=chosen on:change=move |_| choose() />
            <span>{label}</span>
        </label>
    }
}
