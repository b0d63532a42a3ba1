//! How much is lost with the plan's snapshot: what the plan does not hold, the stored file's inspection tells.

use leptos::prelude::*;
use requorum_shared::api::v1::{GetFileRequest, GetFileResponse, PlanSummary};
use requorum_shared::kinds::Inspection;
use requorum_shared::recovery::Plan;

use crate::client::grpc;
use crate::components::loss::{Loss, LossAxis, Until};
use crate::headline;
use crate::systems;

/// The axis, in a place that is reserved until the file's inspection is there.
pub(super) fn loss(plan: &Plan, summary: &PlanSummary) -> impl IntoView + use<> {
    let known = Loss {
        revision: headline::number(&summary.headline, "revision"),
        seen: systems::last_seen(&plan.request),
        until_ms: summary.sealed_at_ms,
        until: Until::Sealed,
        ..Loss::default()
    };
    let id = systems::source(&plan.request).to_owned();
    let file = LocalResource::new(move || grpc::call(GetFileRequest { id: id.clone() }));
    view! {
        <div class="loss-place">
            {move || file.get().map(|answer| {
                // Without an answer, what the file could tell is unknown.
                let loss = answer.map_or(known, |file| told(known, &file));
                view! { <LossAxis loss /> }
            })}
        </div>
    }
}

/// With what the stored file tells.
fn told(known: Loss, answer: &GetFileResponse) -> Loss {
    let inspection = serde_json::from_str::<Inspection>(&answer.inspection_json).ok();
    let newest = inspection.as_ref().map(systems::newest_in);
    let (revision, written_ms) = newest.unwrap_or_default();
    let uploaded = answer.file.as_ref().map(|file| file.uploaded_at_ms);
    Loss {
        revision: revision.or(known.revision),
        written_ms,
        uploaded_ms: uploaded.filter(|ms| *ms > 0),
        ..known
    }
}

#[cfg(test)]
mod tests {
    use requorum_shared::api::v1::FileSummary;

    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_leaves_what_the_plan_knows() {
        let known = Loss {
            revision: Some(7),
            seen: Some(9),
            until_ms: 10,
            ..Loss::default()
        };
        let answer = GetFileResponse {
            inspection_json: "{}".into(),
            ..GetFileResponse::default()
        };
        assert_eq!(told(known, &answer), known);
        let answer = GetFileResponse {
            file: Some(FileSummary {
                uploaded_at_ms: 5,
                ..FileSummary::default()
            }),
            ..answer
        };
        let told = told(known, &answer);
        assert_eq!((told.uploaded_ms, told.written_ms), (Some(5), None));
        assert_eq!((told.revision, told.seen), (Some(7), Some(9)));
    }
}
