//! The job engine against a world that can be looked at: killed at every point of a job, with steps that fail,
//! panic, pause and are taken back.

mod back;
mod books;
mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;

use requorum_server::config::LEASE;
use requorum_server::jobs::engine::{Engine, Owner};
use requorum_server::jobs::log::{Claim, JobLog as _, Writer};
use requorum_shared::job::events::{Body, Choice, EndState, Event, Question};
use requorum_shared::job::fold::{JobState, JobView};

use crate::support::believed::as_written;

use self::world::{Fault, JOB, Memory, STEPS, State, World};

/// One process: it lives until the job is over, until it is killed, or until it waits for a person.
fn live(
    world: &Arc<World>,
    log: &Arc<Memory>,
    owner: &str,
    person: impl FnOnce(&Handle) -> Option<JoinHandle<()>>,
) {
    let before = log.adoptions();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let engine = Engine::with_proof(
            log.clone(),
            books::fresh().await,
            as_written(),
            world.runners(),
            Arc::new(requorum_server::clock::SystemClock),
            Owner {
                id: owner.into(),
                lease: LEASE,
                shared: false,
            },
        );
        engine.resume_all().await.unwrap();
        let handle = Handle {
            world: world.clone(),
            engine,
            log: log.clone(),
        };
        let wish = person(&handle);
        let patience = Duration::from_secs(10);
        let settled = || {
            let wished = wish.as_ref().is_none_or(JoinHandle::is_finished);
            log.is_over() || wished && log.adoptions() > before && log.waits()
        };
        tokio::time::timeout(patience, world.until(settled))
            .await
            .expect("the job ends, waits, or is killed");
    });
    // Dropped without a word to anybody, as SIGKILL does it.
    runtime.shutdown_background();
}

struct Handle {
    world: Arc<World>,
    engine: Arc<Engine>,
    log: Arc<Memory>,
}

impl Handle {
    /// Appends what a person wants, whatever the journal says meanwhile.
    fn wish(&self, body: Body) -> Option<JoinHandle<()>> {
        let (engine, log) = (self.engine.clone(), self.log.clone());
        let world = self.world.clone();
        Some(tokio::spawn(async move {
            loop {
                let saw = log.events(JOB, 0).await.unwrap().len() as u64;
                if engine
                    .append_for_person(JOB, &body, saw)
                    .await
                    .unwrap()
                    .is_some()
                {
                    break;
                }
                tokio::task::yield_now().await;
            }
            world.look_again();
        }))
    }
}

fn nobody(_: &Handle) -> Option<JoinHandle<()>> {
    None
}

fn view(log: &Memory) -> JobView {
    let mut view = JobView::new(STEPS);
    for event in log.all() {
        assert!(view.apply(&event), "a gap at {event:?}");
    }
    view
}

/// Answers the open question in a new life of the process.
fn answer(world: &Arc<World>, log: &Arc<Memory>, choice: &str) {
    let question = view(log).question.expect("a question is open");
    let choices: Vec<&str> = question.choices.iter().map(|c| c.id.as_str()).collect();
    assert!(choices.contains(&choice), "{choice} is none of {choices:?}");
    let answered = Body::Answered {
        question: question.id,
        choice: choice.into(),
        by: "ak".into(),
    };
    world.revive(None);
    live(world, log, "answering", |handle| handle.wish(answered));
}

#[test]
fn killed_at_any_point_it_completes_and_does_nothing_twice() {
    let mut points = 0;
    for kill_at in 1.. {
        let (world, log) = world::fresh();
        world.revive(Some(kill_at));
        live(&world, &log, "first", nobody);
        let killed = world.was_killed();
        if killed {
            assert!(!log.is_over() || view(&log).state == JobState::Completed);
            world.revive(None);
            live(&world, &log, "second", nobody);
        }
        let view = view(&log);
        assert_eq!(view.state, JobState::Completed, "killed at {kill_at}");
        for step in 1..=STEPS {
            assert_eq!(
                world.state(step),
                State::Done,
                "step {step}, killed at {kill_at}"
            );
            assert_eq!(
                world.completions(step),
                1,
                "step {step}, killed at {kill_at}"
            );
        }
        if !killed {
            break;
        }
        points = kill_at;
    }
    assert!(points > 4 * STEPS, "{points} points were tried");
}

