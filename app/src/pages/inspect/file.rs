//! One open file: its headline with what can be done with it, and its evidence.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_location, use_navigate};
use requorum_shared::permission::Permission;

use super::keys::Keys;
use super::{dossier, reading};
use crate::components::error_view::ErrorView;
use crate::components::inspection::{InspectionView, summary};
use crate::components::meter::Meter;
use crate::components::page_header::PageHeader;
use crate::components::verdict::tone;
use crate::console_loader::ConsoleLoader;
use crate::failure::Failure;
use crate::format;
use crate::identity::{Identity, Of, permitted};
use crate::open_files::{OpenFiles, State};
use crate::pages::cluster_filter;
use crate::paths;
use crate::systems::{self, Offer};
use crate::uploads::{TransferState, UploadQueue};
use crate::worker::protocol::{Looked, Refusal, Unpacked};
use requorum_shared::inspection::Trust;

/// Where the file is, without its progress: that comes many times a second and must not draw everything anew.
#[derive(Clone, PartialEq)]
enum Settled {
    No,
    Done(Arc<Looked>),
    Dossier(Arc<Unpacked>),
    Refused(Refusal),
}

fn settled(open_files: OpenFiles, job: u32) -> Memo<Option<Settled>> {
    Memo::new(move |_| {
        open_files.with(job, |item| match &item.state {
            State::Reading(..) => Settled::No,
            State::Done(looked) => Settled::Done(looked.clone()),
            State::Dossier(unpacked) => Settled::Dossier(unpacked.clone()),
            State::Refused(refusal) => Settled::Refused(refusal.clone()),
        })
    })
}

/// The headline, with the file's name where there are several.
fn headline(open_files: OpenFiles, job: u32, sentence: String) -> Signal<String> {
    Signal::derive(move || match open_files.numbers().as_slice() {
        [] | [_] => sentence.clone(),
        several => {
            let name = several.iter().find(|(n, _)| *n == job);
            let name = name.map_or("", |(_, name)| name.as_str());
            format!("{}: {sentence}", format::visible(name))
        }
    })
}

/// The headline.
pub(super) fn header(
    open_files: OpenFiles,
    job: u32,
    keys: Keys,
    close: Callback<u32>,
) -> impl IntoView {
    let settled = settled(open_files, job);
    move || {
        match settled.get() {
        None => ().into_any(),
        Some(Settled::No) => reading::header(open_files, job).into_any(),
        Some(Settled::Refused(refusal)) => {
            view! { <PageHeader sentence=refusal.what tone="verdict warning" acts=move || close_button(job, close) /> }
                .into_any()
        }
        Some(Settled::Dossier(unpacked)) => {
            dossier::header(unpacked, keys, move || close_button(job, close)).into_any()
        }
        Some(Settled::Done(looked)) => done(open_files, job, &looked, close).into_any(),
    }
    }
}

/// The evidence.
pub(super) fn body(open_files: OpenFiles, job: u32, keys: Keys) -> impl IntoView {
    let settled = settled(open_files, job);
    move || {
        match settled.get() {
        None => ().into_any(),
        Some(Settled::No) => reading::body(open_files, job).into_any(),
        Some(Settled::Refused(refusal)) => reading::explained(refusal).into_any(),
        Some(Settled::Dossier(unpacked)) => dossier::body(unpacked, keys).into_any(),
        Some(Settled::Done(looked)) => view! {
            <InspectionView
                inspection=Arc::new(looked.inspection.clone())
                map=looked.map.clone()
                tabs=systems::tabs(&looked.inspection, Callback::new(move |()| open_files.copy_json(job)))
                on_copy_json=Callback::new(move |()| open_files.copy_json(job))
            />
        }
        .into_any(),
    }
    }
}

fn close_button(job: u32, close: Callback<u32>) -> impl IntoView {
    view! { <button type="button" class="button" on:click=move |_| close.run(job)>"Close this file"</button> }
}

fn done(
    open_files: OpenFiles,
    job: u32,
    looked: &Looked,
    close: Callback<u32>,
) -> impl IntoView + use<> {
    let inspection = &looked.inspection;
    let sentence = headline(open_files, job, inspection.verdict.sentence.clone());
    let (tone, below) = (tone(inspection), summary(inspection));
    let took = format::duration(looked.took_ms as f64);
    let sha256 = inspection.file.sha256.clone();
    let trust = inspection.trust();
    let offers = match systems::is_restorable(inspection) {
        true => systems::offers(inspection.kind.as_str()),
        false => Vec::new(),
    };
    let send = Send::new(open_files, job, sha256);
    view! {
        <PageHeader
            sentence=sentence
            tone=tone
            below=move || view! { <p>{below.clone()} <span class="muted">{format!(" · read in {took}")}</span></p> }
            acts=move || view! {
                {(!offers.is_empty()).then(|| send.buttons(trust, offers.clone()))}
                {close_button(job, close)}
            }
        />
        {move || send.progress()}
    }
}

