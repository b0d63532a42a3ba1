//! What stays of a job that is over: written down before its end, looked at and removed when a person wants it.

use requorum_shared::job::events::{Body, EndState, Kept};
use requorum_shared::recovery::Plan;
use tokio_util::sync::CancellationToken;

use super::{Engine, JobRun, Released};
use crate::jobs::context::{BESIDE_STEPS, Context, Progress};
use crate::jobs::runner::{Leftovers, StepError};
use crate::leftovers::{Remaining, Removal};

impl JobRun {
    /// Writes down what stays, while the marks still say what is this job's.
    pub(super) async fn write_what_stays(&self, state: EndState) -> Result<(), Released> {
        let mut stays = Kept::default();
        for (runner, steps) in self.runners() {
            let (context, events) = self.context(BESIDE_STEPS, None);
            let work = runner.kept(state, &steps, &context);
            match self.supervise(work, events, &context.cancel, None).await? {
                Ok(None) => {}
                Ok(Some(kept)) => {
                    stays.folders.extend(kept.folders);
                    stays.archives.extend(kept.archives);
                }
                // The result is as good as before: a person removes it by hand.
                Err(error) => {
                    tracing::warn!(job = %self.job.id, "writing down what stays of a job: {error}");
                }
            }
        }
        if stays == Kept::default() {
            return Ok(());
        }
        self.write(Body::Kept { kept: stays }).await
    }
}

impl Engine {
    /// What there is where a job that is over left these folders.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub async fn remains(
        &self,
        job: &str,
        plan: &Plan,
        left: &Leftovers,
    ) -> Result<Vec<Remaining>, StepError> {
        let (context, mut all) = (beside(job), Vec::new());
        for (runner, steps) in self.runners_of(plan) {
            all.extend(runner.remains(&steps, left, &context).await?);
        }
        Ok(all)
    }

    /// Sets these folders aside, if each that is there is exactly as the job left it; which ones are there now.
    ///
    /// # Errors
    /// When one is not as the job left it, or cannot be renamed.
    pub async fn set_aside(
        &self,
        job: &str,
        plan: &Plan,
        left: &Leftovers,
    ) -> Result<Vec<String>, StepError> {
        let (context, mut all) = (beside(job), Vec::new());
        for (runner, steps) in self.runners_of(plan) {
            all.extend(runner.set_aside(&steps, left, &context).await?);
        }
        Ok(all)
    }

    /// Gives folders that were set aside their names back.
    ///
    /// # Errors
    /// When that cannot be done.
    pub async fn put_back(
        &self,
        job: &str,
        plan: &Plan,
        left: &Leftovers,
    ) -> Result<(), StepError> {
        let context = beside(job);
        for (runner, steps) in self.runners_of(plan) {
            runner.put_back(&steps, left, &context).await?;
        }
        Ok(())
    }

    /// Deletes folders that were set aside.
    ///
    /// # Errors
    /// When it cannot be known how far it came.
    pub async fn remove_aside(
        &self,
        job: &str,
        plan: &Plan,
        left: &Leftovers,
    ) -> Result<Removal, StepError> {
        let (context, mut all) = (beside(job), Removal::default());
        for (runner, steps) in self.runners_of(plan) {
            let removal = runner.remove_aside(&steps, left, &context).await?;
            all.folders.extend(removal.folders);
            all.entries += removal.entries;
            if removal.stopped.is_some() {
                all.stopped = removal.stopped;
                break;
            }
        }
        Ok(all)
    }
}

/// For work on a job that nobody carries out any more: nobody follows it.
fn beside(job: &str) -> Context {
    let (progress, _) = Progress::new(BESIDE_STEPS, None);
    Context {
        job_id: job.to_owned(),
        progress,
        cancel: CancellationToken::new(),
    }
}
