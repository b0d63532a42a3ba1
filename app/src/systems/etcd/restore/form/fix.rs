//! The choice that resolves a finding, as one press.

use requorum_shared::etcd::recovery::restore::bump::{WHEN_UNKNOWN, raised};
use requorum_shared::etcd::recovery::restore::{TargetVersion, need_bytes, peer_url};
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::finding::{Finding, Severity};

use super::RestoreForm;
use super::carried::Choice;
use crate::plan_form::RootChoice;

/// What a fix can draw on.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// The snapshot.
    pub inspection: &'a Inspection,
    /// Where the server may place the result.
    pub roots: &'a [RootChoice],
    /// A token that was never used.
    pub token: &'a str,
}

/// A change of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// Makes a choice about what the snapshot carries over, or takes it back.
    Choose(Choice, bool),
    /// Bumps the revision by this much, and marks older ones compacted.
    Bump(u64),
    /// Marks older revisions compacted.
    MarkCompacted,
    /// Targets this version.
    Target(TargetVersion),
    /// Uses this token.
    Token(String),
    /// Removes white space around the token.
    TrimToken,
    /// Uses this folder.
    Folder(String),
    /// Uses this restore root.
    Root(String),
    /// Uses port 2380 where a member's URLs have 2379.
    PeerPort(usize),
    /// Uses https in all peer URLs.
    Https,
}

impl Fix {
    /// What its button says. `number` writes a number for people.
    pub fn label(&self, number: impl Fn(u64) -> String) -> String {
        match self {
            Self::Choose(Choice::Alarms, true) => "Clear the alarm in the restore".into(),
            Self::Choose(Choice::Auth, true) => "Turn authentication off in the restore".into(),
            Self::Choose(Choice::Downgrade, true) => {
                "Delete the downgrade state in the restore".into()
            }
            Self::Choose(Choice::Versions, true) => "Lower the recorded versions".into(),
            Self::Choose(choice, true) => choice.label().into(),
            Self::Choose(Choice::Auth, false) => "Keep authentication as it is".into(),
            Self::Choose(Choice::Versions, false) => "Keep the recorded versions".into(),
            Self::Choose(_, false) => "Remove this choice".into(),
            Self::Bump(by) => format!("Bump the revision by {}", number(*by)),
            Self::MarkCompacted => "Mark old revisions compacted".into(),
            Self::Target(version) => format!("Target etcd {version}"),
            Self::Token(token) => format!("Use the token {token}"),
            Self::TrimToken => "Remove the white space".into(),
            Self::Folder(path) => format!("Use the folder {path}"),
            Self::Root(root) => format!("Use the restore root {root}"),
            Self::PeerPort(_) => "Use port 2380".into(),
            Self::Https => "Use https for all members".into(),
        }
    }

    /// Makes the change.
    pub fn apply(&self, form: &mut RestoreForm) {
        match self {
            Self::Choose(choice, on) => choice.write(form, *on),
            Self::Bump(by) => {
                form.bump_on = true;
                form.mark_compacted = true;
                form.bump = by.to_string();
            }
            Self::MarkCompacted => form.mark_compacted = true,
            Self::Target(version) => form.target_version = *version,
            Self::Token(token) => form.token.clone_from(token),
            Self::TrimToken => form.token = form.token.trim().to_owned(),
            Self::Folder(path) => form.path.clone_from(path),
            Self::Root(root) => form.root.clone_from(root),
            Self::PeerPort(row) => {
                if let Some(member) = form.members.get_mut(*row) {
                    member.urls = each_url(&member.urls, |url| match url.strip_suffix(":2379") {
                        Some(rest) => format!("{rest}:2380"),
                        None => url.to_owned(),
                    });
                }
            }
            Self::Https => {
                for member in &mut form.members {
                    member.urls = each_url(&member.urls, |url| {
                        match peer_url::normalize(url)
                            .ok()
                            .and_then(|u| u.strip_prefix("http://").map(str::to_owned))
                        {
                            Some(rest) => format!("https://{rest}"),
                            None => url.to_owned(),
                        }
                    });
                }
            }
        }
    }
}

fn each_url(urls: &str, change: impl Fn(&str) -> String) -> String {
    let urls = urls.split(|c: char| c == ',' || c.is_whitespace());
    let urls: Vec<_> = urls.filter(|url| !url.is_empty()).map(change).collect();
    urls.join(", ")
}

