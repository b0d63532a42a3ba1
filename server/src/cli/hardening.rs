//! What this process does not leave to its surroundings: signals, core files, and who may read what it makes.

use rustix::fs::Mode;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, setrlimit, umask,
};
use tokio::signal::unix::{SignalKind, signal};

use super::terminal;
use crate::system;

/// Has a write beyond the limit on file sizes (`ulimit -f`) fail with an error that can be said, as on a full disk.
/// Otherwise the system's signal would end the process at once.
///
/// It is caught and not ignored: what is ignored here would be ignored in every process that is started from here.
///
/// # Errors
/// Why it could not be caught, in a sentence: the command runs without then.
pub(super) fn outlive_file_size_limit() -> Result<(), String> {
    let kind = SignalKind::from_raw(Signal::XFSZ.as_raw());
    // A runtime would panic here.
    system::check_open_files(system::SIGNAL_FILES).map_err(|error| error.to_string())?;
    let caught = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .and_then(|runtime| {
            let _entered = runtime.enter();
            // The handler stays when the runtime is gone.
            signal(kind).map(drop)
        });
    caught.map_err(|error| {
        format!("the limit on file sizes would end this process when it is reached: {error}")
    })
}

/// For commands that hold secrets in memory and keep a data directory: no core file, no other process of the same user
/// that looks into this one, and files for their owner only, whatever the shell has set.
pub(super) fn keep_private() {
    umask(Mode::from_raw_mode(0o077));
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        terminal::complain(format_args!(
            "requorum: a crash may leave a core file: {error}"
        ));
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        terminal::complain(format_args!(
            "requorum: other processes of this user may read this one's memory: {error}"
        ));
    }
}
