//! A runner around another one: it does everything twice, or fails where it is told to.

use std::sync::Arc;

use async_trait::async_trait;
use requorum_server::jobs::context::Context;
use requorum_server::jobs::runner::{Probe, Runners, StepError, StepEvidence, StepRunner};
use requorum_shared::job::events::EndState;
use requorum_shared::recovery::{Carrier, Step};
use serde::{Deserialize, Serialize};

/// Where a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum When {
    /// Nobody can look.
    Probe,
    /// Before it did anything.
    Before,
    /// After it did everything.
    After,
    /// When it is taken back.
    Undo,
}

/// A step that fails each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fault {
    step: u32,
    when: When,
}

impl Fault {
    pub(super) fn of(step: u32, when: When) -> Self {
        Self { step, when }
    }
}

/// What a failing step says.
pub(super) fn message(when: When) -> String {
    format!("It was made to fail ({when:?}).")
}

/// The runner around the scene's.
#[derive(Clone)]
pub(super) struct Faulty {
    pub(super) inner: Arc<dyn StepRunner>,
    pub(super) fault: Option<Fault>,
    pub(super) twice: bool,
}

impl Faulty {
    fn fails(&self, step: &Step, when: When) -> Result<(), StepError> {
        match self.fault {
            Some(fault) if fault == Fault::of(step.number, when) => Err(message(when).into()),
            _ => Ok(()),
        }
    }
}

impl Runners for Faulty {
    fn of(&self, carrier: Carrier) -> Option<Arc<dyn StepRunner>> {
        (carrier != Carrier::Person).then(|| -> Arc<dyn StepRunner> { Arc::new(self.clone()) })
    }
}

#[async_trait]
impl StepRunner for Faulty {
    async fn probe(&self, step: &Step, context: &Context) -> Result<Probe, StepError> {
        self.fails(step, When::Probe)?;
        let first = self.inner.probe(step, context).await?;
        if self.twice {
            let second = self.inner.probe(step, context).await?;
            assert_eq!(first, second, "to look changes nothing");
        }
        Ok(first)
    }

    async fn effect(&self, step: &Step, context: &Context) -> Result<StepEvidence, StepError> {
        self.fails(step, When::Before)?;
        let mut seen = self.inner.effect(step, context).await?;
        if self.twice {
            seen = self.inner.effect(step, context).await?;
        }
        self.fails(step, When::After)?;
        Ok(seen)
    }

    async fn undo(&self, step: &Step, context: &Context) -> Result<String, StepError> {
        self.fails(step, When::Undo)?;
        let said = self.inner.undo(step, context).await?;
        if self.twice {
            return self.inner.undo(step, context).await;
        }
        Ok(said)
    }

    async fn finish(
        &self,
        end: EndState,
        steps: &[&Step],
        context: &Context,
    ) -> Result<String, StepError> {
        let said = self.inner.finish(end, steps, context).await?;
        if self.twice {
            self.inner.finish(end, steps, context).await?;
        }
        Ok(said)
    }
}
