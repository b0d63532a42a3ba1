//! A plan's steps: what each does, how it is undone, and the line after which nothing can be undone.

use leptos::prelude::*;
use requorum_shared::plan::Undo;
use requorum_shared::recovery::Step;

use crate::components::command::Command;
use crate::components::status::Status;

/// The number of the first step that cannot be taken back.
pub fn point_of_no_return(steps: &[Step]) -> Option<u32> {
    steps
        .iter()
        .find(|step| matches!(step.undo, Undo::PointOfNoReturn(_)))
        .map(|step| step.number)
}

/// All steps; `compact` shows no more than their titles and undo.
#[component]
pub fn PlanSteps(
    /// The steps.
    steps: Vec<Step>,
    /// Titles only.
    #[prop(optional)]
    compact: bool,
) -> impl IntoView {
    let no_return = point_of_no_return(&steps);
    let items = steps
        .into_iter()
        .map(|step| {
            let line = (no_return == Some(step.number))
                .then(|| view! { <li class="no-return">"Point of no return: steps below cannot be undone"</li> });
            let body = if compact {
                brief(step).into_any()
            } else {
                full(step).into_any()
            };
            view! { {line} {body} }
        })
        .collect_view();
    view! { <ol class="steps">{items}</ol> }
}

fn undo(undo: Undo) -> String {
    match undo {
        Undo::Nothing => "Nothing to undo.".into(),
        Undo::Back(how) => how,
        Undo::PointOfNoReturn(why) => format!("Cannot be undone. {why}"),
    }
}

/// Class and word of how a step is undone.
fn kind(undo: &Undo) -> (&'static str, &'static str) {
    match undo {
        Undo::Nothing => ("waits", "changes nothing"),
        Undo::Back(_) => ("undone", "reversible"),
        Undo::PointOfNoReturn(_) => ("fail", "irreversible"),
    }
}

fn brief(step: Step) -> impl IntoView {
    let back = match &step.undo {
        Undo::Nothing => "changes nothing".to_owned(),
        Undo::Back(how) => format!("undo: {how}"),
        Undo::PointOfNoReturn(_) => "irreversible".to_owned(),
    };
    view! {
        <li class="step compact">
            <span class="step-number">{step.number}</span>
            <div class="step-body"><p>{step.title}</p><p class="small muted">{back}</p></div>
        </li>
    }
}

fn full(step: Step) -> impl IntoView {
    let native = step.native.map(|text| {
        view! { <Command label="Equivalent commands" text=Signal::derive(move || text.clone()) /> }
    });
    let kind = kind(&step.undo);
    view! {
        <li class="step">
            <span class="step-number">{step.number}</span>
            <div class="step-body">
                <h3 class="step-title">{step.title}</h3>
                <p class="small muted">{step.effect}</p>
                <details class="step-more">
                    <summary>"Details"</summary>
                    <dl class="step-facts">
                        <dt>"When it is done"</dt><dd>{step.probe}</dd>
                        <dt>"Undo"</dt><dd>{undo(step.undo)}</dd>
                    </dl>
                    {native}
                </details>
            </div>
            <Status is=kind />
        </li>
    }
}
