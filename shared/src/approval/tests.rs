use proptest::prelude::*;

use super::*;
use crate::recovery::Plan;

const ALWAYS: Second = Second::Always;
const POSSIBLE: Second = Second::WhenPossible;
const NEVER: Second = Second::Never;

fn people(text: &str) -> Vec<String> {
    text.chars().map(String::from).collect()
}

fn judge(approvers: u32, second: Second, votes: &str, able: &str, runner: &str) -> Judgement {
    let (votes, able) = (people(votes), people(able));
    Case {
        rule: Rule { approvers, second },
        author: "a",
        votes: &votes,
        able: &able,
        taken: &[],
        hands: &Hands::default(),
        runner: (!runner.is_empty()).then_some(runner),
    }
    .judge()
}

/// People are letters; `a` made the plan.
#[test]
fn who_must_agree() {
    use Judgement::{Enough, More, Second};
    const GOOD: Judgement = Enough { alone: false };
    const ALONE: Judgement = Enough { alone: true };
    for (approvers, second, votes, able, runner, expected) in [
        // Nobody needs to.
        (0, NEVER, "", "a", "", ALONE),
        // The author may.
        (1, NEVER, "a", "ab", "a", ALONE),
        (1, NEVER, "", "ab", "a", More(1)),
        // Two people, always.
        (1, ALWAYS, "", "ab", "", More(1)),
        (1, ALWAYS, "a", "ab", "", Second),
        (1, ALWAYS, "a", "a", "a", Second),
        (1, ALWAYS, "b", "ab", "", GOOD),
        (1, ALWAYS, "b", "ab", "a", GOOD),
        // Whoever runs it cannot be the only one who agreed.
        (1, ALWAYS, "b", "ab", "b", Second),
        (1, ALWAYS, "ab", "ab", "b", Second),
        (1, ALWAYS, "bc", "abc", "b", GOOD),
        // What somebody said who may not any more is void.
        (1, ALWAYS, "b", "a", "a", More(1)),
        (2, ALWAYS, "bc", "ab", "a", More(1)),
        // Two approvers: the author may be one of them, with another.
        (2, ALWAYS, "ab", "ab", "a", GOOD),
        (2, ALWAYS, "a", "ab", "a", More(1)),
        (3, ALWAYS, "b", "abcd", "a", More(2)),
        // When possible: alone one may, and it is said.
        (1, POSSIBLE, "a", "a", "a", ALONE),
        (1, POSSIBLE, "a", "ab", "", Second),
        (1, POSSIBLE, "a", "ab", "a", Second),
        (1, POSSIBLE, "b", "ab", "a", GOOD),
        // Of two people one makes and the other approves and runs: there is no third.
        (1, POSSIBLE, "b", "ab", "b", ALONE),
        (1, POSSIBLE, "b", "abc", "b", Second),
        // The author holds no role to approve with.
        (1, POSSIBLE, "a", "b", "a", More(1)),
    ] {
        assert_eq!(
            judge(approvers, second, votes, able, runner),
            expected,
            "{approvers} {second:?}, votes {votes}, able {able}, run by {runner}"
        );
    }
}

#[test]
fn an_approval_that_helps_nothing_is_told_before() {
    for (approvers, second, votes, able, person, helps) in [
        (1, ALWAYS, "", "ab", "b", true),
        (1, ALWAYS, "", "ab", "a", false),
        (1, ALWAYS, "b", "abc", "c", false),
        (1, POSSIBLE, "", "a", "a", true),
        (1, POSSIBLE, "", "ab", "a", false),
        (2, ALWAYS, "", "ab", "a", true),
        (2, ALWAYS, "a", "ab", "a", false),
        (2, ALWAYS, "a", "ab", "b", true),
        (1, NEVER, "", "ab", "a", true),
        // Somebody without the role.
        (1, NEVER, "", "a", "b", false),
        (3, NEVER, "", "a", "b", false),
    ] {
        let (votes, able) = (people(votes), people(able));
        let case = Case {
            rule: Rule { approvers, second },
            author: "a",
            votes: &votes,
            able: &able,
            taken: &[],
            hands: &Hands::default(),
            runner: None,
        };
        assert_eq!(case.helps(person), helps, "{case:?} {person}");
    }
}

