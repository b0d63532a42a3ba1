//! People: who made it, who agreed, who ran it, and what happened without agreement.

use super::{Block, Cell, Content, Mark, Section, id, section, status, table, text};
use crate::approval::{Grounds, Judgement, Weight};
use crate::dossier::words;

/// Loud, and first.
pub(super) fn glass_notice(content: &Content<'_>) -> Option<(Mark, String)> {
    let glass = content.approvals.grounds.as_ref()?.glass.as_ref()?;
    let review = match &content.approvals.review {
        Some(review) if review.closed_at_ms != 0 => format!(
            "{} looked into it and closed the review at {}: “{}”",
            review.closed_by,
            words::utc(review.closed_at_ms),
            review.note
        ),
        _ => "The review that this calls for is still open.".to_owned(),
    };
    Some((
        Mark::Fail,
        format!(
            "The glass was broken: {} let this plan run without approval at {}, because: “{}” {review}",
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
                "This job was started by a version that did not keep on what grounds. The entries of the ledger below \
                 say who approved."
                    .to_owned(),
            )],
        );
    };
    let weight = match grounds.weight {
        Weight::Undoable => "every step can be taken back",
        Weight::Destructive => "it passes a point of no return",
    };
    let able: Vec<_> = grounds.able.iter().map(|p| p.name.as_str()).collect();
    let mut facts = vec![
        ("Made the plan".to_owned(), text(&grounds.author.name)),
        ("Ran it".to_owned(), text(&grounds.runner.name)),
        ("Weight".to_owned(), text(weight)),
        ("Rule in force".to_owned(), text(grounds.rule.to_string())),
        ("Rule set by".to_owned(), text(set_by(grounds))),
        ("Could approve".to_owned(), text(able.join(", "))),
        ("Judged".to_owned(), judgement(content, grounds)),
    ];
    if !content.approvals.remark.is_empty() {
        facts.push(("Remark".to_owned(), text(&content.approvals.remark)));
    }
    let mut blocks = vec![Block::Facts(facts)];
    if grounds.votes.is_empty() {
        blocks.push(Block::Text("Nobody approved this plan.".to_owned()));
    } else {
        let rows = grounds.votes.iter().map(|vote| {
            let same = vote.plan_hash == content.approvals.plan_hash;
            let bound = match same {
                true => status(Mark::Pass, "this plan"),
                false => status(Mark::Fail, "ANOTHER PLAN"),
            };
            let relation = match &vote.by.id {
                by if *by == grounds.author.id => "made the plan",
                by if *by == grounds.runner.id => "ran the plan",
                _ => "neither made nor ran it",
            };
            vec![
                text(&vote.by.name),
                Cell::When(vote.at_ms),
                text(relation),
                bound,
                id(&vote.plan_hash),
            ]
        });
        let columns = [
            "Approved by",
            "When",
            "Who",
            "Bound to",
            "Hash that was read",
        ];
        blocks.push(table(&columns, rows.collect()));
    }
    section("People and approvals", blocks)
}

/// Who set the rule, when, and where the ledger says so.
fn set_by(grounds: &Grounds) -> String {
    let Some(policy) = &grounds.policy else {
        return "nobody: the policy was never changed, or the version that ran this did not keep it".to_owned();
    };
    let whose = match policy.cluster.as_str() {
        "" => "the policy for everything".to_owned(),
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

fn judgement(content: &Content<'_>, grounds: &Grounds) -> Cell {
    if grounds.glass.is_some() {
        return status(Mark::Fail, "without approval: the glass was broken");
    }
    match grounds.judge(&content.approvals.plan_hash) {
        Judgement::Enough { alone: false } => {
            status(Mark::Pass, "enough approvals, one by a second person")
        }
        Judgement::Enough { alone: true } if grounds.rule.approvers == 0 => {
            status(Mark::Warning, "the rule asked for nobody's approval")
        }
        Judgement::Enough { alone: true } => {
            status(Mark::Warning, "enough approvals, none by a second person")
        }
        Judgement::More(_) | Judgement::Second => status(Mark::Fail, "NOT ENOUGH approvals"),
    }
}
