//! What became of a person's own plan, in words: for the overview, the inbox and notifications.

use requorum_shared::api::v1::{OutcomeItem, OutcomeKind};

use crate::format;
use crate::paths;

/// How many outcomes are told at once.
pub const MOST: u32 = 20;

/// Where it is told in full: the job, or the plan where none ran.
pub fn path(item: &OutcomeItem) -> String {
    match item.job_id.as_str() {
        "" => paths::plan(&item.plan_id),
        job => paths::job(job),
    }
}

/// Class and word of it, and the rest in words.
pub fn words(item: &OutcomeItem) -> ((&'static str, &'static str), String) {
    let by = match item.by.as_str() {
        "" => String::new(),
        by => format!("by {}", format::visible(by)),
    };
    let because = |by: String| match (by.is_empty(), item.reason.is_empty()) {
        (_, true) => by,
        (true, false) => format::visible(&item.reason),
        (false, false) => format!("{by}: {}", format::visible(&item.reason)),
    };
    match item.kind() {
        OutcomeKind::Approved => (("pass", "approved"), by),
        OutcomeKind::Rejected => (("fail", "rejected"), because(by)),
        OutcomeKind::Invalidated => (("fail", "invalidated"), because(String::new())),
        OutcomeKind::Expired => (("fail", "expired"), because(String::new())),
        OutcomeKind::Completed => (("pass", "completed"), format!("run {by}")),
        OutcomeKind::VerificationFailed => {
            (("fail", "verification failed"), because(String::new()))
        }
        OutcomeKind::Undone => (("undone", "rolled back"), format!("run {by}")),
        OutcomeKind::Left => (("warning", "ended early"), format!("run {by}")),
        OutcomeKind::Unspecified => (("not-checked", "unknown"), by),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_names_who_and_why() {
        let item = |kind: OutcomeKind, by: &str, reason: &str| {
            words(&OutcomeItem {
                kind: kind.into(),
                by: by.into(),
                reason: reason.into(),
                ..OutcomeItem::default()
            })
        };
        assert_eq!(
            item(OutcomeKind::Rejected, "Ben", "wrong token"),
            (("fail", "rejected"), "by Ben: wrong token".into())
        );
        assert_eq!(item(OutcomeKind::Approved, "Ben", "").1, "by Ben");
        assert_eq!(
            item(OutcomeKind::Expired, "", "Not run in time.").1,
            "Not run in time."
        );
        assert_eq!(item(OutcomeKind::Completed, "Ida", "").1, "run by Ida");
    }
}
