//! What the commands that read a file share: opening it, progress, and what to say when it cannot be read.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::{Duration, Instant};

use requorum_shared::inspection::PackedFile;
use requorum_shared::kinds::{Options, Scan};
use requorum_shared::number::{grouped, human_size};
use requorum_shared::unpack::{Packing, UnpackError};

use crate::cli::inspect_file::{FileError, InspectedFile, Unpacked};
use crate::cli::terminal;

/// Exit code of a bad file or a failed operation.
pub(in crate::cli) const FAILED: u8 = 1;
/// Exit code of arguments that make no sense.
pub(in crate::cli) const USAGE: u8 = 2;

/// Opens the file, and says so on stderr when a server holds it.
pub(in crate::cli) fn open(path: &Path) -> Result<InspectedFile, u8> {
    if path == Path::new("-") {
        terminal::complain(format_args!(
            "requorum: standard input cannot be read here, because some pages are read twice; save it to a file first"
        ));
        return Err(USAGE);
    }
    let file = InspectedFile::open(path).map_err(complain)?;
    if file.in_use() {
        terminal::complain(format_args!(
            "requorum: {} is in use by a running server: its pages may move while they are read. Findings may come from that; for certainty save a snapshot with etcdctl.",
            path.display()
        ));
    }
    Ok(file)
}

/// What a command reads: the file that was named, or what is packed in it.
pub(super) struct ReadThrough {
    /// The bytes to look at.
    pub(super) file: InspectedFile,
    /// The packed file, where they came out of one.
    pub(super) packed: Option<PackedFile>,
    /// Why a packed file was not read through: then it is looked at as it is.
    pub(super) not_unpacked: Option<UnpackError>,
}

/// Opens the file as [`open`] does, and unpacks it where it is packed.
pub(super) fn read_through(path: &Path) -> Result<ReadThrough, u8> {
    let file = open(path)?;
    Ok(match unpacked(&file)? {
        None => ReadThrough {
            file,
            packed: None,
            not_unpacked: None,
        },
        Some(Unpacked::Content { content, from }) => ReadThrough {
            file: *content,
            packed: Some(from),
            not_unpacked: None,
        },
        Some(Unpacked::Refused(error)) => ReadThrough {
            file,
            packed: None,
            not_unpacked: Some(error),
        },
    })
}

impl ReadThrough {
    /// Says on standard error what was unpacked; standard output is for the answer alone.
    pub(super) fn tell(&self) {
        if let Some(from) = &self.packed {
            terminal::complain(format_args!(
                "requorum: {}",
                unpacked_words(from, self.file.size())
            ));
        }
    }
}

/// What a packed file is, and what came out of it.
pub(super) fn unpacked_words(from: &PackedFile, size: u64) -> String {
    let kind = from.kind.as_str();
    let label = [Packing::Zip, Packing::Gzip, Packing::Zstd]
        .into_iter()
        .find(|packing| packing.word() == kind)
        .map_or(kind, |packing| packing.label());
    let entry = match &from.entry {
        Some(entry) => format!(" from its one entry, `{entry}`"),
        None => String::new(),
    };
    format!(
        "{} is {label} and was read through: {} bytes unpacked{entry}",
        from.name,
        grouped(size)
    )
}

/// Stops when the file is not what it was when it was opened: what was found is of no file then.
pub(in crate::cli) fn refuse_changed(file: &InspectedFile, path: &Path) -> Result<(), u8> {
    if file.changed() {
        return Err(complain(FileError::Changed(path.to_owned())));
    }
    Ok(())
}

/// Reads the file, with progress on a terminal.
pub(in crate::cli) fn scan(file: &InspectedFile, options: Options) -> Result<Scan, u8> {
    let mut line = Line::new(file.size());
    let scan = file.scan(options, |done| line.show(done));
    line.clear();
    scan.map_err(complain)
}

/// Prints why it failed; the exit code.
pub(in crate::cli) fn complain(error: FileError) -> u8 {
    terminal::complain(format_args!("requorum: {error}"));
    FAILED
}

/// What is in a packed file, with progress on a terminal.
pub(in crate::cli) fn unpacked(file: &InspectedFile) -> Result<Option<Unpacked>, u8> {
    let mut line = Line::new(file.size());
    let unpacked = file.unpacked(|done| line.show(done));
    line.clear();
    unpacked.map_err(complain)
}

/// A line on the terminal that says how far the reading is.
struct Line {
    total: u64,
    started: Instant,
    shown: Option<Instant>,
    enabled: bool,
}

impl Line {
    fn new(total: u64) -> Self {
        Self {
            total,
            started: Instant::now(),
            shown: None,
            enabled: std::io::stderr().is_terminal(),
        }
    }

    fn show(&mut self, done: u64) {
        const PAUSE: Duration = Duration::from_millis(100);
        let last = self.shown.unwrap_or(self.started);
        if !self.enabled || last.elapsed() < PAUSE {
            return;
        }
        self.shown = Some(Instant::now());
        terminal::progress(&progress(done, self.total, self.started.elapsed()));
    }

    fn clear(&self) {
        if self.shown.is_some() {
            terminal::progress("");
        }
    }
}

fn progress(done: u64, total: u64, elapsed: Duration) -> String {
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = total.saturating_sub(done) as f64 / rate.max(1.0);
    let (done, total) = (human_size(done), human_size(total));
    let rate = human_size(rate as u64);
    format!("reading {done} of {total} ({percent} %), {rate}/s, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_rate_and_time_left() {
        let text = progress(500_000_000, 2_000_000_000, Duration::from_secs(1));
        assert_eq!(text, "reading 500 MB of 2.0 GB (25 %), 500 MB/s, 3 s left");
        progress(0, 0, Duration::ZERO);
    }
}
