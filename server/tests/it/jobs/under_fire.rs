//! The job engine under fire, for any kind of plan: every step twice, every step failing in turn, and the real
//! process killed before and after every write to the journal. A job that ends otherwise than completed, undone, or
//! waiting for a person with the exact question fails the test.
//!
//! To put another kind of plan under fire, write a [`Scene`] (which plan, what carries it out, what of the world it
//! changes), name it in [`scene`], and call these from tests of it:
//!
//! | | |
//! |---|---|
//! | [`Fire::twice`] | each probe, effect and undo is done twice in a row |
//! | [`Fire::each_step_fails`] | each probe, each effect (before and after it did something) and each undo fails, and a person gives every answer there is |
//! | [`Fire::killed_at_every_write`] | SIGKILL before and after each write of a job that completes |
//! | [`Fire::killed_on_the_way_back`] | the same for a job that a person takes back from its last step |
//! | [`Fire::beside_a_second`] | another job for the same target at each stage of the first: refused, and harmless where it could not be refused |
//! | [`Fire::a_second_is_killed`] | that other job is killed before and after each of its writes |
//!
//! The journal, the ledger and the database are the real ones. A process that is to be killed is this test binary
//! again: it kills itself from a wrapper around the journal, so that the product knows nothing of it.

mod faults;
mod life;
mod restore;
mod second;
mod toy;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use requorum_server::db::Database;
use requorum_server::jobs::runner::StepRunner;
use requorum_shared::job::events::Question;
use requorum_shared::job::fold::{JobState, JobView};
use requorum_shared::plan::Undo;
use requorum_shared::recovery::Plan;

use self::faults::{Fault, When, message};
use self::life::{Life, live};
use crate::support::harness::TestServer;
use crate::support::recovery::Console;

/// What a plan may change, in words that can be compared.
pub(crate) type World = BTreeMap<String, String>;

/// A plan, what carries it out, and the world around it.
#[async_trait]
pub(crate) trait Scene: Send + Sync {
    /// How a process that is to be killed finds it.
    fn name(&self) -> &'static str;
    /// Prepares the world in a console's data directory and gives an approved plan's id. Done once; each run has a
    /// copy of the data directory.
    async fn lay(&self, server: &TestServer, console: &Console) -> String;
    /// What carries the plan out in this copy.
    fn runner(&self, data: &Path, db: &Database) -> Arc<dyn StepRunner>;
    /// Everything that the plan may change in this copy.
    fn world(&self, data: &Path) -> World;
}

/// All scenes, by name.
fn scene(name: &str) -> Box<dyn Scene> {
    let all: [Box<dyn Scene>; 4] = [
        Box::new(restore::Restore),
        Box::new(toy::Toy::SOUND),
        Box::new(toy::Toy::PILING),
        Box::new(toy::Toy::FORGETFUL),
    ];
    all.into_iter()
        .find(|scene| scene.name() == name)
        .expect(name)
}

/// A scene that was laid, and what a job that nobody disturbs makes of it.
pub(crate) struct Fire<S> {
    scene: S,
    /// The data directory that each run copies.
    laid: tempfile::TempDir,
    plan: Plan,
    /// Other approved plans for the same target.
    seconds: Vec<Plan>,
    before: World,
    after: World,
}

impl<S: Scene> Fire<S> {
    /// Lays the scene and carries the plan out once.
    pub(crate) async fn on(scene: S) -> Self {
        let laid = tempfile::tempdir().unwrap();
        let server = TestServer::start().await;
        let console = Console::over(&server).await;
        let id = scene.lay(&server, &console).await;
        let (_, plan_json) = server.app().plans.plan(&id).await.unwrap().unwrap();
        let seconds = second::other_plans(&server, &id).await;
        drop(console);
        let kept = server.stop_and_keep().await;
        copy(&kept.path().join("data"), &laid.path().join("data"));
        let mut fire = Self {
            plan: serde_json::from_str(&plan_json).unwrap(),
            seconds,
            before: scene.world(&laid.path().join("data")),
            after: World::new(),
            scene,
            laid,
        };
        let run = fire.run();
        let view = fire.live(&run, Life::default()).await;
        assert_eq!(view.state, JobState::Completed, "undisturbed: {view:#?}");
        fire.after = fire.scene.world(&run.data());
        assert_ne!(fire.before, fire.after, "a plan changes something");
        fire
    }

    /// Each probe, effect and undo is done twice in a row.
    pub(crate) async fn twice(&self) {
        let twice = Life {
            twice: true,
            ..Life::default()
        };
        let run = self.run();
        let view = self.live(&run, twice.clone()).await;
        self.completed(&run, &view, "twice");
        let run = self.run();
        let last = self.plan.steps.len() as u32;
        let back = Life {
            fault: Some(Fault::of(last, When::After)),
            answers: self.way_back(),
            ..twice
        };
        let view = self.live(&run, back).await;
        self.went_back(&run, &view, "twice");
    }

