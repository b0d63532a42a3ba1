//! The `requorum` binary: the console's server and its command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    requorum_server::cli::run()
}
