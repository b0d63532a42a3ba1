//! A second job for the target of the first: what the one that was there first made stays as it is, in every order and
//! at every kill, and of the other nothing stays.

use requorum_server::jobs::log::Created;
use requorum_server::paging::{Clusters, Slice};
use requorum_server::plans::list::PlanFilter;
use requorum_server::plans::store::PlanState;
use requorum_shared::job::fold::{JobState, JobView};
use requorum_shared::recovery::Plan;

use super::faults::{Fault, When};
use super::life::{Life, live, try_second};
use super::{Fire, Run, Scene};
use crate::support::harness::TestServer;

/// The approved plans but this one.
pub(super) async fn other_plans(server: &TestServer, id: &str) -> Vec<Plan> {
    let plans = &server.app().plans;
    let mut others = Vec::new();
    let all = PlanFilter::of(Clusters::All, 0);
    let slice = Slice {
        limit: 1_000,
        after: None,
    };
    let rows = server.app().lists.plans.plan_rows(&all, &slice).await;
    for row in rows.unwrap() {
        if row.id != id && row.state == PlanState::Approved {
            let (_, json) = plans.plan(&row.id).await.unwrap().unwrap();
            others.push(serde_json::from_str(&json).unwrap());
        }
    }
    others
}

impl<S: Scene> Fire<S> {
    /// The first waits before and after each of its steps. A second is refused there; and where it could not be
    /// refused, because it is another console's, it comes to its end, and then the first does.
    pub(crate) async fn beside_a_second(&self) {
        assert!(!self.seconds.is_empty());
        for second in &self.seconds {
            let alone = {
                let run = self.run();
                let view = self.live_second(&run, second, Life::default()).await;
                assert_eq!(view.state, JobState::Completed, "{view:#?}");
                self.scene.world(&run.data())
            };
            let (mut first_won, mut second_won) = (0, 0);
            for step in 1..=self.plan.steps.len() as u32 {
                for when in [When::Before, When::After] {
                    let what = format!("the first waits at step {step}, {when:?}");
                    let run = self.run();
                    let first = Life::failing(Fault::of(step, when));
                    let view = self.live(&run, first).await;
                    assert_eq!(view.state, JobState::Waiting, "{what}");
                    self.refused(&run, second, &what).await;
                    let second = self.live_second(&run, second, gives_up().beside()).await;
                    let answers = vec!["retry".to_owned(), "undo".to_owned()];
                    let first = self.live(&run, Life::answering(answers)).await;
                    let world = self.scene.world(&run.data());
                    if first.state == JobState::Completed {
                        first_won += 1;
                        assert_eq!(second.state, JobState::Undone, "{what}: {second:#?}");
                        assert_eq!(world, self.after, "{what}");
                    } else {
                        second_won += 1;
                        assert_eq!(first.state, JobState::Undone, "{what}: {first:#?}");
                        assert_eq!(second.state, JobState::Completed, "{what}: {second:#?}");
                        assert_eq!(world, alone, "{what}");
                    }
                }
            }
            assert!(first_won > 0 && second_won > 0, "{first_won}, {second_won}");
        }
    }

    /// The first has come this far: to its end, or to a step after which it waits. A second one is killed before and
    /// after each of its writes, and comes to its end in another process.
    pub(crate) async fn a_second_is_killed(&self, second: usize, waits_after: Option<u32>) {
        let second = &self.seconds[second];
        let first = match waits_after {
            Some(step) => Life::failing(Fault::of(step, When::After)),
            None => Life::default(),
        };
        for point in 0.. {
            let what = format!("the second is killed at {point}");
            let run = self.run();
            let view = self.live(&run, first.clone()).await;
            let over = view.state == JobState::Completed;
            assert!(over || waits_after.is_some(), "{what}: {view:#?}");
            let life = gives_up().beside();
            let doomed = Life {
                kill_at: Some(point),
                ..life.clone()
            };
            let killed = self.process_of(&run, second, &doomed.of(second));
            let view = self.live_second(&run, second, life).await;
            let world = self.scene.world(&run.data());
            if over {
                assert_eq!(view.state, JobState::Undone, "{what}: {view:#?}");
                assert_eq!(world, self.after, "{what}");
            } else {
                assert_eq!(view.state, JobState::Completed, "{what}: {view:#?}");
                let answers = vec!["retry".to_owned(), "undo".to_owned()];
                let first = self.live(&run, Life::answering(answers)).await;
                assert_eq!(first.state, JobState::Undone, "{what}: {first:#?}");
                assert!(
                    world.len() > self.scene.world(&run.data()).len(),
                    "{what}: the first had built"
                );
            }
            if !killed {
                assert!(point > 10, "{point} kills");
                break;
            }
        }
    }

    async fn live_second(&self, run: &Run, second: &Plan, life: Life) -> JobView {
        live(&self.scene, &run.data(), &second.id, life.of(second)).await
    }

    async fn refused(&self, run: &Run, second: &Plan, what: &str) {
        match try_second(&run.data(), second).await {
            Created::TargetTaken(holder) => assert_eq!(holder.started_by, "ak", "{what}"),
            created => panic!("{what}: {created:?}"),
        }
    }
}

/// A person who has the job taken back when it asks.
fn gives_up() -> Life {
    Life::answering(vec!["undo".to_owned()])
}
