//! One step, forward or backward: written, looked at, done, written.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use requorum_shared::job::events::{Body, EPHEMERAL, Event, Failure, Occurrence, StepOutcome};
use requorum_shared::job::fold::JobView;
use requorum_shared::ledger::entry::{Outcome, act};
use requorum_shared::plan::Undo;
use requorum_shared::recovery::Step;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::super::context::{Context, Progress};
use super::super::runner::{Probe, Remedy, StepError, StepEvidence};
use super::{JobRun, Released, STOP_WITHIN};

/// Why an act of the ledger failed that is not the last attempt.
const TRIED_AGAIN: &str = "it is tried again";

/// How a step ended that did not fail.
enum Ended {
    Done(StepEvidence),
    AlreadyDone(StepEvidence),
    Unclear(String),
}

impl JobRun {
    /// Carries a step out. `view` is the journal so far: a wish to abort that comes meanwhile reaches the step.
    pub(super) async fn execute(
        &self,
        index: usize,
        begun: bool,
        view: JobView,
    ) -> Result<(), Released> {
        let step = &self.plan.steps[index];
        let seen = view.steps[index].clone();
        let opened = self.open(act::JOB_STEP, step).await?;
        if !begun {
            let body = Body::StepStarted { step: step.number };
            self.write(of(step, body)).await?;
        }
        let (context, events) = self.context(step.number, step.action.host());
        let work = self.probe_and_effect(step, seen.unprobed, &context);
        let result = self
            .supervise(work, events, &context.cancel, Some(view))
            .await?;
        let mut checks = Vec::new();
        let (outcome, how, why) = match result {
            Ok(Ended::Done(seen)) => {
                checks = seen.checks;
                let evidence = seen.evidence;
                (StepOutcome::Done { evidence }, Outcome::Done, "")
            }
            Ok(Ended::AlreadyDone(seen)) => {
                checks = seen.checks;
                let evidence = seen.evidence;
                let outcome = StepOutcome::AlreadyDone { evidence };
                (outcome, Outcome::Done, "it was done already")
            }
            Ok(Ended::Unclear(why)) => {
                let outcome = StepOutcome::Unclear { why };
                (
                    outcome,
                    Outcome::Failed,
                    "whether it is done could not be determined",
                )
            }
            Err(error) => {
                let stopped = context.cancel.is_cancelled();
                let after_ms = match error.remedy {
                    Remedy::Retry(after_ms) if !stopped => after_ms.get(seen.retries as usize),
                    _ => None,
                };
                if let Some(after_ms) = after_ms {
                    opened.close(Outcome::Failed, TRIED_AGAIN).await;
                    let retried = Body::StepRetried {
                        step: step.number,
                        attempt: seen.retries + 1,
                        error: error.message,
                        after_ms: *after_ms,
                    };
                    return self.write(of(step, retried)).await;
                }
                checks = error.checks;
                let outcome = StepOutcome::Failed {
                    error: error.message,
                    failure: error.remedy.failure(),
                };
                (outcome, Outcome::Failed, "")
            }
        };
        opened.close(how, why).await;
        if !checks.is_empty() {
            self.write(of(step, Body::Verified { checks })).await?;
        }
        let ended = Body::StepEnded {
            step: step.number,
            outcome,
        };
        self.write(of(step, ended)).await
    }

    /// Looks whether the step is done, unless a person has said that it is not, and does it.
    async fn probe_and_effect(
        &self,
        step: &Step,
        unprobed: bool,
        context: &Context,
    ) -> Result<Ended, StepError> {
        let runner = self
            .engine
            .runners
            .of(step.action.carrier())
            .ok_or_else(not_carried_out_here)?;
        if !unprobed {
            match runner.probe(step, context).await? {
                Probe::Done(seen) => return Ok(Ended::AlreadyDone(seen)),
                Probe::CannotTell(why) => return Ok(Ended::Unclear(why)),
                Probe::NotDone => {}
            }
        }
        runner.effect(step, context).await.map(Ended::Done)
    }

