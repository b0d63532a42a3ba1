//! The command line, as a process.

pub(crate) mod command_line;
pub(crate) mod dkron_files;
pub(crate) mod snapshot_files;
pub(crate) mod special_files;
