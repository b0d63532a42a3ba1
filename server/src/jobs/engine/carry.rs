//! One step, forward or backward: written, looked at, done, written.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use requorum_shared::events::{Body, Event, PASSING, StepOutcome};
use requorum_shared::ledger::entry::{Outcome, act};
use requorum_shared::plan::Undo;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::super::context::{Context, Progress};
use super::super::decide::Standing;
use super::super::runner::{Probe, Seen, StepError};
use super::{Drive, LetGo, STOP_WITHIN};

impl Drive {
    /// Carries a step out. `standing` is the journal so far: a wish to abort that comes meanwhile reaches the
    /// step.
    pub(super) async fn carry(
        &self,
        index: usize,
        begun: bool,
        standing: Standing,
    ) -> Result<(), LetGo> {
        let step = &self.plan.steps[index];
        let opened = self.open(act::JOB_STEP, step).await?;
        if !begun {
            self.write(&Body::StepStarted { step: step.number }).await?;
        }
        let (context, events) = self.context(step.number);
        let runner = self.engine.runners.of(&self.plan);
        let work = async {
            match runner.probe(step, &context).await? {
                Probe::Done(seen) => Ok((true, seen)),
                Probe::NotDone => Ok((false, runner.effect(step, &context).await?)),
            }
        };
        let result = self
            .supervise(work, events, &context.cancel, Some(standing))
            .await?;
        let (outcome, checks) = match result {
            Ok((already, Seen { evidence, checks })) => {
                let outcome = if already {
                    StepOutcome::AlreadyDone { evidence }
                } else {
                    StepOutcome::Done { evidence }
                };
                (outcome, checks)
            }
            Err(StepError { message, checks }) => (StepOutcome::Failed { error: message }, checks),
        };
        let (how, why) = match &outcome {
            StepOutcome::Done { .. } => (Outcome::Done, ""),
            StepOutcome::AlreadyDone { .. } => (Outcome::Done, "it was done already"),
            StepOutcome::Failed { .. } => (Outcome::Failed, ""),
        };
        opened.close(how, why).await;
        if !checks.is_empty() {
            self.write(&Body::Verified { checks }).await?;
        }
        self.write(&Body::StepEnded {
            step: step.number,
            outcome,
        })
        .await
    }

    /// Takes a step back.
    pub(super) async fn take_back(&self, index: usize, begun: bool) -> Result<(), LetGo> {
        let step = &self.plan.steps[index];
        let opened = self.open(act::JOB_UNDO, step).await?;
        if !begun {
            self.write(&Body::UndoStarted { step: step.number }).await?;
        }
        let result = if step.undo == Undo::Nothing {
            Ok("It changed nothing.".to_owned())
        } else {
            let (context, events) = self.context(step.number);
            let runner = self.engine.runners.of(&self.plan);
            let work = runner.undo(step, &context);
            self.supervise(work, events, &context.cancel, None).await?
        };
        let how = match &result {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::Failed,
        };
        opened.close(how, "").await;
        self.write(&Body::UndoEnded {
            step: step.number,
            result: result.map_err(|error| error.message),
        })
        .await
    }

    pub(super) fn context(&self, step: u32) -> (Context, UnboundedReceiver<Body>) {
        let (progress, events) = Progress::new(step);
        let context = Context {
            job_id: self.job.id.clone(),
            plan: self.plan.clone(),
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
        mut events: UnboundedReceiver<Body>,
        cancel: &CancellationToken,
        mut standing: Option<Standing>,
    ) -> Result<Result<T, StepError>, LetGo> {
        // The journal may have been out of reach for long before it said that this step begins.
        self.renew_for_sure().await?;
        let mut work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
        let mut kept = std::pin::pin!(self.keep());
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                Some(body) = events.recv() => self.pass_on(body).await?,
                lost = &mut kept => {
                    cancel.cancel();
                    let within = STOP_WITHIN.min(self.engine.owner.renew_every());
                    let _ = tokio::time::timeout(within, &mut work).await;
                    return Err(lost);
                }
                () = self.waker.notified(), if standing.is_some() => {
                    if let Some(standing) = &mut standing {
                        self.catch_up(standing).await?;
                        if standing.backward {
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
                            return Err(LetGo);
                        }
                    }
                }
            }
        };
        while let Ok(body) = events.try_recv() {
            self.pass_on(body).await?;
        }
        Ok(result.unwrap_or_else(|panic| Err(panicked(panic.as_ref()))))
    }

    async fn pass_on(&self, body: Body) -> Result<(), LetGo> {
        if !matches!(body, Body::StepProgress { .. }) {
            return self.write(&body).await;
        }
        let event = Event {
            seq: PASSING,
            at_ms: self.engine.clock.now_ms(),
            body,
        };
        self.engine.feed.publish(&self.job.id, &event);
        self.engine.log.pass(&self.job.id, &event);
        Ok(())
    }
}

fn panicked(panic: &(dyn Any + Send)) -> StepError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason was given");
    tracing::error!("a step panicked: {text}");
    StepError::from(format!(
        "This is a fault of Requorum: the step broke off ({text}). What it did is not known until somebody looks; \
         trying again looks."
    ))
}
