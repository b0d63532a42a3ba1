//! Which entries a person looks at, as the address says it. The server lists by it, the page lets new entries in by
//! it, the worker exports by it.

use requorum_shared::api::v1::{ActOutcome, ListEntriesRequest};
use requorum_shared::ledger::entry::Entry;
use serde::{Deserialize, Serialize};

use crate::format::parse_rfc3339;
use crate::paths::encode;

/// The outcome of acts that have not ended.
pub const OPEN: &str = "open";
/// How acts come out, as the address says it.
pub const OUTCOMES: [(&str, ActOutcome); 5] = [
    ("done", ActOutcome::Done),
    ("failed", ActOutcome::Failed),
    ("refused", ActOutcome::Refused),
    ("unknown", ActOutcome::Unknown),
    (OPEN, ActOutcome::Open),
];

/// A filter. Empty texts let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only this person's.
    pub who: String,
    /// Only this act.
    pub act: String,
    /// Only acts that came out so, by the word of [`OUTCOMES`].
    pub outcome: String,
    /// Only about this cluster.
    pub cluster: String,
    /// Only from this moment on, in UTC as it was typed.
    pub from: String,
    /// Only before this moment.
    pub until: String,
    /// Only under the plan with this hash.
    pub plan: String,
    /// Only of this job.
    pub job: String,
}

