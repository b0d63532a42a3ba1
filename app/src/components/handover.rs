//! The hand-over of a completed job: what people do next, each step with its commands and a tick.

use leptos::prelude::*;
use requorum_shared::handover::{CommandKind, Handover, HandoverStep, MAX_NOTE_CHARS, Setting};
use requorum_shared::job::fold::HandedOver;

use crate::components::command::Command;
use crate::components::error_view::ErrorView;
use crate::components::findings::Findings;
use crate::components::status::Status;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;

/// What ticking needs, and what came of it.
#[derive(Clone, Copy)]
pub struct Ticking {
    /// Why this person may not tick; empty when they may.
    pub why_not: Memo<String>,
    /// Ticks a step, by id, with a note.
    pub tick: Callback<(String, String)>,
    /// Whether one is being ticked.
    pub pending: Signal<bool>,
    /// The step whose tick failed last, and why.
    pub failed: RwSignal<Option<(String, Failure)>>,
}

/// The steps, the warnings before them, and the settings that their commands are written with.
#[component]
pub fn HandoverSteps(
    /// The hand-over with the settings as they are.
    #[prop(into)]
    handover: Signal<Handover>,
    /// The steps that are done.
    #[prop(into)]
    done: Signal<Vec<HandedOver>>,
    /// Sets a setting: its key and value.
    on_setting: Callback<(String, String)>,
    /// How steps are ticked.
    ticking: Ticking,
) -> impl IntoView {
    // Which steps, commands and settings there are does not change with the settings; what they say does.
    let first = handover.get_untracked();
    let warnings = (!first.warnings.is_empty()).then(|| {
        let count = first.warnings.len();
        view! {
            <section class="notice warning" aria-label="Before you hand over">
                <h2>"Before you hand over"</h2>
                <p>{if count == 1 { "One warning is still true of the result." } else { "These warnings are still true of the result." }}</p>
                <Findings findings=first.warnings.clone() none="" />
            </section>
        }
    });
    let settings = first
        .settings
        .iter()
        .enumerate()
        .map(|(at, setting)| field(at, setting.clone(), handover, on_setting))
        .collect_view();
    let steps = first
        .steps
        .into_iter()
        .enumerate()
        .map(|(at, step)| one(at, step, handover, done, ticking))
        .collect_view();
    view! {
        {warnings}
        <section class="section">
            <h2>"Next steps"</h2>
            <details class="command" open=true>
                <summary>"Settings of the hosts: every command below is written with them"</summary>
                <div class="handover-settings">{settings}</div>
            </details>
            <p class="why-not" hidden=move || ticking.why_not.with(String::is_empty)>{ticking.why_not}</p>
            <ol class="handover">{steps}</ol>
        </section>
    }
}

fn field(
    at: usize,
    setting: Setting,
    handover: Signal<Handover>,
    on_setting: Callback<(String, String)>,
) -> impl IntoView {
    let Setting {
        key,
        label,
        hint,
        value,
        ..
    } = setting;
    let error = Memo::new(move |_| {
        handover.with(|h| {
            h.settings
                .get(at)
                .and_then(|s| s.error.clone())
                .unwrap_or_default()
        })
    });
    let (id, hint_id, error_id) = (
        format!("setting-{key}"),
        format!("setting-{key}-hint"),
        format!("setting-{key}-error"),
    );
    let described = format!("{hint_id} {error_id}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id type="text" class="mono-input" autocomplete="off" spellcheck="false" autocapitalize="none"
                value=value aria-describedby=described
                aria-invalid=move || (!error.with(String::is_empty)).to_string()
                on:input=move |ev| on_setting.run((key.clone(), event_target_value(&ev)))
            />
            <span class="hint" id=hint_id>{hint}</span>
            <span id=error_id class=move || if error.with(String::is_empty) { "" } else { "field-error" }>{error}</span>
        </div>
    }
}

fn one(
    at: usize,
    step: HandoverStep,
    handover: Signal<Handover>,
    done: Signal<Vec<HandedOver>>,
    ticking: Ticking,
) -> impl IntoView {
    let id = StoredValue::new(step.id.clone());
    let is_done = Memo::new(move |_| {
        done.with(|done| id.with_value(|id| done.iter().find(|done| done.step == *id).cloned()))
    });
    let of_step = move |read: &dyn Fn(&HandoverStep) -> String| {
        handover.with(|h| h.steps.get(at).map(read).unwrap_or_default())
    };
    let text = move || of_step(&|step| step.text.clone());
    let commands = step
        .commands
        .iter()
        .enumerate()
        .map(|(n, command)| {
            let text = Signal::derive(move || {
                of_step(&|step| {
                    step.commands
                        .get(n)
                        .map(|c| c.text.clone())
                        .unwrap_or_default()
                })
            });
            let label = command.label.clone();
            let label = match command.kind {
                CommandKind::Shell => label,
                CommandKind::File => format!("File · {label}"),
            };
            view! { <Command label text open=!command.folded /> }
        })
        .collect_view();
    let expect = (!step.expect.is_empty()).then(|| {
        let rows = step.expect.iter().enumerate().map(|(n, expected)| {
            let value = move || {
                of_step(&|step| step.expect.get(n).map(|e| e.value.clone()).unwrap_or_default())
            };
            view! { <div><dt>{expected.name.clone()}</dt><dd>{value}</dd></div> }
        });
        view! { <div class="handover-expect"><h4>"Expected"</h4><dl>{rows.collect_view()}</dl></div> }
    });
    let note = RwSignal::new(String::new());
    let note_id = format!("note-{at}");
    let title = step.title.clone();
    let tick = move || {
        match is_done.get() {
        Some(done) => {
            let note = (!done.note.is_empty()).then(|| view! { <p>{format::visible(&done.note)}</p> });
            view! {
                <div class="handover-done">
                    <p><Status is=("pass", "done") /> " by " <strong>{done.by}</strong> ", " <Time ms=done.at_ms /></p>
                    {note}
                </div>
            }
            .into_any()
        }
        None if !ticking.why_not.with(String::is_empty) => {
            view! { <p><Status is=("waits", "open") /></p> }.into_any()
        }
        None => view! {
            <form class="handover-tick" on:submit=move |ev| {
                ev.prevent_default();
                ticking.tick.run((id.get_value(), note.get_untracked()));
            }>
                <div class="field">
                    <label for=note_id.clone()>"Note (optional)"</label>
                    <input
                        id=note_id.clone() type="text" maxlength=MAX_NOTE_CHARS.to_string() autocomplete="off"
                        prop:value=note on:input=move |ev| note.set(event_target_value(&ev))
                    />
                </div>
                <button type="submit" class="button" disabled=ticking.pending>
                    "Mark as done" <span class="visually-hidden">{format!(": {title}")}</span>
                </button>
            </form>
        }
        .into_any(),
    }
    };
    let failed = move || {
        let failed = ticking
            .failed
            .get()
            .filter(|(step, _)| id.with_value(|id| step == id));
        failed.map(|(_, failure)| view! { <ErrorView failure /> })
    };
    view! {
        <li class="panel handover-step" class:done=move || is_done.with(Option::is_some)>
            <h3><span class="step-number">{format!("{}. ", at + 1)}</span>{step.title}</h3>
            <p>{text}</p>
            {commands}
            {expect}
            {tick}
            {failed}
        </li>
    }
}
