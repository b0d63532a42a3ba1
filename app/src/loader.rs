//! A part of the program that is fetched once it is needed.
//!
//! The page's binary says where the program is split (`bin/page.rs`): the worker is another binary of this crate, and a
//! split point in the crate itself would put the part into it. So nothing that the first load needs names what only a
//! part holds; it asks a [`Loader`], and is given plain functions once they have arrived.

use futures_util::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_split::SplitLoaderError;

use crate::components::error_view::ErrorView;
use crate::failure::{Failure, Kind};

/// Fetches a part of the program; the second time it is there.
pub type Fetch<P> = fn() -> LocalBoxFuture<'static, Result<P, Failure>>;

/// A part, for all that may need it: `P` holds its functions.
#[derive(Debug)]
pub struct Loader<P: Copy + Send + Sync + 'static> {
    fetch: Fetch<P>,
    here: RwSignal<Option<Result<P, Failure>>>,
}

impl<P: Copy + Send + Sync + 'static> Clone for Loader<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Copy + Send + Sync + 'static> Copy for Loader<P> {}

impl<P: Copy + Send + Sync + 'static> Loader<P> {
    /// Gives it to all pages below; nothing is fetched yet.
    pub fn provide(fetch: Fetch<P>) -> Self {
        let loader = Self {
            fetch,
            here: RwSignal::new(None),
        };
        provide_context(loader);
        loader
    }

    /// The one given by [`Loader::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// Whether it was fetched.
    pub fn is_here(self) -> bool {
        self.here.with_untracked(|here| matches!(here, Some(Ok(_))))
    }

    /// The part, fetched first where it is not here yet.
    ///
    /// # Errors
    /// When it cannot be fetched; the next call tries again.
    pub async fn part(self) -> Result<P, Failure> {
        if let Some(Ok(part)) = self.here.get_untracked() {
            return Ok(part);
        }
        let fetched = (self.fetch)().await;
        // Several may have asked at the same time: what shows the part is drawn once.
        if !matches!(self.here.get_untracked(), Some(Ok(_))) {
            self.here.set(Some(fetched.clone()));
        }
        fetched
    }

    /// What `show` makes of the part once it is here; until then, and when it cannot be had, nothing: the page says
    /// so.
    pub fn quietly(self, show: impl Fn(P) -> AnyView + Send + Sync + 'static) -> AnyView {
        self.begin();
        (move || self.here.get()?.ok().map(&show)).into_any()
    }

    /// What `show` makes of the part, and what there is to see until it is here.
    pub fn view(self, show: impl Fn(P) -> AnyView + Send + Sync + 'static) -> AnyView {
        self.begin();
        let here = self.here;
        (move || match here.get() {
            Some(Ok(part)) => show(part),
            None => view! { <p class="loading" role="status">"Loading"</p> }.into_any(),
            Some(Err(failure)) => {
                let retry = Callback::new(move |()| {
                    here.set(None);
                    self.begin();
                });
                view! { <div class="page"><h1>"This page could not be fetched."</h1><ErrorView failure retry /></div> }
                    .into_any()
            }
        })
        .into_any()
    }

    /// Has it fetched. What comes of it is kept here.
    pub fn begin(self) {
        spawn_local(async move {
            let _ = self.part().await;
        });
    }
}

impl From<SplitLoaderError> for Failure {
    fn from(_: SplitLoaderError) -> Self {
        Self {
            next: "Try again. If the server was updated meanwhile, reload the page.".into(),
            ..Self::new(
                Kind::Offline,
                "The server did not give the rest of this page.",
            )
        }
    }
}
