//! What is shared is shared fairly: those who take without end, on purpose or not, wait for themselves. The others come
//! in, upload, plan and download as if nothing were.

mod connections;
mod downloads;
mod guesses;
mod messages;
mod uploads;

use std::time::{Duration, Instant};

use crate::support::process::Process;

/// How long anything takes that is not held up, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// What it gives, if it is there soon.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    match tokio::time::timeout(SOON, work).await {
        Ok(done) => done,
        Err(_) => panic!("{what} was held up for {:?}", begun.elapsed()),
    }
}

/// A number that the system keeps of a process: `VmRSS` in KiB, `Threads`.
pub(crate) fn of_process(process: &Process, name: &str) -> u64 {
    let path = format!("/proc/{}/status", process.child.id());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap().trim_start_matches(':').trim();
    number.split(' ').next().unwrap().parse().unwrap()
}
