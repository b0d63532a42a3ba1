//! All of the console but Inspect, which anybody may open: fetched once it is needed (see [`crate::loader`]). Nothing that
//! the first load needs names [`crate::console`].

use futures_util::future::LocalBoxFuture;
use leptos::prelude::*;
use requorum_shared::permission::Grants;

use crate::components::palette::Entry;
use crate::failure::Failure;
use crate::loader::Loader;
use crate::waiting::{Waiting, Yours};

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
    pub waiting: fn(Vec<Yours>) -> LocalBoxFuture<'static, Result<Waiting, Failure>>,
    /// What the palette finds for what was typed, beside its entries.
    pub find: fn(String) -> LocalBoxFuture<'static, Vec<Entry>>,
}

/// Fetches the console's part of the program.
pub type ConsoleLoader = Loader<Console>;