    /// Takes a step back.
    pub(super) async fn undo(
        &self,
        index: usize,
        begun: bool,
        retries: u32,
    ) -> Result<(), Released> {
        let step = &self.plan.steps[index];
        let opened = self.open(act::JOB_UNDO, step).await?;
        if !begun {
            let body = Body::UndoStarted { step: step.number };
            self.write(of(step, body)).await?;
        }
        let runner = self.engine.runners.of(step.action.carrier());
        let result = match runner {
            _ if step.undo == Undo::Nothing => Ok("It changed nothing.".to_owned()),
            Some(runner) => {
                let (context, events) = self.context(step.number, step.action.host());
                let work = runner.undo(step, &context);
                self.supervise(work, events, &context.cancel, None).await?
            }
            None => Err(not_carried_out_here()),
        };
        if let Err(error) = &result
            && let Remedy::Retry(after_ms) = error.remedy
            && let Some(after_ms) = after_ms.get(retries as usize)
        {
            opened.close(Outcome::Failed, TRIED_AGAIN).await;
            let retried = Body::UndoRetried {
                step: step.number,
                attempt: retries + 1,
                error: error.message.clone(),
                after_ms: *after_ms,
            };
            return self.write(of(step, retried)).await;
        }
        let how = match &result {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::Failed,
        };
        opened.close(how, "").await;
        if let Err(error) = &result
            && !error.checks.is_empty()
        {
            let checks = error.checks.clone();
            self.write(of(step, Body::Verified { checks })).await?;
        }
        let ended = Body::UndoEnded {
            step: step.number,
            failure: match &result {
                Ok(_) => Failure::default(),
                Err(error) => error.remedy.failure(),
            },
            result: result.map_err(|error| error.message),
        };
        self.write(of(step, ended)).await
    }

    pub(super) fn context(
        &self,
        step: u32,
        host: Option<&str>,
    ) -> (Context, UnboundedReceiver<Occurrence>) {
        let (progress, events) = Progress::new(step, host);
        let context = Context {
            job_id: self.job.id.clone(),
            progress,
            cancel: CancellationToken::new(),
        };
        (context, events)
    }

    /// Waits for the work, passes on what it says, keeps the claim on the job, and tells it to stop when a
    /// person or the server wants that.
    pub(super) async fn supervise<T>(
        &self,
        work: impl Future<Output = Result<T, StepError>>,
        mut events: UnboundedReceiver<Occurrence>,
        cancel: &CancellationToken,
        mut view: Option<JobView>,
    ) -> Result<Result<T, StepError>, Released> {
        // The journal may have been out of reach for long before it said that this step begins.
        self.renew_for_sure().await?;
        let mut work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
        let mut kept = std::pin::pin!(self.keep());
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                Some(what) = events.recv() => self.pass_on(what).await?,
                lost = &mut kept => {
                    cancel.cancel();
                    let within = STOP_WITHIN.min(self.engine.owner.renew_every());
                    let _ = tokio::time::timeout(within, &mut work).await;
                    return Err(lost);
                }
                () = self.waker.notified(), if view.is_some() => {
                    if let Some(view) = &mut view {
                        let caught_up = tokio::select! {
                            caught_up = self.catch_up(view) => caught_up,
                            lost = &mut kept => Err(lost),
                        };
                        if let Err(released) = caught_up {
                            cancel.cancel();
                            let within = STOP_WITHIN.min(self.engine.owner.renew_every());
                            let _ = tokio::time::timeout(within, &mut work).await;
                            return Err(released);
                        }
                        if view.backward {
                            cancel.cancel();
                        }
                    }
                }
                () = self.engine.stop.cancelled() => {
                    // Most steps end by themselves in this time. One that does not is told to stop, and what
                    // it did is found by its probe: the journal says that it began, and not that it ended.
                    let ended = tokio::time::timeout(STOP_WITHIN, &mut work).await;
                    match ended {
                        Ok(result) => break result,
                        Err(_) => {
                            cancel.cancel();
                            let _ = tokio::time::timeout(STOP_WITHIN, &mut work).await;
                            return Err(Released);
                        }
                    }
                }
            }
        };
        while let Ok(what) = events.try_recv() {
            self.pass_on(what).await?;
        }
        Ok(result.unwrap_or_else(|panic| Err(panicked(panic.as_ref()))))
    }

    async fn pass_on(&self, what: Occurrence) -> Result<(), Released> {
        if !matches!(what.body, Body::StepProgress { .. }) {
            return self.write(what).await;
        }
        let event = Event::new(EPHEMERAL, self.engine.clock.now_ms(), what);
        self.engine.feed.publish(&self.job.id, &event);
        self.engine.log.notify_ephemeral(&self.job.id, &event);
        Ok(())
    }
}

fn not_carried_out_here() -> StepError {
    StepError::new("This server cannot carry out or roll back such a step.").with(Remedy::Stop)
}

/// What happened in a step, where it is carried out.
fn of(step: &Step, body: Body) -> Occurrence {
    let host = step.action.host().map(str::to_owned);
    Occurrence { host, body }
}

fn panicked(panic: &(dyn Any + Send)) -> StepError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason was given");
    tracing::error!("a step panicked: {text}");
    StepError::from(format!(
        "This is a bug in Requorum: the step stopped ({text}). What it did is unknown until it is checked; trying \
         again checks."
    ))
}
