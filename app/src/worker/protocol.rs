//! What page and worker say to each other: JSON text, beside which a file travels by reference.

use requorum_shared::document::Document;
use requorum_shared::dossier::Verdict;
use requorum_shared::kinds::Inspection;
use serde::{Deserialize, Serialize};

use crate::page_map::PageMapView;

/// The name that a worker's helper thread is started with: it only hashes.
pub const HASHER: &str = "requorum-hasher";
/// The name that a verifier is started with to verify dossiers.
pub const DOSSIERS: &str = "requorum-dossiers";

/// From the page. `job` is the page's number for a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Look at the file that comes with this message.
    Inspect {
        /// The file's number.
        job: u32,
        /// Its name.
        name: String,
    },
    /// Stop looking at it.
    Cancel {
        /// The file's number.
        job: u32,
    },
    /// Give the whole document as JSON, page runs included.
    Json {
        /// The file's number.
        job: u32,
    },
    /// Drop what is kept of it.
    Forget {
        /// The file's number.
        job: u32,
    },
}

/// From the reader and the verifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
pub enum Report {
    /// How far reading is.
    Progress {
        /// The file's number.
        job: u32,
        /// Bytes read.
        read: u64,
        /// Bytes to read.
        total: u64,
        /// What is being done now.
        phase: Phase,
    },
    /// Looked at.
    Done {
        /// The file's number.
        job: u32,
        /// What was seen.
        looked: Box<Looked>,
    },
    /// It is a dossier: the verifier takes it.
    IsDossier {
        /// The file's number.
        job: u32,
    },
    /// It is a dossier, and was verified.
    Dossier {
        /// The file's number.
        job: u32,
        /// What was found.
        unpacked: Box<Unpacked>,
    },
    /// It could not be looked at.
    Refused {
        /// The file's number.
        job: u32,
        /// Why.
        refusal: Refusal,
    },
    /// The answer to [`Order::Json`].
    Json {
        /// The file's number.
        job: u32,
        /// The document.
        text: String,
    },
}

/// What is being done with a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// In the queue.
    #[default]
    Waiting,
    /// What is packed is being unpacked.
    Unpacking,
    /// Bytes are read and hashed, pages accounted for.
    Reading,
    /// All bytes are read; the last of them are being hashed.
    Hashing,
    /// The tree is walked.
    Walking,
}

impl Phase {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for the file before it",
            Self::Unpacking => "unpacking",
            Self::Reading => "reading and hashing",
            Self::Hashing => "hashing the last bytes",
            Self::Walking => "checking every page",
        }
    }
}

/// What was seen of a file: the document without its page runs, which are folded into a picture. The runs of a
/// large file would make the page stutter; they stay in the worker, for [`Order::Json`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The document; its page map is empty.
    pub inspection: Inspection,
    /// The picture.
    pub map: PageMapView,
    /// Milliseconds from the first byte to the verdict.
    pub took_ms: u64,
}

/// What was found of a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    /// Whether it is whole, and every check.
    pub verdict: Verdict,
    /// What a person reads; absent where too much is broken.
    pub document: Option<Document>,
}

/// Why a file could not be looked at: what, why, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The headline.
    pub what: String,
    /// Why, as far as known.
    pub why: String,
    /// What to do.
    pub next: String,
}

impl Refusal {
    /// A folder instead of a file.
    pub fn folder(name: &str) -> Self {
        Self {
            what: format!("{name} is a folder."),
            why: "A browser opens files, not folders.".into(),
            next: "Drop a file from it: a snapshot, or the database of a server.".into(),
        }
    }

    /// No bytes.
    pub fn empty(name: &str) -> Self {
        Self {
            what: format!("{name} is empty."),
            why: "It has 0 bytes: the command that should have written it probably failed, or the disk was full.".into(),
            next: "Save the file again, or take that of another server.".into(),
        }
    }

    /// A dossier where a snapshot is asked for.
    pub fn dossier(name: &str) -> Self {
        Self {
            what: format!("{name} is a dossier, not a snapshot."),
            why: "A dossier records how a recovery went; it holds no snapshot.".into(),
            next: "Drop the snapshot that this plan restores. A dossier is verified on the Inspect page.".into(),
        }
    }

    /// A file of another kind where a snapshot is asked for; `sentence` says what it is.
    pub fn other_kind(name: &str, sentence: &str) -> Self {
        Self {
            what: format!("{name} is not a snapshot."),
            why: sentence.to_owned(),
            next: "Drop the snapshot that this plan restores.".into(),
        }
    }

    /// A dossier that was packed once more.
    pub fn packed_dossier(name: &str, kind: &str) -> Self {
        Self {
            what: format!("{name} is a dossier, packed as {kind}."),
            why: "A dossier is verified as it was downloaded, and that is a ZIP archive.".into(),
            next: "Unpack it and open what comes out.".into(),
        }
    }

    /// The browser could not read on.
    pub fn unreadable(name: &str, read: u64, said: &str) -> Self {
        Self {
            what: format!("{name} could not be read completely."),
            why: format!("After {} the browser said: {said}", crate::format::exact_bytes(read)),
            next: "It was changed, moved or unmounted while it was read, or you have no permission to read it. Copy it to \
                   a place where nothing writes to it (never open the file of a running server) and open the copy."
                .into(),
        }
    }

    /// A person stopped it.
    pub fn cancelled(name: &str) -> Self {
        Self {
            what: format!("{name} was not read completely."),
            why: "You cancelled it.".into(),
            next: "Open it again to inspect it.".into(),
        }
    }

    /// The part of the page that reads files could not be fetched.
    pub fn without_reader(failure: &crate::failure::Failure) -> Self {
        Self {
            what: "The file reader could not be loaded.".into(),
            why: failure.what.clone(),
            next: "Open the file again once the server answers.".into(),
        }
    }

    /// The worker itself broke.
    pub fn broken(said: &str) -> Self {
        Self {
            what: "The file reader stopped.".into(),
            why: format!("The browser said: {said}"),
            next: "Reload the page and open the file again. If it happens again, `requorum inspect FILE` \
                   does the same on the command line."
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_its_text() {
        let orders = [
            Order::Inspect {
                job: 1,
                name: "a \"b\".db".into(),
            },
            Order::Cancel { job: u32::MAX },
            Order::Json { job: 0 },
            Order::Forget { job: 7 },
        ];
        for order in orders {
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
        }
        let reports = [
            Report::Progress {
                job: 1,
                read: u64::MAX,
                total: u64::MAX,
                phase: Phase::Hashing,
            },
            Report::IsDossier { job: 9 },
            Report::Refused {
                job: 2,
                refusal: Refusal::empty("x"),
            },
            Report::Json {
                job: 3,
                text: "{}".into(),
            },
        ];
        for report in reports {
            let text = serde_json::to_string(&report).unwrap();
            assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        }
    }

    #[test]
    fn every_refusal_says_what_why_and_what_next() {
        let all = [
            Refusal::folder("data"),
            Refusal::empty("x.db"),
            Refusal::unreadable("x.db", 5, "NotReadableError"),
            Refusal::cancelled("x.db"),
            Refusal::dossier("x.zip"),
            Refusal::other_kind("x.wal", "This is a log."),
            Refusal::packed_dossier("x.zip.gz", "gzip"),
            Refusal::broken("out of memory"),
        ];
        for refusal in all {
            assert!(
                !refusal.what.is_empty() && !refusal.why.is_empty() && !refusal.next.is_empty()
            );
        }
    }
}
