//! What comes next when the job is over: the hand-over and the dossier.

use std::collections::BTreeMap;

use leptos::prelude::*;
use requorum_shared::api::v1::CompleteHandoverStepRequest;
use requorum_shared::handover::{Context, Handover};
use requorum_shared::job::fold::JobState;
use requorum_shared::job::text;
use requorum_shared::permission::Permission;
use requorum_shared::recovery;

use super::super::follow::Followed;
use super::{JobRef, host_settings};
use crate::client::grpc;
use crate::components::handover::{HandoverSteps, Ticking};
use crate::failure::Failure;
use crate::identity::{Identity, Of, reason};
use crate::pages::every;
use crate::paths;

/// How often ticks of other people are asked for, in milliseconds.
const TICKS_EVERY_MS: u64 = 5_000;

/// The hand-over as it is written and ticked on this page.
#[derive(Clone, Copy)]
pub(super) struct Handing {
    handover: Memo<Handover>,
    settings: RwSignal<BTreeMap<String, String>>,
    followed: Followed,
    ticking: Ticking,
    job: StoredValue<String>,
    /// Whose settings of the hosts this browser keeps.
    person: StoredValue<String>,
}

impl Handing {
    pub(super) fn new(job: JobRef, followed: Followed) -> Self {
        let view = followed.view;
        let id = job.with_value(|job| job.summary.id.clone());
        let person = StoredValue::new(Identity::expect().user_id_now());
        let settings = RwSignal::new(host_settings::of(&person.get_value(), &id));
        let origin = window().location().origin().unwrap_or_default();
        let handover = Memo::new(move |_| {
            let over = view.with(|v| v.state == JobState::Completed);
            let settings = settings.get();
            job.with_value(|job| {
                let plan = job.plan.as_ref().filter(|_| over)?;
                let context = Context {
                    job: job.summary.id.clone(),
                    place: job.place.clone(),
                    console: origin.clone(),
                    settings,
                };
                Some(view.with_untracked(|v| recovery::handover(plan, &v.checks, &context)))
            })
            .unwrap_or_default()
        });
        let failed = RwSignal::new(None::<(String, Failure)>);
        let (id, cluster) =
            job.with_value(|job| (job.summary.id.clone(), job.summary.cluster.clone()));
        let of_job = StoredValue::new(id.clone());
        let tick = Action::new_local(move |(step, note): &(String, String)| {
            let job = of_job.get_value();
            let request = CompleteHandoverStepRequest {
                id: job.clone(),
                step_id: step.clone(),
                note: note.clone(),
            };
            let step = step.clone();
            async move {
                failed.set(None);
                let ticked = grpc::call(request).await;
                // Done, or done by another person: the journal says who.
                followed.refresh(job).await;
                failed.set(ticked.err().map(|failure| (step, failure)));
            }
        });
        let is_open = Memo::new(move |_| {
            handover.with(|h| h.steps.len()) > view.with(|v| v.handed_over.len())
        });
        every(TICKS_EVERY_MS, move || {
            if is_open.get_untracked() && !document().hidden() {
                let id = id.clone();
                leptos::task::spawn_local(async move { followed.refresh(id).await });
            }
        });
        Self {
            handover,
            settings,
            followed,
            ticking: Ticking {
                why_not: reason(Permission::Run, Of::Cluster(cluster)),
                tick: Callback::new(move |step| {
                    tick.dispatch_local(step);
                }),
                pending: tick.pending().into(),
                failed,
            },
            job: of_job,
            person,
        }
    }

    /// What the page opens with once there is a hand-over; empty before.
    pub(super) fn headline(self) -> String {
        self.handover.with(|handover| {
            let done = self.followed.view.with(|v| v.handed_count(handover.ids()));
            match handover.steps.len() {
                0 => String::new(),
                total if done == total => "Recovery complete: every hand-over step is done.".into(),
                _ if done == 0 => handover.headline.clone(),
                total => text::handed_over(done, total),
            }
        })
    }

    /// The steps, once the job has completed.
    pub(super) fn steps(self) -> impl IntoView {
        let Self {
            handover,
            settings,
            followed,
            ticking,
            job,
            person,
        } = self;
        let any = handover.with_untracked(|h| !h.steps.is_empty());
        let done = Memo::new(move |_| followed.view.with(|v| v.handed_over.clone()));
        let on_setting = Callback::new(move |(key, value): (String, String)| {
            settings.update(|settings| {
                settings.insert(key, value);
            });
            // What is wrong is not what the commands are written with, and does not come back after a reload.
            let mut good = settings.get_untracked();
            handover.with_untracked(|handover| {
                let wrong = handover
                    .settings
                    .iter()
                    .filter(|setting| setting.error.is_some());
                for setting in wrong {
                    good.remove(&setting.key);
                }
            });
            job.with_value(|job| {
                person.with_value(|person| host_settings::keep(person, job, &good))
            });
        });
        any.then(|| view! { <HandoverSteps handover done on_setting ticking /> })
    }
}

/// The record of the recovery.
pub(super) fn dossier(id: String) -> impl IntoView {
    view! {
        <section class="section">
            <h2>"Dossier"</h2>
            <p class="muted">
                "The record of this recovery in one archive: plan, approvals, journal, verification, hand-over and the \
                 ledger's proofs. It can be read, printed and verified without this console."
            </p>
            <div class="acts">
                <a class="button" href=paths::dossier(&id) rel="external" download="">"Download dossier"</a>
                <a class="button" href=paths::inspect()>"Verify a dossier"</a>
            </div>
        </section>
    }
}
