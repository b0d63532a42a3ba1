//! The native tool's equivalent of an act, folded, one press to copy.

use leptos::prelude::*;

use crate::components::button::CopyButton;

/// A folded command, of one or several lines.
#[component]
pub fn Command(
    /// What stands on the fold.
    #[prop(into)]
    label: String,
    /// The command.
    #[prop(into)]
    text: Signal<String>,
    /// Whether it is open at first.
    #[prop(optional)]
    open: bool,
) -> impl IntoView {
    view! {
        <details class="command" open=open>
            <summary>{label}</summary>
            <div class="command-body">
                <pre tabindex="0">{text}</pre>
                <CopyButton label="Copy command" text=text />
            </div>
        </details>
    }
}
