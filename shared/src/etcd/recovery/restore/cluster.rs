//! The new cluster, once its members were found valid: names, URLs as etcd writes them, ids in order.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::MemberRequest;
use super::ids::{ClusterId, MemberId};
use super::{peer_url, typed};
use crate::escape;
use crate::finding::{Finding, Report};

/// The most members we restore. Raft clusters have at most seven in practice; a pasted list of hundreds is a
/// mistake, and each member costs a copy of the file.
pub const MAX_MEMBERS: usize = 31;

/// The most peer URLs of one member. etcd has no such limit; members have one, at times one for each network.
pub const MAX_PEER_URLS: usize = 31;

/// The longest member name, in bytes: it becomes a folder's name, beside which temporary names must fit.
pub const MAX_NAME: usize = 128;

/// A member of the new cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Computed from URLs and token.
    pub id: MemberId,
    /// `--name`, and the folder's name.
    pub name: String,
    /// As etcd writes them, sorted.
    pub peer_urls: Vec<String>,
}

/// The new cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// By ascending id.
    members: Vec<Member>,
    id: ClusterId,
}

impl Cluster {
    /// The cluster of these members under this token.
    ///
    /// # Errors
    /// Every rule of spec 4.2 that they break, and ours: a name must do as a folder's name and hold no white
    /// space, and is given to one member only.
    pub fn new(members: &[MemberRequest], token: &str) -> Result<Self, Report> {
        let mut report = Report::default();
        Self::check(members, token, &mut report).ok_or(report)
    }

    /// Adds every broken rule to `report`; gives the cluster when there was none. Where there are more members, or more
    /// URLs of one, than we restore, that is all that is said: nothing is looked at one by one.
    pub(super) fn check(
        members: &[MemberRequest],
        token: &str,
        report: &mut Report,
    ) -> Option<Self> {
        let before = report.findings.len();
        if members.is_empty() {
            report.push(
                Finding::blocking(
                    "members.none",
                    "--initial-cluster",
                    "The new cluster has no members.",
                )
                .todo("Name at least one member with its peer URL."),
            );
        }
        if let Some(too_many) = too_many(members) {
            report.push(too_many);
            return None;
        }
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        for member in members {
            *uses.entry(member.name.as_str()).or_default() += 1;
        }
        let mut built: Vec<Member> = members
            .iter()
            .enumerate()
            .map(|(position, request)| {
                let is_shared = uses
                    .get(request.name.as_str())
                    .is_some_and(|uses| *uses > 1);
                report.in_field(&format!("members[{position}].name"), |report| {
                    check_name(members, position, is_shared, report);
                });
                let mut peer_urls = Vec::new();
                report.in_field(&format!("members[{position}].peer_urls"), |report| {
                    peer_urls = check_urls(members, position, report);
                });
                Member {
                    id: MemberId::of(&peer_urls, token),
                    name: request.name.clone(),
                    peer_urls,
                }
            })
            .collect();
        check_shared_urls(members, &built, report);
        if report.findings.len() > before {
            return None;
        }
        built.sort_by_key(|member| member.id);
        check_ids(&built, report);
        if report.findings.len() > before {
            return None;
        }
        let ids: Vec<MemberId> = built.iter().map(|member| member.id).collect();
        Some(Self {
            id: ClusterId::of(&ids),
            members: built,
        })
    }

    /// The members by ascending id: the order in which the log adds them. Never empty.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member with this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The cluster's id.
    pub fn id(&self) -> ClusterId {
        self.id
    }

    /// All members' ids, ascending: all of them vote.
    pub fn voters(&self) -> Vec<MemberId> {
        self.members.iter().map(|member| member.id).collect()
    }
}