    /// Each probe, effect and undo fails, and a person gives every answer there is.
    pub(crate) async fn each_step_fails(&self) {
        for step in &self.plan.steps {
            for when in [When::Probe, When::Before, When::After] {
                let fault = Fault::of(step.number, when);
                let what = format!("step {}, {when:?}", step.number);
                let failed = self.run();
                let view = self.live(&failed, Life::failing(fault)).await;
                self.asks_exactly(&view, step.number, when, &what);
                let answers = ["retry", "undo", "leave"].into_iter();
                for answer in answers.filter(|a| *a != "leave" || self.may_keep(step.number)) {
                    let run = failed.again();
                    let mut answers = vec![answer.to_owned()];
                    if answer == "undo" {
                        answers = self.way_back();
                    }
                    let view = self.live(&run, Life::answering(answers)).await;
                    match answer {
                        "retry" => self.completed(&run, &view, &what),
                        "undo" => self.went_back(&run, &view, &what),
                        _ => {
                            assert_eq!(view.state, JobState::Left, "{what}: {view:#?}");
                            assert!(!view.sentence.is_empty(), "{what}: it says what remains");
                        }
                    }
                }
            }
            if matches!(step.undo, Undo::Back(_)) {
                self.undo_fails(step.number).await;
            }
        }
    }

    async fn undo_fails(&self, step: u32) {
        let what = format!("step {step}, undo");
        // The last step fails after all the others are done, and on the way back this one does.
        let failed = self.run();
        let last = Fault::of(self.plan.steps.len() as u32, When::After);
        self.live(&failed, Life::failing(last)).await;
        let going_back = Life {
            fault: Some(Fault::of(step, When::Undo)),
            answers: self.way_back_to(step),
            ..Life::default()
        };
        let view = self.live(&failed, going_back).await;
        self.asks_exactly(&view, step, When::Undo, &what);
        for answer in ["retry", "leave"] {
            let run = failed.again();
            let mut answers = vec![answer.to_owned()];
            answers.extend(self.way_back_from(step));
            let view = self.live(&run, Life::answering(answers)).await;
            match answer {
                "retry" => self.went_back(&run, &view, &what),
                _ => assert_eq!(view.state, JobState::Left, "{what}: {view:#?}"),
            }
        }
    }

    /// SIGKILL before and after each write of a job that completes.
    pub(crate) async fn killed_at_every_write(&self) {
        let kills = self.killed(&[], Life::default()).await;
        assert!(kills > 4 * self.plan.steps.len(), "{kills} kills");
    }

    /// SIGKILL before and after each write of a job that a person takes back from its last step.
    pub(crate) async fn killed_on_the_way_back(&self) {
        let last = Fault::of(self.plan.steps.len() as u32, When::After);
        let answering = Life::answering(self.way_back());
        let kills = self.killed(&[Life::failing(last)], answering).await;
        assert!(kills > 2 * self.plan.steps.len(), "{kills} kills");
    }

    /// Lives through `first`, and then through `then` in a process that is killed at each point in turn; gives how
    /// many there were.
    async fn killed(&self, first: &[Life], then: Life) -> usize {
        for point in 0.. {
            let run = self.run();
            for life in first {
                self.live(&run, life.clone()).await;
            }
            let doomed = Life {
                kill_at: Some(point),
                ..then.clone()
            };
            let killed = self.process(&run, &doomed);
            // Whatever was still to be answered is answered again, as a person would who finds the question open.
            let view = self.live(&run, then.clone()).await;
            let what = format!("killed at {point}");
            if first.is_empty() {
                self.completed(&run, &view, &what);
            } else {
                self.went_back(&run, &view, &what);
            }
            if !killed {
                return point;
            }
        }
        unreachable!("a job has an end")
    }

    /// One life in a process of its own; whether it was killed.
    fn process(&self, run: &Run, life: &Life) -> bool {
        self.process_of(run, &self.plan, life)
    }

