//! Whether tokens for programs end with a password.

use leptos::prelude::*;

/// The box, checked unless the person decides otherwise.
#[component]
pub fn EndTokens(
    /// What is chosen.
    end: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <div class="choice">
            <input
                id="end-tokens" type="checkbox" aria-describedby="end-tokens-hint" prop:checked=end
                on:change=move |ev| end.set(event_target_checked(&ev))
            />
            <label for="end-tokens">"End this account's tokens for programs too"</label>
            <p class="hint" id="end-tokens-hint">"Anyone who knew the old password may have created tokens. Programs that use them will need new ones."</p>
        </div>
    }
}
