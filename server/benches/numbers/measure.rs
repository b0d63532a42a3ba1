//! Runs a command, and says how long it took and how much memory it held at most.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a command cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Wall time.
    pub(crate) seconds: f64,
    /// Largest resident set, in MiB, as the kernel remembers it.
    pub(crate) mebibytes: f64,
}

impl Cost {
    /// Both, one after the other.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            seconds: self.seconds + next.seconds,
            mebibytes: self.mebibytes.max(next.mebibytes),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s, {:.0} MiB", self.seconds, self.mebibytes)
    }
}

/// The cost of one run.
pub(crate) fn run(program: &Path, arguments: &[&str]) -> Cost {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be run: {error}", program.display()));
    let mut peak = 0;
    // The kernel's high-water mark only rises: the last look before the end is the peak, but for what the last
    // two milliseconds added.
    let ended = loop {
        if let Some(kibibytes) = most_memory(child.id()) {
            peak = peak.max(kibibytes);
        }
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let seconds = start.elapsed().as_secs_f64();
    if !ended.success() {
        let mut said = String::new();
        let _ = std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut said);
        panic!("{} {arguments:?}: {ended}\n{said}", program.display());
    }
    Cost {
        seconds,
        mebibytes: f64::from(peak) / 1024.0,
    }
}

/// The most memory that a process has held so far, in KiB.
pub(crate) fn most_memory(process: u32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The median cost of each command over `runs`, taking turns, so that what disturbs one disturbs all. A first
/// round only warms the page cache.
pub(crate) fn alternating(runs: usize, commands: &[(&Path, &[&str])]) -> Vec<Cost> {
    let mut seen = vec![Vec::new(); commands.len()];
    for round in 0..=runs {
        for (costs, (program, arguments)) in seen.iter_mut().zip(commands) {
            let cost = run(program, arguments);
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    seen.into_iter().map(median).collect()
}

/// The median of each.
pub(crate) fn median(costs: Vec<Cost>) -> Cost {
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Cost {
        seconds: middle(costs.iter().map(|cost| cost.seconds).collect()),
        mebibytes: middle(costs.iter().map(|cost| cost.mebibytes).collect()),
    }
}
