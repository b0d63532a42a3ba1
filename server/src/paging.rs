//! Lists in pages. A page ends with a cursor: the order's value and the id of its last row. The next one begins after
//! it, whatever was added or taken away meanwhile.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, Result, bad_request};

/// Rows of a page when nothing is said.
const USUAL: usize = 50;
/// Rows of a page at most.
pub const MOST: usize = 200;
/// Bytes of a page's rows at most: clients take messages of 4 MiB unless they are told otherwise.
const MOST_BYTES: usize = 2 << 20;

/// What a list is ordered by, in one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// A time or a number.
    Number(i64),
    /// A name.
    Text(String),
}

/// A row's place in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The part of a list that is put together of several.
    pub part: u8,
    /// What the list is ordered by.
    pub key: Key,
    /// Tells rows with the same key apart.
    pub id: String,
}

impl Cursor {
    /// In a list by time.
    pub fn at(ms: i64, id: &str) -> Self {
        Self {
            part: 0,
            key: Key::Number(ms),
            id: id.to_owned(),
        }
    }

    /// In a list by name.
    pub fn named(name: &str, id: &str) -> Self {
        Self {
            part: 0,
            key: Key::Text(name.to_owned()),
            id: id.to_owned(),
        }
    }

    /// In another part of the list.
    #[must_use]
    pub fn in_part(mut self, part: u8) -> Self {
        self.part = part;
        self
    }
}

/// By which column a list is ordered, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order<C> {
    /// By what.
    pub by: C,
    /// The greatest first.
    pub descending: bool,
}

impl<C: Copy> Order<C> {
    /// Reads `name` or `-name`; `usual` where nothing is asked for.
    ///
    /// # Errors
    /// When it is none of the columns.
    pub fn read(
        word: &str,
        usual: &str,
        columns: &[(&'static str, C)],
        code: &'static str,
    ) -> Result<Self> {
        let word = if word.is_empty() { usual } else { word };
        let (name, descending) = match word.strip_prefix('-') {
            Some(name) => (name, true),
            None => (word, false),
        };
        let found = columns.iter().find(|(known, _)| *known == name);
        let by = found.map(|(_, by)| *by).ok_or_else(|| {
            let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
            bad_request(
                code,
                format!(
                    "This list is ordered by {}, with a - before it for descending order.",
                    names.join(", ")
                ),
            )
        })?;
        Ok(Self { by, descending })
    }
}

/// Words that are looked for at most.
const MOST_WORDS: usize = 8;
/// Bytes of them all.
const MOST_QUERY_BYTES: usize = 256;

/// What is looked for, word by word, in small letters.
///
/// # Errors
/// When there is more of it than a search takes.
pub fn words(query: &str, code: &'static str) -> Result<Vec<String>> {
    let query = query.to_ascii_lowercase();
    let words: Vec<_> = query.split_whitespace().map(str::to_owned).collect();
    if words.len() > MOST_WORDS || query.len() > MOST_QUERY_BYTES {
        return Err(bad_request(
            code,
            format!(
                "At most {MOST_WORDS} words and {MOST_QUERY_BYTES} bytes can be looked for. Use fewer."
            ),
        ));
    }
    Ok(words)
}

/// A word that names a plan's number: `#7`.
pub fn number_of(word: &str) -> Option<i64> {
    word.strip_prefix('#')?.parse().ok().filter(|n| *n > 0)
}

/// What short names are ordered by: clusters by name, and numbers within each by their size.
pub fn sort_name(cluster: &str, number: u64) -> String {
    format!("{cluster} {}", number.saturating_add(SORT_NAME_BASE))
}

/// Added to numbers, so that all of them have as many digits.
const SORT_NAME_BASE: u64 = 1_000_000_000_000;

/// Which rows of a list a store gives.
#[derive(Debug, Clone)]
pub struct Slice {
    /// So many at most.
    pub limit: usize,
    /// Those after this one; from the beginning without.
    pub after: Option<Cursor>,
}

/// The clusters whose rows are wanted; the empty name is of none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clusters {
    /// All there are, and what belongs to none.
    All,
    /// These.
    These(Vec<String>),
}

impl Clusters {
    /// Of these, the one that a request names.
    #[must_use]
    pub fn only(self, wanted: Option<&str>) -> Self {
        match wanted {
            None => self,
            Some(name) if self.have(name) => Self::These(vec![name.to_owned()]),
            Some(_) => Self::These(Vec::new()),
        }
    }

    /// Whether this one is among them.
    pub fn have(&self, cluster: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.iter().any(|name| name == cluster),
        }
    }
}

/// How many rows of a cluster have a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The cluster; empty for none.
    pub cluster: String,
    /// The state, or the verdict.
    pub state: String,
    /// How many.
    pub count: u64,
}

