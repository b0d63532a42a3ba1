//! Who agreed, who set the policy, and what the ledger has of that.

use super::*;
use crate::approval::{AcceptedWarning, accepted};
use crate::ledger::about::About;
use crate::ledger::entry::act;

#[test]
fn an_approval_that_the_ledger_does_not_know_is_not_shown() {
    let bytes =
        packed(&Run::started_as(false, crate::ledger::entry::Outcome::Unknown, false).over());
    let verdict = judge(&bytes);
    assert!(verdict.whole, "nothing of it was changed");
    assert_eq!(verdict.approval, Outcome::NotChecked);
    assert_eq!(
        verdict.sentence,
        "No check fails, but this dossier does not show that the plan was approved: 12 of 14 checks pass, 2 are not made."
    );
    let good = judge(&whole());
    assert_eq!((good.whole, good.approval), (true, Outcome::Pass));
    let refused = Run::started_as(false, crate::ledger::entry::Outcome::Refused, false).over();
    let refused = judge(&packed(&refused));
    assert_eq!((refused.whole, refused.approval), (false, Outcome::Fail));
}

#[test]
fn a_plan_that_was_closed_was_not_to_be_run() {
    use crate::ledger::entry::Outcome::{Done, Refused};
    use crate::ledger::entry::act;
    for (glass, act, how) in [
        (false, act::PLAN_REJECT, "Ben rejected the plan"),
        (false, act::PLAN_WITHDRAW, "Ben withdrew the plan"),
        (true, act::REVIEW_CLOSE, "Ben closed the review"),
    ] {
        let closed = packed(&Run::started_after(glass, act, Done).over());
        fails(&closed, "Enough people", how);
        // What was refused closed nothing.
        let refused = packed(&Run::started_after(glass, act, Refused).over());
        assert_eq!(beside_evidence(&refused), [], "{act}");
    }
}

#[test]
fn the_policy_in_force_is_shown_and_in_the_ledger() {
    let run = Run::started_as(false, crate::ledger::entry::Outcome::Done, true).over();
    let bytes = packed(&run);
    assert_eq!(beside_evidence(&bytes), []);
    let page = String::from_utf8(parts(&bytes)[name::PAGE].clone()).unwrap();
    assert!(page.contains("Carl, who set the default policy"));
    let said = judge(&bytes)
        .checks
        .into_iter()
        .find(|c| c.name.starts_with("Enough"));
    let said = said.unwrap().evidence;
    assert!(said.contains("Carl had set it"), "{said}");
    let claimed = |edit: &dyn Fn(&mut crate::approval::PolicyInForce)| {
        with_grounds(&run, &|grounds| edit(grounds.policy.as_mut().unwrap()))
    };
    let check = "Enough people";
    fails(
        &claimed(&|p| p.by = "Ben".into()),
        check,
        "Ben set this policy",
    );
    fails(
        &claimed(&|p| p.entry = Some(1)),
        check,
        "Carl set this policy",
    );
    fails(
        &claimed(&|p| p.cluster = "prod".into()),
        check,
        "Carl set this policy",
    );
    let lax = |p: &mut crate::approval::PolicyInForce| p.policy.destructive.approvers = 0;
    fails(&claimed(&lax), check, "Carl set this policy");
    let lax = |p: &mut crate::approval::PolicyInForce| p.policy.undoable.approvers = 0;
    fails(&claimed(&lax), check, "judged by a rule other than");
}

#[test]
fn the_author_is_the_one_whom_the_plan_names() {
    let run = Run::started(false).over();
    let check = "Enough people";
    let bad = with_grounds(&run, &|g| {
        g.author.name = "Carl".into();
        g.author.id = "id of Carl".into();
    });
    fails(&bad, check, "the plan says that Anna K. made it");
    let bad = with_grounds(&run, &|g| {
        g.votes[0].by.name = "Anna K.".into();
        g.votes[0].by.id = "another account".into();
        g.able.push(g.votes[0].by.clone());
    });
    fails(
        &bad,
        check,
        "as a different person from the one of that name",
    );
}

