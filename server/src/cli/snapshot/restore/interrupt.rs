//! Ctrl-C and SIGTERM stop a restore before its next write, and let it clear away what it built.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::system::{self, SystemError};

/// The flag that the first signal raises. A second one ends the process at once.
pub(super) fn watch() -> anyhow::Result<Arc<AtomicBool>> {
    const KILLED_BY_INTERRUPT: i32 = 130;
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    // Where the files that signals arrive by cannot be opened, the runtime panics rather than says so.
    system::check_open_files(system::SIGNAL_FILES)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context("cannot wait for signals")?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        let wait = |kind| signal(kind).context("cannot wait for signals");
        (
            wait(SignalKind::interrupt())?,
            wait(SignalKind::terminate())?,
        )
    };
    let waiting = std::thread::Builder::new().spawn(move || {
        runtime.block_on(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if raised.swap(true, Ordering::Relaxed) {
                    std::process::exit(KILLED_BY_INTERRUPT);
                }
            }
        });
    });
    waiting.map_err(SystemError::Threads)?;
    Ok(flag)
}
