//! How far, how fast, how long still.

use leptos::prelude::*;

use crate::format::{self, Rate};

/// What is known of something under way.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// Bytes done.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// Speed so far.
    pub rate: Rate,
}

impl Progress {
    /// `412 of 980 MiB`, in words.
    pub fn amount(&self) -> String {
        format!(
            "{} of {}, {} %",
            format::bytes(self.done),
            format::bytes(self.total),
            format::percent(self.done, self.total)
        )
    }

    /// `212 MiB/s · 4 s left`, as far as known.
    pub fn pace(&self) -> String {
        let mut parts = Vec::new();
        if let Some(rate) = self.rate.per_second() {
            parts.push(format::per_second(rate));
        }
        if let Some(left) = self
            .rate
            .left_ms(self.total)
            .filter(|ms| *ms < 864_000_000.0)
        {
            parts.push(format!("{} left", format::duration(left)));
        }
        parts.join(" · ")
    }
}

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
