//! Has anything changed that a plan rests on? The plan is made again from what is seen now, and compared.

use requorum_shared::api::v1;
use requorum_shared::finding::{Finding, Report};
use requorum_shared::recovery::{self, Observation, Plan};

use super::inputs::observe;
use crate::app::App;
use crate::error::{Kind, Result, internal};
use crate::observations::Observation as Row;
use crate::ops::stored;

/// What was found when it was looked again.
#[derive(Default)]
pub(super) struct Again {
    /// What has changed; empty when the plan would come out the same.
    pub(super) drift: Report,
    /// What speaks against running it for now, and may pass.
    pub(super) hindrances: Report,
    /// What was seen, where the files are there.
    pub(super) seen: Option<Seen>,
}

/// What was seen, and what the check says of it.
pub(super) struct Seen {
    pub(super) observation: Row,
    pub(super) check: Vec<v1::Finding>,
}

impl Again {
    fn without_file() -> Self {
        let mut again = Self::default();
        again.drift.push(Finding::blocking(
            "drift.file",
            "file",
            "A file that the plan uses is not stored any more.",
        ));
        again
    }
}

/// Looks at what a plan rests on, now. The work is done on account of a person, or of the plan.
pub(super) async fn now(app: &App, account: &str, plan_json: &str) -> Result<Again> {
    let sealed = read(app, account, plan_json).await?;
    let observation = match observe(app, account, &sealed.request).await {
        Ok(observation) => observation,
        // Unknown here, or removed on purpose.
        Err(error) if error.kind == Kind::NotFound || error.code == stored::REMOVED => {
            return Ok(Again::without_file());
        }
        Err(error) => return Err(error),
    };
    let row = super::observing::keep(app, &sealed.request, &observation).await?;
    let compare = move || Ok(compare(&sealed, row, &observation));
    app.work.run(account, compare).await
}

/// The same by what was seen last: nothing is looked at.
pub(super) async fn by_newest(app: &App, account: &str, plan_json: &str) -> Result<Again> {
    let sealed = read(app, account, plan_json).await?;
    let (kind, subject) = (sealed.request.kind(), sealed.request.subject());
    let newest = app.observations.newest_observation(kind, &subject);
    let Some(row) = newest.await? else {
        return Ok(Again::default());
    };
    let compare = move || {
        let observation: Observation = serde_json::from_str(&row.body_json).map_err(internal)?;
        Ok(compare(&sealed, row, &observation))
    };
    app.work.run(account, compare).await
}

async fn read(app: &App, account: &str, plan_json: &str) -> Result<Plan> {
    let plan_json = plan_json.to_owned();
    let sealed = move || serde_json::from_str::<Plan>(&plan_json).map_err(internal);
    app.work.run(account, sealed).await
}

fn compare(sealed: &Plan, row: Row, observation: &Observation) -> Again {
    let recheck = recovery::recheck(sealed, observation);
    Again {
        drift: recheck.drift(),
        hindrances: recheck.hindrances(),
        seen: Some(Seen {
            observation: row,
            check: super::findings(&recheck.report),
        }),
    }
}
