//! Lines of a job, oldest first. It follows its end only while the reader is there.

use leptos::prelude::*;

use crate::format;

/// When, step, text.
pub type Line = (i64, u32, String);

/// The log.
#[component]
pub fn Log(
    /// All lines so far.
    #[prop(into)]
    lines: Signal<Vec<Line>>,
) -> impl IntoView {
    let node = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |_| {
        lines.track();
        let Some(list) = node.get() else { return };
        let from_end = list.scroll_height() - list.scroll_top() - list.client_height();
        // One line came; whoever had scrolled back further than that is reading.
        if from_end < 120 {
            list.set_scroll_top(list.scroll_height());
        }
    });
    let numbered = move || lines.get().into_iter().enumerate().collect::<Vec<_>>();
    view! {
        <div class="log" tabindex="0" aria-label="Log" role="log" node_ref=node><ul>
            <For each=numbered key=|(at, _)| *at children=|(_, (at_ms, step, text))| view! {
                <li><time title=format::utc(at_ms)>{format::clock(at_ms)}</time><span>{format!("step {step}: {text}")}</span></li>
            } />
        </ul></div>
    }
}
