//! New certificates, taken while connections go on: whatever renews them only has to write the files.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::TlsFiles;
use super::files::{self, Pair, Stamp};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Reads the files again whenever they changed, or SIGHUP asks for it. Never returns.
pub(super) async fn follow(files: &TlsFiles, mut seen: Stamp, take: impl Fn(Pair)) {
    let mut hangup = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::warn!("SIGHUP will not be heard: {error}"))
        .ok();
    loop {
        let asked = tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => false,
            () = heard(hangup.as_mut()) => true,
        };
        // Taken before the files are read: what is written meanwhile counts as new next time.
        let now = files::stamp(files);
        if now == seen && !asked {
            continue;
        }
        seen = now;
        match files::read(files) {
            Ok(pair) => {
                tracing::info!("a new certificate is in use, valid until {}", until(&pair));
                take(pair);
            }
            Err(error) => tracing::error!(
                "the new certificate was not taken, the one of before stays in use: {error:#}"
            ),
        }
    }
}

fn until(pair: &Pair) -> String {
    crate::clock::text(pair.expires_ms)
}

async fn heard(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
