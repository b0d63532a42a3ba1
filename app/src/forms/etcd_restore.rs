//! The restore of an etcd cluster, as it is typed.

use requorum_shared::etcd::recovery::restore::bump::{Suggestion, WHEN_UNKNOWN, suggest};
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

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreForm {
    /// The members' rows.
    pub members: Vec<MemberRow>,
    /// The token.
    pub token: String,
    /// Whether the revision is raised.
    pub bump_on: bool,
    /// By how much.
    pub bump: String,
    /// Whether older revisions are marked compacted.
    pub mark_compacted: bool,
    /// The newest revision that somebody saw served; empty when nobody did.
    pub seen: String,
    /// Whether a missing or wrong trailer is accepted.
    pub skip_hash_check: bool,
    /// Whether a file is accepted whose newest meta page cannot be used.
    #[serde(default)]
    pub accept_older_meta: bool,
    /// Which etcd will run the result.
    pub target_version: TargetVersion,
    /// What is taken out.
    pub clean_up: CleanUp,
    /// Whether the result is downloaded instead of placed.
    pub download: bool,
    /// Below which root it is placed.
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

/// A root that the server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootChoice {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// Free bytes there.
    pub free_bytes: u64,
}

impl RestoreForm {
    /// The form as it opens: the old members under their names and URLs, a token that was never used, the
    /// revision raised as upstream recommends. `today` is `2026-11-21`; `dice` makes the token new.
    pub fn suggested(
        inspection: &Inspection,
        roots: &[RootChoice],
        today: &str,
        dice: u16,
    ) -> Self {
        let token = format!("etcd-{today}-{dice:04x}");
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
            skip_hash_check: false,
            accept_older_meta: false,
            target_version,
            clean_up: CleanUp::default(),
            download: roots.is_empty(),
            root: roots.first().map(|r| r.name.clone()).unwrap_or_default(),
            path: token.clone(),
            token,
        }
    }

    /// Adds a row with the next free name of the kind `m4`.
    pub fn add_member(&mut self) {
        let key = self.members.iter().map(|m| m.key + 1).max().unwrap_or(0);
        let taken = |name: &str| self.members.iter().any(|m| m.name == name);
        let name = (1..)
            .map(|n| format!("m{n}"))
            .find(|name| !taken(name))
            .unwrap_or_default();
        self.members.push(MemberRow {
            key,
            name,
            urls: String::new(),
        });
    }

    /// Removes a row.
    pub fn remove_member(&mut self, key: u32) {
        self.members.retain(|m| m.key != key);
    }

    /// Takes `name=url,name=url` in place of all rows.
    ///
    /// # Errors
    /// When nothing in it is a member; the rows stay as they are.
    pub fn paste(&mut self, text: &str) -> Result<(), String> {
        // What people copy has the flag before it, or quotes around it.
        let text = text.trim();
        let text = text
            .strip_prefix("--initial-cluster")
            .map_or(text, |t| t.trim_start_matches(['=', ' ']));
        let text = text.trim_matches(['"', '\'']);
        let parsed = initial_cluster::parse(text);
        if !parsed
            .members
            .iter()
            .any(|m| m.peer_urls.iter().any(|url| !url.is_empty()))
        {
            return Err("There is no name=url in it. It looks like m1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380.".into());
        }
        let first = self.members.iter().map(|m| m.key + 1).max().unwrap_or(0);
        self.members = parsed
            .members
            .into_iter()
            .zip(first..)
            .map(|(member, key)| MemberRow {
                key,
                name: member.name,
                urls: member.peer_urls.join(", "),
            })
            .collect();
        Ok(())
    }

    /// The members as `--initial-cluster` has them.
    pub fn initial_cluster(&self) -> String {
        initial_cluster::render(&self.member_requests())
    }

    fn member_requests(&self) -> Vec<MemberRequest> {
        self.members
            .iter()
            .map(|row| MemberRequest {
                // A space is part of what was typed; the check says what it would become.
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
            // What the form shows unticked because nothing is raised is not asked for.
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
                state: TargetState::Unknown,
                free_bytes: root.map(|root| root.free_bytes),
            }
        };
        Observation {
            source: SourceFacts::from(inspection),
            target,
            // The page shows no facts, and no check asks for it.
            cluster: String::new(),
        }
    }

    /// The report of what can be known here.
    pub fn report(&self, inspection: &Inspection, roots: &[RootChoice]) -> Report {
        let (request, mut findings) = self.request(&inspection.file.sha256);
        let mut report = check_sealable(&request, &self.observation(inspection, roots));
        if !findings.is_empty() {
            // What was typed there is no number: what the check says of the 0 in its place says nothing.
            report
                .findings
                .retain(|f| !is_about(f, "bump_revision") && !is_about(f, "mark_compacted"));
            findings.append(&mut report.findings);
            report.findings = findings;
        }
        if !self.seen.trim().is_empty() && self.seen_revision().is_none() {
            report.push(
                Finding::warning(
                    "seen.number",
                    "newest revision seen",
                    format!("{:?} is not a revision.", self.seen),
                )
                .in_field("last_seen")
                .todo("Type digits, or leave it empty where it is not known."),
            );
        }
        report
    }

    /// The bump computed from what somebody saw served.
    pub fn suggestion(&self, inspection: &Inspection) -> Option<Suggestion> {
        let current = inspection.start_revision()?;
        self.seen_revision().map(|seen| suggest(current, &seen))
    }

    fn seen_revision(&self) -> Option<SeenRevision> {
        let revision = i64::try_from(parse_number(&self.seen)?).ok()?;
        Some(SeenRevision {
            revision,
            unwatched_seconds: 0,
            per_hour: 0,
        })
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

/// What the page found, corrected by the server: only the server has looked at the target, and what it found beyond
/// that counts too. Of what was typed and could not be read, only this page knows.
pub fn merge(here: &Report, server: &[Finding]) -> Report {
    let same = |a: &Finding, b: &Finding| a.code == b.code && a.subject == b.subject;
    let mut findings: Vec<Finding> = here
        .findings
        .iter()
        .filter(|f| !is_about(f, "target"))
        .cloned()
        .collect();
    let unread = here.find("bump.number").is_some();
    for finding in server {
        let superseded =
            unread && (is_about(finding, "bump_revision") || is_about(finding, "mark_compacted"));
        if !superseded && !findings.iter().any(|f| same(f, finding)) {
            findings.push(finding.clone());
        }
    }
    Report { findings }
}

/// Whether a finding is about this part of the request, or a part of it.
fn is_about(finding: &Finding, field: &str) -> bool {
    let path = finding.field.as_deref();
    path.and_then(|path| path.strip_prefix(field))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests;