/// What there is too much of to be looked at, if there is.
pub(super) fn too_many(members: &[MemberRequest]) -> Option<Finding> {
    const SUBJECT: &str = "--initial-cluster";
    if members.len() > MAX_MEMBERS {
        let what = format!(
            "{} members are too many: at most {MAX_MEMBERS} are restored at once.",
            members.len()
        );
        return Some(
            Finding::blocking("members.too-many", SUBJECT, what)
                .todo("Restore three or five, and add others to the running cluster."),
        );
    }
    let position = members
        .iter()
        .position(|member| member.peer_urls.len() > MAX_PEER_URLS)?;
    let what = format!(
        "The member has {} peer URLs; at most {MAX_PEER_URLS} are accepted.",
        members[position].peer_urls.len()
    );
    Some(
        Finding::blocking("member.urls-too-many", subject(members, position), what)
            .in_field(format!("members[{position}].peer_urls"))
            .todo("Name the addresses at which the other members reach it: one is usual."),
    )
}

/// How a finding points at a member.
fn subject(members: &[MemberRequest], position: usize) -> String {
    let name = &members[position].name;
    if name.is_empty() {
        format!("member {}", position + 1)
    } else if name.trim() == name {
        format!("member {}", shown(name))
    } else {
        format!("member {:?}", shown(name))
    }
}

/// A name as findings repeat it: one that is too long to be a name is cut.
pub(super) fn shown(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_NAME {
        return Cow::Borrowed(name);
    }
    let start: String = name.chars().take(MAX_NAME / 4).collect();
    Cow::Owned(format!("{start}…"))
}

fn check_name(members: &[MemberRequest], position: usize, is_shared: bool, report: &mut Report) {
    let name = &members[position].name;
    let subject = subject(members, position);
    if name.is_empty() {
        report.push(
            Finding::blocking("member.name-missing", &subject, "The member has no name.")
                .todo("Give it the name that its server will be started with (--name)."),
        );
        return;
    }
    if name.chars().any(char::is_whitespace) {
        report.push(
            Finding::blocking(
                "member.name-space",
                &subject,
                format!("The name {:?} contains white space.", shown(name)),
            )
            .because(
                "etcdutl takes a space after a comma as part of the name, and no server finds itself under it.",
            )
            .todo("Remove the space."),
        );
    }
    let odd = name.chars().find(|&c| {
        matches!(c, '/' | '\\' | ',' | '=' | ';' | '\u{fffd}')
            || escape::is_hidden(c)
            || typed::is_quote(c)
            || typed::is_dash(c)
    });
    if let Some(odd) = odd {
        let (what, todo) = match odd {
            c if typed::is_quote(c) => (
                format!("The name contains the quotation mark {c}."),
                "Remove the quotes.",
            ),
            c if typed::is_dash(c) => (
                format!("The name contains {c}, a typographic dash."),
                "Type a hyphen.",
            ),
            ';' => (
                "The name contains a semicolon.".to_owned(),
                "Separate members with commas.",
            ),
            '\r' => (
                "The name contains a carriage return.".to_owned(),
                "Remove it: the list was saved with Windows line ends.",
            ),
            c if escape::is_hidden(c) => (
                format!(
                    "The name contains the invisible character U+{:04X}.",
                    u32::from(c)
                ),
                "Type the name again.",
            ),
            c => (
                format!("The name contains {c:?}."),
                "Use letters, digits, dots and dashes.",
            ),
        };
        report.push(
            Finding::blocking("member.name-character", &subject, what)
                .because("The name becomes a folder and a part of --initial-cluster.")
                .todo(todo),
        );
    }
    if name == "." || name == ".." {
        report.push(
            Finding::blocking(
                "member.name-folder",
                &subject,
                format!("{name:?} cannot be the name of a member's folder."),
            )
            .todo("Choose another name."),
        );
    }
    if name.len() > MAX_NAME {
        report.push(
            Finding::blocking(
                "member.name-long",
                &subject,
                format!("The name has {} bytes; {MAX_NAME} are allowed.", name.len()),
            )
            .because("The name becomes a folder's name.")
            .todo("Shorten it."),
        );
    }
    if is_shared {
        report.push(
            Finding::blocking(
                "member.name-twice",
                &subject,
                format!("More than one member is called {}.", shown(name)),
            )
            .because("Each member needs a name and a folder of its own.")
            .todo("Rename one of them, or give one member both URLs."),
        );
    }
}

