//! What has an address. A page arranges components and talks to the server.

mod cluster_filter;
pub mod files;
pub mod help;
pub mod inspect;
pub mod jobs;
pub mod join;
pub mod ledger;
pub mod login;
pub mod not_found;
pub mod overview;
pub mod plans;
pub mod policies;
pub mod reviews;
mod search_filter;
pub mod settings;
pub mod setup;
mod state_filter;

use leptos::prelude::{GetValue as _, StoredValue, on_cleanup, set_interval_with_handle};

/// Runs `act` every so many milliseconds, as long as the page is shown.
fn every(ms: u64, act: impl Fn() + 'static) {
    // A timer that is due while the page goes away may still fire, and finds nothing of it.
    let shown = StoredValue::new(());
    let act = move || {
        if shown.try_get_value().is_some() {
            act();
        }
    };
    // Refused only where there is no window; then nobody looks.
    if let Ok(handle) = set_interval_with_handle(act, std::time::Duration::from_millis(ms)) {
        on_cleanup(move || handle.clear());
    }
}
