//! The `requorum` binary: the console's server and its command line.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// glibc keeps hundreds of megabytes of what password hashing has given back.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    requorum_server::cli::run()
}
