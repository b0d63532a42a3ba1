//! What can be done with the job in its state.

use leptos::prelude::*;
use requorum_shared::api::v1::{AbortJobRequest, PauseJobRequest, ResumeJobRequest};
use requorum_shared::job::fold::{JobState, StepState};
use requorum_shared::permission::Permission;
use requorum_shared::plan::Undo;

use super::super::follow::Followed;
use super::JobRef;
use crate::client::grpc;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::failure::Failure;
use crate::identity::{Of, permitted};

/// The buttons; disabled, with the reason, while the server does not answer.
pub(super) fn acts(job: JobRef, followed: Followed) -> impl IntoView {
    let view = followed.view;
    let state = Memo::new(move |_| view.with(|v| v.state));
    let lost = Memo::new(move |_| followed.is_lost());
    let failure = RwSignal::new(None::<Failure>);
    let stopping = RwSignal::new(false);
    let (id, of) = job.with_value(|job| {
        (
            StoredValue::new(job.summary.id.clone()),
            StoredValue::new(Of::Cluster(job.summary.cluster.clone())),
        )
    });
    let settle = move |result: Result<(), Failure>| failure.set(result.err());
    let pause = Action::new_local(move |_: &()| async move {
        let request = PauseJobRequest { id: id.get_value() };
        settle(grpc::call(request).await.map(drop));
    });
    let resume = Action::new_local(move |_: &()| async move {
        let request = ResumeJobRequest { id: id.get_value() };
        settle(grpc::call(request).await.map(drop));
    });
    let abort = Action::new_local(move |_: &()| async move {
        stopping.set(false);
        let request = AbortJobRequest { id: id.get_value() };
        settle(grpc::call(request).await.map(drop));
    });
    let off = Memo::new(move |_| {
        lost.get() || pause.pending().get() || resume.pending().get() || abort.pending().get()
    });
    let why_off = move || {
        if lost.get() {
            "Not available without a connection to the server."
        } else {
            ""
        }
    };
    let buttons = move || {
        let stop = move || {
            view! {
                <button type="button" class="button danger" disabled=off title=why_off on:click=move |_| stopping.set(true)>
                    "Stop and roll back"
                </button>
            }
        };
        match state.get() {
            JobState::Queued | JobState::Running => {
                permitted(Permission::Run, of.get_value(), move || {
                    view! {
                        <button type="button" class="button" disabled=off title=why_off on:click=move |_| { pause.dispatch_local(()); }>
                            "Pause before the next step"
                        </button>
                        {stop()}
                    }
                })
            }
            JobState::Paused => permitted(Permission::Run, of.get_value(), move || {
                view! {
                    <button type="button" class="button primary" disabled=off title=why_off on:click=move |_| { resume.dispatch_local(()); }>
                        "Resume"
                    </button>
                    {stop()}
                }
            }),
            JobState::Waiting
            | JobState::Undoing
            | JobState::Completed
            | JobState::Undone
            | JobState::Left => ().into_any(),
        }
    };
    let over = Memo::new(move |_| state.get().is_over());
    let undone = move || {
        let states: Vec<_> = view.with_untracked(|v| v.steps.iter().map(|s| s.state).collect());
        job.with_value(|job| {
            let steps = job.plan.iter().flat_map(|plan| &plan.steps);
            let touched: Vec<_> = steps
                .zip(states)
                .filter(|(_, state)| matches!(state, StepState::Done | StepState::Running))
                .map(|(step, _)| {
                    let how = match &step.undo {
                        Undo::Nothing => "Changed nothing.".to_owned(),
                        Undo::Back(how) => how.clone(),
                        Undo::PointOfNoReturn(why) => format!("Cannot be rolled back: {why}"),
                    };
                    view! { <li><p>{format!("{}. {}", step.number, step.title)}</p><p class="small muted">{how}</p></li> }
                })
                .collect();
            touched.into_iter().rev().collect_view()
        })
    };
    view! {
        {move || (!over.get()).then(|| view! {
            <div class="acts job-acts">
                {buttons}
                <span class="why-not" hidden=move || !lost.get()>{why_off}</span>
            </div>
        })}
        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        <Dialog open=stopping label="Stop and roll back">
            <h2>"Stop and roll back?"</h2>
            <p>"The running step is stopped. Then these are rolled back, in this order:"</p>
            <ul class="stack">{undone}</ul>
            <div class="dialog-acts">
                <button type="button" class="button" autofocus on:click=move |_| stopping.set(false)>"Keep running"</button>
                <button type="button" class="button danger" disabled=off on:click=move |_| { abort.dispatch_local(()); }>
                    "Stop and roll back"
                </button>
            </div>
        </Dialog>
    }
}