/// Where a file that has arrived is shown next.
fn next(wanted: Option<Offer>, id: &str) -> String {
    match wanted {
        Some(offer) => offer.path([id]),
        None => paths::file(id),
    }
}

/// Sending the file to the server, which needs a person who is signed in.
#[derive(Clone, Copy)]
struct Send {
    open_files: OpenFiles,
    uploads: UploadQueue,
    identity: Identity,
    console_loader: ConsoleLoader,
    job: u32,
    sha256: StoredValue<String>,
    /// The upload's key, and what is to be planned when the file has arrived.
    sending: RwSignal<Option<(u32, Option<Offer>)>>,
    failure: RwSignal<Option<Failure>>,
}

impl Send {
    fn new(open_files: OpenFiles, job: u32, sha256: String) -> Self {
        let send = Self {
            open_files,
            uploads: UploadQueue::expect(),
            identity: Identity::expect(),
            console_loader: ConsoleLoader::expect(),
            job,
            sha256: StoredValue::new(sha256),
            sending: RwSignal::new(None),
            failure: RwSignal::new(None),
        };
        let navigate = use_navigate();
        // The form that was asked for is shown when the file has arrived, as long as this page is shown.
        Effect::new(move |_| {
            let Some((key, wanted)) = send.sending.get() else {
                return;
            };
            let arrived = send.uploads.with(key, |t| match &t.state {
                TransferState::Done(id) => Some(id.clone()),
                _ => None,
            });
            if let Some(Some(id)) = arrived {
                navigate(&next(wanted, &id), Default::default());
            }
        });
        send
    }

    fn start(self, wanted: Option<Offer>) {
        let navigate = use_navigate();
        spawn_local(async move {
            self.failure.set(None);
            let id = self.sha256.get_value();
            // The same bytes may be there already: nobody should send 20 GB twice.
            let stored = match self.console_loader.part().await {
                Ok(console) => (console.is_stored)(id.clone()).await,
                Err(failure) => Err(failure),
            };
            match stored {
                Ok(true) => {
                    navigate(&next(wanted, &id), Default::default());
                }
                Ok(false) => {
                    let file = self
                        .open_files
                        .with(self.job, |item| item.file.clone())
                        .flatten();
                    if let Some(file) = file {
                        let grants = self.identity.grants_now();
                        let cluster = cluster_filter::only(&grants);
                        self.sending
                            .set(Some((self.uploads.add(file, &cluster, None), wanted)));
                    }
                }
                Err(failure) => self.failure.set(Some(failure)),
            }
        });
    }

    fn buttons(self, trust: Trust, offers: Vec<Offer>) -> impl IntoView {
        // Nobody is invited to restore a damaged file; whoever has no better one still can.
        let class = if trust == Trust::Damaged {
            "button"
        } else {
            "button primary"
        };
        let location = use_location();
        move || {
            if self.identity.is_person() {
                let offers = offers.clone();
                permitted(Permission::Upload, Of::Any, move || {
                    let busy = move || self.sending.with(Option::is_some);
                    let plans = offers.clone().into_iter().map(|offer| view! {
                        <button type="button" class=class disabled=busy on:click=move |_| self.start(Some(offer))>{offer.title}</button>
                    });
                    view! {
                        {plans.collect_view()}
                        <button type="button" class="button" disabled=busy on:click=move |_| self.start(None)>"Upload"</button>
                    }
                })
            } else {
                let here = format!(
                    "{}{}",
                    location.pathname.get_untracked(),
                    window().location().search().unwrap_or_default()
                );
                view! { <a class="button" href=paths::login(Some(&here))>"Sign in to upload or restore"</a> }.into_any()
            }
        }
    }

    fn progress(self) -> AnyView {
        if let Some(failure) = self.failure.get() {
            return view! { <ErrorView failure /> }.into_any();
        }
        let Some((key, _)) = self.sending.get() else {
            return ().into_any();
        };
        let progress =
            Signal::derive(move || self.uploads.with(key, |t| t.progress).unwrap_or_default());
        view! {
            <section class="section">
                <Meter label="Uploading" progress />
                <p class="small">
                    "The upload continues on other pages. See " <a href=paths::files()>"Files"</a> " to cancel it."
                </p>
            </section>
        }
        .into_any()
    }
}