proptest! {
    /// What is found for all at once is what is found for each.
    #[test]
    fn who_helps_is_told_alike_for_one_and_for_all(
        approvers in 0..4_u32,
        second in prop::sample::select(vec![ALWAYS, POSSIBLE, NEVER]),
        votes in prop::sample::subsequence(people("abcdef"), 0..4),
        able in prop::sample::subsequence(people("abcdef"), 0..=6),
        taken in prop::sample::subsequence(people("bc"), 0..=2),
        acts in prop::collection::vec((0..6_usize, 0..6_usize), 0..4),
        runner in prop::option::of(0..6_usize),
    ) {
        let all = people("abcdef");
        let acts = acts.iter().map(|(account, by)| (all[*account].as_str(), all[*by].as_str()));
        let hands = Hands::new(acts);
        let case = Case {
            rule: Rule { approvers, second },
            author: "a",
            votes: &votes,
            able: &able,
            taken: &taken,
            hands: &hands,
            runner: runner.map(|at| all[at].as_str()),
        };
        let each: Vec<_> = all.iter().filter(|person| case.helps(person)).collect();
        prop_assert_eq!(case.who_helps().collect::<Vec<_>>(), each);
        for person in case.who_helps() {
            // It brings the plan further: fewer are missing, or nothing is.
            let mut then = votes.clone();
            then.push(person.to_owned());
            let after = Case { votes: &then, ..case }.judge();
            match (case.judge(), after) {
                (Judgement::More(before), Judgement::More(after)) => prop_assert!(after < before),
                (_, after) => prop_assert!(matches!(after, Judgement::Enough { .. }), "{after:?}"),
            }
        }
    }
}

#[test]
fn rules_that_cannot_be_kept_are_refused() {
    let rule = |approvers, second| Rule { approvers, second };
    assert!(rule(0, NEVER).check().is_ok());
    assert!(rule(MAX_APPROVERS, ALWAYS).check().is_ok());
    assert!(rule(0, ALWAYS).check().is_err());
    assert!(rule(0, POSSIBLE).check().is_err());
    assert!(rule(MAX_APPROVERS + 1, NEVER).check().is_err());
    let usual = Policy::default();
    assert!(usual.undoable.check().is_ok() && usual.destructive.check().is_ok());
    assert_eq!(usual.rule(Reversibility::Destructive).second, ALWAYS);
}

#[test]
fn a_rule_is_said_in_words() {
    let usual = Policy::default();
    assert_eq!(
        usual.destructive.to_string(),
        "1 approval required by a person who is neither author nor runner."
    );
    assert_eq!(
        Rule {
            approvers: 0,
            second: NEVER
        }
        .to_string(),
        "No approval required."
    );
    for second in [ALWAYS, POSSIBLE, NEVER] {
        assert_eq!(Second::from_word(second.word()), Some(second));
    }
    assert_eq!(Second::from_word("sometimes"), None);
}

#[test]
fn a_policy_is_told_to_people_and_compared_by_what_it_asks_for() {
    let usual = Policy::default();
    assert_eq!(
        usual.subject(""),
        "Default policy. Reversible plans: 1 approval required by a person who is neither author nor runner, if one is \
         eligible. Irreversible plans: 1 approval required by a person who is neither author nor runner. Break-glass \
         override: allowed."
    );
    let open = Policy {
        undoable: Rule {
            approvers: 0,
            second: NEVER,
        },
        destructive: Rule {
            approvers: 2,
            second: NEVER,
        },
        break_glass: false,
    };
    assert_eq!(
        open.subject("prod"),
        "prod. Reversible plans: No approval required. Irreversible plans: 2 approvals required. The author may approve. \
         Break-glass override: not allowed."
    );
    assert_eq!(usual.about(), Policy::default().about());
    let rule = |approvers, second| Rule { approvers, second };
    let others = [
        open,
        Policy {
            break_glass: false,
            ..usual
        },
        Policy {
            undoable: rule(2, POSSIBLE),
            ..usual
        },
        Policy {
            undoable: rule(1, NEVER),
            ..usual
        },
        Policy {
            destructive: rule(1, POSSIBLE),
            ..usual
        },
        // The two rules, exchanged.
        Policy {
            undoable: usual.destructive,
            destructive: usual.undoable,
            ..usual
        },
    ];
    for other in others {
        assert_ne!(other.about(), usual.about(), "{other:?}");
    }
}

