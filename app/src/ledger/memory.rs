//! What this browser remembers between visits: the key that it believes, the last checkpoint that it verified under
//! each key that it has seen, and each time that something did not hold.

use requorum_shared::ledger::verify::Remembered;
use serde::{Deserialize, Serialize};

use crate::worker::ledger::protocol::{Point, Wrong};

/// Alarms that are kept; older ones are forgotten.
const ALARMS: usize = 20;
/// Ledgers that are kept; those seen longest ago are forgotten.
const LEDGERS: usize = 10;

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The key that is believed; empty as long as none was seen.
    pub key: String,
    /// Ledgers by their keys, the one seen last behind.
    pub ledgers: Vec<Known>,
    /// What did not hold, oldest first.
    pub alarms: Vec<Alarm>,
}

/// A ledger that was seen at this address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its key.
    pub key: String,
    /// When that was seen first, in milliseconds since the Unix epoch by this machine's clock.
    pub first_ms: i64,
    /// How many entries the ledger had then.
    pub first_size: u64,
    /// The last checkpoint that was verified, a signed note.
    pub note: String,
    /// Its size and root.
    pub point: Point,
    /// When that was.
    pub verified_ms: i64,
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// When it was seen, by this machine's clock.
    pub at_ms: i64,
    /// A stable name: `ledger.forked`.
    pub code: String,
    /// What it was.
    pub words: String,
    /// Whether a person said that they have seen it.
    pub noted: bool,
}

impl Memory {
    /// The ledger that is believed, as it was verified last.
    pub fn current(&self) -> Option<&Known> {
        self.ledgers.iter().find(|known| known.key == self.key)
    }

    /// What a new checkpoint is held against. With a key that is believed by hand and was never verified, nothing.
    pub fn remembered(&self) -> Option<Remembered> {
        self.current().map(|known| Remembered {
            key: known.key.clone(),
            checkpoint: known.note.clone(),
        })
    }

    /// Keeps a checkpoint that was verified. Another window may have kept a later one, which stays.
    pub fn keep(&mut self, key: &str, note: &str, point: &Point, now_ms: i64) {
        self.key = key.to_owned();
        let mut known = match self.ledgers.iter().position(|known| known.key == key) {
            Some(at) => self.ledgers.remove(at),
            None => Known {
                key: key.to_owned(),
                first_ms: now_ms,
                first_size: point.size,
                note: note.to_owned(),
                point: point.clone(),
                verified_ms: now_ms,
            },
        };
        if point.size >= known.point.size {
            known.note = note.to_owned();
            known.point = point.clone();
        }
        known.verified_ms = known.verified_ms.max(now_ms);
        self.ledgers.push(known);
        let over = self.ledgers.len().saturating_sub(LEDGERS);
        self.ledgers.drain(..over);
    }

    /// Remembers that something did not hold; the same thing seen again is the same alarm.
    pub fn raise(&mut self, wrong: &Wrong, now_ms: i64) {
        let known =
            |alarm: &Alarm| !alarm.noted && alarm.code == wrong.code && alarm.words == wrong.words;
        if self.alarms.iter().any(known) {
            return;
        }
        self.alarms.push(Alarm {
            at_ms: now_ms,
            code: wrong.code.clone(),
            words: wrong.words.clone(),
            noted: false,
        });
        let over = self.alarms.len().saturating_sub(ALARMS);
        self.alarms.drain(..over);
    }

    /// The newest alarm that nobody has noted.
    pub fn alarm(&self) -> Option<&Alarm> {
        self.alarms.iter().rev().find(|alarm| !alarm.noted)
    }

    /// A person has seen all alarms.
    pub fn note_alarms(&mut self) {
        self.alarms.iter_mut().for_each(|alarm| alarm.noted = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(size: u64) -> Point {
        Point {
            size,
            root: format!("{size:x}"),
        }
    }

    #[test]
    fn the_later_of_two_checkpoints_stays() {
        let mut memory = Memory::default();
        assert_eq!(memory.remembered(), None);
        memory.keep("k", "note 5", &point(5), 100);
        memory.keep("k", "note 9", &point(9), 200);
        memory.keep("k", "note 7", &point(7), 300);
        let known = memory.current().unwrap();
        assert_eq!((known.first_ms, known.first_size), (100, 5));
        assert_eq!((known.note.as_str(), known.verified_ms), ("note 9", 300));
        assert_eq!(memory.ledgers.len(), 1);
    }

    #[test]
    fn a_ledger_that_comes_back_is_held_against_what_it_was() {
        let mut memory = Memory::default();
        memory.keep("old", "note 5", &point(5), 1);
        memory.keep("new", "note 2", &point(2), 2);
        assert_eq!(memory.remembered().unwrap().checkpoint, "note 2");
        memory.key = "old".into();
        assert_eq!(memory.remembered().unwrap().checkpoint, "note 5");
        memory.key = "never seen".into();
        assert_eq!(memory.remembered(), None);
    }

    #[test]
    fn alarms_stay_until_somebody_has_seen_them() {
        let mut memory = Memory::default();
        let wrong = Wrong {
            code: "ledger.forked".into(),
            words: "Forked.".into(),
        };
        memory.raise(&wrong, 1);
        memory.raise(&wrong, 2);
        assert_eq!(memory.alarms.len(), 1);
        assert_eq!(memory.alarm().unwrap().at_ms, 1);
        memory.note_alarms();
        assert_eq!(memory.alarm(), None);
        memory.raise(&wrong, 3);
        assert_eq!(memory.alarm().unwrap().at_ms, 3);
        for n in 0..100 {
            let words = n.to_string();
            memory.raise(
                &Wrong {
                    words,
                    ..wrong.clone()
                },
                n,
            );
        }
        assert_eq!(memory.alarms.len(), ALARMS);
    }
}
