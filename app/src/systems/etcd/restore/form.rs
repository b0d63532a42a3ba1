//! The restore of an etcd cluster, as it is typed.

pub mod carried;
pub mod earlier;
pub mod fix;
pub mod paste;
mod span;

use requorum_shared::etcd::recovery::restore::bump::{Suggestion, WHEN_UNKNOWN, raised, suggest};
use requorum_shared::etcd::recovery::restore::observation::{
    Observation, SourceFacts, TargetFacts, TargetState,
};
use requorum_shared::etcd::recovery::restore::{
    CleanUp, MemberRequest, RestoreRequest, SeenRevision, Target, TargetVersion, check_sealable,
    initial_cluster,
};
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::finding::{Finding, Report};
use serde::{Deserialize, Serialize};

use self::paste::Pasted;
use crate::plan_form::{Here, RootChoice, is_about};

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreForm {
    /// The members' rows.
    pub members: Vec<MemberRow>,
    /// The token.
    pub token: String,
    /// Whether the revision is bumped.
    pub bump_on: bool,
    /// By how much.
    pub bump: String,
    /// Whether older revisions are marked compacted.
    pub mark_compacted: bool,
    /// The highest revision observed on the old cluster; empty where unknown.
    pub seen: String,
    /// How many revisions it wrote per hour; empty where unknown.
    #[serde(default)]
    pub rate: String,
    /// How long it may have gone on writing after that; empty where unknown.
    #[serde(default)]
    pub unobserved: String,
    /// Whether a missing or wrong trailer is accepted.
    pub skip_hash_check: bool,
    /// Whether a file is accepted whose newest meta page cannot be used.
    #[serde(default)]
    pub accept_older_meta: bool,
    /// The etcd that will run the result.
    pub target_version: TargetVersion,
    /// What is taken out.
    pub clean_up: CleanUp,
    /// Whether the result is downloaded instead of placed.
    pub download: bool,
    /// The restore root.
    pub root: String,
    /// The folder below it.
    pub path: String,
}

/// A member's row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Tells rows apart while they are edited.
    pub key: u32,
    /// The name.
    pub name: String,
    /// Peer URLs, separated by commas or white space.
    pub urls: String,
}

impl RestoreForm {
    /// The form as it opens: the old members under their names and URLs, a token that was never used, the
    /// revision bumped as upstream recommends, an alarm that would refuse writes cleared. `token` is a fresh one.
    pub fn suggested(inspection: &Inspection, roots: &[RootChoice], token: &str) -> Self {
        let token = token.to_owned();
        let contents = inspection.details.contents.as_ref();
        let mut members: Vec<MemberRow> = contents
            .and_then(|c| c.members.as_deref())
            .unwrap_or_default()
            .iter()
            .filter(|member| !member.learner && !member.name.is_empty())
            .enumerate()
            .map(|(i, member)| MemberRow {
                key: i as u32,
                name: member.name.clone(),
                urls: member.peer_urls.join(", "),
            })
            .collect();
        if members.is_empty() {
            members.push(MemberRow {
                key: 0,
                name: "m1".into(),
                urls: String::new(),
            });
        }
        let written_by = contents.and_then(|c| c.written_by.as_deref());
        let target_version = written_by.and_then(|v| v.parse().ok()).unwrap_or_default();
        Self {
            members,
            bump_on: true,
            bump: WHEN_UNKNOWN.to_string(),
            mark_compacted: true,
            seen: String::new(),
            rate: String::new(),
            unobserved: String::new(),
            skip_hash_check: false,
            accept_older_meta: false,
            target_version,
            clean_up: CleanUp {
                // Without it the new cluster serves reads only; a CORRUPT alarm is for a person to judge.
                alarms: carried::only_nospace(inspection),
                ..CleanUp::default()
            },
            download: roots.is_empty(),
            root: roots.first().map(|r| r.name.clone()).unwrap_or_default(),
            path: token.clone(),
            token,
        }
    }

    /// Adds a row whose name continues those that are there: `n3` after `n2`.
    pub fn add_member(&mut self) {
        let key = self.next_key();
        let name = self.next_name();
        self.members.push(MemberRow {
            key,
            name,
            urls: String::new(),
        });
    }

    fn next_key(&self) -> u32 {
        self.members.iter().map(|m| m.key + 1).max().unwrap_or(0)
    }

