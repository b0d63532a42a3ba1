//! A document, in the console's own dress.

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
) -> impl IntoView {
    let notices = document
        .notices
        .into_iter()
        .map(|(mark, text)| {
            view! { <div class=format!("notice {}", mark.class())><p>{text}</p></div> }
        })
        .collect_view();
    view! { {notices} <Sections sections=document.sections /> }
}

/// Sections, each with its heading.
#[component]
pub fn Sections(
    /// The sections.
    sections: Vec<Section>,
) -> impl IntoView {
    sections
        .into_iter()
        .map(|section| {
            let blocks = section.blocks.into_iter().map(block).collect_view();
            view! { <section class="section"><h2>{section.title}</h2>{blocks}</section> }
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

fn table(columns: Vec<String>, rows: Vec<Vec<Cell>>) -> AnyView {
    let rows = rows
        .into_iter()
        .map(|row| {
            let cells = columns
                .iter()
                .zip(row)
                .map(|(column, value)| {
                    let class = matches!(value, Cell::Number(_)).then_some("number-cell nowrap");
                    view! { <td class=class data-label=column.clone()><span>{cell(value)}</span></td> }
                })
                .collect_view();
            view! { <tr>{cells}</tr> }
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
