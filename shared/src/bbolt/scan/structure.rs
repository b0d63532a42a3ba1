//! The verdict on a file's structure: is every page reached once, and every key in order?

use crate::finding::{Outcome, Report};
use crate::number::grouped;

use super::visitor::Visitor;
use super::walk::Walk;

/// What a scan says of a file's structure.
#[derive(Debug, Clone)]
pub struct Structure {
    /// Pass or fail: a walk looks at everything that it reaches.
    pub outcome: Outcome,
    /// The evidence in one sentence: `403 783 pages, each reached once`.
    pub evidence: String,
    /// What is wrong.
    pub report: Report,
}

impl<V: Visitor> Walk<V> {
    /// The verdict, which takes the findings out of the walk.
    pub fn structure(&mut self) -> Structure {
        let findings = self.take_findings();
        let faults = findings.faults();
        let truncated = findings.has("file.truncated");
        let mut report = Report::default();
        findings.into_report(&mut report);
        let (outcome, evidence) = self.judge(faults, truncated);
        Structure {
            outcome,
            evidence,
            report,
        }
    }

    fn judge(&self, faults: u64, truncated: bool) -> (Outcome, String) {
        let Some(meta) = self.meta else {
            let what = match &self.error {
                Some(error) => error.kind().to_string(),
                None => "no tree to walk".to_owned(),
            };
            return (Outcome::Fail, what);
        };
        let pages = grouped(meta.hwm);
        let unreached = self.unreached();
        if truncated {
            let missing = grouped(self.pages_missing);
            let evidence =
                format!("{missing} of {pages} pages are missing from the end{unreached}");
            return (Outcome::Fail, evidence);
        }
        if self.pages_unreadable > 0 {
            let bad = grouped(self.pages_unreadable);
            let evidence = format!("{bad} of {pages} pages cannot be read{unreached}");
            return (Outcome::Fail, evidence);
        }
        if faults > 0 {
            let word = if faults == 1 { "fault" } else { "faults" };
            let faults = grouped(faults);
            let evidence = format!("{faults} {word} in a tree of {pages} pages{unreached}");
            return (Outcome::Fail, evidence);
        }
        let evidence = if self.pages_free + self.pages_missing > 0 {
            let (used, free) = (grouped(self.pages_used), grouped(self.pages_free));
            let missing = match self.pages_missing {
                0 => String::new(),
                missing => format!(", {} free ones not in the file", grouped(missing)),
            };
            format!("{pages} pages: {used} in use, each reached once, {free} free{missing}")
        } else {
            format!("{pages} pages, each reached once")
        };
        (Outcome::Pass, evidence)
    }

    /// Pages whose fate is unknown because what would refer to them cannot be read.
    fn unreached(&self) -> String {
        match self.pages_unreached {
            0 => String::new(),
            1 => ", and the use of 1 is unknown".to_owned(),
            n => format!(", and the use of {} is unknown", grouped(n)),
        }
    }
}
