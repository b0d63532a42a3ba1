//! How far something is.

use super::Rate;
use crate::format;

/// What is known of something under way.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// Bytes done.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// Speed so far.
    pub rate: Rate,
}

impl Progress {
    /// `412 of 980 MiB`, in words.
    pub fn amount(&self) -> String {
        format!(
            "{} of {}, {} %",
            format::bytes(self.done),
            format::bytes(self.total),
            format::percent(self.done, self.total)
        )
    }

    /// `212 MiB/s · 4 s left`, as far as known.
    pub fn pace(&self) -> String {
        let mut parts = Vec::new();
        if let Some(rate) = self.rate.per_second() {
            parts.push(format::per_second(rate));
        }
        if let Some(left) = self
            .rate
            .left_ms(self.total)
            .filter(|ms| *ms < 864_000_000.0)
        {
            parts.push(format!("{} left", format::duration(left)));
        }
        parts.join(" · ")
    }
}
