//! What each failure of the ledger means, and what to do about it.

/// A failure by its codes, for a person who sees it for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The codes that it explains.
    pub codes: &'static [&'static str],
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub todo: &'static str,
}

/// All of them, worst first.
pub const ALL: [Meaning; 6] = [
    Meaning {
        codes: &["ledger.truncated"],
        name: "Cut off",
        means: "The ledger has fewer entries than this browser has seen. Acts that were in it are gone: they were removed, \
                or an older copy of the database was put back.",
        todo: "Do nothing more in this console. Ask who restored or edited its database, and compare with a colleague's \
               browser and with exports.",
    },
    Meaning {
        codes: &[
            "ledger.forked",
            "ledger.astray",
            "ledger.rewritten",
            "ledger.root",
            "ledger.proof",
        ],
        name: "Forked or rewritten",
        means: "The ledger is signed with its own key but does not match what this browser has seen: entries before the \
                remembered checkpoint differ, or no proof leads to it.",
        todo: "Do nothing more in this console. Verify all entries below: that tells a fork from a changed answer. Look for a \
               second server started on a copy of the data directory, and for a proxy that changes answers.",
    },
    Meaning {
        codes: &[
            "ledger.edited",
            "ledger.moved",
            "ledger.not-an-entry",
            "ledger.stray-close",
            "ledger.unreadable",
            "ledger.damaged",
        ],
        name: "Entries altered",
        means: "An entry's text differs from what was written, or entries were moved. The database was edited, or its \
                disk is failing.",
        todo: "Do nothing more in this console. On the server, requorum audit verify names the first entry that is \
               wrong; keep the database as it is: it is evidence.",
    },
    Meaning {
        codes: &["ledger.other-key"],
        name: "Another key",
        means: "The ledger is signed with a different key than the one this browser trusts: another console answers at \
                this address, or its key was replaced.",
        todo: "Ask the console's administrator whether it was set up again, and compare the key with theirs through a \
               channel other than this page. Only then trust it.",
    },
    Meaning {
        codes: &["ledger.signature", "ledger.checkpoint"],
        name: "Wrong signature",
        means: "The checkpoint was changed after it was signed, in the server's database or between the server and you.",
        todo: "Check the address, its certificate, and any proxy. If it persists, do nothing more in this console.",
    },
    Meaning {
        codes: &["ledger.memory"],
        name: "Memory unreadable",
        means: "What this browser remembered of the ledger cannot be read: it cannot be compared.",
        todo: "Compare the key and the checkpoint with a colleague's before you continue.",
    },
];

/// What a failure means.
pub fn of(code: &str) -> Option<&'static Meaning> {
    ALL.iter().find(|meaning| meaning.codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use requorum_shared::ledger::verify::Broken;

    use super::of;

    #[test]
    fn every_failure_is_explained() {
        // Every code that `Broken::code` gives, as its source lists them.
        let source = include_str!("../../../shared/src/ledger/verify.rs");
        let codes: Vec<_> = source
            .split('"')
            .filter(|text| text.starts_with("ledger.") && !text.contains(' '))
            .collect();
        assert!(codes.len() > 12, "{codes:?}");
        for code in codes {
            assert!(of(code).is_some(), "{code}");
        }
        assert_eq!(Broken::Forked { size: 1 }.code(), "ledger.forked");
        assert!(of("ledger.damaged").is_some());
    }
}
