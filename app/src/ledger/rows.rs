//! Acts as a list, newest first, into which new entries are folded.

use requorum_shared::api::v1::LedgerEntry;
use requorum_shared::ledger::entry::{Entry, Outcome};

use crate::entry_filter::Filter;

/// An act: its entry, and the one that closes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The entry.
    pub entry: Entry,
    /// How it ended, where it has.
    pub closing: Option<Entry>,
}

impl Row {
    /// Reads what the server lists; `None` for what is no entry.
    pub fn read(listed: &LedgerEntry) -> Option<Self> {
        let entry: Entry = serde_json::from_slice(&listed.canonical).ok()?;
        let closing: Option<Entry> = match &listed.closing {
            Some(bytes) => Some(serde_json::from_slice(bytes).ok()?),
            None => None,
        };
        // The server joins the two by what lies beside the entries. Only what an entry itself says is hashed.
        let closing = closing
            .filter(|closing| closing.closes == Some(entry.index) && closing.act == entry.act);
        Some(Self { entry, closing })
    }

    /// Class and word of how it came out.
    pub fn outcome(&self) -> (&'static str, &'static str) {
        outcome(&self.entry, self.closing.as_ref())
    }

    /// Why it came out so, where that was written down.
    pub fn reason(&self) -> &str {
        match &self.closing {
            Some(closing) if !closing.reason.is_empty() => &closing.reason,
            _ => &self.entry.reason,
        }
    }
}

/// Class and word of how an act came out.
pub fn outcome(entry: &Entry, closing: Option<&Entry>) -> (&'static str, &'static str) {
    match entry
        .outcome
        .or(closing.and_then(|closing| closing.outcome))
    {
        Some(Outcome::Done) => ("pass", "done"),
        Some(Outcome::Failed) => ("fail", "failed"),
        Some(Outcome::Refused) => ("warning", "refused"),
        Some(Outcome::Unknown) => ("not-checked", "outcome unknown"),
        None => ("busy", "open"),
    }
}

/// Folds a new entry into a list: one that closes an act of it ends that act, any other that `filter` admits comes first.
/// `false` when nothing in the list has changed.
pub fn fold(rows: &mut Vec<Row>, entry: Entry, filter: &Filter) -> bool {
    if let Some(closes) = entry.closes {
        let Some(row) = rows.iter_mut().find(|row| row.entry.index == closes) else {
            return false;
        };
        row.closing = Some(entry);
        return true;
    }
    let newest = rows.first().map(|row| row.entry.index);
    if newest.is_some_and(|newest| entry.index <= newest) || !filter.admits(&entry) {
        return false;
    }
    rows.insert(
        0,
        Row {
            entry,
            closing: None,
        },
    );
    true
}

/// Puts an act in its place, unless it is there.
pub fn insert(rows: &mut Vec<Row>, row: Row) {
    let at = rows.partition_point(|other| other.entry.index > row.entry.index);
    if rows
        .get(at)
        .is_none_or(|other| other.entry.index != row.entry.index)
    {
        rows.insert(at, row);
    }
}

/// [`insert`] for an act that ended while at most `most` rows are shown; true where rows were cut off. `is_last` says
/// that no older ones follow: where they do, an act that is older than all that are shown comes with them.
pub fn insert_ended(rows: &mut Vec<Row>, row: Row, is_last: bool, most: usize) -> bool {
    let is_shown = |last: &Row| last.entry.index < row.entry.index;
    if is_last || rows.last().is_some_and(is_shown) {
        insert(rows, row);
    }
    let cut = rows.len() > most;
    rows.truncate(most);
    cut
}

#[cfg(test)]
mod tests {
    use requorum_shared::ledger::entry::{Draft, Place};

    use super::*;

    fn place(index: u64) -> Place {
        Place {
            index,
            at_ms: 0,
            previous_ms: None,
        }
    }

    fn opened(index: u64, who: &str) -> Entry {
        let draft = Draft {
            who: who.into(),
            ..Draft::default()
        };
        Entry::opened(place(index), &draft)
    }

