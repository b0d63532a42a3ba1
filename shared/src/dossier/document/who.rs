//! People: who made it, who agreed, who ran it, and what happened without agreement.

use super::{Block, Cell, Content, Mark, Section, id, section, status, table, text};
use crate::approval::{AcceptedWarning, Authorization, Judgement, Reversibility, accepted};
use crate::dossier::words;

/// Loud, and first.
pub(super) fn glass_notice(content: &Content<'_>) -> Option<(Mark, String)> {
    let glass = content.approvals.grounds.as_ref()?.glass.as_ref()?;
    let review = match &content.approvals.review {
        Some(review) if review.closed_at_ms != 0 => format!(
            "{} closed the review at {}: “{}”",
            review.closed_by,
            words::utc(review.closed_at_ms),
            review.note
        ),
        _ => "Its review is still open.".to_owned(),
    };
    Some((
        Mark::Fail,
        format!(
            "Break-glass override: {} let this plan run without approval at {}. Reason: “{}” {review}",
            glass.by.name,
            words::utc(glass.at_ms),
            glass.reason
        ),
    ))
}

pub(super) fn approvals(content: &Content<'_>) -> Section {
    let Some(grounds) = &content.approvals.grounds else {
        return section(
            "People and approvals",
            vec![Block::Text(
                "This job was started by a version that did not record why it was allowed to run. The ledger entries \
                 below say who approved."
                    .to_owned(),
            )],
        );
    };
    let weight = match grounds.weight {
        Reversibility::Undoable => "every step is reversible",
        Reversibility::Destructive => "it passes a point of no return",
    };
    let able: Vec<_> = grounds.able.iter().map(|p| p.name.as_str()).collect();
    let mut facts = vec![
        ("Author".to_owned(), text(&grounds.author.name)),
        ("Run by".to_owned(), text(&grounds.runner.name)),
        ("Weight".to_owned(), text(weight)),
        ("Rule in force".to_owned(), text(grounds.rule.to_string())),
        ("Rule set by".to_owned(), text(set_by(grounds))),
        ("Eligible approvers".to_owned(), text(able.join(", "))),
        ("Result".to_owned(), judgement(content, grounds)),
        (
            "Warnings of the plan".to_owned(),
            warnings(content, grounds),
        ),
    ];
    if !content.approvals.remark.is_empty() {
        facts.push(("Remark".to_owned(), text(&content.approvals.remark)));
    }
    let mut blocks = vec![Block::Facts(facts)];
    if grounds.votes.is_empty() {
        blocks.push(Block::Text("No approval.".to_owned()));
    } else {
        let rows = grounds.votes.iter().map(|vote| {
            let same = vote.plan_hash == content.approvals.plan_hash;
            let bound = match same {
                true => status(Mark::Pass, "this plan"),
                false => status(Mark::Fail, "ANOTHER PLAN"),
            };
            let relation = match &vote.by.id {
                by if *by == grounds.author.id => "author",
                by if *by == grounds.runner.id => "runner",
                _ => "neither author nor runner",
            };
            vec![
                text(&vote.by.name),
                Cell::When(vote.at_ms),
                text(relation),
                bound,
                text(named(vote.accepted.as_deref())),
                id(&vote.plan_hash),
            ]
        });
        let columns = [
            "Approved by",
            "When",
            "Role in this plan",
            "Approved",
            "Accepted warnings",
            "Approved hash",
        ];
        blocks.push(table(&columns, rows.collect()));
    }
    section("People and approvals", blocks)
}

/// Who set the rule, when, and where the ledger says so.
fn set_by(grounds: &Authorization) -> String {
    let Some(policy) = &grounds.policy else {
        return "default policy, or not recorded by the version that ran this".to_owned();
    };
    let whose = match policy.cluster.as_str() {
        "" => "the default policy".to_owned(),
        cluster => format!("the policy for {cluster}"),
    };
    let entry = policy.entry.map_or_else(String::new, |entry| {
        format!(", entry {entry} of the ledger")
    });
    format!(
        "{}, who set {whose} at {}{entry}",
        policy.by,
        words::utc(policy.at_ms)
    )
}

/// Which warnings the plan has, and whether each was accepted.
fn warnings(content: &Content<'_>, grounds: &Authorization) -> Cell {
    let all = accepted::warnings(&content.plan.report);
    if all.is_empty() {
        return text("none");
    }
    let names: Vec<_> = all.iter().map(AcceptedWarning::text).collect();
    let names = names.join(", ");
    let votes = grounds.votes.iter().map(|vote| (&vote.by, &vote.accepted));
    let glass = grounds
        .glass
        .iter()
        .map(|glass| (&glass.by, &glass.accepted));
    let runner = [(&grounds.runner, &grounds.accepted)];
    let mut by: Vec<&str> = Vec::new();
    for (person, accepted) in votes.chain(glass).chain(runner) {
        let some = accepted
            .as_ref()
            .is_some_and(|accepted| !accepted.is_empty());
        if some && !by.contains(&person.name.as_str()) {
            by.push(&person.name);
        }
    }
    let said = match by.is_empty() {
        true => format!("{names}; acceptance not recorded"),
        false => format!("{names}; accepted by {}", by.join(", ")),
    };
    status(Mark::Warning, &said)
}

/// The warnings that one person accepted.
fn named(accepted: Option<&[AcceptedWarning]>) -> String {
    match accepted {
        None => "not recorded".to_owned(),
        Some([]) => "none".to_owned(),
        Some(some) => {
            let names: Vec<_> = some.iter().map(AcceptedWarning::text).collect();
            names.join(", ")
        }
    }
}

fn judgement(content: &Content<'_>, grounds: &Authorization) -> Cell {
    if grounds.glass.is_some() {
        return status(Mark::Fail, "not approved: break-glass override");
    }
    match grounds.judge(&content.approvals.plan_hash) {
        Judgement::Enough { alone: false } => {
            status(Mark::Pass, "enough approvals, one by a second person")
        }
        Judgement::Enough { alone: true } if grounds.rule.approvers == 0 => {
            status(Mark::Warning, "no approval required")
        }
        Judgement::Enough { alone: true } => {
            status(Mark::Warning, "enough approvals, none by a second person")
        }
        Judgement::More(_) | Judgement::Second => status(Mark::Fail, "NOT ENOUGH approvals"),
    }
}
