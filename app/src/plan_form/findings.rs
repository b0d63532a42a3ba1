//! The findings of a form: the page's own, and the server's, whose answer counts.

use requorum_shared::finding::{Finding, Report};

/// What the page finds by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Here {
    /// The findings.
    pub report: Report,
    /// The fields whose text could not be understood: what the server says of what stands in their place is of no use.
    pub unread: Vec<&'static str>,
}

/// What the page found, corrected by the server, whose answer counts. `answered` says whether the server's findings are
/// about what is in the form now: of an older answer only what it saw of the same destination is kept, since anything
/// else may be about a field that was changed or removed meanwhile. What could not be read, only the page knows.
pub fn merge(here: &Here, server: &[Finding], answered: bool) -> Report {
    let same = |a: &Finding, b: &Finding| {
        (&a.code, &a.subject, &a.field) == (&b.code, &b.subject, &b.field)
    };
    let mut findings: Vec<Finding> = here
        .report
        .findings
        .iter()
        .filter(|f| !is_about(f, "target"))
        .cloned()
        .collect();
    for finding in server {
        let superseded = here.unread.iter().any(|field| is_about(finding, field));
        let counts = answered || is_about(finding, "target");
        if counts && !superseded && !findings.iter().any(|f| same(f, finding)) {
            findings.push(finding.clone());
        }
    }
    Report { findings }
}

/// Whether a finding is about this part of the request, or a part of it.
pub fn is_about(finding: &Finding, field: &str) -> bool {
    let path = finding.field.as_deref();
    path.and_then(|path| path.strip_prefix(field))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The parts of the form that a drift is about, each with what changed: `target`, `snapshot`, `members[1].peer_urls`.
/// `facts` are the subjects that no field of the request stands for.
pub fn drifted(drift: &[Finding], facts: &[&str]) -> Vec<(String, String)> {
    let part = |finding: &Finding| match (&finding.field, finding.subject.as_str()) {
        (Some(field), _) => Some(field.clone()),
        // A fact names what it is about.
        (None, subject) if facts.contains(&subject) => Some(subject.to_owned()),
        (None, _) => None,
    };
    drift
        .iter()
        .filter_map(|finding| Some((part(finding)?, finding.what.clone())))
        .collect()
}
