//! `requorum audit export`: the ledger for other programs, verified while it is read.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use requorum_shared::ledger::entry::Entry;
use requorum_shared::ledger::export::{CSV_HEADER, csv_line};
use requorum_shared::ledger::tiles::Tile;
use requorum_shared::ledger::verify::Verified;

use super::finish;
use super::source::{From, Source};

/// Export a ledger, and verify it on the way.
///
/// Exit code 0 when it was written and is valid, 1 when something is not: do not trust what was written then.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    #[command(flatten)]
    from: From,
    /// How it is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where to; standard output without it. For tiles, a folder that does not exist yet.
    #[arg(long, value_name = "PATH", required_if_eq("format", "tiles"))]
    out: Option<PathBuf>,
}

/// How a ledger is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One entry per line, exactly as it is hashed
    #[default]
    Jsonl,
    /// For spreadsheets
    Csv,
    /// A folder of files as the ledger serves them, to be verified elsewhere
    Tiles,
}

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    finish("audit export", export(arguments))
}

async fn export(arguments: &Arguments) -> anyhow::Result<()> {
    let source = arguments.from.open().await?;
    match (&arguments.out, arguments.format) {
        (Some(folder), Format::Tiles) => tiles(&source, folder).await,
        (Some(file), format) => {
            let context = || format!("writing {}", file.display());
            let out = File::create_new(file).with_context(context)?;
            let mut out = BufWriter::new(out);
            let verdict = lines(&source, format, &mut out).await;
            out.flush().with_context(context)?;
            verdict.map(|_| ())
        }
        (None, format) => {
            let mut out = BufWriter::new(std::io::stdout());
            let verdict = lines(&source, format, &mut out).await;
            match out.flush() {
                // Whoever reads has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                flushed => flushed.context("writing").and(verdict.map(|_| ())),
            }
        }
    }
}

async fn lines(source: &Source, format: Format, out: &mut impl Write) -> anyhow::Result<Verified> {
    if format == Format::Csv {
        out.write_all(CSV_HEADER.as_bytes())?;
    }
    let verdict = source
        .audit(|entries| {
            for entry in entries {
                if format == Format::Csv {
                    let entry: Entry =
                        serde_json::from_slice(entry).context("an entry cannot be read")?;
                    out.write_all(csv_line(&entry).as_bytes())?;
                } else {
                    out.write_all(entry)?;
                    out.write_all(b"\n")?;
                }
            }
            Ok(())
        })
        .await;
    verdict.context("what was exported cannot be trusted")
}

/// Copies the ledger as its own files, once it is verified.
async fn tiles(source: &Source, folder: &Path) -> anyhow::Result<()> {
    ensure!(
        !folder.exists(),
        "{} exists already: name a folder that does not",
        folder.display()
    );
    let verified = source.audit(|_| Ok(())).await?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, bytes))
            .with_context(|| format!("writing {}", path.display()))
    };
    for tile in Tile::all(verified.checkpoint.size) {
        let bytes = source.tile(tile).await?;
        let bytes = bytes.with_context(|| format!("{} is gone", tile.path()))?;
        write(&tile.path(), &bytes)?;
    }
    write("key", format!("{}\n", source.key).as_bytes())?;
    // The last, for it counts what must be there.
    write("checkpoint", source.checkpoint.as_bytes())
}