#[test]
fn an_entry_that_was_written_without_a_word_is_not_written_again() {
    let undisturbed = {
        let (world, log) = world::fresh();
        live(&world, &log, "first", nobody);
        log.all()
    };
    let bodies = |events: Vec<Event>| events.into_iter().map(|event| event.body);
    // The job is there with its first entry.
    let entries = 0..undisturbed.len() - 1;
    std::thread::scope(|scope| {
        for (entry, written) in entries.flat_map(|entry| [(entry, true), (entry, false)]) {
            let wanted = bodies(undisturbed.clone());
            scope.spawn(move || {
                let (world, log) = world::fresh();
                *log.gone.lock().unwrap() = Some((entry, written));
                live(&world, &log, "first", nobody);
                assert_eq!(*log.gone.lock().unwrap(), None, "it went away");
                assert!(bodies(log.all()).eq(wanted), "{entry}: {:#?}", log.all());
            });
        }
    });
}

#[test]
fn a_plan_that_was_exchanged_is_not_carried_on() {
    let mut after_steps = 0;
    for kill_at in 1.. {
        let (world, log) = world::fresh();
        world.revive(Some(kill_at));
        live(&world, &log, "first", nobody);
        if !world.was_killed() {
            break;
        }
        if log.is_over() {
            continue;
        }
        let before: Vec<_> = (1..=STEPS).map(|step| world.state(step)).collect();
        after_steps = before.iter().filter(|s| **s == State::Done).count();
        world.revive(None);
        log.swapped.store(true, Ordering::Relaxed);
        live(&world, &log, "second", nobody);
        assert_eq!(view(&log).state, JobState::Left, "killed at {kill_at}");
        let after: Vec<_> = (1..=STEPS).map(|step| world.state(step)).collect();
        assert_eq!(after, before, "killed at {kill_at}");
    }
    assert_eq!(after_steps, STEPS, "it was tried up to the last");
}

#[test]
fn killed_twice_in_a_row_it_still_completes() {
    for first in (1..25).step_by(3) {
        for second in 1..12 {
            let (world, log) = world::fresh();
            world.revive(Some(first));
            live(&world, &log, "first", nobody);
            world.revive(Some(second));
            live(&world, &log, "second", nobody);
            world.revive(None);
            live(&world, &log, "third", nobody);
            assert_eq!(view(&log).state, JobState::Completed, "{first}, {second}");
            assert!((1..=STEPS).all(|step| world.completions(step) == 1));
        }
    }
}

#[test]
fn killed_at_any_point_while_it_undoes_nothing_is_left() {
    let mut points = 0;
    for kill_at in 1.. {
        let (world, log) = world::fresh();
        world.fail(3, Fault::Once);
        world.revive(None);
        live(&world, &log, "failing", nobody);
        assert_eq!(view(&log).state, JobState::Waiting);
        let question = view(&log).question.unwrap();
        let undo = Body::Answered {
            question: question.id,
            choice: "undo".into(),
            by: "ak".into(),
        };
        world.revive(Some(kill_at));
        live(&world, &log, "undoing", |handle| handle.wish(undo));
        let killed = world.was_killed();
        if log.waits() {
            // Killed before the answer was written: it is given again.
            answer(&world, &log, "undo");
        } else if killed {
            world.revive(None);
            live(&world, &log, "second", nobody);
        }
        let view = view(&log);
        assert_eq!(
            view.state,
            JobState::Undone,
            "killed at {kill_at}: {view:#?}"
        );
        for step in 1..=STEPS {
            assert_eq!(
                world.state(step),
                State::Missing,
                "step {step}, killed at {kill_at}"
            );
        }
        if !killed {
            break;
        }
        points = kill_at;
    }
    assert!(points > 8, "{points} points were tried");
}

