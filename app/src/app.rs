//! Contexts and the frame: where the page's parts meet. Which page an address has is said in [`crate::console`].

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::Router;
use leptos_router::hooks::{use_location, use_navigate};
use leptos_router::location::{BrowserUrl, LocationProvider as _};
use requorum_shared::permission::{Permission, Place};

use crate::activity::Activity;
use crate::arrival::Arrival;
use crate::components::frame::Frame;
use crate::components::palette::{Entry, Group};
use crate::console_loader::{Console, ConsoleLoader};
use crate::identity::{Identity, Who};
use crate::ledger::watch;
use crate::loader::{Fetch, Loader};
use crate::notifications::Notifications;
use crate::open_files::OpenFiles;
use crate::pages::inspect::{FileViews, Inspect};
use crate::pages::login::Login;
use crate::paths;
use crate::theme;
use crate::times::Times;
use crate::title::Title;
use crate::uploads::UploadQueue;

/// The palette asks the server once a person has stopped typing for so long.
const TYPED: Duration = Duration::from_millis(250);

/// The first parts of the addresses that need an account. A stranger there signs in first.
const ACCOUNT_NEEDED: [&str; 7] = [
    "", "files", "plans", "reviews", "jobs", "ledger", "settings",
];

/// The whole page.
#[component]
pub fn App(
    /// Fetches all of it but Inspect and the sign-in.
    console: Fetch<Console>,
    /// Fetches what shows open files.
    files: Fetch<FileViews>,
) -> impl IntoView {
    let theme = theme::provide();
    Times::provide();
    Arrival::provide();
    let title = Title::provide();
    let notifications = Notifications::provide();
    let console_loader = ConsoleLoader::provide(console);
    let identity = Identity::provide();
    let files = Loader::provide(files);
    OpenFiles::provide(Box::new(move || {
        Box::pin(async move { files.part().await.map(|views| views.read) })
    }));
    let uploads = UploadQueue::provide();
    watch::WatchHolder::provide();
    let signed_in = Memo::new(move |_| identity.is_person());
    // For strangers the console is not fetched because of these.
    let of_console = move |show: fn(Console) -> AnyView| {
        move || move || signed_in.get().then(|| console_loader.quietly(show))
    };
    let activity = Activity::provide(identity, console_loader, notifications, title);
    let was_signed_in = Identity::was_signed_in();
    let admitted = Memo::new(move |_| match identity.who() {
        Who::Asking => was_signed_in,
        Who::Person(_) => true,
        Who::Stranger | Who::Unknown(_) => false,
    });
    let typed = RwSignal::new(None::<String>);
    let entries = palette_entries(identity, console_loader, typed);
    view! {
        <Router>
            <Frame
                theme
                user=Signal::derive(move || identity.name())
                user_id=Signal::derive(move || identity.user_id())
                roles=Signal::derive(move || identity.grants().to_string())
                admitted
                waiting=Signal::derive(move || activity.waiting())
                uploads=Signal::derive(move || uploads.under_way())
                open_reviews=Signal::derive(move || activity.open_reviews())
                alarm=of_console(|console| (console.alarm)())
                corner=of_console(|console| (console.corner)())
                entries
                typed
                notify=Signal::derive(move || notifications.get())
                on_notify=Callback::new(move |on| notifications.turn(on))
                on_sign_out=Callback::new(move |()| identity.sign_out())
            >
                <Page />
            </Frame>
        </Router>
    }
}

/// What the palette can go to, beside pages and acts of the frame: asked for when it opens, and searched for on the
/// server while a person types.
fn palette_entries(
    identity: Identity,
    console_loader: ConsoleLoader,
    typed: RwSignal<Option<String>>,
) -> Signal<Vec<Entry>> {
    let known = RwSignal::new(Vec::new());
    let found = RwSignal::new(Vec::new());
    let turn = StoredValue::new(0_u32);
    let open = Memo::new(move |_| typed.with(Option::is_some));
    // The one thing that a plan begins with is offered to those who may plan.
    let offered = move |entry: &Entry| {
        entry.group != Group::Actions || identity.may(Permission::Plan, Place::Anywhere).is_ok()
    };
    Effect::new(move |_| {
        if !open.get() || !identity.is_person() {
            return;
        }
        let grants = identity.grants_now();
        spawn_local(async move {
            if let Ok(console) = console_loader.part().await {
                known.set((console.entries)(grants).await);
            }
        });
    });
    Effect::new(move |_| {
        let Some(words) = typed.get() else { return };
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        if words.trim().len() < 3 || !identity.is_person() {
            found.set(Vec::new());
            return;
        }
        set_timeout(
            move || {
                if turn.get_value() != mine {
                    return;
                }
                spawn_local(async move {
                    let Ok(console) = console_loader.part().await else {
                        return;
                    };
                    let entries = (console.find)(words).await;
                    if turn.get_value() == mine {
                        found.set(entries);
                    }
                });
            },
            TYPED,
        );
    });
    Signal::derive(move || {
        if !identity.is_person() {
            return Vec::new();
        }
        let mut all = known.get();
        all.extend(found.get());
        all.retain(offered);
        all
    })
}

/// What is at an address, as far as the first load decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Inspect,
    Login,
    /// It is not known yet who asks.
    Wait,
    /// A stranger where an account is needed.
    SignIn,
    Console,
}

/// Inspect and the sign-in, which came with the first load, or what the console has at this address.
#[component]
fn Page() -> impl IntoView {
    let console_loader = ConsoleLoader::expect();
    let identity = Identity::expect();
    let path = use_location().pathname;
    let was_signed_in = Identity::was_signed_in();
    let shown = Memo::new(move |_| {
        let path = path.get();
        let path = path.trim_matches('/');
        let first = path.split('/').next().unwrap_or_default();
        match path {
            "inspect" => return Shown::Inspect,
            "login" => return Shown::Login,
            _ if !ACCOUNT_NEEDED.contains(&first) => return Shown::Console,
            _ => {}
        }
        match identity.who() {
            Who::Stranger => Shown::SignIn,
            Who::Asking if !was_signed_in => Shown::Wait,
            _ => Shown::Console,
        }
    });
    // Routes put the address of a link that was clicked into the address bar once its page is drawn. Where there are
    // none, on Inspect and the sign-in and until the console is here, and when they are drawn for the first time, nothing
    // else does.
    let browser = use_context::<BrowserUrl>();
    Effect::new(move |before: Option<bool>| {
        path.track();
        let routed = shown.get() == Shown::Console;
        let without_routes = !routed || !before.unwrap_or(false) || !console_loader.is_here();
        if let Some(browser) = browser.as_ref().filter(|_| without_routes) {
            browser.ready_to_complete();
        }
        routed
    });
    let navigate = use_navigate();
    Effect::new(move |_| {
        if shown.get() == Shown::SignIn {
            let search = window().location().search().unwrap_or_default();
            let here = format!("{}{search}", path.get_untracked());
            navigate(
                &paths::login(Some(&here)),
                leptos_router::NavigateOptions {
                    replace: true,
                    ..Default::default()
                },
            );
        }
    });
    move || match shown.get() {
        Shown::Inspect => view! { <Inspect /> }.into_any(),
        Shown::Login => view! { <Login /> }.into_any(),
        Shown::Wait | Shown::SignIn => {
            view! { <p class="loading" role="status">"Loading"</p> }.into_any()
        }
        Shown::Console => console_loader.view(|console| (console.pages)()),
    }
}
