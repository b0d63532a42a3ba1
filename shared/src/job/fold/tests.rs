use super::*;
use crate::finding::Outcome;
use crate::job::events::{Choice, KeptFolder, Occurrence};

fn event(seq: u64, body: Body) -> Event {
    Event::new(seq, seq as i64, body.into())
}

fn started() -> Body {
    Body::Started {
        by: "ak".into(),
        grounds: None,
    }
}

fn progress(done: u64) -> Body {
    Body::StepProgress {
        step: 1,
        done,
        total: 10,
        unit: "bytes".into(),
        per_second: Some(5),
        part: None,
    }
}

fn asked(thens: &[Then]) -> Body {
    let choices = thens.iter().map(|then| Choice {
        id: format!("{then:?}"),
        label: format!("Do {then:?}"),
        consequence: String::new(),
        then: *then,
        confirm: None,
    });
    Body::Asked {
        question: Question {
            id: "q1".into(),
            step: 1,
            text: "Step 1 failed. What now?".into(),
            evidence: String::new(),
            choices: choices.collect(),
        },
    }
}

fn answered(choice: &str) -> Body {
    Body::Answered {
        question: "q1".into(),
        choice: choice.into(),
        by: "ak".into(),
    }
}

fn folded(steps: usize, bodies: &[Body]) -> JobView {
    let mut view = JobView::new(steps);
    for (at, body) in bodies.iter().enumerate() {
        assert!(view.apply(&event(at as u64 + 1, body.clone())));
    }
    view
}

#[test]
fn progress_is_ephemeral_and_never_moves_the_journal() {
    let mut view = folded(1, &[started()]);
    assert!(view.apply(&event(EPHEMERAL, progress(1))));
    assert_eq!(view.steps[0].progress, None, "a step that does not run");
    assert!(view.apply(&event(2, Body::StepStarted { step: 1 })));
    assert!(view.apply(&event(EPHEMERAL, progress(7))));
    assert_eq!(view.steps[0].progress, Some((7, 10, "bytes".into())));
    let part = |done| Body::StepProgress {
        step: 1,
        done,
        total: 3,
        unit: "files".into(),
        per_second: None,
        part: Some("m2".into()),
    };
    assert!(view.apply(&event(EPHEMERAL, part(1))));
    assert!(view.apply(&event(EPHEMERAL, part(2))));
    assert_eq!(view.steps[0].parts, [("m2".to_owned(), 2, 3)]);
    assert_eq!(
        view.steps[0].progress,
        Some((7, 10, "bytes".into())),
        "of the step as a whole"
    );
    assert_eq!(view.last_seq, 2);
    assert!(!view.apply(&event(EPHEMERAL, Body::StepStarted { step: 1 })));
}

#[test]
fn a_gap_and_a_repetition_change_nothing() {
    let mut view = folded(1, &[started()]);
    let before = view.clone();
    assert!(!view.apply(&event(1, started())));
    assert!(!view.apply(&event(3, Body::StepStarted { step: 1 })));
    assert_eq!(view, before);
}

#[test]
fn each_answer_leads_where_it_says() {
    let fold = |then: Then, abort: bool| {
        let mut bodies = vec![
            started(),
            Body::StepStarted { step: 1 },
            Body::StepEnded {
                step: 1,
                outcome: StepOutcome::Failed {
                    error: "no room".into(),
                    failure: Failure::Ask,
                },
            },
        ];
        if abort {
            bodies.push(Body::AbortRequested { by: "ak".into() });
            bodies.push(Body::UndoStarted { step: 1 });
            bodies.push(Body::UndoEnded {
                step: 1,
                result: Err("it is in use".into()),
                failure: Failure::Ask,
            });
        }
        bodies.push(asked(&[then]));
        bodies.push(answered(&format!("{then:?}")));
        let view = folded(1, &bodies);
        assert_eq!(view.question, None);
        view
    };
    let view = fold(Then::Retry, false);
    assert_eq!(
        (view.state, view.steps[0].state),
        (JobState::Running, StepState::Waiting)
    );
    assert!(!view.steps[0].unprobed);
    let view = fold(Then::CarryOut, false);
    assert_eq!(view.steps[0].state, StepState::Waiting);
    assert!(view.steps[0].unprobed);
    let view = fold(Then::Done, false);
    assert_eq!(view.steps[0].state, StepState::Done);
    assert_eq!(view.steps[0].note, "ak chose “Do Done”.");
    let view = fold(Then::Undo, false);
    assert_eq!(
        (view.state, view.backward, view.steps[0].state),
        (JobState::Undoing, true, StepState::Failed)
    );
    let view = fold(Then::Leave, false);
    assert!(view.leave);
    let view = fold(Then::Retry, true);
    assert_eq!(view.steps[0].state, StepState::Undoing);
    let view = fold(Then::Leave, true);
    assert_eq!((view.leave, view.steps[0].state), (false, StepState::Left));
}

