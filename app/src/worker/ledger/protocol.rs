//! What the page and its verifier say to each other: JSON text, beside which an exported file travels as a blob.

use requorum_shared::ledger::verify::{Broken, Remembered};
use serde::{Deserialize, Serialize};

use crate::entry_filter::Filter;

/// The name that a worker which verifies is started with.
pub const VERIFIER: &str = "requorum-verifier";

/// From the page. `task` is the page's number for the question; hashes are in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Does this checkpoint go on from what is remembered?
    Glance {
        /// The question's number.
        task: u32,
        /// The key that the ledger shows.
        key: String,
        /// The checkpoint that it shows.
        note: String,
        /// What the browser kept.
        remembered: Option<Remembered>,
        /// The proof between the two, where there is one.
        proof: Option<Vec<String>>,
    },
    /// Is this entry in the tree of this checkpoint?
    Prove {
        /// The question's number.
        task: u32,
        /// The key that is believed.
        key: String,
        /// The checkpoint.
        note: String,
        /// Which entry.
        index: u64,
        /// Its text.
        entry: String,
        /// Its way to the root.
        proof: Vec<String>,
    },
    /// Do all entries add up to this checkpoint?
    Read {
        /// The question's number.
        task: u32,
        /// The key that is believed.
        key: String,
        /// The checkpoint.
        note: String,
        /// What the browser kept.
        remembered: Option<Remembered>,
        /// From the first entry, whatever was read before.
        afresh: bool,
        /// What to write down of it on the way.
        export: Option<Export>,
    },
    /// Stop reading.
    Stop {
        /// The number of the question that is given up.
        task: u32,
    },
}

/// What is written down while entries are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// How.
    pub format: Format,
    /// Which entries.
    pub filter: Filter,
}

/// How entries are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One entry per line, exactly as it is hashed.
    JsonLines,
    /// For spreadsheets.
    Csv,
}

impl Format {
    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }
}

/// From the verifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
pub enum Report {
    /// The answer to [`Order::Glance`].
    Glance {
        /// The question's number.
        task: u32,
        /// What was seen.
        seen: Seen,
    },
    /// The answer to [`Order::Prove`].
    Proof {
        /// The question's number.
        task: u32,
        /// What was computed.
        proof: Proof,
    },
    /// How far reading is.
    Progress {
        /// The question's number.
        task: u32,
        /// Entries read.
        read: u64,
        /// Entries in all.
        size: u64,
    },
    /// The answer to [`Order::Read`].
    Read {
        /// The question's number.
        task: u32,
        /// How it ended.
        end: End,
    },
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// A stable name: `ledger.forked`.
    pub code: String,
    /// What it is and where.
    pub words: String,
}

impl From<Broken> for Wrong {
    fn from(broken: Broken) -> Self {
        Self {
            code: broken.code().to_owned(),
            words: broken.to_string(),
        }
    }
}

/// Size and root of a checkpoint whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// How many entries.
    pub size: u64,
    /// Hexadecimal.
    pub root: String,
}

/// What the checkpoints alone say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Seen {
    /// The signature holds; nothing was remembered.
    First {
        /// What is believed from now on.
        now: Point,
    },
    /// The ledger goes on from what was remembered.
    GoesOn {
        /// What was remembered.
        before: Point,
        /// What there is now.
        now: Point,
    },
    /// There was no proof to look at.
    Unproven {
        /// What there is now, by its signature.
        now: Point,
    },
    /// It does not hold.
    Wrong(Wrong),
}

/// The way of an entry to the root, computed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The hash of the entry's text, hexadecimal.
    pub leaf: String,
    /// The checkpoint, where its signature holds.
    pub point: Option<Point>,
    /// From the leaf upwards; empty where the proof has another length.
    pub steps: Vec<Level>,
    /// What does not hold, if anything.
    pub wrong: Option<Wrong>,
}

/// One level of that way: the entry's side and its neighbour. Ranges are entries from the first to before the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Whether the neighbour is the left one.
    pub neighbour_is_left: bool,
    /// The entries under the neighbour.
    pub neighbour: (u64, u64),
    /// Its hash, which the proof brings.
    pub brought: String,
    /// The entries under both.
    pub covers: (u64, u64),
    /// The hash of both, computed.
    pub hash: String,
}

/// How reading ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum End {
    /// All entries add up.
    Whole(Whole),
    /// Something does not hold.
    Wrong(Wrong),
    /// A person stopped it.
    Stopped,
    /// The server did not give what was asked for.
    Unreached {
        /// Why, in words.
        why: String,
    },
}

/// What is known of a ledger whose entries were all read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// The checkpoint that they add up to.
    pub point: Point,
    /// Entries read for it, this time.
    pub fresh: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Acts that were opened and not closed.
    pub open: u64,
    /// Acts whose outcome is unknown.
    pub unknown: u64,
    /// Entries that found the clock behind the entry before.
    pub clock_back: u64,
    /// Entries that were exported.
    pub exported: u64,
    /// Milliseconds that it took.
    pub took_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_its_text() {
        let remembered = Remembered {
            key: "k".into(),
            checkpoint: "n\n".into(),
        };
        let orders = [
            Order::Glance {
                task: 1,
                key: "a+b+c".into(),
                note: "x\n\n— y z\n".into(),
                remembered: Some(remembered.clone()),
                proof: Some(vec!["AA==".into()]),
            },
            Order::Prove {
                task: 2,
                key: String::new(),
                note: String::new(),
                index: u64::MAX,
                entry: "{\"a\":1}".into(),
                proof: Vec::new(),
            },
            Order::Read {
                task: 3,
                key: String::new(),
                note: String::new(),
                remembered: None,
                afresh: true,
                export: Some(Export {
                    format: Format::Csv,
                    filter: Filter::default(),
                }),
            },
            Order::Stop { task: u32::MAX },
        ];
        for order in orders {
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
        }
        let now = Point {
            size: u64::MAX,
            root: "ab".into(),
        };
        let wrong = Wrong {
            code: "ledger.root".into(),
            words: "It does not add up.".into(),
        };
        let reports = [
            Report::Glance {
                task: 1,
                seen: Seen::Wrong(wrong.clone()),
            },
            Report::Glance {
                task: 1,
                seen: Seen::GoesOn {
                    before: now.clone(),
                    now,
                },
            },
            Report::Read {
                task: 3,
                end: End::Wrong(wrong),
            },
            Report::Read {
                task: 3,
                end: End::Stopped,
            },
        ];
        for report in reports {
            let text = serde_json::to_string(&report).unwrap();
            assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        }
    }
}
