//! The snapshot inspected in the approver's browser, from a file of their own.

use leptos::prelude::*;
use requorum_shared::recovery::Observation;
use requorum_shared::replan::Difference;

use crate::client::inspector::{Heard, Inspector, read_report};
use crate::components::file_drop::FileDrop;
use crate::components::meter::Meter;
use crate::components::recheck::Differences;
use crate::dropped::Dropped;
use crate::format::Progress;
use crate::worker::protocol::{Looked, Order, Refusal, Report};

/// What is known of a file of one's own.
#[derive(Debug, Clone, PartialEq)]
pub enum Own {
    /// None was chosen.
    None,
    /// It is being read.
    Reading(String, Progress),
    /// It is the plan's snapshot, and the same was found in it. The verdict's sentence.
    Same(String),
    /// It is not, or something else was found in it.
    Differs(String, Vec<Difference>),
    /// It could not be looked at.
    Refused(Refusal),
}

impl Own {
    /// Whether it differs from what the plan rests on.
    pub fn differs(&self) -> bool {
        matches!(self, Self::Differs(..))
    }

    /// For the table of both sides: what this browser says, and how that compares.
    pub fn words(&self) -> (String, (&'static str, &'static str)) {
        match self {
            Self::None | Self::Refused(_) => {
                ("not inspected".into(), ("not-checked", "not checked"))
            }
            Self::Reading(..) => ("reading".into(), ("busy", "reading")),
            Self::Same(sentence) => (sentence.clone(), ("pass", "same")),
            Self::Differs(sentence, _) => (sentence.clone(), ("fail", "different")),
        }
    }
}

fn judged(told: &Observation, looked: &Looked) -> Own {
    let sentence = looked.inspection.verdict.sentence.clone();
    let name = looked.inspection.file.name.clone();
    let Some(differences) = told.file_differences(&looked.inspection) else {
        return Own::Refused(Refusal::other_kind(&name, &sentence));
    };
    if differences.is_empty() {
        Own::Same(sentence)
    } else {
        Own::Differs(sentence, differences)
    }
}

/// Where the file is dropped, and what came of it.
#[component]
pub fn OwnFile(
    /// What the server says that the plan rests on.
    told: Observation,
    /// What is known of the file.
    own: RwSignal<Own>,
) -> impl IntoView {
    let told = StoredValue::new(told);
    let current = StoredValue::new(0_u32);
    let hear = move |heard: Heard| {
        let now = current.try_get_value();
        let next = match heard {
            Heard::Report(Report::Progress { job, read, .. }) if Some(job) == now => {
                own.try_update(|own| {
                    if let Own::Reading(_, progress) = own {
                        progress.done = read;
                        progress.rate.note(js_sys::Date::now(), read);
                    }
                });
                return;
            }
            Heard::Report(Report::Done { job, looked }) if Some(job) == now => {
                told.try_with_value(|told| judged(told, &looked))
            }
            Heard::Report(Report::Refused { job, refusal }) if Some(job) == now => {
                Some(Own::Refused(refusal))
            }
            Heard::Report(Report::IsDossier { job }) if Some(job) == now => {
                let name = own.try_with_untracked(|own| match own {
                    Own::Reading(name, _) => name.clone(),
                    _ => String::new(),
                });
                name.map(|name| Own::Refused(Refusal::dossier(&name)))
            }
            Heard::Report(_) => None,
            Heard::Broke(said) => Some(Own::Refused(Refusal {
                what: "The file could not be inspected.".into(),
                why: format!("The browser said: {said}"),
                next: "Choose it again, or reload the page.".into(),
            })),
        };
        if let Some(next) = next {
            own.try_set(next);
        }
    };
    let inspector = StoredValue::new_local(Inspector::of_files(read_report, hear));
    let order = move |order: Order, file: Option<&web_sys::File>| {
        inspector.try_with_value(|inspector| inspector.send(&order, file, None));
    };
    let stop = move || {
        if matches!(own.try_get_untracked(), Some(Own::Reading(..))) {
            order(
                Order::Cancel {
                    job: current.get_value(),
                },
                None,
            );
        }
    };
    let on_files = move |dropped: Dropped| {
        let Some(file) = dropped.files.into_iter().next() else {
            let name = dropped.folders.first().cloned().unwrap_or_default();
            own.set(Own::Refused(Refusal::folder(&name)));
            return;
        };
        stop();
        current.update_value(|job| *job += 1);
        let name = file.name();
        if file.size() == 0.0 {
            own.set(Own::Refused(Refusal::empty(&name)));
            return;
        }
        let progress = Progress {
            total: file.size() as u64,
            ..Progress::default()
        };
        own.set(Own::Reading(name.clone(), progress));
        let job = current.get_value();
        order(Order::Inspect { job, name }, Some(&file));
    };
    on_cleanup(stop);
    let reading = Memo::new(move |_| match own.get() {
        Own::Reading(name, _) => Some(name),
        _ => None,
    });
    let progress = Signal::derive(move || match own.get() {
        Own::Reading(_, progress) => progress,
        _ => Progress::default(),
    });
    let came = move || {
        match own.get() {
        Own::None | Own::Reading(..) => ().into_any(),
        Own::Same(_) => view! {
            <div class="notice pass" role="status">
                <p><strong>"Your file matches the plan: same SHA-256, same verdict."</strong></p>
                <p>"Your browser inspected the file. Nothing was uploaded."</p>
            </div>
        }
        .into_any(),
        Own::Differs(_, differences) => view! {
            <div class="notice fail" role="alert">
                <p><strong>"Your file does not match the plan."</strong></p>
                <p>"You cannot approve or run the plan here with this file. If it was the wrong file, choose the right one, or remove it."</p>
                <Differences differences />
                <div class="acts"><button type="button" class="button" on:click=move |_| own.set(Own::None)>"Remove this file"</button></div>
            </div>
        }
        .into_any(),
        Own::Refused(refusal) => view! {
            <div class="notice warning" role="alert"><p><strong>{refusal.what}</strong></p><p>{refusal.why}</p><p>{refusal.next}</p></div>
        }
        .into_any(),
    }
    };
    view! {
        <FileDrop
            title="Have the snapshot file? Drop it here or click to browse"
            hint="Your browser inspects it and compares. Nothing is uploaded."
            slim=true
            on_files=UnsyncCallback::new(on_files)
        />
        {move || reading.get().map(|name| view! { <Meter label=format!("Reading {name}") progress /> })}
        {came}
    }
}
