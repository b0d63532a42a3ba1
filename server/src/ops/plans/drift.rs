//! Has anything changed that a plan rests on? The plan is made again from what is seen now, and compared.

use requorum_shared::api::v1;
use requorum_shared::etcd::recovery::restore;
use requorum_shared::etcd::recovery::restore::observation::Observation;
use requorum_shared::finding::{Finding, Report, Severity};
use requorum_shared::ledger::entry::named;
use requorum_shared::plan::{Plan, Request};
use requorum_shared::second_look::lasting;

use crate::app::App;
use crate::error::{Kind, Result, internal};

/// What was found when it was looked again.
#[derive(Default)]
pub(super) struct Again {
    /// What has changed; empty when the plan would come out the same.
    pub(super) drift: Report,
    /// What was seen, where the snapshot is there.
    pub(super) seen: Option<Seen>,
}

/// What was seen, and what the check says of it.
pub(super) struct Seen {
    pub(super) observation_json: String,
    pub(super) check: Vec<v1::Finding>,
}

impl Again {
    fn without_snapshot(what: &str) -> Self {
        let mut again = Self::default();
        again
            .drift
            .push(Finding::blocking("drift.snapshot", "snapshot", what));
        again
    }
}

/// Looks at what a plan rests on. The work is done on account of somebody.
pub(super) async fn since(app: &App, account: &str, plan_json: &str) -> Result<Again> {
    let plan_json = plan_json.to_owned();
    let sealed = app.work.run(account, move || {
        serde_json::from_str::<Plan>(&plan_json).map_err(internal)
    });
    let sealed = sealed.await?;
    let Request::EtcdRestore(request) = &sealed.request;
    // A store that cannot be asked says nothing about the plan.
    if !app.objects.has(&request.snapshot).await? {
        return Ok(Again::without_snapshot(
            "The snapshot's file is not in the store any more.",
        ));
    }
    match super::observe(app, account, request).await {
        Ok(observation) => {
            let again = move || made_again(&sealed, &observation);
            app.work.run(account, again).await
        }
        Err(error) if error.kind == Kind::NotFound => Ok(Again::without_snapshot(
            "The snapshot is not stored any more.",
        )),
        Err(error) => Err(error),
    }
}

fn made_again(sealed: &Plan, observation: &Observation) -> Result<Again> {
    let Request::EtcdRestore(request) = &sealed.request;
    let mut drift = Report::default();
    match restore::plan(
        request,
        observation,
        &sealed.id,
        &sealed.author,
        &sealed.sealed_at,
    ) {
        Err(report) => drift.findings.extend(
            report
                .findings
                .into_iter()
                .filter(|f| f.severity == Severity::Blocking),
        ),
        Ok(now) => compare(sealed, &now, &mut drift),
    }
    let mut check = restore::check(request, observation);
    restore::check_exact(request, &mut check);
    Ok(Again {
        drift,
        seen: Some(Seen {
            observation_json: serde_json::to_string(observation).map_err(internal)?,
            check: super::findings(&check),
        }),
    })
}

fn compare(sealed: &Plan, now: &Plan, drift: &mut Report) {
    if sealed.cluster != now.cluster {
        let name = |cluster: &str| named(cluster).unwrap_or_else(|| "no cluster".into());
        drift.push(
            Finding::blocking(
                "drift.cluster",
                "cluster",
                format!(
                    "The snapshot is kept as one of {} now, and not of {}.",
                    name(&now.cluster),
                    name(&sealed.cluster)
                ),
            )
            .because("Another cluster's roles and policy count for it.")
            .todo("Make a new plan."),
        );
        return;
    }
    let before: Vec<_> = lasting(&sealed.facts).collect();
    for fact in lasting(&now.facts).filter(|fact| !before.contains(fact)) {
        drift.push(
            Finding::blocking("drift.fact", fact.subject.clone(), fact.statement.clone())
                .because("That was not so when the plan was sealed.")
                .todo("Make a new plan."),
        );
    }
    if drift.findings.is_empty() && (sealed.steps != now.steps || sealed.outcome != now.outcome) {
        drift.push(
            Finding::blocking(
                "drift.steps",
                "plan",
                "The same request would be carried out differently now.",
            )
            .todo("Make a new plan."),
        );
    }
}
