//! How far, how fast, how long still.

use leptos::prelude::*;

use crate::format::Progress;

/// A bar with its numbers.
#[component]
pub fn Meter(
    /// What it measures, for readers that do not see: `Reading etcd.db`.
    #[prop(into)]
    label: String,
    /// How far it is.
    #[prop(into)]
    progress: Signal<Progress>,
) -> impl IntoView {
    view! {
        <div class="meter">
            <progress
                aria-label=label
                max="1000"
                value=move || {
                    let p = progress.get();
                    if p.total == 0 { 0 } else { (u128::from(p.done) * 1000 / u128::from(p.total)) as u64 }
                }
            ></progress>
            <div class="meter-line">
                <span>{move || progress.get().amount()}</span>
                <span>{move || progress.get().pace()}</span>
            </div>
        </div>
    }
}
