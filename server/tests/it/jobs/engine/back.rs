//! The way back: what is tried again by itself, what is asked, and what a person has to roll back.

use std::sync::atomic::Ordering;

use requorum_shared::job::events::Body;
use requorum_shared::job::fold::{JobState, StepState};

use super::world::{self, Fault, Memory, State};
use super::{answer, consequence, live, nobody, view};

fn retried(log: &Memory) -> Vec<u32> {
    let events = log.all().into_iter();
    let retries = events.filter_map(|event| match event.body {
        Body::UndoRetried { attempt, .. } => Some(attempt),
        _ => None,
    });
    retries.collect()
}

#[test]
fn what_passes_is_tried_again_on_the_way_back_and_then_asked() {
    for (failures, asks) in [(2, false), (3, true)] {
        let (world, log) = world::fresh();
        world.fail(4, Fault::Always);
        world.fail_undo(2, Fault::Passes(failures));
        world.revive(None);
        live(&world, &log, "first", nobody);
        answer(&world, &log, "undo");
        assert_eq!(retried(&log), [1, 2]);
        if asks {
            let question = view(&log).question.expect("after the last it asks");
            assert_eq!(question.step, 2);
            answer(&world, &log, "retry");
        }
        assert_eq!(view(&log).state, JobState::Undone);
        assert_eq!(world.state(2), State::Missing);
    }
}

#[test]
fn killed_between_two_tries_back_it_continues_from_there() {
    for kill_at in 1.. {
        let (world, log) = world::fresh();
        world.fail(4, Fault::Always);
        world.fail_undo(2, Fault::Passes(2));
        world.revive(None);
        live(&world, &log, "first", nobody);
        let question = view(&log).question.unwrap();
        world.revive(Some(kill_at));
        live(&world, &log, "second", |handle| {
            handle.wish(Body::Answered {
                question: question.id.clone(),
                choice: "undo".into(),
                by: "ak".into(),
            })
        });
        let killed = world.was_killed();
        if killed {
            world.revive(None);
            live(&world, &log, "third", nobody);
            if view(&log).question.is_some() {
                answer(&world, &log, "undo");
            }
        }
        assert_eq!(view(&log).state, JobState::Undone, "killed at {kill_at}");
        if !killed {
            break;
        }
    }
}

#[test]
fn what_cannot_be_rolled_back_is_not_offered_again() {
    let (world, log) = world::fresh();
    world.fail(4, Fault::Always);
    world.fail_undo(2, Fault::Refuses);
    world.revive(None);
    live(&world, &log, "first", nobody);
    answer(&world, &log, "undo");
    let question = view(&log).question.expect("it asks");
    let choices: Vec<_> = question.choices.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(choices, ["leave"]);
    answer(&world, &log, "leave");
    assert_eq!(view(&log).state, JobState::Left);
    assert_eq!(world.state(1), State::Missing);
}

#[test]
fn what_a_person_did_is_rolled_back_by_a_person() {
    for (choice, state, step) in [
        ("done", JobState::Undone, StepState::Undone),
        ("leave", JobState::Left, StepState::Left),
    ] {
        let (world, log) = world::fresh();
        *log.gate.lock().unwrap() = Some(2);
        log.gate_back.store(true, Ordering::Relaxed);
        world.fail(3, Fault::Always);
        world.revive(None);
        live(&world, &log, "first", nobody);
        answer(&world, &log, "yes");
        answer(&world, &log, "undo");
        let question = view(&log).question.expect("the person is asked");
        assert_eq!(
            (question.step, question.evidence.as_str()),
            (2, "way back of 2")
        );
        assert!(consequence(&question, "leave").contains("by hand"));
        assert_eq!(world.state(1), State::Done, "nothing before it is touched");
        answer(&world, &log, choice);
        let view = view(&log);
        assert_eq!((view.state, view.steps[1].state), (state, step), "{choice}");
        assert_eq!(world.state(1), State::Missing);
    }
}
