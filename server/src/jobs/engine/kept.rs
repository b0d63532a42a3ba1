//! What stays of a job that is over: written down before its end, looked at and removed when a person wants it.

use requorum_shared::job::events::{Body, EndState, Kept, KeptFolder};
use requorum_shared::recovery::Plan;
use tokio_util::sync::CancellationToken;

use super::{Engine, JobRun, Released};
use crate::jobs::context::{BESIDE_STEPS, Context, Progress};
use crate::jobs::runner::StepError;

impl JobRun {
    /// Writes down what stays, while the marks still say what is this job's.
    pub(super) async fn write_what_stays(&self, state: EndState) -> Result<(), Released> {
        let mut stays = Kept::default();
        for (runner, steps) in self.runners() {
            let (context, events) = self.context(BESIDE_STEPS);
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
        self.write(&Body::Kept { kept: stays }).await
    }
}

impl Engine {
    /// What there still is of what stayed of a job that is over.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub async fn remains(
        &self,
        job: &str,
        plan: &Plan,
        kept: &Kept,
    ) -> Result<Vec<KeptFolder>, StepError> {
        let (context, mut all) = (beside(job), Vec::new());
        for (runner, steps) in self.runners_of(plan) {
            all.extend(runner.remains(&steps, kept, &context).await?);
        }
        Ok(all)
    }

    /// Removes what stayed of a job that is over; whether anything was there.
    ///
    /// # Errors
    /// When it is not as the job left it, or cannot be removed.
    pub async fn remove_kept(
        &self,
        job: &str,
        plan: &Plan,
        kept: &Kept,
    ) -> Result<bool, StepError> {
        let (context, mut any) = (beside(job), false);
        for (runner, steps) in self.runners_of(plan) {
            any |= runner.remove_kept(&steps, kept, &context).await?;
        }
        Ok(any)
    }
}

/// For work on a job that nobody carries out any more: nobody follows it.
fn beside(job: &str) -> Context {
    let (progress, _) = Progress::new(BESIDE_STEPS);
    Context {
        job_id: job.to_owned(),
        progress,
        cancel: CancellationToken::new(),
    }
}
