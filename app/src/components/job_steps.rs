//! A job's steps as they are now.

use leptos::prelude::*;
use requorum_shared::job::fold::{JobView, StepState};
use requorum_shared::recovery::Step;

use crate::components::plan_steps::point_of_no_return;
use crate::components::status::{self, Status};
use crate::format;
use crate::job_text::progress_words;

/// Every step with its state; the one that runs has its progress.
#[component]
pub fn JobSteps(
    /// The plan's steps.
    steps: Vec<Step>,
    /// The job.
    #[prop(into)]
    view: Signal<JobView>,
) -> impl IntoView {
    let no_return = point_of_no_return(&steps);
    let items = steps
        .into_iter()
        .enumerate()
        .map(|(at, step)| {
            let line = (no_return == Some(step.number))
                .then(|| view! { <li class="no-return">"no way back below this line"</li> });
            view! { {line} {one(at, step, view)} }
        })
        .collect_view();
    view! { <ol class="steps">{items}</ol> }
}

fn one(at: usize, step: Step, view: Signal<JobView>) -> impl IntoView {
    let of = Memo::new(move |_| view.with(|v| v.steps.get(at).cloned().unwrap_or_default()));
    let state = Memo::new(move |_| of.with(|s| s.state));
    let running = move || matches!(state.get(), StepState::Running | StepState::Undoing);
    let progress = Memo::new(move |_| {
        of.with(|s| {
            s.progress
                .clone()
                .filter(|_| matches!(s.state, StepState::Running | StepState::Undoing))
        })
    });
    let words = move || {
        of.with(|s| {
            s.progress
                .as_ref()
                .map(|p| progress_words(p, s.per_second))
                .unwrap_or_default()
        })
    };
    let note = Memo::new(move |_| of.with(|s| s.note.clone()));
    let took = move || {
        of.with(|s| match (s.started_ms, s.ended_ms) {
            (Some(from), Some(to)) => format::duration((to - from) as f64),
            _ => String::new(),
        })
    };
    let label = format!("Step {}", step.number);
    view! {
        <li class="step" aria-current=move || running().then_some("step")>
            <span class="step-number">{step.number}</span>
            <div class="step-body">
                <p>{step.title}</p>
                {move || progress.with(Option::is_some).then(|| view! {
                    <div class="meter">
                        <progress
                            aria-label=label.clone()
                            max="1000"
                            value=move || progress.with(|p| p.as_ref().map_or(0, |(done, total, _)| thousandths(*done, *total)))
                        ></progress>
                        <div class="meter-line"><span>{words}</span></div>
                    </div>
                })}
                <p class="small muted">{note} " " <span class="nowrap">{took}</span></p>
            </div>
            {move || view! { <Status is=status::step(state.get()) /> }}
        </li>
    }
}

fn thousandths(done: u64, total: u64) -> u64 {
    if total == 0 {
        0
    } else {
        (u128::from(done.min(total)) * 1000 / u128::from(total)) as u64
    }
}