#[test]
fn a_plan_is_as_heavy_as_its_heaviest_step() {
    let plan = |undos: &[serde_json::Value]| -> Plan {
        let steps: Vec<_> = undos
            .iter()
            .map(|undo| {
                serde_json::json!({
                    "number": 1, "title": "", "probe": "", "effect": "", "undo": undo,
                    "action": {"by": "etcd", "do": {"step": "prove-source", "source": {"name": "", "sha256": "", "size": 0}}},
                })
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "format": "", "id": "", "author": "", "sealed_at": "", "outcome": "", "facts": [],
            "report": [], "steps": steps,
            "request": {
                "kind": "etcd.restore", "snapshot": "", "members": [], "token": "", "bump_revision": 0,
                "mark_compacted": false, "skip_hash_check": false, "target_version": "3.6",
                "clean_up": {"alarms": false, "auth": false, "downgrade": false, "versions": false},
                "target": {"kind": "download"},
            },
        }))
        .unwrap()
    };
    let nothing = serde_json::json!({"kind": "nothing"});
    let back = serde_json::json!({"kind": "back", "how": "move it back"});
    let over = serde_json::json!({"kind": "point-of-no-return", "how": "it is gone"});
    assert_eq!(
        Reversibility::of(&plan(&[nothing.clone(), back.clone()])),
        Reversibility::Undoable
    );
    assert_eq!(
        Reversibility::of(&plan(&[nothing, over, back])),
        Reversibility::Destructive
    );
}

#[test]
fn what_was_judged_at_the_start_can_be_judged_again() {
    let person = |id: &str| Person {
        id: id.into(),
        name: id.to_uppercase(),
    };
    let vote = |id: &str, hash: &str| Vote {
        by: person(id),
        at_ms: 1,
        plan_hash: hash.into(),
        accepted: None,
    };
    let grounds = |votes: &[Vote]| Authorization {
        policy: None,
        weight: Reversibility::Destructive,
        rule: Policy::default().destructive,
        author: person("anna"),
        runner: person("ben"),
        able: vec![person("anna"), person("ben"), person("carl")],
        taken: Vec::new(),
        hands: Hands::default(),
        votes: votes.to_vec(),
        glass: None,
        accepted: None,
    };
    for (votes, expected) in [
        (vec![], Judgement::More(1)),
        (vec![vote("anna", "h")], Judgement::Second),
        (vec![vote("ben", "h")], Judgement::Second),
        (vec![vote("carl", "other")], Judgement::More(1)),
        (vec![vote("dora", "h")], Judgement::More(1)),
        (vec![vote("carl", "h")], Judgement::Enough { alone: false }),
    ] {
        assert_eq!(grounds(&votes).judge("h"), expected, "{votes:?}");
    }
}