#[test]
fn each_step_may_fail_and_is_tried_again() {
    for step in 1..=STEPS {
        let (world, log) = world::fresh();
        world.fail(step, Fault::Once);
        world.revive(None);
        live(&world, &log, "first", nobody);
        let asked = view(&log);
        let question = asked.question.clone().unwrap();
        assert_eq!(
            (question.step as usize, asked.state),
            (step, JobState::Waiting)
        );
        assert!(question.evidence.contains("made to fail"), "{question:?}");
        answer(&world, &log, "retry");
        assert_eq!(view(&log).state, JobState::Completed, "step {step}");
        assert!((1..=STEPS).all(|step| world.completions(step) == 1));
    }
}

#[test]
fn a_person_may_leave_it_and_is_told_what_remains() {
    let (world, log) = world::fresh();
    world.fail(3, Fault::Always);
    world.revive(None);
    live(&world, &log, "first", nobody);
    let question = view(&log).question.unwrap();
    let leave = consequence(&question, "leave");
    assert!(
        leave.contains("step 1, 2, 3") && leave.contains("effect of 2"),
        "{leave}"
    );
    let undo = consequence(&question, "undo");
    assert!(
        undo.contains("way back of 2") && undo.contains("way back of 1"),
        "{undo}"
    );
    answer(&world, &log, "leave");
    let view = view(&log);
    assert_eq!(view.state, JobState::Left);
    assert!(view.sentence.contains("effect of 1"), "{}", view.sentence);
    assert_eq!(world.state(1), State::Done);
    assert_eq!(world.state(4), State::Missing, "nothing went on");
}

#[test]
fn an_undo_that_fails_asks_and_the_rest_is_undone() {
    for choice in ["retry", "leave"] {
        let (world, log) = world::fresh();
        world.fail(4, Fault::Always);
        world.fail_undo(2, Fault::Once);
        world.revive(None);
        live(&world, &log, "first", nobody);
        answer(&world, &log, "undo");
        let asked = view(&log);
        assert_eq!(
            (asked.state, asked.question.unwrap().step),
            (JobState::Waiting, 2)
        );
        assert_eq!(world.state(3), State::Missing, "newest first");
        answer(&world, &log, choice);
        let view = view(&log);
        let expected = if choice == "retry" {
            JobState::Undone
        } else {
            JobState::Left
        };
        assert_eq!(view.state, expected);
        assert_eq!(
            world.state(1),
            State::Missing,
            "what came before is undone either way"
        );
        assert_eq!(world.state(2) == State::Missing, choice == "retry");
    }
}

#[test]
fn a_step_that_panics_is_a_question_and_no_crash() {
    let (world, log) = world::fresh();
    world.fail(2, Fault::Panic);
    world.revive(None);
    live(&world, &log, "first", nobody);
    let question = view(&log).question.unwrap();
    assert!(
        question.evidence.contains("bug in Requorum"),
        "{}",
        question.evidence
    );
    answer(&world, &log, "retry");
    assert_eq!(view(&log).state, JobState::Completed);
}

#[test]
fn a_pause_comes_before_the_next_step_and_survives_a_restart() {
    let (world, log) = world::fresh();
    world.revive(None);
    let pause = Body::Paused { by: "ak".into() };
    live(&world, &log, "first", |handle| handle.wish(pause));
    let paused = view(&log);
    assert_eq!(paused.state, JobState::Paused);
    let done = world.done();
    assert!(done < STEPS);
    world.revive(None);
    live(&world, &log, "second", nobody);
    assert_eq!(world.done(), done, "still paused");
    let resume = Body::Resumed { by: "ak".into() };
    world.revive(None);
    live(&world, &log, "third", |handle| handle.wish(resume));
    assert_eq!(view(&log).state, JobState::Completed);
}

