//! Lines of a job, oldest first. It follows its end only while the reader is there.

use leptos::prelude::*;

use requorum_shared::job::fold::LogLine;

use crate::format;

/// The log.
#[component]
pub fn Log(
    /// All lines so far.
    #[prop(into)]
    lines: Signal<Vec<LogLine>>,
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
            <For each=numbered key=|(at, _)| *at children=|(_, line)| view! {
                <li><time title=format::utc(line.at_ms)>{format::clock(line.at_ms)}</time><span>{words(&line)}</span></li>
            } />
        </ul></div>
    }
}

fn words(line: &LogLine) -> String {
    match &line.host {
        Some(host) => format!("step {}, {host}: {}", line.step, line.line),
        None => format!("step {}: {}", line.step, line.line),
    }
}