#[test]
fn approvals_are_those_of_this_plan_and_in_the_ledger() {
    let run = Run::started(false).over();
    let good = parts(&packed(&run));
    let edit = |edit: &dyn Fn(&mut crate::approval::Authorization)| {
        let mut run_events = run.events.clone();
        let Body::Started {
            grounds: Some(grounds),
            ..
        } = &mut run_events[0].body
        else {
            panic!("it begins with its grounds")
        };
        edit(grounds);
        let mut approvals: Approvals = serde_json::from_slice(&good[name::APPROVALS]).unwrap();
        approvals.grounds = Some((**grounds).clone());
        let mut bad = good.clone();
        bad.insert(
            name::APPROVALS.into(),
            to_canonical_json(&approvals).into_bytes(),
        );
        bad.insert(name::JOURNAL.into(), parts::lines(&run_events));
        forged(bad, 1)
    };
    let check = "Enough people";
    fails(&edit(&|g| g.votes.clear()), check, "One more was needed");
    fails(
        &edit(&|g| g.votes[0].plan_hash = "0".repeat(64)),
        check,
        "of another plan",
    );
    fails(
        &edit(&|g| g.votes[0].by.name = "Carl".into()),
        check,
        "Carl: approve a plan",
    );
    fails(
        &edit(&|g| g.votes[0].by.id = g.author.id.clone()),
        check,
        "None is by a second person",
    );
    fails(
        &edit(&|g| g.weight = crate::approval::Reversibility::Destructive),
        check,
        "wrong rule was applied",
    );
    let none = |votes: &mut Vec<crate::approval::Vote>| votes[0].accepted = Some(Vec::new());
    fails(
        &edit(&|g| none(&mut g.votes)),
        check,
        "Ben did not accept the warnings",
    );
    // A version that did not ask for it: then the runner has to have accepted them.
    fails(
        &edit(&|g| g.votes[0].accepted = None),
        check,
        "No one accepted the warning auth.enabled (authentication)",
    );
    // In one of the two places only.
    let mut bad = good.clone();
    let mut approvals: Approvals = serde_json::from_slice(&good[name::APPROVALS]).unwrap();
    approvals.grounds.as_mut().unwrap().votes.clear();
    bad.insert(
        name::APPROVALS.into(),
        to_canonical_json(&approvals).into_bytes(),
    );
    fails(&forged(bad, 1), check, "which the journal names");
}

/// What code compares is data: how an entry is worded for people proves nothing.
#[test]
fn an_entry_counts_for_what_it_is_about_and_not_for_its_words() {
    let written_as = |act: &'static str, about: Option<About>| {
        let mut run = Run::started_as(false, crate::ledger::entry::Outcome::Done, true).over();
        run.books.rewrite(|entry| {
            if entry.act == act {
                entry.about = about.clone();
            }
        });
        packed(&run)
    };
    let check = "Enough people";
    let other = [AcceptedWarning {
        code: "auth.enabled".into(),
        subject: "another".into(),
    }];
    let sample = Run::started(false).plan;
    let plan = &sample.id;
    for about in [
        None,
        Some(About::plan(plan)),
        Some(accepted::about(plan, &[])),
        Some(accepted::about(plan, &other)),
        Some(accepted::about(
            "another",
            &accepted::warnings(&sample.report),
        )),
    ] {
        fails(
            &written_as(act::PLAN_APPROVE, about),
            check,
            "Ben: approve a plan",
        );
    }
    let lax = crate::approval::Policy {
        break_glass: false,
        ..Default::default()
    };
    for about in [None, Some(lax.about())] {
        fails(
            &written_as(act::POLICY_SET, about),
            check,
            "Carl set this policy",
        );
    }
    for about in [None, Some(About::Step { number: 7 })] {
        fails(
            &written_as(act::JOB_STEP, about),
            "What the journal says was done",
            "step 1",
        );
    }
    // Words may change.
    let mut run = Run::started_as(false, crate::ledger::entry::Outcome::Done, true).over();
    run.books
        .rewrite(|entry| entry.subject.insert_str(0, "anew: "));
    assert_eq!(beside_evidence(&packed(&run)), []);
}