#[test]
fn what_is_no_choice_leaves_the_question_open() {
    let view = folded(
        1,
        &[
            started(),
            Body::StepStarted { step: 1 },
            asked(&[Then::Retry, Then::Undo]),
            answered("go-on"),
        ],
    );
    assert_eq!(view.state, JobState::Waiting);
    assert!(view.question.is_some());
}

#[test]
fn a_pause_outlives_a_question_and_ends_with_its_resumption() {
    let mut bodies = vec![
        started(),
        Body::StepStarted { step: 1 },
        Body::Paused { by: "ak".into() },
        asked(&[Then::Retry]),
    ];
    assert_eq!(folded(1, &bodies).state, JobState::Waiting);
    bodies.push(answered("Retry"));
    assert_eq!(folded(1, &bodies).state, JobState::Paused);
    bodies.push(Body::Resumed { by: "ak".into() });
    assert_eq!(folded(1, &bodies).state, JobState::Running);
}

#[test]
fn a_retry_says_when_and_counts() {
    let mut bodies = vec![
        started(),
        Body::StepStarted { step: 1 },
        Body::StepRetried {
            step: 1,
            attempt: 1,
            error: "no answer".into(),
            after_ms: 1_000,
        },
    ];
    let view = folded(1, &bodies);
    assert_eq!(view.steps[0].state, StepState::Waiting);
    assert_eq!(view.steps[0].retry_ms, Some(1_003));
    assert_eq!(view.steps[0].note, "no answer");
    bodies.push(Body::StepStarted { step: 1 });
    let view = folded(1, &bodies);
    assert_eq!((view.steps[0].retries, view.steps[0].retry_ms), (1, None));
}

#[test]
fn a_step_that_cannot_be_judged_is_not_done() {
    let view = folded(
        1,
        &[
            started(),
            Body::StepStarted { step: 1 },
            Body::StepEnded {
                step: 1,
                outcome: StepOutcome::Unclear {
                    why: "the host does not answer".into(),
                },
            },
        ],
    );
    assert_eq!(view.steps[0].state, StepState::Unclear);
    assert!(view.steps[0].may_have_effect());
}

#[test]
fn a_step_that_waits_for_another_try_may_have_left_something() {
    let retried = Body::StepRetried {
        step: 1,
        attempt: 1,
        error: "no answer".into(),
        after_ms: 1,
    };
    let mut bodies = vec![started(), Body::StepStarted { step: 1 }, retried];
    let view = folded(2, &bodies);
    assert!(view.steps[0].may_have_effect());
    assert!(!view.steps[1].may_have_effect(), "it never began");
    bodies.push(Body::UndoStarted { step: 1 });
    bodies.push(Body::UndoEnded {
        step: 1,
        result: Ok("gone".into()),
        failure: Failure::Ask,
    });
    assert!(!folded(2, &bodies).steps[0].may_have_effect());
}

#[test]
fn what_is_handed_over_counts_once_and_only_after_a_completed_end() {
    let handed = |step: &str, by: &str| Body::HandedOver {
        step: step.into(),
        by: by.into(),
        note: String::new(),
    };
    let end = |state| Body::Ended {
        state,
        sentence: String::new(),
    };
    let view = folded(
        1,
        &[
            started(),
            handed("start", "early"),
            end(EndState::Completed),
            handed("start", "ak"),
            handed("start", "ben"),
            handed("check", "ben"),
        ],
    );
    let who = |step: &str| view.handed(step).map(|done| (done.by.as_str(), done.at_ms));
    assert_eq!(who("start"), Some(("ak", 4)));
    assert_eq!(who("check"), Some(("ben", 6)));
    assert_eq!(view.handed_over.len(), 2);
    assert_eq!(view.span_ms, Some((1, 3)), "the job took no longer for it");
    assert_eq!(view.updated_ms(), Some(6));
    assert_eq!(view.state, JobState::Completed);
    let view = folded(
        1,
        &[started(), end(EndState::Undone), handed("start", "ak")],
    );
    assert_eq!(view.handed_over, []);
}

