//! A file on its way to its verdict, and files that got none.

use leptos::prelude::*;

use crate::components::meter::Meter;
use crate::components::page_header::PageHeader;
use crate::format::Progress;
use crate::open_files::{OpenFiles, State};
use crate::worker::protocol::{Phase, Refusal};

fn name(open_files: OpenFiles, job: u32) -> String {
    open_files
        .with(job, |item| item.name.clone())
        .unwrap_or_default()
}

fn state(open_files: OpenFiles, job: u32) -> Memo<(Progress, Phase)> {
    Memo::new(move |_| {
        open_files
            .with(job, |item| match &item.state {
                State::Reading(progress, phase) => (*progress, *phase),
                _ => (Progress::default(), Phase::Waiting),
            })
            .unwrap_or_default()
    })
}

/// The headline while a file is read.
pub(super) fn header(open_files: OpenFiles, job: u32) -> impl IntoView {
    let state = state(open_files, job);
    let sentence = format!("Reading {}", name(open_files, job));
    view! {
        <PageHeader
            sentence=sentence
            below=move || view! { <p>{move || state.get().1.words()}</p> }
            acts=move || view! { <button type="button" class="button" on:click=move |_| open_files.cancel(job)>"Cancel"</button> }
        />
    }
}

/// How far reading is, with the places where the verdict will stand.
pub(super) fn body(open_files: OpenFiles, job: u32) -> impl IntoView {
    let state = state(open_files, job);
    let label = format!("Reading {}", name(open_files, job));
    view! {
        <Meter label progress=Signal::derive(move || state.get().0) />
        <div class="parts">
            {part("Checksum", state.into(), Phase::Hashing)}
            {part("Structure", state.into(), Phase::Walking)}
            {part("Content", state.into(), Phase::Walking)}
        </div>
    }
}

/// A part of the verdict before there is one: it says what is being done for it.
fn part(name: &'static str, state: Signal<(Progress, Phase)>, decided_in: Phase) -> impl IntoView {
    let words = move || match state.get().1 {
        Phase::Waiting | Phase::Unpacking => "waiting",
        phase if phase == decided_in => "checking",
        Phase::Reading => "collecting",
        Phase::Hashing | Phase::Walking => "done",
    };
    view! {
        <section class="part">
            <h2>{name}</h2>
            <p class="muted">{words}</p>
        </section>
    }
}

/// Why and what next, below a headline that says what.
pub(super) fn explained(refusal: Refusal) -> impl IntoView {
    view! {
        <div class="notice warning" role="alert">
            <p>{refusal.why}</p>
            <p>{refusal.next}</p>
        </div>
    }
}

/// The whole refusal.
pub(super) fn refusal(refusal: Refusal) -> impl IntoView {
    view! {
        <div class="notice warning" role="alert">
            <p><strong>{refusal.what}</strong></p>
            <p>{refusal.why}</p>
            <p>{refusal.next}</p>
        </div>
    }
}