#[test]
fn an_abort_reaches_the_step_that_runs() {
    let (world, log) = world::fresh();
    world.fail(2, Fault::UntilCancelled);
    world.revive(None);
    let abort = Body::AbortRequested { by: "ak".into() };
    let at = world.clone();
    live(&world, &log, "first", |handle| {
        let (engine, log) = (handle.engine.clone(), handle.log.clone());
        Some(tokio::spawn(async move {
            at.until(|| at.state(2) == State::Half).await;
            let saw = log.all().len() as u64;
            engine
                .append_for_person(JOB, &abort, saw)
                .await
                .unwrap()
                .unwrap();
            at.look_again();
        }))
    });
    assert_eq!(view(&log).state, JobState::Undone);
    assert!((1..=STEPS).all(|step| world.state(step) == State::Missing));
}

/// A person wants the job to stop at the moment at which it comes to this entry.
fn aborted_just_before(kind: world::Kind, fault: Option<Fault>) -> (Arc<World>, Arc<Memory>) {
    let (world, log) = world::fresh();
    if let Some(fault) = fault {
        world.fail(3, fault);
    }
    let abort = Body::AbortRequested { by: "ak".into() };
    *log.before.lock().unwrap() = Some((kind, abort));
    world.revive(None);
    live(&world, &log, "first", nobody);
    assert!(
        log.before.lock().unwrap().is_none(),
        "it came to that entry"
    );
    (world, log)
}

#[test]
fn an_abort_that_comes_with_the_end_is_not_lost() {
    let (world, log) = aborted_just_before(|body| matches!(body, Body::Ended { .. }), None);
    assert_eq!(view(&log).state, JobState::Undone, "{:#?}", log.all());
    assert!((1..=STEPS).all(|step| world.state(step) == State::Missing));
}

#[test]
fn an_abort_that_comes_with_a_question_is_not_asked_again() {
    let asks: world::Kind = |body| matches!(body, Body::Asked { .. });
    let (world, log) = aborted_just_before(asks, Some(Fault::Once));
    assert_eq!(view(&log).state, JobState::Undone, "{:#?}", log.all());
    assert!(!log.all().iter().any(|event| asks(&event.body)));
    assert!((1..=STEPS).all(|step| world.state(step) == State::Missing));
}

#[tokio::test]
async fn a_job_that_ends_between_two_looks_is_read_to_its_end() {
    let (_, log) = world::fresh();
    let ended = Body::Ended {
        state: EndState::Completed,
        sentence: String::new(),
    };
    *log.meanwhile.lock().unwrap() = Some(ended);
    let read = log.read(JOB, 0).await.unwrap();
    let has_end = matches!(read.events.last().unwrap().body, Body::Ended { .. });
    assert!(has_end || !read.over, "{read:?}");
    let read = log.read(JOB, 1).await.unwrap();
    assert!(read.over && read.events.len() == 1, "{read:?}");
    let read = log.read(JOB, 2).await.unwrap();
    assert!(read.over && read.events.is_empty(), "{read:?}");
}

#[test]
fn the_journal_says_began_before_and_ended_after() {
    let (world, log) = world::fresh();
    world.revive(None);
    live(&world, &log, "first", nobody);
    let mut began = 0;
    for event in log.all() {
        match event.body {
            Body::StepStarted { step } => {
                assert_eq!(step, began + 1);
                began = step;
            }
            Body::StepEnded { step, .. } => assert_eq!(step, began),
            Body::Ended { state, .. } => {
                assert_eq!((state, began as usize), (EndState::Completed, STEPS));
            }
            _ => {}
        }
    }
    // What the world saw: at each effect, the journal's last word was that this step began.
    assert_eq!(
        world.seen_at_effects(),
        (1..=STEPS as u32).collect::<Vec<_>>()
    );
}

#[test]
fn only_the_owner_writes_and_two_never_own() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (_, log) = world::fresh();
        let claim = |owner, now_ms| Claim {
            owner,
            now_ms,
            lease_ms: 100,
        };
        assert!(log.claim(JOB, claim("a", 0)).await.unwrap());
        assert!(!log.claim(JOB, claim("b", 50)).await.unwrap());
        let body = Body::StepStarted { step: 1 }.into();
        assert!(
            log.append(JOB, 0, &body, Writer::Owner("b"))
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            log.append(JOB, 0, &body, Writer::Owner("a"))
                .await
                .unwrap()
                .is_some()
        );
        assert!(
            log.claim(JOB, claim("b", 100)).await.unwrap(),
            "the claim has run out"
        );
        assert!(
            log.append(JOB, 0, &body, Writer::Owner("a"))
                .await
                .unwrap()
                .is_none()
        );
    });
}