    #[test]
    fn an_act_is_open_until_its_end_comes() {
        let (mut rows, all) = (Vec::new(), Filter::default());
        assert!(fold(&mut rows, opened(3, "ada"), &all));
        assert_eq!(rows[0].outcome(), ("busy", "open"));
        let end = |index, closes, outcome| {
            Entry::closed(place(index), &Draft::default(), closes, outcome, "why")
        };
        assert!(!fold(&mut rows, end(4, 2, Outcome::Done), &all));
        assert!(fold(&mut rows, end(5, 3, Outcome::Unknown), &all));
        assert_eq!(rows[0].outcome(), ("not-checked", "outcome unknown"));
        assert_eq!(rows[0].reason(), "why");
        assert_eq!(rows.len(), 1);
    }

    #[test]
    fn an_act_that_ends_skips_no_older_ones() {
        let row = |index| Row {
            entry: opened(index, "ada"),
            closing: None,
        };
        let indices = |rows: &[Row]| rows.iter().map(|row| row.entry.index).collect::<Vec<_>>();
        let mut rows = vec![row(30), row(20)];
        // Older ones follow, and it is among them.
        assert!(!insert_ended(&mut rows, row(10), false, 3));
        assert_eq!(indices(&rows), [30, 20]);
        assert!(!insert_ended(&mut rows, row(25), false, 3));
        assert_eq!(indices(&rows), [30, 25, 20]);
        assert!(insert_ended(&mut rows, row(10), true, 3));
        assert_eq!(indices(&rows), [30, 25, 20]);
        assert!(insert_ended(&mut rows, row(28), true, 3));
        assert_eq!(indices(&rows), [30, 28, 25]);
    }

    #[test]
    fn new_acts_come_first_once_and_only_those_looked_for() {
        let (mut rows, all) = (Vec::new(), Filter::default());
        for index in [1, 2, 2, 1] {
            fold(&mut rows, opened(index, "ada"), &all);
        }
        let order: Vec<_> = rows.iter().map(|row| row.entry.index).collect();
        assert_eq!(order, [2, 1]);
        let only = Filter {
            who: "ben".into(),
            ..Filter::default()
        };
        assert!(!fold(&mut rows, opened(3, "ada"), &only));
        assert!(fold(&mut rows, opened(4, "ben"), &only));
    }

    #[test]
    fn an_act_that_ended_later_than_others_is_in_its_place() {
        let row = |index| Row {
            entry: opened(index, "ada"),
            closing: None,
        };
        let mut rows = vec![row(9), row(4)];
        for index in [7, 7, 2, 11, 9] {
            insert(&mut rows, row(index));
        }
        let order: Vec<_> = rows.iter().map(|row| row.entry.index).collect();
        assert_eq!(order, [11, 9, 7, 4, 2]);
    }

    #[test]
    fn the_end_of_another_act_is_no_end() {
        let act = opened(3, "ada");
        let end = |closes| Entry::closed(place(9), &act.draft(), closes, Outcome::Done, "");
        let listed = |closing: Entry| LedgerEntry {
            index: 3,
            canonical: act.canonical_json().into(),
            closing: Some(closing.canonical_json().into()),
        };
        let own = Row::read(&listed(end(3))).unwrap();
        assert_eq!(own.outcome(), ("pass", "done"));
        let other = Row::read(&listed(end(7))).unwrap();
        assert_eq!((other.outcome(), other.closing), (("busy", "open"), None));
        let draft = Draft {
            act: "plan.approve".into(),
            ..act.draft()
        };
        let other = Entry::closed(place(9), &draft, 3, Outcome::Done, "");
        assert_eq!(Row::read(&listed(other)).unwrap().closing, None);
        let noted = Entry::noted(place(3), &act.draft(), Outcome::Refused, "");
        let refused = LedgerEntry {
            index: 3,
            canonical: noted.canonical_json().into(),
            closing: Some(end(7).canonical_json().into()),
        };
        assert_eq!(
            Row::read(&refused).unwrap().outcome(),
            ("warning", "refused")
        );
    }

    #[test]
    fn what_is_no_entry_is_no_row() {
        let listed = LedgerEntry {
            index: 1,
            canonical: "{}".into(),
            closing: None,
        };
        assert_eq!(Row::read(&listed), None);
    }
}
