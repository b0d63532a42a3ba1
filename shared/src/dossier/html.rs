//! `dossier.html`: the document as one file that needs nothing else, runs no script and loads nothing. It reads well
//! on a screen of any width, and on A4.

use super::words;
use crate::document::{Block, Cell, Document, Section};
use crate::ledger::export::rfc3339;

/// The style sheet. No colour stands for what no word says.
const STYLE: &str = include_str!("html.css");

/// The page.
pub(super) fn render(document: &Document) -> String {
    let mut out =
        String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Whatever somebody puts into this file, a browser loads and runs nothing of it.
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    );
    element(&mut out, "title", "", &document.title);
    out.push_str("<style>\n");
    out.push_str(STYLE);
    out.push_str("</style>\n</head>\n<body>\n<header>\n");
    element(&mut out, "p", "kind", "Recovery dossier");
    element(&mut out, "h1", "", &document.sentence);
    element(&mut out, "p", "below", &document.below);
    out.push_str("</header>\n<main>\n");
    for (mark, notice) in &document.notices {
        element(&mut out, "p", &format!("notice {}", mark.class()), notice);
    }
    for section in &document.sections {
        render_section(&mut out, section);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn render_section(out: &mut String, section: &Section) {
    out.push_str("<section>\n");
    element(out, "h2", "", &section.title);
    for block in &section.blocks {
        match block {
            Block::Text(text) => element(out, "p", "", text),
            Block::Facts(facts) => {
                out.push_str("<dl>\n");
                for (name, value) in facts {
                    out.push_str("<div><dt>");
                    escape(out, name);
                    out.push_str("</dt><dd>");
                    cell(out, value);
                    out.push_str("</dd></div>\n");
                }
                out.push_str("</dl>\n");
            }
            Block::Table { columns, rows } => table(out, columns, rows),
            Block::Commands(commands) => {
                for command in commands {
                    out.push_str("<pre><code>");
                    escape(out, command);
                    out.push_str("</code></pre>\n");
                }
            }
        }
    }
    out.push_str("</section>\n");
}

fn table(out: &mut String, columns: &[String], rows: &[Vec<Cell>]) {
    out.push_str("<table>\n<thead><tr>");
    for column in columns {
        out.push_str("<th scope=\"col\">");
        escape(out, column);
        out.push_str("</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (column, value) in columns.iter().zip(row) {
            let class = match value {
                Cell::Number(_) => " class=\"number\"",
                Cell::When(_) => " class=\"when\"",
                Cell::Id(_) => " class=\"wide\"",
                Cell::Status(..) => " class=\"outcome\"",
                Cell::Text(_) => "",
            };
            out.push_str("<td");
            out.push_str(class);
            // The heading again, for screens too narrow for a table.
            out.push_str(" data-label=\"");
            escape(out, column);
            out.push_str("\">");
            cell(out, value);
            out.push_str("</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

fn cell(out: &mut String, cell: &Cell) {
    match cell {
        Cell::Text(text) | Cell::Number(text) => escape(out, text),
        Cell::Id(id) => {
            out.push_str("<code>");
            escape(out, id);
            out.push_str("</code>");
        }
        Cell::When(at_ms) => {
            out.push_str("<time datetime=\"");
            out.push_str(&rfc3339(*at_ms));
            out.push_str("\">");
            escape(out, &words::utc(*at_ms));
            out.push_str("</time>");
        }
        Cell::Status(mark, word) => {
            out.push_str("<span class=\"status ");
            out.push_str(mark.class());
            out.push_str("\">");
            escape(out, word);
            out.push_str("</span>");
        }
    }
}

fn element(out: &mut String, name: &str, class: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    if !class.is_empty() {
        out.push_str(" class=\"");
        out.push_str(class);
        out.push('"');
    }
    out.push('>');
    escape(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push_str(">\n");
}

/// Text that cannot become anything else, in an element or an attribute.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Turning text around would make it say something else to a person.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
}