fn consequence(question: &Question, id: &str) -> String {
    let found: Option<&Choice> = question.choices.iter().find(|c| c.id == id);
    found.unwrap().consequence.clone()
}

#[test]
fn a_step_of_a_person_asks_what_the_plan_foresaw() {
    for (choice, state, made) in [
        ("yes", JobState::Completed, [true, false, true, true]),
        ("no", JobState::Undone, [false; 4]),
        ("stop", JobState::Left, [true, false, false, false]),
    ] {
        let (world, log) = world::fresh();
        *log.gate.lock().unwrap() = Some(2);
        live(&world, &log, "first", nobody);
        let question = view(&log).question.expect("the gate asks");
        assert_eq!(question.text, "Does the new cluster answer?");
        assert_eq!(question.evidence, "It was started a minute ago.");
        assert_eq!(consequence(&question, choice), format!("{choice} it is"));
        answer(&world, &log, choice);
        let view = view(&log);
        assert_eq!(view.state, state, "{choice}");
        let there: Vec<_> = (1..=STEPS)
            .map(|step| world.state(step) == State::Done)
            .collect();
        assert_eq!(there, made, "{choice}");
        if choice == "yes" {
            assert_eq!(view.steps[1].note, "ak chose “yes”.");
        }
    }
}

#[test]
fn what_passes_is_tried_again_without_asking_and_then_asked() {
    let (world, log) = world::fresh();
    world.fail(2, Fault::Passes(2));
    live(&world, &log, "first", nobody);
    let retried = |log: &Memory| {
        let retries = log.all().into_iter().filter_map(|event| match event.body {
            Body::StepRetried { attempt, .. } => Some(attempt),
            _ => None,
        });
        retries.collect::<Vec<_>>()
    };
    assert_eq!(view(&log).state, JobState::Completed);
    assert_eq!(retried(&log), [1, 2]);
    assert_eq!(world.completions(2), 1);

    let (world, log) = world::fresh();
    world.fail(2, Fault::Passes(3));
    live(&world, &log, "first", nobody);
    assert_eq!(retried(&log), [1, 2]);
    let question = view(&log).question.expect("after the last it asks");
    assert!(
        question.text.contains("failed 3 times"),
        "{}",
        question.text
    );
    answer(&world, &log, "retry");
    assert_eq!(view(&log).state, JobState::Completed);
}

#[test]
fn killed_between_two_tries_it_continues_from_there() {
    for kill_at in 1.. {
        let (world, log) = world::fresh();
        world.fail(2, Fault::Passes(2));
        world.revive(Some(kill_at));
        live(&world, &log, "first", nobody);
        let killed = world.was_killed();
        if killed {
            world.revive(None);
            live(&world, &log, "second", nobody);
        }
        let view = view(&log);
        // A try that was cut off is not counted: one more may be left than there are failures.
        assert_eq!(view.state, JobState::Completed, "killed at {kill_at}");
        if !killed {
            break;
        }
    }
}

/// A step failed in a way that passes, and a person paused the job before the next try.
fn paused_between_two_tries() -> (Arc<World>, Arc<Memory>) {
    let (world, log) = world::fresh();
    world.fail(2, Fault::Passes(2));
    let retries: world::Kind = |body| matches!(body, Body::StepRetried { .. });
    *log.before.lock().unwrap() = Some((retries, Body::Paused { by: "ak".into() }));
    world.revive(None);
    live(&world, &log, "first", nobody);
    assert_eq!(view(&log).state, JobState::Paused);
    assert_eq!(world.state(2), State::Half);
    (world, log)
}

