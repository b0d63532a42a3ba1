//! `requorum audit verify`: is the ledger whole, and is it the one that was seen before?

use std::process::ExitCode;

use clap::Args;
use requorum_shared::ledger::checkpoint::Checkpoint;
use requorum_shared::ledger::verify::{Broken, Verified};
use serde_json::json;

use super::finish;
use super::source::{From, Source};
use crate::cli::terminal;

/// Verify a ledger: every entry against the tree, the tree against its signed checkpoint, and both against a
/// checkpoint that you kept.
///
/// Exit code 0 when everything is valid, 1 when something is not or cannot be read, 2 for wrong usage. The first fault
/// is named. Nothing is written, and no server is asked.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    #[command(flatten)]
    from: From,
    /// Print the verdict as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    finish("audit verify", verify(arguments))
}

async fn verify(arguments: &Arguments) -> anyhow::Result<()> {
    let source = arguments.from.open().await?;
    let verdict = source.audit(|_| Ok(())).await;
    if arguments.json {
        terminal::print_json(&object(&source, &verdict).to_string());
    } else if let Ok(verified) = &verdict {
        terminal::print(&text(&source, verified));
    }
    verdict.map(|_| ())
}

fn text(source: &Source, verified: &Verified) -> String {
    let checkpoint = &verified.checkpoint;
    let mut text = format!(
        "Ledger verified: {} entries match its checkpoint.\n\n\
         Key          {}\nRoot         {}\n",
        checkpoint.size,
        source.key,
        checkpoint.root.to_base64()
    );
    match remembered(source) {
        Some(before) => text.push_str(&format!(
            "Compared     consistent with the given checkpoint of {} entries\n",
            before.size
        )),
        None => text.push_str(
            "Compared     with nothing: without a checkpoint that you kept (--checkpoint), a ledger that was\n\
             \x20            rewritten and signed again looks intact\n",
        ),
    }
    text.push_str(&format!("Open acts    {}\n", list(&verified.open)));
    text.push_str(&format!("Unknown ends {}\n", verified.unknown));
    text.push_str(&format!("Clock back   {} times\n", verified.clock_back));
    text
}

fn list(open: &[u64]) -> String {
    const SHOWN: usize = 20;
    if open.is_empty() {
        return "none".to_owned();
    }
    let mut shown: Vec<_> = open
        .iter()
        .take(SHOWN)
        .map(|index| format!("entry {index}"))
        .collect();
    if open.len() > SHOWN {
        shown.push(format!("and {} more", open.len() - SHOWN));
    }
    shown.join(", ")
}

fn object(source: &Source, verdict: &anyhow::Result<Verified>) -> serde_json::Value {
    match verdict {
        Ok(verified) => json!({
            "whole": true,
            "key": source.key.to_string(),
            "size": verified.checkpoint.size,
            "root": verified.checkpoint.root.to_base64(),
            "compared_with": remembered(source).map(|before| before.size),
            "open": verified.open,
            "unknown": verified.unknown,
            "clock_back": verified.clock_back,
        }),
        Err(error) => json!({
            "whole": false,
            "key": source.key.to_string(),
            "code": error.downcast_ref::<Broken>().map_or("ledger.unreadable", Broken::code),
            "why": format!("{error:#}"),
        }),
    }
}

fn remembered(source: &Source) -> Option<Checkpoint> {
    let remembered = source.remembered.as_ref()?;
    Checkpoint::open(&remembered.checkpoint, &source.key).ok()
}
