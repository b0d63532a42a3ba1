//! A plan of four files, to show that the fire burns: made with care it survives, and each carelessness is found.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use requorum_server::db::Database;
use requorum_server::jobs::context::Context;
use requorum_server::jobs::runner::{Probe, StepError, StepEvidence, StepRunner};
use requorum_server::plans::store::{Added, PlanRow, PlanState};
use requorum_shared::plan::Undo;
use requorum_shared::recovery::{Plan, Step};

use super::{Fire, Scene, World};
use crate::support::harness::TestServer;
use crate::support::recovery::{Console, request};

/// The step that cannot be taken back.
const FOR_GOOD: u32 = 2;

/// How the files are made and unmade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Sound,
    /// An effect adds to what an earlier attempt left.
    Piling,
    /// What was done is not all taken back.
    Forgetful,
}

/// Four files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Toy {
    name: &'static str,
    manner: Manner,
}

impl Toy {
    pub(super) const SOUND: Self = Self {
        name: "sound",
        manner: Manner::Sound,
    };
    pub(super) const PILING: Self = Self {
        name: "piling",
        manner: Manner::Piling,
    };
    pub(super) const FORGETFUL: Self = Self {
        name: "forgetful",
        manner: Manner::Forgetful,
    };
}

#[async_trait]
impl Scene for Toy {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn lay(&self, server: &TestServer, console: &Console) -> String {
        let snapshot = console.upload("3.6.14-mixed.db").await;
        let sealed = console.seal(&request(&snapshot, "a")).await.unwrap();
        let plans = &server.app().plans;
        let (row, json) = plans.plan(&sealed.id).await.unwrap().unwrap();
        let mut plan: Plan = serde_json::from_str(&json).unwrap();
        plan.id = "toy".into();
        plan.steps.truncate(4);
        for step in &mut plan.steps {
            step.title = format!("make file {}", step.number);
            step.undo = match step.number {
                FOR_GOOD if self.manner == Manner::Sound => {
                    Undo::PointOfNoReturn("It stays.".into())
                }
                _ => Undo::Back("It is removed.".into()),
            };
        }
        let row = PlanRow {
            id: plan.id.clone(),
            hash: plan.hash(),
            state: PlanState::Approved,
            ..row
        };
        let json = plan.canonical_json();
        let added = plans.add_plan(&row, &json, 1_000).await.unwrap();
        assert!(matches!(added, Added::Sealed(_)), "{added:?}");
        row.id
    }

    fn runner(&self, data: &Path, _: &Database) -> Arc<dyn StepRunner> {
        Arc::new(Files {
            folder: data.join("downloads"),
            manner: self.manner,
        })
    }

    fn world(&self, data: &Path) -> World {
        std::fs::read_dir(data.join("downloads"))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let text = std::fs::read_to_string(entry.path()).unwrap();
                (entry.file_name().into_string().unwrap(), text)
            })
            .collect()
    }
}

struct Files {
    folder: PathBuf,
    manner: Manner,
}

impl Files {
    fn file(&self, step: &Step) -> PathBuf {
        self.folder.join(step.number.to_string())
    }
}

#[async_trait]
impl StepRunner for Files {
    async fn probe(&self, step: &Step, _: &Context) -> Result<Probe, StepError> {
        if self.manner == Manner::Sound && self.file(step).exists() {
            return Ok(Probe::Done(StepEvidence::new("It is there.")));
        }
        Ok(Probe::NotDone)
    }

    async fn effect(&self, step: &Step, _: &Context) -> Result<StepEvidence, StepError> {
        let mut file = std::fs::File::options()
            .create(true)
            .write(true)
            .append(self.manner == Manner::Piling)
            .open(self.file(step))
            .unwrap();
        file.write_all(b"made\n").unwrap();
        Ok(StepEvidence::new("It was made."))
    }

    async fn undo(&self, step: &Step, _: &Context) -> Result<String, StepError> {
        if self.manner != Manner::Forgetful {
            let _ = std::fs::remove_file(self.file(step));
        }
        Ok("It is gone.".into())
    }
}

#[tokio::test]
async fn what_is_made_with_care_survives() {
    let fire = Fire::on(Toy::SOUND).await;
    fire.twice().await;
    fire.each_step_fails().await;
    fire.killed_at_every_write().await;
    fire.killed_on_the_way_back().await;
}

#[tokio::test]
#[should_panic(expected = "twice: it is as if nothing had happened")]
async fn what_piles_up_is_found_by_doing_it_twice() {
    Fire::on(Toy::PILING).await.twice().await;
}

#[tokio::test]
#[should_panic(expected = "it is as if nothing had happened")]
async fn what_piles_up_is_found_by_killing_it() {
    Fire::on(Toy::PILING).await.killed_at_every_write().await;
}

#[tokio::test]
#[should_panic(expected = "nothing is left")]
async fn what_is_forgotten_is_found_when_a_step_fails() {
    Fire::on(Toy::FORGETFUL).await.each_step_fails().await;
}

#[tokio::test]
#[should_panic(expected = "nothing is left")]
async fn what_is_forgotten_is_found_by_killing_it() {
    Fire::on(Toy::FORGETFUL)
        .await
        .killed_on_the_way_back()
        .await;
}
