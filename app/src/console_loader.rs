//! What is fetched once it is needed: all of the console but Inspect, which anybody may open.
//!
//! The page's binary says where the program is split (`bin/page.rs`): the worker is another binary of this crate,
//! and a split point in the crate itself would put the console into it. So nothing that the first load needs names
//! [`crate::console`]; it asks [`ConsoleLoader`], and is given plain functions once they have arrived.

use futures_util::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_split::SplitLoaderError;

use requorum_shared::permission::Grants;

use crate::components::error_view::ErrorView;
use crate::components::inbox::Waiting;
use crate::components::palette::Entry;
use crate::failure::{Failure, Kind};

/// The console's own part of the program, as functions. To be called only after it was fetched.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    /// Every page but Inspect.
    pub pages: fn() -> AnyView,
    /// What has to be said loudly on every page.
    pub alarm: fn() -> AnyView,
    /// What stands in the corner of every page.
    pub corner: fn() -> AnyView,
    /// What the palette can go to beside the pages.
    pub entries: fn(Grants) -> LocalBoxFuture<'static, Vec<Entry>>,
    /// Whether the server has the file with this SHA-256.
    pub is_stored: fn(String) -> LocalBoxFuture<'static, Result<bool, Failure>>,
    /// What waits and what is under way.
    pub waiting: fn() -> LocalBoxFuture<'static, Result<Waiting, Failure>>,
    /// What the palette finds for what was typed, beside its entries.
    pub find: fn(String) -> LocalBoxFuture<'static, Vec<Entry>>,
}

/// Fetches the console's part of the program; the second time it is there.
pub type Fetch = fn() -> LocalBoxFuture<'static, Result<Console, Failure>>;

/// The console, for whoever may need it.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleLoader {
    fetch: Fetch,
    here: RwSignal<Option<Result<Console, Failure>>>,
}

impl ConsoleLoader {
    /// Gives it to all pages below; nothing is fetched yet.
    pub fn provide(fetch: Fetch) -> Self {
        let console_loader = Self {
            fetch,
            here: RwSignal::new(None),
        };
        provide_context(console_loader);
        console_loader
    }

    /// The one given by [`ConsoleLoader::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// Whether it was fetched.
    pub fn is_here(self) -> bool {
        self.here.with_untracked(|here| matches!(here, Some(Ok(_))))
    }

    /// The console, fetched first where it is not here yet.
    ///
    /// # Errors
    /// When it cannot be fetched; the next call tries again.
    pub async fn console(self) -> Result<Console, Failure> {
        if let Some(Ok(console)) = self.here.get_untracked() {
            return Ok(console);
        }
        let fetched = (self.fetch)().await;
        // Several may have asked at the same time: what shows the console is drawn once.
        if !matches!(self.here.get_untracked(), Some(Ok(_))) {
            self.here.set(Some(fetched.clone()));
        }
        fetched
    }

    /// What `show` makes of the console once it is here; until then, and when it cannot be had, nothing: the page says
    /// so.
    pub fn quietly(self, show: fn(Console) -> AnyView) -> AnyView {
        spawn_local(async move {
            // What comes of it is read below.
            let _ = self.console().await;
        });
        (move || self.here.get()?.ok().map(show)).into_any()
    }

    /// What `show` makes of the console, and what there is to see until it is here.
    pub fn view(self, show: fn(Console) -> AnyView) -> AnyView {
        let fetch = move || {
            spawn_local(async move {
                // What comes of it is read below.
                let _ = self.console().await;
            });
        };
        fetch();
        let here = self.here;
        (move || match here.get() {
            Some(Ok(console)) => show(console),
            None => view! { <p class="loading" role="status">"Loading"</p> }.into_any(),
            Some(Err(failure)) => {
                let retry = Callback::new(move |()| {
                    here.set(None);
                    fetch();
                });
                view! { <div class="page"><h1>"This page could not be fetched."</h1><ErrorView failure retry /></div> }
                    .into_any()
            }
        })
        .into_any()
    }
}

impl From<SplitLoaderError> for Failure {
    fn from(_: SplitLoaderError) -> Self {
        Self {
            next: "Try again. If the server was updated meanwhile, load the page anew.".into(),
            ..Self::new(
                Kind::Offline,
                "The server did not give the rest of this page.",
            )
        }
    }
}
