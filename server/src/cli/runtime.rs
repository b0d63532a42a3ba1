//! Starting what runs asynchronous work, with a sentence where the system refuses.

use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};

use crate::system;

/// Threads that a command's database and look-ups take.
const THREADS: usize = 4;

/// For a command.
pub(super) fn small() -> anyhow::Result<Runtime> {
    system::check_threads(THREADS)?;
    started(Builder::new_current_thread().enable_all().build())
}

/// Files that the server has open before anyone has connected, its database among them, and those of a first job.
const FILES: usize = 64;

/// For the server.
pub(super) fn large() -> anyhow::Result<Runtime> {
    // What is refused later is a panic in the runtime, or ends the process without a word; nothing is written yet.
    let workers = std::thread::available_parallelism().map_or(1, Into::into);
    system::check_open_files(FILES)?;
    system::check_workers(workers + THREADS)?;
    started(Builder::new_multi_thread().enable_all().build())
}

fn started(runtime: std::io::Result<Runtime>) -> anyhow::Result<Runtime> {
    runtime
        .map_err(|error| match system::advice(&error) {
            Some(advice) => anyhow::anyhow!("{error}. {advice}"),
            None => error.into(),
        })
        .context("starting the runtime")
}
