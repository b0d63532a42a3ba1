//! Policies and reviews as the API shows them, and which policy counts for a cluster.

use requorum_shared::api::v1;
use requorum_shared::approval::{AcceptedWarning, Rule};
use requorum_shared::plan::short_name;

use crate::plans::approvals::{Review, SetPolicy};

/// The policy that was set for a cluster, or for everything, of all that were set; none where the usual one counts.
pub(super) fn among<'a>(policies: &'a [SetPolicy], cluster: &str) -> Option<&'a SetPolicy> {
    let named = |name: &str| policies.iter().find(|set| set.cluster == name);
    named(cluster).or_else(|| named(""))
}

/// A rule for the API.
pub(super) fn rule_view(rule: Rule) -> v1::Rule {
    v1::Rule {
        approvers: rule.approvers,
        second: v1::SecondPerson::from(rule.second).into(),
    }
}

pub(super) fn view(set: SetPolicy) -> v1::Policy {
    v1::Policy {
        cluster: set.cluster,
        undoable: Some(rule_view(set.policy.undoable)),
        destructive: Some(rule_view(set.policy.destructive)),
        break_glass: set.policy.break_glass,
        set_by: set.by,
        set_at_ms: set.at_ms,
    }
}

/// Accepted warnings for the API; of an earlier version's approval there are none.
pub(super) fn named(accepted: Option<Vec<AcceptedWarning>>) -> Vec<v1::AcceptedWarning> {
    let accepted = accepted.unwrap_or_default().into_iter();
    accepted.map(Into::into).collect()
}

/// What there is to see of a review, by any reader.
pub(super) fn review(review: Review) -> v1::Review {
    v1::Review {
        id: review.id,
        plan_id: review.plan_id,
        plan_hash: review.plan_hash,
        name: short_name(&review.cluster, review.number),
        cluster: review.cluster,
        outcome: review.outcome,
        broken_by: review.broken_by,
        broken_at_ms: review.broken_ms,
        reason: review.reason,
        closed_by: review.closed_by,
        closed_at_ms: review.closed_ms,
        note: review.note,
        job_id: review.job_id,
        accepted_warnings: named(review.accepted),
        ..v1::Review::default()
    }
}
