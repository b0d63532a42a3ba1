//! Has anything changed that a plan rests on? The plan is made again from what is seen now, and compared.

use requorum_shared::api::v1;
use requorum_shared::finding::{Finding, Report};
use requorum_shared::recovery::{self, Input, Plan};

use crate::app::App;
use crate::error::{Kind, Result, internal};

/// What was found when it was looked again.
#[derive(Default)]
pub(super) struct Again {
    /// What has changed; empty when the plan would come out the same.
    pub(super) drift: Report,
    /// What was seen, where the files are there.
    pub(super) seen: Option<Seen>,
}

/// What was seen, and what the check says of it.
pub(super) struct Seen {
    pub(super) observation_json: String,
    pub(super) check: Vec<v1::Finding>,
}

impl Again {
    fn without_file(what: &str) -> Self {
        let mut again = Self::default();
        again
            .drift
            .push(Finding::blocking("drift.snapshot", "snapshot", what));
        again
    }
}

/// Looks at what a plan rests on. The work is done on account of a person, or of the plan.
pub(super) async fn now(app: &App, account: &str, plan_json: &str) -> Result<Again> {
    let plan_json = plan_json.to_owned();
    let sealed = app.work.run(account, move || {
        serde_json::from_str::<Plan>(&plan_json).map_err(internal)
    });
    let sealed = sealed.await?;
    for Input::File(sha256) in sealed.request.inputs() {
        // A store that cannot be asked says nothing about the plan.
        if !app.objects.has(&sha256).await? {
            return Ok(Again::without_file(
                "The snapshot's file is not in the store any more.",
            ));
        }
    }
    let observation = match super::observe(app, account, &sealed.request).await {
        Ok(observation) => observation,
        Err(error) if error.kind == Kind::NotFound => {
            return Ok(Again::without_file("The snapshot is not stored any more."));
        }
        Err(error) => return Err(error),
    };
    let compare = move || {
        let recheck = recovery::recheck(&sealed, &observation);
        Ok(Again {
            drift: recheck.drift(),
            seen: Some(Seen {
                observation_json: serde_json::to_string(&observation).map_err(internal)?,
                check: super::findings(&recheck.report),
            }),
        })
    };
    app.work.run(account, compare).await
}
