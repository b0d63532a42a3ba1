//! What happened in a job, oldest first. It follows its end only while the reader is there.

use leptos::prelude::*;
use requorum_shared::job::history::{Line, Topic};
use requorum_shared::ledger::entry::CONSOLE;

use crate::components::status::Status;
use crate::components::time::Clock;
use crate::format;

/// What can be shown, and what it is called.
const SHOWN: [(Option<Topic>, &str); 5] = [
    (None, "All"),
    (Some(Topic::People), "People"),
    (Some(Topic::Server), "Server"),
    (Some(Topic::Steps), "Steps"),
    (Some(Topic::Log), "Log"),
];

/// The lines, with a choice of what is shown.
#[component]
pub fn HistoryList(
    /// All lines so far.
    #[prop(into)]
    lines: Signal<Vec<Line>>,
) -> impl IntoView {
    let topic = RwSignal::new(None::<Topic>);
    let node = NodeRef::<leptos::html::Div>::new();
    let shown = Memo::new(move |_| {
        let topic = topic.get();
        let fits = |line: &&Line| topic.is_none_or(|topic| line.topic == topic);
        lines.with(|lines| lines.iter().filter(fits).cloned().collect::<Vec<_>>())
    });
    Effect::new(move |_| {
        shown.track();
        let Some(list) = node.get() else { return };
        let from_end = list.scroll_height() - list.scroll_top() - list.client_height();
        // One line came; whoever had scrolled back further than that is reading.
        if from_end < 160 {
            list.set_scroll_top(list.scroll_height());
        }
    });
    let choices = SHOWN
        .into_iter()
        .map(|(choice, label)| {
            let count = Memo::new(move |_| {
                lines.with(|lines| {
                    let fits = |line: &&Line| choice.is_none_or(|topic| line.topic == topic);
                    lines.iter().filter(fits).count() as u64
                })
            });
            view! {
                <button
                    type="button" class="button small" aria-pressed=move || (topic.get() == choice).to_string()
                    on:click=move |_| topic.set(choice)
                >
                    {label} " " <span class="muted tabular">{move || format::number(count.get())}</span>
                </button>
            }
        })
        .collect_view();
    view! {
        <div class="acts history-filter" role="group" aria-label="What the history shows">{choices}</div>
        <div class="history" tabindex="0" aria-label="History" role="log" node_ref=node>
            <ol><For each=move || shown.get() key=|line| line.seq children=|line| one(line) /></ol>
            {move || shown.with(Vec::is_empty).then(|| view! { <p class="muted small">"None so far."</p> })}
        </div>
    }
}

fn one(line: Line) -> impl IntoView {
    let who = (line.who != CONSOLE).then(|| view! { <strong>{line.who.clone()}</strong> " " });
    let took = line.took_ms.map(|ms| {
        view! { " " <span class="muted nowrap">{format::duration(ms as f64)}</span> }
    });
    let detail = (!line.detail.is_empty())
        .then(|| view! { <p class="small muted">{line.detail.clone()}</p> });
    let status =
        (line.topic != Topic::Log).then(|| view! { <Status is=(line.mark.class(), line.word) /> });
    view! {
        <li class=if line.topic == Topic::Log { "log-line" } else { "" }>
            <Clock ms=line.at_ms />
            <div><p>{who} {line.what} {took}</p>{detail}</div>
            {status}
        </li>
    }
}