    /// The next free name in the series of the last numbered one: from the lowest number on, so that a gap is filled.
    fn next_name(&self) -> String {
        let taken = |name: &str| self.members.iter().any(|m| m.name == name);
        let numbered = self.members.iter().rev().find_map(|m| Series::of(&m.name));
        let Some(series) = numbered else {
            let stem = match self.members.last() {
                Some(last) if !last.name.is_empty() => format!("{}-", last.name),
                _ => "m".to_owned(),
            };
            let from = if stem == "m" { 1 } else { 2 };
            let mut names = (from..).map(|n: u32| format!("{stem}{n}"));
            return names.find(|name| !taken(name)).unwrap_or_default();
        };
        let same = |m: &MemberRow| Series::of(&m.name).filter(|s| s.is_like(&series));
        let numbers = self.members.iter().filter_map(same).map(|s| s.number);
        let lowest = numbers.min().unwrap_or(series.number);
        let mut names = (lowest..).map(|n| series.name(n));
        names.find(|name| !taken(name)).unwrap_or_default()
    }

    /// Removes a row.
    pub fn remove_member(&mut self, key: u32) {
        self.members.retain(|m| m.key != key);
    }

    /// Replaces all rows by pasted ones, and gives those that were there, for [`Self::put_back`].
    pub fn replace_members(&mut self, pasted: &Pasted) -> Vec<MemberRow> {
        let first = self.next_key();
        let rows = pasted.members.iter().zip(first..);
        let rows = rows.map(|(member, key)| MemberRow {
            key,
            name: member.name.clone(),
            urls: member.urls.join(", "),
        });
        let rows = rows.collect();
        std::mem::replace(&mut self.members, rows)
    }

    /// Undoes [`Self::replace_members`].
    pub fn put_back(&mut self, rows: Vec<MemberRow>) {
        self.members = rows;
    }

    /// The revision that the new cluster starts at; none where it is unknown or out of range.
    pub fn start_revision(&self, inspection: &Inspection) -> Option<i64> {
        if !self.bump_on {
            return inspection.start_revision();
        }
        let last = inspection.details.status.as_ref()?.revision;
        raised(last, parse_number(&self.bump)?)
    }

    /// The members as `--initial-cluster` has them.
    pub fn initial_cluster(&self) -> String {
        initial_cluster::render(&self.member_requests())
    }

    fn member_requests(&self) -> Vec<MemberRequest> {
        self.members
            .iter()
            .map(|row| MemberRequest {
                // A space is a part of the name; the check says so.
                name: row.name.clone(),
                peer_urls: row
                    .urls
                    .split(|c: char| c == ',' || c.is_whitespace())
                    .filter(|url| !url.is_empty())
                    .map(str::to_owned)
                    .collect(),
            })
            .collect()
    }

    /// The request, and what could not be understood of what was typed.
    pub fn request(&self, snapshot: &str) -> (RestoreRequest, Vec<Finding>) {
        let mut findings = Vec::new();
        let bump_revision = match (self.bump_on, parse_number(&self.bump)) {
            (false, _) => 0,
            (true, Some(bump)) => bump,
            (true, None) => {
                findings.push(
                    Finding::blocking(
                        "bump.number",
                        "--bump-revision",
                        format!("{:?} is not a number of revisions.", self.bump),
                    )
                    .in_field("bump_revision")
                    .todo(format!("Type digits, such as {WHEN_UNKNOWN}.")),
                );
                0
            }
        };
        let request = RestoreRequest {
            snapshot: snapshot.to_owned(),
            members: self.member_requests(),
            token: self.token.clone(),
            bump_revision,
            // The form shows it unticked while nothing is bumped.
            mark_compacted: self.bump_on && self.mark_compacted,
            skip_hash_check: self.skip_hash_check,
            accept_older_meta: self.accept_older_meta,
            target_version: self.target_version,
            clean_up: self.clean_up,
            target: if self.download {
                Target::Download
            } else {
                Target::Folder {
                    root: self.root.clone(),
                    path: self.path.clone(),
                }
            },
            last_seen: self.seen_revision(),
        };
        (request, findings)
    }

    /// What is known here: the snapshot as it was inspected, the target as far as the server offered it.
    pub fn observation(&self, inspection: &Inspection, roots: &[RootChoice]) -> Observation {
        let root = roots.iter().find(|root| root.name == self.root);
        let target = if self.download {
            TargetFacts {
                place: "a download".into(),
                root_known: true,
                state: TargetState::Missing,
                free_bytes: None,
            }
        } else {
            TargetFacts {
                place: root.map_or_else(
                    || self.path.clone(),
                    |root| format!("{}/{}", root.path.trim_end_matches('/'), self.path),
                ),
                root_known: root.is_some(),
                state: TargetState::Unknown { why: None },
                free_bytes: root.and_then(|root| root.free_bytes),
            }
        };
        Observation {
            source: SourceFacts::from(inspection),
            target,
            // The page shows no facts, and no check asks for it.
            cluster: String::new(),
        }
    }

