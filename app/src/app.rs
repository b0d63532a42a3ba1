//! Contexts and the frame: where the page's parts meet. Which page an address has is said in [`crate::console`].

use leptos::prelude::*;
use leptos_router::components::Router;
use leptos_router::hooks::use_location;
use requorum_shared::permission::{Permission, Place};

use crate::bench::Bench;
use crate::components::frame::Frame;
use crate::identity::Identity;
use crate::later::{Console, Fetch, Later};
use crate::ledger::watch;
use crate::pages::inspect::Inspect;
use crate::paths;
use crate::pulse::Pulse;
use crate::theme;
use crate::uploads::UploadQueue;

/// The whole page.
#[component]
pub fn App(
    /// Fetches all of it but Inspect.
    console: Fetch,
) -> impl IntoView {
    let theme = theme::provide();
    let later = Later::provide(console);
    let identity = Identity::provide();
    Bench::provide();
    let uploads = UploadQueue::provide();
    watch::Place::provide();
    let signed_in = Memo::new(move |_| identity.is_person());
    // For strangers the console is not fetched because of these.
    let of_console = move |show: fn(Console) -> AnyView| {
        move || move || signed_in.get().then(|| later.quietly(show))
    };
    let pulse = Pulse::provide(identity, later);
    let busy = Signal::derive(move || {
        let uploads = match uploads.under_way() {
            0 => String::new(),
            1 => "1 upload".into(),
            n => format!("{n} uploads"),
        };
        let parts = [uploads, pulse.words()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" · ")
    });
    let opened = RwSignal::new(0_u32);
    // What the palette can go to is asked for when it opens, and by nobody else.
    let entries = LocalResource::new(move || async move {
        if opened.get() == 0 || !identity.is_person() {
            return Vec::new();
        }
        // The one act there is begins a plan.
        let acts = identity.may(Permission::Plan, Place::Anywhere).is_ok();
        let mut entries = match later.console().await {
            Ok(console) => (console.entries)().await,
            Err(_) => Vec::new(),
        };
        entries.retain(|entry| acts || entry.kind != "act");
        entries
    });
    view! {
        <Router>
            <Frame
                theme
                user=Signal::derive(move || identity.name())
                busy
                open_reviews=Signal::derive(move || pulse.open_reviews())
                alarm=of_console(|console| (console.alarm)())
                corner=of_console(|console| (console.corner)())
                entries=Signal::derive(move || entries.get().unwrap_or_default())
                on_palette=Callback::new(move |()| opened.update(|n| *n += 1))
                on_sign_out=Callback::new(move |()| identity.sign_out())
            >
                <Page />
            </Frame>
        </Router>
    }
}

/// Inspect, which came with the first load, or what the console has at this address.
#[component]
fn Page() -> impl IntoView {
    let later = Later::expect();
    let path = use_location().pathname;
    let inspecting = Memo::new(move |_| path.get().trim_end_matches('/') == paths::inspect());
    move || {
        if inspecting.get() {
            view! { <Inspect /> }.into_any()
        } else {
            later.view(|console| (console.pages)())
        }
    }
}
