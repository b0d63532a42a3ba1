//! The plan that the form was filled from: what became of it, and what has changed since.

use leptos::prelude::*;
use requorum_shared::api::v1::{GetPlanRequest, PlanState, PlanSummary};
use requorum_shared::finding::Finding;
use requorum_shared::permission::Permission;
use requorum_shared::recovery::{Input, Plan, Request};

use crate::client::grpc;
use crate::components::error_view::ErrorView;
use crate::components::findings::Findings;
use crate::components::time::Time;
use crate::failure::{Failure, Kind};
use crate::identity::{Of, permitted};
use crate::paths;

/// The plan that the address names, as far as it could be read.
#[derive(Clone, PartialEq)]
pub(super) enum EarlierPlan {
    /// The address names none.
    None,
    /// It was read.
    Read(Box<Earlier>),
    /// It could not be read: the form begins anew.
    Failed(Failure),
}

/// A plan to begin from.
#[derive(Clone, PartialEq)]
pub(super) struct Earlier {
    summary: PlanSummary,
    request: Request,
    drift: Vec<Finding>,
}

impl EarlierPlan {
    /// What it asked for.
    pub(super) fn request(&self) -> Option<Request> {
        match self {
            Self::Read(earlier) => Some(earlier.request.clone()),
            Self::None | Self::Failed(_) => None,
        }
    }

    /// What has changed since it was sealed.
    pub(super) fn drift(&self) -> Vec<Finding> {
        match self {
            Self::Read(earlier) => earlier.drift.clone(),
            Self::None | Self::Failed(_) => Vec::new(),
        }
    }

    /// Its id; empty for none.
    pub(super) fn plan(&self) -> &str {
        match self {
            Self::Read(earlier) => &earlier.summary.id,
            Self::None | Self::Failed(_) => "",
        }
    }
}

/// Reads the plan, which must be of this kind and for these files.
pub(super) async fn find(id: &str, kind: &str, files: &[String]) -> EarlierPlan {
    if id.is_empty() {
        return EarlierPlan::None;
    }
    match read(id, kind, files).await {
        Ok(earlier) => EarlierPlan::Read(Box::new(earlier)),
        Err(failure) => EarlierPlan::Failed(failure),
    }
}

async fn read(id: &str, kind: &str, files: &[String]) -> Result<Earlier, Failure> {
    let response = grpc::call(GetPlanRequest { id: id.into() }).await?;
    let other = |what: &str| Failure {
        next: "The form is filled in from the files instead.".into(),
        ..Failure::new(Kind::Other, what)
    };
    let plan: Plan = serde_json::from_str(&response.plan_json)
        .map_err(|_| other("The earlier plan is in a format that this page does not know."))?;
    if plan.request.kind() != kind {
        return Err(other("The earlier plan is for another kind of recovery."));
    }
    if !is_for(&plan.request, files) {
        return Err(other("The earlier plan is for other files."));
    }
    Ok(Earlier {
        summary: response.plan.unwrap_or_default(),
        request: plan.request,
        drift: response.drift.into_iter().map(Finding::from).collect(),
    })
}

/// Whether a request uses these files, in this order.
fn is_for(request: &Request, files: &[String]) -> bool {
    let inputs = request.inputs();
    inputs.iter().map(|Input::File(id)| id).eq(files.iter())
}

/// What became of the plan, and the press that seals the same again where nothing but a fact has changed.
pub(super) fn notice(
    earlier: EarlierPlan,
    unchanged: Memo<bool>,
    busy: Signal<bool>,
    blocked: Memo<bool>,
    of: Of,
    seal: Callback<()>,
) -> AnyView {
    let earlier = match earlier {
        EarlierPlan::None => return ().into_any(),
        EarlierPlan::Failed(failure) => return view! { <ErrorView failure /> }.into_any(),
        EarlierPlan::Read(earlier) => *earlier,
    };
    let Earlier { summary, drift, .. } = earlier;
    let state = summary.state();
    let (by, at) = (summary.decided_by.clone(), summary.decided_at_ms);
    let what = match state {
        PlanState::Rejected => view! { <strong>{format!("Filled in from the plan that {by} rejected.")}</strong> }.into_any(),
        PlanState::Withdrawn => view! { <strong>{format!("Filled in from the plan that {by} withdrew.")}</strong> }.into_any(),
        PlanState::Expired => view! { <strong>"Filled in from a plan that expired."</strong> }.into_any(),
        PlanState::Invalidated => view! { <strong>"Filled in from a plan that is no longer valid."</strong> " Invalidated " <Time ms=at /> "." }.into_any(),
        PlanState::Used => view! { <strong>"Filled in from a plan that was executed."</strong> }.into_any(),
        _ => view! { <strong>"Filled in from an open plan."</strong> }.into_any(),
    };
    let by_person = matches!(state, PlanState::Rejected | PlanState::Withdrawn);
    let reason = (by_person && !summary.reason.is_empty())
        .then(|| view! { <p>"Reason: " {summary.reason.clone()}</p> });
    let changed = (!drift.is_empty()).then(|| {
        view! { <p>"Changed since then:"</p> <Findings findings=drift none="" /> }
    });
    // What a person refused needs a change; what only time or the disk refused does not.
    let again = matches!(state, PlanState::Expired | PlanState::Invalidated).then(|| {
        permitted(Permission::Plan, of, move || view! {
            <span hidden=move || !unchanged.get()>
                <button type="button" class="button" disabled=busy on:click=move |_| seal.run(())>"Seal again"</button>
                <span class="why-not" hidden=move || !blocked.get()>" Resolve the blocking findings first."</span>
            </span>
        })
    });
    view! {
        <div class="notice warning earlier">
            <p>{what}</p>
            {reason}
            {changed}
            <div class="acts">{again} <a href=paths::plan(&summary.id)>"View the earlier plan"</a></div>
        </div>
    }
    .into_any()
}
