//! A document, drawn with the console's components.

use leptos::prelude::*;
use requorum_shared::document::{Block, Cell, Document, Section};

use crate::components::command::Command;
use crate::components::hash::Id;
use crate::components::time::Time;

/// The notices and sections of a document.
#[component]
pub fn DocumentView(
    /// The document.
    document: Document,
    /// Whether a list of its sections stands beside it.
    #[prop(optional)]
    contents: bool,
) -> impl IntoView {
    let notices = document
        .notices
        .into_iter()
        .map(|(mark, text)| {
            view! { <div class=format!("notice {}", mark.class())><p>{text}</p></div> }
        })
        .collect_view();
    if !contents {
        return view! { {notices} <Sections sections=document.sections /> }.into_any();
    }
    let links = document
        .sections
        .iter()
        .enumerate()
        .map(|(at, section)| {
            view! { <li><a href=format!("#{}", anchor(at)) rel="external">{section.title.clone()}</a></li> }
        })
        .collect_view();
    view! {
        {notices}
        <div class="with-contents">
            <nav class="contents" aria-label="Contents"><h2>"Contents"</h2><ul>{links}</ul></nav>
            <div class="stack"><Sections sections=document.sections /></div>
        </div>
    }
    .into_any()
}

/// Where a section is on the page.
fn anchor(at: usize) -> String {
    format!("section-{}", at + 1)
}

/// Sections, each with its heading.
#[component]
pub fn Sections(
    /// The sections.
    sections: Vec<Section>,
) -> impl IntoView {
    sections
        .into_iter()
        .enumerate()
        .map(|(at, section)| {
            let blocks = section.blocks.into_iter().map(block).collect_view();
            view! { <section class="section" id=anchor(at)><h2>{section.title}</h2>{blocks}</section> }
        })
        .collect_view()
}

fn block(block: Block) -> AnyView {
    match block {
        Block::Text(text) => view! { <p>{text}</p> }.into_any(),
        Block::Facts(facts) => {
            let rows = facts
                .into_iter()
                .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{cell(value)}</dd></div> })
                .collect_view();
            view! { <dl class="properties">{rows}</dl> }.into_any()
        }
        Block::Table { columns, rows } => table(columns, rows),
        Block::Commands(commands) => {
            view! { <Command label="Show the commands" text=commands.join("\n") /> }.into_any()
        }
    }
}

/// Rows of a table that are shown until all are asked for.
const SHOWN: usize = 12;

fn table(columns: Vec<String>, rows: Vec<Vec<Cell>>) -> AnyView {
    let many = rows.len();
    let all = RwSignal::new(many <= SHOWN + 3);
    let rows = rows
        .into_iter()
        .enumerate()
        .map(|(at, row)| {
            let cells = columns
                .iter()
                .zip(row)
                .map(|(column, value)| {
                    let class = matches!(value, Cell::Number(_)).then_some("number-cell nowrap");
                    view! { <td class=class data-label=column.clone()><span>{cell(value)}</span></td> }
                })
                .collect_view();
            view! { <tr hidden=move || at >= SHOWN && !all.get()>{cells}</tr> }
        })
        .collect_view();
    let headings = columns
        .iter()
        .map(|column| view! { <th scope="col">{column.clone()}</th> })
        .collect_view();
    view! {
        <div class="table-wrap">
            <table class="table document">
                <thead><tr>{headings}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {move || (!all.get()).then(|| view! {
            <div class="acts">
                <button type="button" class="button small" on:click=move |_| all.set(true)>{format!("Show all {many} rows")}</button>
            </div>
        })}
    }
    .into_any()
}

fn cell(cell: Cell) -> AnyView {
    match cell {
        Cell::Text(text) | Cell::Number(text) => text.into_any(),
        Cell::Id(id) => view! { <Id value=id /> }.into_any(),
        Cell::When(ms) => view! { <Time ms /> }.into_any(),
        Cell::Status(mark, word) => {
            view! { <span class=format!("status pill {}", mark.class())>{word}</span> }.into_any()
        }
    }
}