    fn process_of(&self, run: &Run, plan: &Plan, life: &Life) -> bool {
        // As the test harness calls it: without the name of the binary.
        let (_, module) = module_path!().split_once("::").unwrap();
        let killed = format!("{module}::the_process_that_is_killed");
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &killed])
            .args(["--ignored", "--nocapture"])
            .env("REQUORUM_UNDER_FIRE_SCENE", self.scene.name())
            .env("REQUORUM_UNDER_FIRE_DATA", run.data())
            .env("REQUORUM_UNDER_FIRE_PLAN", &plan.id)
            .env(
                "REQUORUM_UNDER_FIRE_LIFE",
                serde_json::to_string(life).unwrap(),
            )
            .stdin(Stdio::null())
            .output()
            .unwrap();
        match (output.status.signal(), output.status.code()) {
            (Some(9), _) => true,
            (None, Some(0)) => false,
            _ => panic!("{output:?}"),
        }
    }

    async fn live(&self, run: &Run, life: Life) -> JobView {
        live(&self.scene, &run.data(), &self.plan.id, life).await
    }

    fn run(&self) -> Run {
        Run::of(&self.laid.path().join("data"))
    }

    #[track_caller]
    fn completed(&self, run: &Run, view: &JobView, what: &str) {
        assert_eq!(view.state, JobState::Completed, "{what}: {view:#?}");
        let world = self.scene.world(&run.data());
        assert_eq!(
            world, self.after,
            "{what}: it is as if nothing had happened"
        );
    }

    /// It is undone and nothing is left; or, where something cannot be taken back, a person left that.
    #[track_caller]
    fn went_back(&self, run: &Run, view: &JobView, what: &str) {
        if self.returns().len() == self.plan.steps.len() {
            assert_eq!(view.state, JobState::Undone, "{what}: {view:#?}");
            let world = self.scene.world(&run.data());
            assert_eq!(world, self.before, "{what}: nothing is left");
        } else {
            let end = [JobState::Undone, JobState::Left];
            assert!(end.contains(&view.state), "{what}: {view:#?}");
        }
    }

    /// The steps that can be taken back.
    fn returns(&self) -> Vec<u32> {
        let back = |undo: &Undo| !matches!(undo, Undo::PointOfNoReturn(_));
        let steps = self.plan.steps.iter().filter(|step| back(&step.undo));
        steps.map(|step| step.number).collect()
    }

    /// What a person answers who wants everything taken back: first that, then what cannot be is left.
    fn way_back(&self) -> Vec<String> {
        self.way_back_to(0)
    }

    fn way_back_to(&self, step: u32) -> Vec<String> {
        let mut answers = vec!["undo".to_owned()];
        answers.extend(self.leaving(|number| number > step));
        answers
    }

    fn way_back_from(&self, step: u32) -> Vec<String> {
        self.leaving(|number| number < step)
    }

    fn leaving(&self, which: impl Fn(u32) -> bool) -> Vec<String> {
        let stays = |step: &&requorum_shared::recovery::Step| {
            matches!(step.undo, Undo::PointOfNoReturn(_)) && which(step.number)
        };
        let steps = self.plan.steps.iter().filter(stays);
        steps.map(|_| "leave".to_owned()).collect()
    }

    /// Whether something may have been changed that could be kept, once this step has begun.
    fn may_keep(&self, step: u32) -> bool {
        let begun = self.plan.steps.iter().filter(|s| s.number <= step);
        begun.into_iter().any(|s| !matches!(s.undo, Undo::Nothing))
    }

    /// The question is about this step, quotes what went wrong, and each choice says what it leads to.
    #[track_caller]
    fn asks_exactly(&self, view: &JobView, step: u32, when: When, what: &str) {
        assert_eq!(view.state, JobState::Waiting, "{what}: {view:#?}");
        let question: &Question = view.question.as_ref().expect(what);
        let title = &self.plan.steps[step as usize - 1].title;
        let (text, choices) = match when {
            When::Undo => (
                format!("Step {step}, “{title}”, could not be rolled back: choose how to proceed."),
                vec!["retry", "leave"],
            ),
            _ => (
                format!("Step {step}, “{title}”, failed: choose how to proceed."),
                match self.may_keep(step) {
                    true => vec!["retry", "undo", "leave"],
                    false => vec!["retry", "undo"],
                },
            ),
        };
        assert_eq!((question.step, &question.text), (step, &text), "{what}");
        assert_eq!(question.evidence, message(when), "{what}");
        let ids: Vec<&str> = question.choices.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, choices, "{what}");
        assert!(question.choices.iter().all(|c| !c.consequence.is_empty()));
    }
}

/// One run's copy of the data directory.
struct Run(tempfile::TempDir);

impl Run {
    fn of(data: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(data, &dir.path().join("data"));
        Self(dir)
    }

    /// Another one that has come as far.
    fn again(&self) -> Self {
        Self::of(&self.data())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
#[ignore = "a process that the tests of this module start and kill"]
fn the_process_that_is_killed() {
    let named = |name: &str| std::env::var(format!("REQUORUM_UNDER_FIRE_{name}")).expect(name);
    let scene = scene(&named("SCENE"));
    let life: Life = serde_json::from_str(&named("LIFE")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = PathBuf::from(named("DATA"));
    runtime.block_on(live(scene.as_ref(), &data, &named("PLAN"), life));
}