/// The member's URLs as etcd writes them, sorted. Those that are refused are reported and left out.
fn check_urls(members: &[MemberRequest], position: usize, report: &mut Report) -> Vec<String> {
    let request = &members[position];
    let subject = label(members, position);
    if request.peer_urls.is_empty() {
        report.push(
            Finding::blocking(
                "member.url-missing",
                &subject,
                "The member has no peer URL.",
            )
            .todo("Give the URL at which the other members reach it, like http://10.0.0.1:2380."),
        );
    }
    let mut urls = Vec::new();
    for url in &request.peer_urls {
        match peer_url::normalize(url) {
            Ok(url) => urls.push(url),
            Err(why) => report.push(
                Finding::blocking(
                    "member.url",
                    &subject,
                    if url.trim().is_empty() {
                        "The peer URL is empty.".to_owned()
                    } else {
                        format!("The peer URL {} cannot be used: {why}.", url.trim())
                    },
                )
                .todo("Write it like http://10.0.0.1:2380."),
            ),
        }
    }
    urls.sort_unstable();
    urls
}

/// How a sentence names a member: by its name, or by its place where it has none.
pub(super) fn label(members: &[MemberRequest], position: usize) -> String {
    match members[position].name.trim() {
        "" => format!("member {}", position + 1),
        name => format!("member {}", shown(name)),
    }
}

/// Every member that shares a URL is told so, each in its own row.
fn check_shared_urls(requests: &[MemberRequest], members: &[Member], report: &mut Report) {
    /// Named one by one; a list that was pasted twice would fill the report.
    const NAMED: usize = 3;
    let mut uses: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, member) in members.iter().enumerate() {
        for url in &member.peer_urls {
            uses.entry(url).or_default().push(position);
        }
    }
    for (url, mut rows) in uses.into_iter().filter(|(_, rows)| rows.len() > 1) {
        rows.dedup();
        for &row in &rows {
            let others = rows.iter().filter(|other| **other != row);
            let mut names: Vec<_> = others.map(|other| label(requests, *other)).collect();
            let more = names.len().saturating_sub(NAMED);
            names.truncate(NAMED);
            let what = match (names.as_slice(), more) {
                ([], _) => format!("The peer URL {url} is listed twice."),
                (names, 0) => format!(
                    "The peer URL {url} is also used by {}.",
                    names.join(" and ")
                ),
                (names, more) => format!(
                    "The peer URL {url} is also used by {} and {more} more.",
                    names.join(", ")
                ),
            };
            report.push(
                Finding::blocking("members.url-twice", label(requests, row), what)
                    .in_field(format!("members[{row}].peer_urls"))
                    .because("Two members cannot listen on one address, and would get the same id.")
                    .todo("Give each member its own URL."),
            );
        }
    }
}

/// Ids that are equal or 0 take a collision in SHA-1; the reference refuses them, and so do we.
fn check_ids(sorted: &[Member], report: &mut Report) {
    for pair in sorted.windows(2).filter(|pair| pair[0].id == pair[1].id) {
        report.push(
            Finding::blocking(
                "members.id-twice",
                "--initial-cluster",
                format!(
                    "{} and {} would both get the id {}.",
                    pair[0].name, pair[1].name, pair[0].id
                ),
            )
            .todo("Use another token."),
        );
    }
    if sorted
        .first()
        .is_some_and(|member| member.id == MemberId(0))
    {
        report.push(
            Finding::blocking(
                "members.id-zero",
                "--initial-cluster",
                format!(
                    "{} would get the id 0, which etcd does not allow.",
                    sorted[0].name
                ),
            )
            .todo("Use another token."),
        );
    }
}

#[cfg(test)]
mod tests;