/// `x` is the administrator, who made the puppets `p` and `q` or reset their passwords; `b` is Ben.
#[test]
fn an_administrator_alone_is_one_person() {
    use Judgement::{Enough, More, Second};
    const GOOD: Judgement = Enough { alone: false };
    const ALONE: Judgement = Enough { alone: true };
    let hands = Hands::new([("p", "x"), ("q", "x")]);
    for (approvers, second, author, votes, able, runner, expected) in [
        // The puppet approves what its maker made or runs, whoever comes first.
        (1, ALWAYS, "x", "p", "xpb", "", Second),
        (1, ALWAYS, "b", "p", "xpb", "x", Second),
        (1, ALWAYS, "b", "p", "xpb", "b", GOOD),
        // The maker approves what the puppet made or runs.
        (1, ALWAYS, "p", "x", "xb", "", Second),
        (1, ALWAYS, "b", "x", "xb", "p", Second),
        // One puppet approves another's.
        (1, ALWAYS, "p", "q", "xqb", "p", Second),
        (1, ALWAYS, "b", "q", "xqb", "p", Second),
        // Any number of them is one approval.
        (2, ALWAYS, "x", "pq", "xpqb", "", More(1)),
        (2, NEVER, "x", "xp", "xpqb", "", More(1)),
        (2, ALWAYS, "x", "pb", "xpqb", "x", GOOD),
        (3, ALWAYS, "x", "xpb", "xpqb", "x", More(1)),
        // Where there is nobody else but puppets, one is alone, and that is said.
        (1, POSSIBLE, "x", "p", "xp", "x", ALONE),
        (1, POSSIBLE, "x", "x", "xp", "x", ALONE),
        (1, POSSIBLE, "x", "p", "xpb", "x", Second),
        (1, POSSIBLE, "x", "b", "xpb", "x", GOOD),
    ] {
        let (votes, able) = (people(votes), people(able));
        let case = Case {
            rule: Rule { approvers, second },
            author,
            votes: &votes,
            able: &able,
            taken: &[],
            hands: &hands,
            runner: (!runner.is_empty()).then_some(runner),
        };
        assert_eq!(case.judge(), expected, "{case:?}");
    }
}

#[test]
fn whoever_takes_the_others_away_is_not_alone_by_that() {
    let (hands, able, votes) = (Hands::default(), people("x"), people("x"));
    let taken = people("b");
    let case = Case {
        rule: Policy::default().undoable,
        author: "x",
        votes: &votes,
        able: &able,
        taken: &[],
        hands: &hands,
        runner: Some("x"),
    };
    assert_eq!(case.judge(), Judgement::Enough { alone: true });
    let case = Case {
        taken: &taken,
        ..case
    };
    assert_eq!(case.judge(), Judgement::Second);
}

#[test]
fn a_vote_that_may_be_anothers_again_does_not_help() {
    let hands = Hands::new([("p", "x"), ("q", "x")]);
    let (able, votes) = (people("xpqb"), people("p"));
    let case = Case {
        rule: Rule {
            approvers: 2,
            second: NEVER,
        },
        author: "a",
        votes: &votes,
        able: &able,
        taken: &[],
        hands: &hands,
        runner: None,
    };
    let helps: Vec<_> = ["x", "p", "q", "b"].map(|person| case.helps(person)).into();
    assert_eq!(helps, [false, false, false, true]);
}

#[test]
fn a_policy_is_lowered_by_less_of_anything() {
    let now = Policy::default();
    let with = |undoable: (u32, Second), destructive: (u32, Second), break_glass| Policy {
        undoable: Rule {
            approvers: undoable.0,
            second: undoable.1,
        },
        destructive: Rule {
            approvers: destructive.0,
            second: destructive.1,
        },
        break_glass,
    };
    for (wanted, lowered) in [
        (with((1, POSSIBLE), (1, ALWAYS), true), false),
        (with((1, POSSIBLE), (1, ALWAYS), false), false),
        (with((2, ALWAYS), (3, ALWAYS), false), false),
        (with((0, NEVER), (1, ALWAYS), true), true),
        (with((1, NEVER), (1, ALWAYS), true), true),
        (with((1, POSSIBLE), (1, POSSIBLE), true), true),
        // More of one does not make up for less of another.
        (with((5, ALWAYS), (5, POSSIBLE), false), true),
        (with((5, NEVER), (5, ALWAYS), false), true),
    ] {
        assert_eq!(now.is_lowered_by(&wanted), lowered, "{wanted:?}");
    }
    let closed = with((1, POSSIBLE), (1, ALWAYS), false);
    assert!(closed.is_lowered_by(&now), "overrides are allowed again");
}
