//! `requorum snapshot hashkv FILE`: the checksum by which members are compared, without touching the file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use requorum_shared::bbolt::Database;
use requorum_shared::etcd::storage::hashkv::hash_kv;
use requorum_shared::etcd::storage::status::hash_kv_text;

use crate::cli::reading::{self, FAILED};
use crate::cli::terminal;

use super::foreign;
use super::output::WriteOut;

/// Print the HashKV of a snapshot at a revision, as servers and etcdutl compute it.
///
/// Two files agree when hash, revision and compact revision are the same. Unlike etcdutl, which opens the file
/// for writing and changes it, this only reads; leased keys do not matter. Only bucket `key` is read, so
/// damage elsewhere goes unseen: `snapshot check` looks for it. What is packed by ZIP (one entry), gzip or Zstandard
/// is read through, unpacked in the folder that TMPDIR names.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The snapshot, or a copy of a member's member/snap/db.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The revision; 0 is the newest.
    #[arg(long, value_name = "N", default_value_t = 0)]
    rev: i64,
    /// How it is written
    #[arg(short, long, value_name = "FORMAT", default_value = "simple")]
    write_out: WriteOut,
}

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    match hash(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code.into(),
    }
}

fn hash(arguments: &Arguments) -> Result<(), u8> {
    if arguments.rev < 0 {
        terminal::complain(format_args!("requorum: --rev must not be negative"));
        return Err(reading::USAGE);
    }
    let read = reading::read_through(&arguments.file)?;
    read.tell();
    foreign::refuse(&read, &arguments.file)?;
    let file = read.file;
    let source = file.source().map_err(reading::complain)?;
    let hash = Database::open(&source)
        .map_err(Into::into)
        .and_then(|database| hash_kv(&database, arguments.rev));
    reading::refuse_changed(&file, &arguments.file)?;
    let hash = hash.map_err(|error| {
        terminal::complain(format_args!("requorum: {}: {error}", file.name()));
        FAILED
    })?;
    terminal::print(&hash_kv_text(&hash, arguments.write_out.into()));
    Ok(())
}