/// How often the step began.
fn tries(log: &Memory, step: u32) -> usize {
    let began = |event: &&Event| event.body == Body::StepStarted { step };
    log.all().iter().filter(began).count()
}

#[test]
fn a_pause_between_two_tries_holds_and_survives_a_restart() {
    let (world, log) = paused_between_two_tries();
    // Long after the time of the next try.
    std::thread::sleep(Duration::from_millis(50));
    world.revive(None);
    live(&world, &log, "second", nobody);
    assert_eq!((tries(&log, 2), world.state(2)), (1, State::Half));
    let resume = Body::Resumed { by: "ak".into() };
    world.revive(None);
    live(&world, &log, "third", |handle| handle.wish(resume));
    assert_eq!(view(&log).state, JobState::Completed);
    assert_eq!((tries(&log, 2), world.completions(2)), (3, 1));
}

#[test]
fn an_abort_between_two_tries_undoes_what_the_first_left_wherever_it_is_killed() {
    let abort = Body::AbortRequested { by: "ak".into() };
    let mut points = 0;
    for kill_at in 1.. {
        let (world, log) = paused_between_two_tries();
        world.revive(Some(kill_at));
        live(&world, &log, "aborting", |handle| {
            handle.wish(abort.clone())
        });
        let killed = world.was_killed();
        if killed {
            world.revive(None);
            let heard = log.all().iter().any(|event| event.body == abort);
            live(&world, &log, "second", |handle| match heard {
                true => None,
                // Killed before it was written: it is asked for again.
                false => handle.wish(abort.clone()),
            });
        }
        let ended = view(&log);
        assert_eq!(ended.state, JobState::Undone, "killed at {kill_at}");
        let left = (1..=STEPS).filter(|step| world.state(*step) != State::Missing);
        assert_eq!(left.count(), 0, "killed at {kill_at}");
        assert_eq!(tries(&log, 2), 1, "killed at {kill_at}");
        if !killed {
            break;
        }
        points = kill_at;
    }
    assert!(points > 4, "{points} points were tried");
}

#[test]
fn a_probe_that_cannot_tell_asks_and_each_answer_does_what_it_says() {
    for (choice, completions, state) in [
        ("retry", 1, JobState::Completed),
        ("carry-out", 1, JobState::Completed),
        ("done", 0, JobState::Completed),
        ("undo", 0, JobState::Undone),
        ("leave", 0, JobState::Left),
    ] {
        let (world, log) = world::fresh();
        world.fail(2, Fault::CannotTell);
        live(&world, &log, "first", nobody);
        let question = view(&log).question.expect("it asks");
        assert!(question.text.starts_with("Whether step 2"));
        assert_eq!(question.evidence, "it is foggy");
        assert_eq!(world.state(2), State::Missing, "nothing was done");
        answer(&world, &log, choice);
        assert_eq!(view(&log).state, state, "{choice}");
        assert_eq!(world.completions(2), completions, "{choice}");
    }
    // What is carried out on a person's word is not looked for first.
    let (world, log) = world::fresh();
    world.fail(2, Fault::CannotTell);
    live(&world, &log, "first", nobody);
    world.fail(2, Fault::CannotTell);
    answer(&world, &log, "carry-out");
    assert_eq!(view(&log).state, JobState::Completed);
}

#[test]
fn a_refusal_before_anything_changed_ends_the_job_and_later_asks() {
    let (world, log) = world::fresh();
    world.fail(1, Fault::Refuses);
    live(&world, &log, "first", nobody);
    let ended = view(&log);
    assert_eq!(ended.state, JobState::Undone);
    assert_eq!(ended.asked, 0);
    assert_eq!(
        ended.sentence,
        "Stopped before anything was changed. Something else is there."
    );

    let (world, log) = world::fresh();
    world.fail(3, Fault::Refuses);
    live(&world, &log, "first", nobody);
    let question = view(&log).question.expect("it asks");
    let choices: Vec<_> = question.choices.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(choices, ["undo", "leave"], "to try again makes no sense");
    answer(&world, &log, "undo");
    assert_eq!(view(&log).state, JobState::Undone);
}