#[test]
fn what_stayed_is_removed_once_and_only_after_the_end() {
    let kept = Kept {
        folders: vec![KeptFolder {
            path: "/srv/a".into(),
            ..KeptFolder::default()
        }],
        archives: Vec::new(),
    };
    let removed = |by: &str| Body::LeftoversRemoved {
        by: by.into(),
        paths: Vec::new(),
    };
    let end = Body::Ended {
        state: EndState::Left,
        sentence: String::new(),
    };
    let bodies = [
        started(),
        removed("early"),
        Body::Kept { kept: kept.clone() },
        end,
        removed("ak"),
        removed("ben"),
    ];
    let view = folded(1, &bodies);
    assert_eq!(view.kept, Some(kept));
    let by = view.removed.as_ref().map(|r| (r.by.as_str(), r.at_ms));
    assert_eq!(by, Some(("ak", 5)));
    assert_eq!((view.span_ms, view.updated_ms()), (Some((1, 4)), Some(5)));
    let text = serde_json::to_string(&bodies[2]).unwrap();
    assert_eq!(serde_json::from_str::<Body>(&text).unwrap(), bodies[2]);
}

#[test]
fn a_removal_says_which_folders_and_the_others_are_still_left() {
    let folder = |path: &str| KeptFolder {
        path: path.into(),
        ..KeptFolder::default()
    };
    let begun = |paths: &[&str]| Body::RemovalBegun {
        by: "ak".into(),
        paths: paths.iter().map(ToString::to_string).collect(),
    };
    let removed = |by: &str, paths: &[&str]| Body::LeftoversRemoved {
        by: by.into(),
        paths: paths.iter().map(ToString::to_string).collect(),
    };
    let mut bodies = vec![
        started(),
        Body::Kept {
            kept: Kept {
                folders: vec![folder("/srv/a"), folder("/srv/b")],
                archives: Vec::new(),
            },
        },
        Body::Ended {
            state: EndState::Completed,
            sentence: String::new(),
        },
        begun(&["/srv/a"]),
    ];
    let view = folded(1, &bodies);
    assert_eq!(view.removing, ["/srv/a"]);
    assert_eq!(
        (view.folders_left().count(), view.updated_ms()),
        (2, Some(4))
    );
    bodies.push(Body::RemovalStopped {
        by: "ak".into(),
        paths: vec!["/srv/a".into()],
    });
    assert!(folded(1, &bodies).removing.is_empty());
    bodies.push(begun(&["/srv/a"]));
    bodies.push(removed("ak", &["/srv/a"]));
    let view = folded(1, &bodies);
    let left: Vec<_> = view.folders_left().map(|f| f.path.as_str()).collect();
    assert_eq!(left, ["/srv/b"]);
    assert!(view.removing.is_empty() && view.removed.is_none());
    bodies.push(removed("ben", &["/srv/b"]));
    let view = folded(1, &bodies);
    assert_eq!(view.folders_left().count(), 0);
    let by = view.removed.as_ref().map(|r| (r.by.as_str(), r.at_ms));
    assert_eq!(by, Some(("ben", 8)));
}

#[test]
fn checks_of_what_is_rolled_back_are_invalid() {
    let check = |name: &str| Check::new(name, Outcome::Pass, "");
    let verified = Body::Verified {
        checks: vec![check("opens").of_part("m1"), check("opens").of_part("m2")],
    };
    let mut bodies = vec![started(), Body::StepStarted { step: 1 }, verified];
    let view = folded(1, &bodies);
    assert_eq!(view.checks.len(), 2, "the same name of two members");
    assert!(!view.checks_are_invalid());
    bodies.push(Body::AbortRequested { by: "ak".into() });
    assert!(folded(1, &bodies).checks_are_invalid());
}

#[test]
fn a_step_is_of_the_host_that_its_events_name() {
    let on_h2 = |seq, body| Event {
        host: Some("h2".into()),
        ..event(seq, body)
    };
    let mut view = JobView::new(2);
    view.apply(&event(1, started()));
    view.apply(&on_h2(2, Body::StepStarted { step: 1 }));
    let line = "the service stops".to_owned();
    view.apply(&on_h2(3, Body::StepLog { step: 1, line }));
    view.apply(&event(4, Body::StepStarted { step: 2 }));
    assert_eq!(view.steps[0].host.as_deref(), Some("h2"));
    assert_eq!(view.log[0].host.as_deref(), Some("h2"));
    assert_eq!(view.steps[1].host, None);
}

#[test]
fn the_host_is_kept_beside_what_happened() {
    let stopped = Body::StepEnded {
        step: 1,
        outcome: StepOutcome::Unclear {
            why: "h2 does not answer".into(),
        },
    };
    let there = Occurrence {
        host: Some("h2".into()),
        body: stopped.clone(),
    };
    let json = serde_json::to_string(&there).unwrap();
    assert!(json.contains(r#""host":"h2""#), "{json}");
    let read: Occurrence = serde_json::from_str(&json).unwrap();
    assert_eq!(read, there);
    assert_eq!(Event::new(7, 9, read).occurrence(), there);
    // Nothing is written of none: a journal without hosts is as it was.
    let plain = serde_json::to_string(&Occurrence::from(stopped.clone())).unwrap();
    assert_eq!(plain, serde_json::to_string(&stopped).unwrap());
}