/// The changes that resolve a finding, best first; none where only a person can.
pub fn fixes(finding: &Finding, form: &RestoreForm, known: &Known<'_>) -> Vec<Fix> {
    use Choice::{Alarms, Auth, Downgrade, OlderMeta, SkipHash, Versions};
    let fixes = match finding.code.as_str() {
        "alarms.active" | "alarms.unreadable" => vec![Fix::Choose(Alarms, true)],
        "alarms.clear-needless" => vec![Fix::Choose(Alarms, false)],
        "auth.enabled" | "auth.administration" => vec![Fix::Choose(Auth, true)],
        "auth.disabled" | "auth.disable-needless" => vec![Fix::Choose(Auth, false)],
        "downgrade.enabled" | "downgrade.unreadable" => vec![Fix::Choose(Downgrade, true)],
        "downgrade.clear-needless" => vec![Fix::Choose(Downgrade, false)],
        "version.newer" | "version.newer-unsupported" => {
            let mut fixes = vec![Fix::Choose(Versions, true)];
            fixes.extend(writer(known.inspection).map(Fix::Target));
            fixes
        }
        "version.unknown" => vec![Fix::Choose(Versions, true)],
        "version.lower-needless" => vec![Fix::Choose(Versions, false)],
        // To lower nothing, the version that wrote the file has to run it.
        "version.lowered" => {
            let fixes = writer(known.inspection).map(Fix::Target);
            fixes
                .into_iter()
                .chain([Fix::Choose(Versions, false)])
                .collect()
        }
        // A file that is refused anyway only notes its trailer.
        "trailer.wrong" | "trailer.missing" if finding.severity == Severity::Blocking => {
            vec![Fix::Choose(SkipHash, true)]
        }
        "trailer.skip-needless" => vec![Fix::Choose(SkipHash, false)],
        "meta.fallback" => vec![Fix::Choose(OlderMeta, true)],
        "meta.accept-needless" => vec![Fix::Choose(OlderMeta, false)],
        "bump.without-mark" => vec![Fix::MarkCompacted],
        "bump.too-small" | "bump.no-margin" => {
            let suggestion = form.suggestion(known.inspection);
            suggestion.map(|s| Fix::Bump(s.bump)).into_iter().collect()
        }
        "bump.none"
        | "bump.small"
        | "bump.below-compaction"
        | "bump.overflow"
        | "bump.inexact"
        | "bump.number" => usual_bump(known.inspection).into_iter().collect(),
        "token.space" => vec![Fix::TrimToken],
        "token.empty" | "token.default" | "token.characters" | "members.same-id" => {
            vec![Fix::Token(known.token.to_owned())]
        }
        "member.url-client-port" => row(finding).map(Fix::PeerPort).into_iter().collect(),
        "member.url-scheme" => vec![Fix::Https],
        "target.exists" | "target.not-a-folder" | "target.path" => {
            vec![Fix::Folder(known.token.to_owned())]
        }
        "target.root" => {
            let root = known.roots.first().map(|root| root.name.clone());
            root.map(Fix::Root).into_iter().collect()
        }
        "target.no-room" => roomier(form, known),
        _ => Vec::new(),
    };
    // A choice that is made already resolves nothing more.
    let changes = |fix: &Fix| {
        let mut changed = form.clone();
        fix.apply(&mut changed);
        changed != *form
    };
    fixes.into_iter().filter(changes).collect()
}

/// The other restore roots that have the room, the one with the most first.
fn roomier(form: &RestoreForm, known: &Known<'_>) -> Vec<Fix> {
    let (request, _) = form.request(&known.inspection.file.sha256);
    let need = need_bytes(&request, &form.observation(known.inspection, known.roots));
    let mut roots: Vec<_> = known
        .roots
        .iter()
        .filter(|root| root.name != form.root && root.free_bytes.is_some_and(|free| free >= need))
        .collect();
    roots.sort_by_key(|root| std::cmp::Reverse(root.free_bytes));
    let roots = roots.into_iter().map(|root| Fix::Root(root.name.clone()));
    roots.collect()
}

/// What upstream recommends, where it stays in range.
fn usual_bump(inspection: &Inspection) -> Option<Fix> {
    let last = inspection.details.status.as_ref()?.revision;
    raised(last, WHEN_UNKNOWN).map(|_| Fix::Bump(WHEN_UNKNOWN))
}

/// The version that wrote the file, where it can be targeted.
fn writer(inspection: &Inspection) -> Option<TargetVersion> {
    let contents = inspection.details.contents.as_ref()?;
    contents.written_by.as_deref()?.parse().ok()
}

/// The member's row that a finding is about.
fn row(finding: &Finding) -> Option<usize> {
    let rest = finding.field.as_deref()?.strip_prefix("members[")?;
    rest.split_once(']')?.0.parse().ok()
}