    /// What can be known here.
    pub fn here(&self, inspection: &Inspection, roots: &[RootChoice]) -> Here {
        let (request, mut findings) = self.request(&inspection.file.sha256);
        let mut report = check_sealable(&request, &self.observation(inspection, roots));
        // What was typed is no number: what a check says of the 0 in its place is of no use.
        let unread = match findings.is_empty() {
            true => Vec::new(),
            false => vec!["bump_revision", "mark_compacted"],
        };
        report
            .findings
            .retain(|finding| !unread.iter().any(|field| is_about(finding, field)));
        findings.append(&mut report.findings);
        findings.extend(self.unread_sighting());
        Here {
            report: Report { findings },
            unread,
        }
    }

    /// The bump computed from the highest revision observed.
    pub fn suggestion(&self, inspection: &Inspection) -> Option<Suggestion> {
        let current = inspection.start_revision()?;
        self.seen_revision().map(|seen| suggest(current, &seen))
    }

    fn seen_revision(&self) -> Option<SeenRevision> {
        let revision = i64::try_from(parse_number(&self.seen)?).ok()?;
        Some(SeenRevision {
            revision,
            unwatched_seconds: span::parse(&self.unobserved),
            per_hour: parse_number(&self.rate),
        })
    }

    /// What could not be used of what was typed about the old cluster.
    fn unread_sighting(&self) -> Vec<Finding> {
        let is_typed = |text: &str| !text.trim().is_empty();
        let mut findings = Vec::new();
        let mut say = |code: &str, subject: &str, what: String, todo: &str| {
            let finding = Finding::warning(code, subject, what);
            findings.push(finding.in_field("last_seen").todo(todo));
        };
        let (seen, rate, unobserved) = (&self.seen, &self.rate, &self.unobserved);
        if is_typed(seen) && self.seen_revision().is_none() {
            say(
                "seen.number",
                "highest revision observed",
                format!("{seen:?} is not a revision."),
                "Type digits, or leave the field empty.",
            );
        }
        if is_typed(rate) && parse_number(rate).is_none() {
            say(
                "seen.rate",
                "writes per hour",
                format!("{rate:?} is not a number of writes."),
                "Type digits, or leave the field empty.",
            );
        }
        if is_typed(unobserved) && span::parse(unobserved).is_none() {
            say(
                "seen.unobserved",
                "time unobserved",
                format!("{unobserved:?} is not a length of time."),
                "Type minutes, or a number with its unit, such as 90s, 15m or 2h.",
            );
        }
        if !is_typed(seen) && (is_typed(rate) || is_typed(unobserved)) {
            say(
                "seen.missing",
                "highest revision observed",
                "Writes since the highest revision observed count only with that revision."
                    .to_owned(),
                "Enter the highest revision observed too.",
            );
        } else if is_typed(rate) != is_typed(unobserved) {
            say(
                "seen.half",
                "writes since then",
                "How much was written since then takes both: the writes per hour and the time unobserved."
                    .to_owned(),
                "Enter the other one too, or leave both fields empty.",
            );
        }
        findings
    }
}

/// Digits, with the spaces and underscores that people group them by.
pub fn parse_number(text: &str) -> Option<u64> {
    let digits: String = text
        .chars()
        .filter(|c| !(c.is_whitespace() || matches!(c, '_' | '\u{202f}' | '\u{a0}')))
        .collect();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// A token that was never used: `today` is `2026-11-21`, `dice` makes it new.
pub fn fresh_token(today: &str, dice: u16) -> String {
    format!("etcd-{today}-{dice:04x}")
}

/// A name that ends in, or holds, a number: `n2`, `etcd-01`, `db-1.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Series {
    before: String,
    number: u32,
    width: usize,
    after: String,
}

impl Series {
    /// The last number in a name counts.
    fn of(name: &str) -> Option<Self> {
        let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
        let digits = name[..end]
            .bytes()
            .rev()
            .take_while(u8::is_ascii_digit)
            .count();
        let start = end - digits;
        // A longer one is an id or a date rather than a place in a series.
        if digits > 9 {
            return None;
        }
        Some(Self {
            before: name[..start].to_owned(),
            number: name[start..end].parse().ok()?,
            width: digits,
            after: name[end..].to_owned(),
        })
    }

    fn is_like(&self, other: &Self) -> bool {
        (&self.before, &self.after) == (&other.before, &other.after)
    }

    fn name(&self, number: u32) -> String {
        let width = self.width;
        format!("{}{number:0width$}{}", self.before, self.after)
    }
}

#[cfg(test)]
mod tests;