impl Filter {
    /// Reads it from the address.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |key| get(key).unwrap_or_default().trim().to_owned();
        Self {
            who: text("who"),
            act: text("act"),
            outcome: text("outcome"),
            cluster: text("cluster"),
            from: text("from"),
            until: text("until"),
            plan: text("plan"),
            job: text("job"),
        }
    }

    /// Its parts by their keys in the address.
    pub fn parts(&self) -> [(&'static str, &str); 8] {
        [
            ("who", &self.who),
            ("act", &self.act),
            ("outcome", &self.outcome),
            ("cluster", &self.cluster),
            ("from", &self.from),
            ("until", &self.until),
            ("plan", &self.plan),
            ("job", &self.job),
        ]
    }

    /// The query of the address that holds it, without a question mark.
    pub fn query(&self) -> String {
        let set = self
            .parts()
            .into_iter()
            .filter(|(_, value)| !value.is_empty());
        set.map(|(key, value)| format!("{key}={}", encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.parts().iter().all(|(_, value)| value.is_empty())
    }

    /// Whether it lets this entry through, however its act came out.
    pub fn lets(&self, entry: &Entry) -> bool {
        self.names(entry)
            && moment(&self.from).is_none_or(|from| entry.at_ms >= from)
            && moment(&self.until).is_none_or(|until| entry.at_ms < until)
    }

    /// Whether this new entry brings its act into a list of these: the one that begins it, and where acts are looked for
    /// by how they came out, the one that says so. That one does not say when the act began.
    pub fn admits(&self, entry: &Entry) -> bool {
        match (self.outcome.as_str(), entry.closes) {
            ("", Some(_)) => false,
            ("", None) => self.lets(entry),
            (_, Some(_)) => self.is_outcome(entry) && self.names(entry),
            (_, None) => self.is_outcome(entry) && self.lets(entry),
        }
    }

    /// Whether this entry says that its act came out as looked for.
    pub fn is_outcome(&self, entry: &Entry) -> bool {
        match entry.outcome {
            Some(outcome) => outcome.name() == self.outcome,
            None => self.outcome == OPEN,
        }
    }

    fn names(&self, entry: &Entry) -> bool {
        let is = |wanted: &str, found: Option<&str>| wanted.is_empty() || found == Some(wanted);
        is(&self.who, Some(&entry.who))
            && is(&self.act, Some(&entry.act))
            && is(&self.cluster, entry.cluster.as_deref())
            && is(&self.plan, entry.plan.as_deref())
            && is(&self.job, entry.job.as_deref())
    }

    /// What the server is asked for: acts, newest first, below `before`.
    pub fn request(&self, before: Option<u64>, page_size: u32) -> ListEntriesRequest {
        ListEntriesRequest {
            before,
            page_size,
            page_token: String::new(),
            who: self.who.clone(),
            act: self.act.clone(),
            cluster: self.cluster.clone(),
            plan: self.plan.clone(),
            job: self.job.clone(),
            from_ms: moment(&self.from),
            until_ms: moment(&self.until),
            acts_only: true,
            // What is no outcome is asked for as one that is not known, which the server refuses.
            outcome: (!self.outcome.is_empty()).then(|| {
                let known = OUTCOMES.iter().find(|(word, _)| *word == self.outcome);
                known.map_or(0, |(_, outcome)| (*outcome).into())
            }),
        }
    }

    /// What is wrong with a moment that was typed; empty when nothing is.
    pub fn complaint(typed: &str) -> &'static str {
        if typed.trim().is_empty() || moment(typed).is_some() {
            ""
        } else {
            "Not a time: write it as 2026-11-21 or 2026-11-21T14:02, in UTC."
        }
    }
}

/// A moment in UTC: a day, or a day and a time with or without seconds.
pub fn moment(typed: &str) -> Option<i64> {
    let typed = typed.trim();
    if typed.is_empty() {
        return None;
    }
    ["", ":00", "T00:00:00"]
        .iter()
        .find_map(|rest| parse_rfc3339(&format!("{typed}{rest}Z")))
}

#[cfg(test)]
mod tests {
    use requorum_shared::ledger::entry::{Draft, Outcome, Place};

    use super::*;

    fn entry() -> Entry {
        let place = Place {
            index: 7,
            at_ms: 1_795_269_731_000,
            previous_ms: None,
        };
        let draft = Draft {
            who: "ada".into(),
            act: "plan.seal".into(),
            job: Some("j1".into()),
            ..Draft::default()
        };
        Entry::opened(place, &draft)
    }

    #[test]
    fn the_address_and_back() {
        let filter = Filter::read(|key| match key {
            "who" => Some("ada l".into()),
            "from" => Some(" 2026-11-21 ".into()),
            _ => None,
        });
        assert_eq!(filter.query(), "who=ada%20l&from=2026-11-21");
        assert!(!filter.is_empty() && Filter::default().is_empty());
        assert_eq!(filter.request(None, 1).from_ms, Some(1_795_219_200_000));
    }

    #[test]
    fn every_part_holds_entries_back() {
        let of = |key: &str, value: &str| {
            Filter::read(|k| (k == key).then(|| value.to_owned())).lets(&entry())
        };
        for (key, good, bad) in [
            ("who", "ada", "ad"),
            ("act", "plan.seal", "plan"),
            ("job", "j1", "j2"),
            ("from", "2026-11-21T14:02:11", "2026-11-21T14:02:12"),
            ("until", "2026-11-21T14:03", "2026-11-21T14:02"),
        ] {
            assert!(of(key, good), "{key}={good}");
            assert!(!of(key, bad), "{key}={bad}");
        }
        assert!(!of("cluster", "prod") && !of("plan", "ab"));
        assert!(Filter::default().lets(&entry()));
    }

    #[test]
    fn an_act_comes_in_by_the_entry_that_says_how_it_came_out() {
        let of = |outcome: &str| Filter {
            outcome: outcome.into(),
            ..Filter::default()
        };
        let begun = entry();
        let place = Place {
            index: 9,
            at_ms: begun.at_ms + 1_000,
            previous_ms: None,
        };
        let ended = |outcome| Entry::closed(place, &begun.draft(), 7, outcome, "");
        let noted = Entry::noted(place, &begun.draft(), Outcome::Refused, "");
        for (outcome, expected) in [
            ("", [true, false, false, true]),
            ("done", [false, true, false, false]),
            ("failed", [false, false, true, false]),
            ("refused", [false, false, false, true]),
            (OPEN, [true, false, false, false]),
        ] {
            let entries = [
                &begun,
                &ended(Outcome::Done),
                &ended(Outcome::Failed),
                &noted,
            ];
            let admitted = entries.map(|entry| of(outcome).admits(entry));
            assert_eq!(admitted, expected, "{outcome}");
        }
        // Another person's act does not, however it came out; when it began is not in its end.
        let filter = |who: &str| Filter {
            who: who.into(),
            until: "2026-11-21T14:02:11.5".into(),
            ..of("done")
        };
        assert!(filter("ada").admits(&ended(Outcome::Done)));
        assert!(!filter("ben").admits(&ended(Outcome::Done)));
    }

    #[test]
    fn an_outcome_that_is_none_is_not_asked_for_as_any() {
        let asked = |outcome: &str| {
            let filter = Filter {
                outcome: outcome.into(),
                ..Filter::default()
            };
            filter.request(None, 1).outcome
        };
        assert_eq!(asked(""), None);
        assert_eq!(asked("refused"), Some(ActOutcome::Refused.into()));
        assert_eq!(asked("good"), Some(ActOutcome::Unspecified.into()));
    }

    #[test]
    fn a_time_that_is_none_is_complained_about() {
        assert_eq!(Filter::complaint(""), "");
        assert_eq!(Filter::complaint("2026-11-21T14:02"), "");
        assert!(!Filter::complaint("yesterday").is_empty());
    }
}
