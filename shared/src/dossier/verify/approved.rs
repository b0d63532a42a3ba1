//! Whether enough people approved exactly this plan, and accepted its warnings, by what the ledger has.

use super::open::Opened;
use super::{Failure, Finding, acts, fail, unknown};
use crate::approval::{
    AcceptedWarning, Authorization, Judgement, Person, Policy, Reversibility, accepted,
};
use crate::dossier::{record, words};
use crate::ledger::about::About;

pub(super) fn approvals(opened: &Opened<'_>) -> Finding {
    let (plan, hash) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let approvals = opened.approvals.as_ref().map_err(|why| fail(why.clone()))?;
    let events = opened
        .events
        .as_ref()
        .map_err(|_| unknown("The journal cannot be read."))?;
    let all = opened
        .acts
        .as_ref()
        .map_err(|_| unknown("The ledger's entries cannot be read."))?;
    if approvals.plan_hash != *hash {
        return Err(fail("They are approvals of another plan."));
    }
    if approvals.grounds.as_ref() != record::grounds(events) {
        return Err(fail(
            "The job was started on other approvals, which the journal names.",
        ));
    }
    if approvals.interim == record::view(plan, events).state.is_over() {
        return Err(fail(
            "They say “interim”, and the journal does not, or the other way round.",
        ));
    }
    let Some(grounds) = &approvals.grounds else {
        return Err(unknown(
            "The job was started by a version that did not record why it was allowed to run.",
        ));
    };
    if grounds.weight != Reversibility::of(plan) {
        return Err(fail(
            "The wrong rule was applied to the plan: its reversibility calls for another.",
        ));
    }
    let author = &grounds.author;
    if author.name != plan.author {
        return Err(fail(format!(
            "It was judged as a plan of {}, and the plan says that {} made it.",
            author.name, plan.author
        )));
    }
    all.by_person(acts::SEAL, &plan.author)?;
    all.leave_it_open()?;
    // Two accounts of one name would be one person who approves their own plan.
    let people = [author, &grounds.runner];
    let voters = grounds.votes.iter().map(|vote| &vote.by);
    for (voter, other) in voters.flat_map(|voter| people.map(|other| (voter, other))) {
        if voter.name == other.name && voter.id != other.id {
            return Err(fail(format!(
                "{} is said to have approved it as a different person from the one of that name who made or ran it.",
                voter.name
            )));
        }
    }
    // What is wrong is told before what is not known.
    let set_by = match policy_in_force(grounds, all) {
        Err(failed @ Failure::Fail(_)) => return Err(failed),
        set_by => set_by,
    };
    if let Some(vote) = grounds.votes.iter().find(|vote| vote.plan_hash != *hash) {
        return Err(fail(format!(
            "{}'s approval is of another plan.",
            vote.by.name
        )));
    }
    let warnings = accepted::warnings(&plan.report);
    for vote in &grounds.votes {
        let about = accepting(&vote.by, &plan.id, &warnings, vote.accepted.as_deref())?;
        all.by_person_on(acts::APPROVE, &vote.by.name, about.as_ref())?;
    }
    if let Some(glass) = &grounds.glass {
        all_accepted(&warnings, grounds)?;
        let about = accepting(&glass.by, &plan.id, &warnings, glass.accepted.as_deref())?;
        all.by_person_on(acts::BREAK_GLASS, &glass.by.name, about.as_ref())?;
        let review = approvals
            .review
            .as_ref()
            .filter(|review| review.id == glass.review);
        let review = review
            .ok_or_else(|| fail("The approval was overridden, and the review of it is missing."))?;
        set_by?;
        if review.closed_at_ms == 0 {
            return Ok(format!(
                "Not approved: {} overrode the approval, as the ledger says. The review was still open.",
                glass.by.name
            ));
        }
        all.by_person(acts::CLOSE_REVIEW, &review.closed_by)?;
        return Ok(format!(
            "Not approved: {} overrode the approval, and {} closed the review, as the ledger says.",
            glass.by.name, review.closed_by
        ));
    }
    if approvals.review.is_some() {
        return Err(fail(
            "It has a review of an override, and the approval was not overridden.",
        ));
    }
    let names: Vec<_> = grounds
        .votes
        .iter()
        .map(|vote| vote.by.name.clone())
        .collect();
    let judged = grounds.judge(hash);
    if matches!(judged, Judgement::Enough { .. }) {
        all_accepted(&warnings, grounds)?;
    }
    match judged {
        Judgement::Enough { .. } if names.is_empty() => {
            Ok(format!("The rule was: {}{}", grounds.rule, set_by?))
        }
        Judgement::Enough { .. } => Ok(format!(
            "{}. The rule was: {}{} The ledger has each approval.",
            words::listed(&names),
            grounds.rule,
            set_by?
        )),
        Judgement::More(n) => Err(fail(format!(
            "{} needed. The rule was: {}",
            match n {
                1 => "One more was".to_owned(),
                n => format!("{n} more were"),
            },
            grounds.rule
        ))),
        Judgement::Second => Err(fail(format!(
            "None is by a second person. The rule was: {}",
            grounds.rule
        ))),
    }
}

/// What an approval or an override that names the warnings it accepts is about in the ledger: every one of the plan.
/// An earlier version's names none.
fn accepting(
    by: &Person,
    plan: &str,
    warnings: &[AcceptedWarning],
    named: Option<&[AcceptedWarning]>,
) -> Result<Option<About>, Failure> {
    let Some(named) = named else {
        return Ok(None);
    };
    if accepted::check(warnings, warnings, named).is_err() {
        return Err(fail(format!(
            "{} did not accept the warnings of the plan: others are named.",
            by.name
        )));
    }
    Ok(Some(accepted::about(plan, named)))
}

/// Warnings that no approval and no override accepted were accepted by the runner, since that is asked for.
fn all_accepted(warnings: &[AcceptedWarning], grounds: &Authorization) -> Result<(), Failure> {
    let Some(by_runner) = &grounds.accepted else {
        return Ok(());
    };
    let votes = grounds
        .votes
        .iter()
        .filter_map(|vote| vote.accepted.as_ref());
    let glass = grounds
        .glass
        .iter()
        .filter_map(|glass| glass.accepted.as_ref());
    let named: Vec<_> = votes.chain(glass).chain([by_runner]).flatten().collect();
    match warnings.iter().find(|warning| !named.contains(warning)) {
        None => Ok(()),
        Some(open) => Err(fail(format!(
            "No one accepted the warning {}.",
            open.text()
        ))),
    }
}

/// Where the rule came from, in a sentence, if the ledger has it.
fn policy_in_force(grounds: &Authorization, all: &acts::Acts) -> Finding {
    let Some(policy) = &grounds.policy else {
        // An override is one whatever the rule was.
        let usual = Policy::default().rule(grounds.weight) == grounds.rule;
        return match usual || grounds.glass.is_some() {
            true => Ok(String::new()),
            false => Err(unknown(format!(
                "The rule was: {} Who set it is unknown: the version that made this did not record it.",
                grounds.rule
            ))),
        };
    };
    if policy.policy.rule(grounds.weight) != grounds.rule {
        return Err(fail(format!(
            "It was judged by a rule other than that of the policy in force: {}",
            policy.policy.rule(grounds.weight)
        )));
    }
    all.sets(policy)?;
    Ok(format!(
        " {} had set it, and the ledger says so.",
        policy.by
    ))
}
