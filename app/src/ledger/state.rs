//! What is known of the ledger now, and the words for it. Unknown is never called good.

use crate::format::{minute, number};
use crate::worker::ledger::protocol::{Point, Whole, Wrong};

use super::memory::Memory;

/// What is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// What the checkpoints say.
    pub status: LedgerStatus,
    /// What the entries themselves say.
    pub reading: Reading,
    /// The key that the ledger shows.
    pub key: String,
    /// The checkpoint that it shows, a signed note.
    pub note: String,
    /// How many hashes led from the remembered checkpoint to it.
    pub proof: Option<usize>,
    /// Why nothing can be written, and so nothing be done; empty when all is well.
    pub trouble: String,
}

/// What the checkpoints say.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum LedgerStatus {
    /// Nothing yet.
    #[default]
    Unasked,
    /// Nothing was remembered: this is believed from now on.
    First {
        /// When.
        at_ms: i64,
        /// The checkpoint.
        now: Point,
    },
    /// It goes on from what was remembered.
    Verified {
        /// When.
        at_ms: i64,
        /// What was remembered.
        before: Point,
        /// The checkpoint.
        now: Point,
    },
    /// It could not be looked at.
    Unreached {
        /// Why, in words.
        why: String,
    },
    /// It does not hold.
    Wrong(Wrong),
}

/// What the entries themselves say.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Reading {
    /// They were not read.
    #[default]
    Not,
    /// They are being read: so many of so many, since then.
    Under {
        /// Entries read.
        read: u64,
        /// Entries in all.
        size: u64,
        /// When it began.
        since_ms: f64,
        /// What did not hold the last time: it stays wrong until it is seen to be right.
        wrong: Option<Wrong>,
    },
    /// They add up to the checkpoint.
    Whole(Whole),
    /// They do not.
    Wrong(Wrong),
    /// They were not read to the end.
    Stopped {
        /// Why, in words.
        why: String,
    },
}

impl Reading {
    /// What does not hold, if anything.
    pub fn wrong(&self) -> Option<&Wrong> {
        match self {
            Self::Wrong(wrong) => Some(wrong),
            Self::Under { wrong, .. } => wrong.as_ref(),
            _ => None,
        }
    }
}

/// The badge in the corner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// The class of a status.
    pub class: &'static str,
    /// What it says.
    pub text: String,
}

impl State {
    /// What does not hold, if anything.
    pub fn wrong(&self) -> Option<&Wrong> {
        match &self.status {
            LedgerStatus::Wrong(wrong) => Some(wrong),
            _ => self.reading.wrong(),
        }
    }

    /// The checkpoint that holds.
    pub fn point(&self) -> Option<&Point> {
        match &self.status {
            LedgerStatus::First { now, .. } | LedgerStatus::Verified { now, .. } => Some(now),
            _ => None,
        }
    }

    /// Whether every entry of the checkpoint that holds was read and adds up.
    pub fn is_read(&self) -> bool {
        match &self.reading {
            Reading::Whole(whole) => Some(&whole.point) == self.point(),
            _ => false,
        }
    }

    /// The badge.
    pub fn badge(&self, memory: &Memory) -> Badge {
        if self.wrong().is_some() {
            return Badge {
                class: "fail",
                text: "ledger not trusted".into(),
            };
        }
        let text = format!("ledger {}", self.checked(memory));
        let class = match (&self.status, memory.alarm()) {
            (LedgerStatus::Verified { .. } | LedgerStatus::First { .. }, Some(alarm)) => {
                let text = format!("{text}, failed {}", minute(alarm.at_ms));
                return Badge {
                    class: "warning",
                    text,
                };
            }
            (LedgerStatus::Verified { .. }, None) => "pass",
            _ => "not-checked",
        };
        Badge { class, text }
    }

    /// When it was checked, in words: `verified 14:03`.
    pub fn checked(&self, memory: &Memory) -> String {
        match (&self.status, memory.current()) {
            (LedgerStatus::Verified { at_ms, .. }, _) => format!("verified {}", minute(*at_ms)),
            (LedgerStatus::First { at_ms, .. }, _) => format!("first seen {}", minute(*at_ms)),
            (LedgerStatus::Wrong(_), _) => "verification failed".into(),
            (_, Some(known)) => format!("not checked since {}", minute(known.verified_ms)),
            (_, None) => "not checked yet".into(),
        }
    }

