//! `requorum schema`: what requests look like, for those who write them by program.

use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use requorum_shared::recovery::{self, KINDS};

use super::terminal;

/// Print the JSON Schema of a kind of request, or list the kinds.
///
/// A request is what PlanService's CheckPlan and SealPlan take, as JSON. A running server publishes the same at
/// /api/schemas/KIND.json.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The kind of request; all kinds are listed without it
    #[arg(value_parser = PossibleValuesParser::new(KINDS.iter().copied()))]
    kind: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.kind {
        Some(kind) => terminal::print_json(&recovery::schema(kind).unwrap_or_default()),
        None => terminal::print(&format!("{}\n", KINDS.join("\n"))),
    }
    ExitCode::SUCCESS
}
