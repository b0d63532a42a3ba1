//! A job's steps as they are now. While the job runs every step keeps its height: nothing that is read moves away.

use leptos::prelude::*;
use requorum_shared::job::fold::{JobView, StepState, StepView};
use requorum_shared::nouns::Nouns;
use requorum_shared::recovery::Step;

use crate::components::plan_steps::point_of_no_return;
use crate::components::status::{self, Status};
use crate::format;
use crate::job_text::progress_words;

/// Every step with its state; the one that runs has its progress, and those that work on the parts of the target have a
/// lane for each.
#[component]
pub fn JobSteps(
    /// The plan's steps.
    steps: Vec<Step>,
    /// The parts of the target, in the plan's order.
    parts: Vec<String>,
    /// What they are called.
    nouns: Nouns,
    /// The job.
    #[prop(into)]
    view: Signal<JobView>,
    /// Whether the job runs: what a step says is kept to one line then, and the history has the rest.
    live: bool,
    /// Whether the server does not answer: what is shown is old.
    #[prop(into)]
    stale: Signal<bool>,
) -> impl IntoView {
    let no_return = point_of_no_return(&steps);
    let items = steps
        .into_iter()
        .enumerate()
        .map(|(at, step)| {
            let line = (no_return == Some(step.number))
                .then(|| view! { <li class="no-return">"point of no return"</li> });
            let lanes = match step.action.is_of_parts() {
                true => parts.clone(),
                false => Vec::new(),
            };
            view! { {line} {one(at, step, (lanes, nouns.part), view, stale)} }
        })
        .collect_view();
    view! { <ol class=if live { "steps live" } else { "steps" } class:stale=stale>{items}</ol> }
}

fn one(
    at: usize,
    step: Step,
    (lanes, part): (Vec<String>, &'static str),
    view: Signal<JobView>,
    stale: Signal<bool>,
) -> impl IntoView {
    let of = Memo::new(move |_| view.with(|v| v.steps.get(at).cloned().unwrap_or_default()));
    let state = Memo::new(move |_| of.with(|s| s.state));
    let running = Memo::new(move |_| works(state.get()));
    let progress = move || of.with(|s| s.progress.clone().filter(|_| works(s.state)));
    let words = move || {
        of.with(|s| match &s.progress {
            // A rate of long ago is none.
            Some(p) => progress_words(p, s.per_second.filter(|_| !stale.get())),
            None => "Working; this part reports no progress.".to_owned(),
        })
    };
    let host = Memo::new(move |_| of.with(|s| s.host.clone()));
    let on_host = move || host.get().map(|host| format!(" on {host}"));
    let note = Memo::new(move |_| of.with(|s| s.note.clone()));
    let took = move || {
        of.with(|s| match (s.started_ms, s.ended_ms) {
            (Some(from), Some(to)) => format::duration((to - from) as f64),
            _ => String::new(),
        })
    };
    let label = format!("Step {}", step.number);
    let lanes = (!lanes.is_empty()).then(|| {
        let lanes = lanes.into_iter().map(|name| lane(name, of)).collect_view();
        view! { <ul class="lanes" aria-label=format!("{label} by {part}")>{lanes}</ul> }
    });
    let slot = move || {
        if running.get() {
            view! {
                <div class="meter">
                    <progress
                        aria-label=label.clone()
                        max="1000"
                        value=move || progress().and_then(|(done, total, _)| thousandths(done, total))
                    ></progress>
                    <div class="meter-line"><span>{words}</span></div>
                </div>
            }
            .into_any()
        } else {
            view! { <p class="small muted note"><span class="nowrap">{took}</span> " " <span title=note>{note}</span></p> }
                .into_any()
        }
    };
    view! {
        <li class="step job-step" aria-current=move || running.get().then_some("step")>
            <span class="step-number">{step.number}</span>
            <div class="step-body">
                <p>{step.title}<span class="muted">{on_host}</span></p>
                <div class="step-slot">{slot}</div>
                {lanes}
            </div>
            {move || view! { <Status is=status::step(state.get()) /> }}
        </li>
    }
}

/// One part of the target in a step.
fn lane(part: String, of: Memo<StepView>) -> impl IntoView {
    let name = part.clone();
    let is = Memo::new(move |_| of.with(|step| of_lane(step, &part)));
    view! {
        <li class=move || format!("lane {}", is.get().0)>
            {name} <span class="visually-hidden">{move || format!(": {}", is.get().1)}</span>
        </li>
    }
}

/// Class and word of a part in a step: its own where that is told, and the step's otherwise.
fn of_lane(step: &StepView, part: &str) -> (&'static str, &'static str) {
    let own = step.parts.iter().find(|(name, ..)| name == part);
    match own.filter(|_| works(step.state)) {
        Some((_, done, total)) if done >= total => ("pass", "done"),
        Some(_) => ("waits", "not yet"),
        None => status::step(step.state),
    }
}

fn works(state: StepState) -> bool {
    matches!(state, StepState::Running | StepState::Undoing)
}

/// `None` where the total is not known: the bar says that something is done, and not how much.
fn thousandths(done: u64, total: u64) -> Option<u64> {
    (total > 0).then(|| (u128::from(done.min(total)) * 1000 / u128::from(total)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_its_own_state_only_while_its_step_works() {
        let mut step = StepView {
            state: StepState::Running,
            parts: vec![("m1".to_owned(), 1, 1), ("m2".to_owned(), 0, 1)],
            ..StepView::default()
        };
        assert_eq!(of_lane(&step, "m1").1, "done");
        assert_eq!(of_lane(&step, "m2").1, "not yet");
        assert_eq!(of_lane(&step, "m3").1, "running", "unknown is not waiting");
        step.state = StepState::Failed;
        assert_eq!(of_lane(&step, "m1").1, "failed");
    }

    #[test]
    fn an_unknown_total_is_no_zero() {
        assert_eq!(thousandths(5, 0), None);
        assert_eq!(thousandths(5, 10), Some(500));
    }
}