    /// The sentence of the ledger's page; `since` is the day of its first entry, empty while that is not known.
    pub fn sentence(&self, memory: &Memory, since: &str) -> String {
        if self.wrong().is_some() {
            return "Do not trust this ledger.".into();
        }
        let size = match (self.point(), memory.current()) {
            (Some(point), _) => point.size,
            (None, Some(known)) => known.point.size,
            (None, None) => return "The ledger of this console.".into(),
        };
        let since = match since {
            "" => String::new(),
            day => format!(" since {day}"),
        };
        let entries = format!("{} entries{since}", number(size));
        match &self.status {
            LedgerStatus::Verified { at_ms, .. } if self.is_read() => {
                format!(
                    "{entries}; this browser verified them at {}.",
                    minute(*at_ms)
                )
            }
            LedgerStatus::Verified { at_ms, .. } => {
                let at = minute(*at_ms);
                format!("{entries}; this browser verified their checkpoint at {at}.")
            }
            LedgerStatus::First { .. } => {
                let whole = if self.is_read() { ", and verified" } else { "" };
                format!("{entries}; first seen by this browser{whole}.")
            }
            _ => format!("{entries}; {}.", self.checked(memory)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 14:03:11
    const NOW: i64 = 1_795_269_791_000;

    fn point(size: u64) -> Point {
        Point {
            size,
            root: "ab".into(),
        }
    }

    fn wrong() -> Wrong {
        Wrong {
            code: "ledger.truncated".into(),
            words: "The ledger was cut off.".into(),
        }
    }

    fn verified() -> State {
        State {
            status: LedgerStatus::Verified {
                at_ms: NOW,
                before: point(5),
                now: point(1204),
            },
            ..State::default()
        }
    }

    fn memory() -> Memory {
        let mut memory = Memory::default();
        memory.keep("k", "note", &point(5), NOW - 300_000);
        memory
    }

    fn whole(size: u64) -> Reading {
        Reading::Whole(Whole {
            point: point(size),
            fresh: size,
            bytes: 0,
            open: 0,
            unknown: 0,
            clock_back: 0,
            exported: 0,
            took_ms: 1,
        })
    }

    #[test]
    fn the_badge_tells_three_states_apart() {
        let badge = |state: &State, memory: &Memory| {
            let badge = state.badge(memory);
            (badge.class, badge.text)
        };
        let good = ("pass", "ledger verified 14:03".to_owned());
        assert_eq!(badge(&verified(), &memory()), good);
        let unreached = State {
            status: LedgerStatus::Unreached {
                why: "The server does not answer.".into(),
            },
            ..State::default()
        };
        let unknown = ("not-checked", "ledger not checked since 13:58".to_owned());
        assert_eq!(badge(&unreached, &memory()), unknown);
        let never = ("not-checked", "ledger not checked yet".to_owned());
        assert_eq!(badge(&State::default(), &Memory::default()), never);
        let first = State {
            status: LedgerStatus::First {
                at_ms: NOW,
                now: point(5),
            },
            ..State::default()
        };
        assert_eq!(badge(&first, &Memory::default()).0, "not-checked");
    }

    #[test]
    fn what_does_not_hold_is_red_whatever_else_does() {
        let mut state = verified();
        state.reading = Reading::Wrong(wrong());
        assert_eq!(state.badge(&memory()).class, "fail");
        state.reading = Reading::Under {
            read: 5,
            size: 1204,
            since_ms: 0.0,
            wrong: Some(wrong()),
        };
        assert_eq!(state.badge(&memory()).class, "fail");
        state.reading = whole(1204);
        state.status = LedgerStatus::Wrong(wrong());
        assert_eq!(state.badge(&memory()).class, "fail");
        assert_eq!(state.sentence(&memory(), ""), "Do not trust this ledger.");
    }

    #[test]
    fn an_alarm_that_passed_is_not_forgotten() {
        let mut memory = memory();
        memory.raise(&wrong(), NOW - 60_000);
        let badge = verified().badge(&memory);
        assert_eq!(badge.class, "warning");
        assert_eq!(badge.text, "ledger verified 14:03, failed 14:02");
    }

    #[test]
    fn entries_are_called_verified_when_all_of_them_were_read() {
        let mut state = verified();
        let sentence = |state: &State| {
            state
                .sentence(&memory(), "2026-11-21")
                .replace('\u{202f}', " ")
        };
        assert_eq!(
            sentence(&state),
            "1 204 entries since 2026-11-21; this browser verified their checkpoint at 14:03."
        );
        state.reading = whole(1200);
        assert!(sentence(&state).contains("their checkpoint"));
        state.reading = whole(1204);
        assert_eq!(
            sentence(&state),
            "1 204 entries since 2026-11-21; this browser verified them at 14:03."
        );
        state.status = LedgerStatus::Unreached { why: String::new() };
        assert_eq!(
            sentence(&state),
            "5 entries since 2026-11-21; not checked since 13:58."
        );
    }
}
