//! What was typed, kept for the tab: a reload loses nothing.

use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The form that was kept under this key, or else a fresh one; kept from then on.
pub fn kept<T>(key: &str, fresh: impl FnOnce() -> T) -> RwSignal<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let key = key.to_owned();
    let kept = storage()
        .and_then(|s| s.get_item(&key).ok().flatten())
        .and_then(|text| serde_json::from_str(&text).ok());
    let form = RwSignal::new(kept.unwrap_or_else(fresh));
    Effect::new(move |first: Option<()>| {
        let text = form.with(|form| serde_json::to_string(form).unwrap_or_default());
        if first.is_some()
            && let Some(storage) = storage()
        {
            // Where storage is full or forbidden, a reload loses what was typed, and nothing else.
            let _ = storage.set_item(&key, &text);
        }
    });
    form
}

/// Forgets what was typed.
pub fn forget(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(key);
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}
