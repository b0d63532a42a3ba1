//! What the key of a dossier is compared with.

use leptos::prelude::*;

/// The keys that a dossier's own is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    /// What was typed.
    pub typed: RwSignal<String>,
    /// This console's own; empty for those who are not signed in.
    pub console: Signal<String>,
}
