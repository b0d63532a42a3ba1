//! Has anything changed that a plan rests on? The plan is made again from what is seen now, and compared.

use requorum_shared::etcd::restore;
use requorum_shared::finding::{Finding, Report, Severity};
use requorum_shared::plan::{Fact, Plan, Request};

use crate::app::App;
use crate::error::{Kind, Result, internal};

/// What has changed; empty when the plan would come out the same.
pub(super) async fn since(app: &App, plan_json: &str) -> Result<Report> {
    let sealed: Plan = serde_json::from_str(plan_json).map_err(internal)?;
    let Request::EtcdRestore(request) = &sealed.request;
    let mut drift = Report::default();
    match app.objects.has(&request.snapshot) {
        Ok(true) => {}
        _ => {
            drift.push(Finding::blocking(
                "drift.snapshot",
                "snapshot",
                "The snapshot's file is not in the store any more.",
            ));
            return Ok(drift);
        }
    }
    let observation = match super::observe(app, request).await {
        Ok(observation) => observation,
        Err(error) if error.kind == Kind::NotFound => {
            drift.push(Finding::blocking(
                "drift.snapshot",
                "snapshot",
                "The snapshot is not stored any more.",
            ));
            return Ok(drift);
        }
        Err(error) => return Err(error),
    };
    match restore::plan(
        request,
        &observation,
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
        Ok(now) => compare(&sealed, &now, &mut drift),
    }
    Ok(drift)
}

fn compare(sealed: &Plan, now: &Plan, drift: &mut Report) {
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

/// The facts that a plan stands on. How much is free changes with every breath; whether it is enough is checked.
fn lasting(facts: &[Fact]) -> impl Iterator<Item = &Fact> {
    facts
        .iter()
        .filter(|fact| !fact.statement.ends_with("bytes are free there."))
}