/// How many of the tallied fit.
pub fn count(tallies: &[Tally], fits: impl Fn(&Tally) -> bool) -> u64 {
    tallies
        .iter()
        .filter(|tally| fits(tally))
        .map(|tally| tally.count)
        .sum()
}

/// By state, over all clusters.
pub fn by_state(tallies: &[Tally]) -> Vec<(&str, u64)> {
    let states: BTreeSet<&str> = tallies.iter().map(|tally| tally.state.as_str()).collect();
    let count = |state| (state, count(tallies, |tally| tally.state == state));
    states.into_iter().map(count).collect()
}

/// The values of an enum that a list is asked for, as the store has them.
///
/// # Errors
/// At one that is not known: a list that leaves out what nobody asked for would look whole.
pub fn asked<T: TryFrom<i32>>(
    values: &[i32],
    code: &'static str,
    word: impl Fn(T) -> Option<&'static str>,
) -> Result<Vec<String>> {
    let word = |value: &i32| {
        let known = T::try_from(*value).ok().and_then(&word);
        known.map(str::to_owned).ok_or_else(|| {
            bad_request(
                code,
                "The request names a value that this server does not know. Leave it out, or use a client of this \
                 server's version.",
            )
        })
    };
    values.iter().map(word).collect()
}

/// The names of the clusters, in order.
pub fn clusters(tallies: &[Tally]) -> Vec<String> {
    let names: BTreeSet<&str> = tallies.iter().map(|tally| tally.cluster.as_str()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// A page as it was asked for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    list: String,
    size: usize,
    after: Option<Cursor>,
}

impl PageRequest {
    /// Reads what a request says; `list` names the list and its order, whose tokens no other takes.
    ///
    /// # Errors
    /// When the token is not one of this list.
    pub fn read(list: &str, size: u32, token: &str) -> Result<Self> {
        let size = match usize::try_from(size).unwrap_or(MOST) {
            0 => USUAL,
            size => size.min(MOST),
        };
        let after = match token {
            "" => None,
            token => Some(read_token(list, token)?),
        };
        Ok(Self {
            list: list.to_owned(),
            size,
            after,
        })
    }

    /// The rows to ask the store for: one more than the page holds, which says whether there is another page.
    pub fn slice(&self) -> Slice {
        Slice {
            limit: self.size + 1,
            after: self.after.clone(),
        }
    }

    /// Whether so many rows of the slice are all that there are: it is the first page, and there is no other.
    pub fn has_all(&self, rows: usize) -> bool {
        self.after.is_none() && rows <= self.size
    }

    /// The part where the page begins.
    pub fn part(&self) -> u8 {
        self.after.as_ref().map_or(0, |cursor| cursor.part)
    }

    /// The rows of one part to ask the store for, once there are so many of those before it.
    pub fn slice_of(&self, part: u8, have: usize) -> Slice {
        Slice {
            limit: (self.size + 1).saturating_sub(have),
            after: self.after.clone().filter(|cursor| cursor.part == part),
        }
    }

    /// Takes the rows of a page of those that were given, and the token of the next; empty after the last.
    pub fn page<T: Message>(&self, rows: Vec<(Cursor, T)>) -> (Vec<T>, String) {
        self.page_by(rows, T::encoded_len)
    }

    /// The same of rows that are no messages; `size` is how many bytes one takes.
    pub fn page_by<T>(
        &self,
        rows: Vec<(Cursor, T)>,
        size: impl Fn(&T) -> usize,
    ) -> (Vec<T>, String) {
        let (mut bytes, mut page, mut last) = (0, Vec::new(), None);
        for (cursor, row) in rows {
            bytes += size(&row);
            let full = page.len() == self.size || (bytes > MOST_BYTES && !page.is_empty());
            if full {
                let next = last.map_or_else(String::new, |last| self.token(&last));
                return (page, next);
            }
            page.push(row);
            last = Some(cursor);
        }
        (page, String::new())
    }

    /// The page of a list that is at hand as a whole, in its order.
    pub fn page_of<T: Message>(&self, rows: Vec<(Cursor, T)>) -> (Vec<T>, String) {
        self.page(self.rest(rows))
    }

    /// What is left of a list that is at hand as a whole, in its order, from where the page begins.
    pub fn rest<T>(&self, rows: Vec<(Cursor, T)>) -> Vec<(Cursor, T)> {
        let begin = match &self.after {
            None => 0,
            // What was taken away meanwhile is not found: then what comes after its place is.
            Some(after) => rows
                .iter()
                .position(|(cursor, _)| cursor.id == after.id)
                .map_or_else(
                    || {
                        rows.iter()
                            .filter(|(cursor, _)| self.precedes(cursor, after))
                            .count()
                    },
                    |at| at + 1,
                ),
        };
        rows.into_iter().skip(begin).collect()
    }

    /// Whether a row comes before the cursor: times go down, names go up.
    fn precedes(&self, row: &Cursor, after: &Cursor) -> bool {
        match (&row.key, &after.key) {
            (Key::Number(a), Key::Number(b)) => a > b || (a == b && row.id <= after.id),
            (Key::Text(a), Key::Text(b)) => a < b || (a == b && row.id <= after.id),
            _ => false,
        }
    }

    fn token(&self, cursor: &Cursor) -> String {
        let text = serde_json::to_string(&(&self.list, cursor)).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(text)
    }
}

fn read_token(list: &str, token: &str) -> Result<Cursor> {
    let read = || {
        let text = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (of, cursor): (String, Cursor) = serde_json::from_slice(&text).ok()?;
        (of == list).then_some(cursor)
    };
    read().ok_or_else(no_token)
}

fn no_token() -> ApiError {
    bad_request(
        "page.token",
        "The page token is not one that this list gave out. Begin at the first page, without a token.",
    )
}

#[cfg(test)]
mod tests {
    use requorum_shared::api::v1::HeadlineValue;

    use super::*;

    fn rows(n: i64) -> Vec<(Cursor, HeadlineValue)> {
        (0..n)
            .rev()
            .map(|at| {
                let row = HeadlineValue {
                    value: at.to_string(),
                    ..HeadlineValue::default()
                };
                (Cursor::at(at, &at.to_string()), row)
            })
            .collect()
    }

    #[test]
    fn every_row_is_on_one_page() {
        let (mut token, mut seen) = (String::new(), Vec::new());
        loop {
            let asked = PageRequest::read("test", 7, &token).unwrap();
            let (page, next) = asked.page_of(rows(30));
            assert!(page.len() == 7 || next.is_empty());
            seen.extend(page);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        let all: Vec<_> = rows(30).into_iter().map(|(_, row)| row).collect();
        assert_eq!(seen, all);
    }

    #[test]
    fn a_row_that_is_gone_does_not_hide_those_after_it() {
        let asked = PageRequest::read("test", 3, "").unwrap();
        let (_, next) = asked.page_of(rows(9));
        let mut fewer = rows(9);
        fewer.retain(|(cursor, _)| cursor.id != "6");
        let (page, _) = PageRequest::read("test", 3, &next).unwrap().page_of(fewer);
        let states: Vec<_> = page.iter().map(|row| row.value.as_str()).collect();
        assert_eq!(states, ["5", "4", "3"]);
    }

    #[test]
    fn a_page_is_bounded_in_rows_and_in_bytes() {
        let asked = PageRequest::read("test", u32::MAX, "").unwrap();
        assert_eq!(asked.page_of(rows(1_000)).0.len(), MOST);
        assert_eq!(
            PageRequest::read("test", 0, "")
                .unwrap()
                .page_of(rows(1_000))
                .0
                .len(),
            USUAL
        );
        let large: Vec<_> = rows(100)
            .into_iter()
            .map(|(cursor, mut row)| {
                row.value = "x".repeat(100 << 10);
                (cursor, row)
            })
            .collect();
        let (page, next) = asked.page_of(large);
        assert_eq!(page.len(), 20);
        assert!(!next.is_empty());
        // One that is too large alone comes all the same.
        let huge = HeadlineValue {
            value: "x".repeat(3 << 20),
            ..HeadlineValue::default()
        };
        let (page, next) = asked.page_of(vec![(Cursor::at(1, "a"), huge)]);
        assert_eq!((page.len(), next.as_str()), (1, ""));
    }

    #[test]
    fn a_token_is_of_one_list() {
        let asked = PageRequest::read("test", 3, "").unwrap();
        let (_, next) = asked.page_of(rows(9));
        assert!(PageRequest::read("test", 3, &next).is_ok());
        for (list, token) in [
            ("other", next.as_str()),
            ("test", "x"),
            ("test", "%"),
            ("test", "W10"),
            ("test", &next[1..]),
        ] {
            let error = PageRequest::read(list, 3, token).unwrap_err();
            assert_eq!(error.code, "page.token", "{list} {token}");
        }
    }

    #[test]
    fn a_cluster_is_asked_for_among_those_that_may_be_seen() {
        let two = Clusters::These(vec!["a".into(), "b".into()]);
        assert_eq!(
            two.clone().only(Some("a")),
            Clusters::These(vec!["a".into()])
        );
        assert_eq!(two.clone().only(Some("c")), Clusters::These(Vec::new()));
        assert_eq!(two.clone().only(Some("")), Clusters::These(Vec::new()));
        assert_eq!(two.clone().only(None), two);
        assert_eq!(
            Clusters::All.only(Some("")),
            Clusters::These(vec![String::new()])
        );
    }
}
