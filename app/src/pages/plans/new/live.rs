//! The right column: the report, checked here at each key and by the server soon after; what will happen; the
//! commands that do the same.

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::v1::CheckPlanRequest;
use requorum_shared::finding::{Finding, Report};
use requorum_shared::plan::{Seal, reversibility};
use requorum_shared::recovery::{self, Observation, Request, Step};

use crate::client::grpc;
use crate::components::command::Command;
use crate::components::findings::{Findings, ReportCount};
use crate::components::plan_steps::PlanSteps;
use crate::failure::Failure;
use crate::focus::focus;
use crate::format;
use crate::plan_form::{Here, REPORT, merge};

/// How long typing must pause before the server is asked, in milliseconds.
const QUIET_MS: u32 = 500;

/// What the column shows.
#[derive(Clone, Copy)]
pub(super) struct Live {
    /// The report: the page's, made right by the server.
    pub(super) report: Memo<Report>,
    steps: Memo<Option<Vec<Step>>>,
    server: RwSignal<ServerWord>,
}

/// What the server said of which request.
#[derive(Clone, PartialEq)]
enum ServerWord {
    Asking,
    Said(Request, Vec<Finding>),
    Silent(Failure),
}

impl Live {
    pub(super) fn new(
        kind: &'static str,
        request: Memo<Request>,
        here: Memo<Here>,
        seen: Memo<Observation>,
        author: String,
    ) -> Self {
        let server = RwSignal::new(ServerWord::Asking);
        let turn = StoredValue::new(0_u32);
        Effect::new(move |_| {
            let request = request.get();
            turn.update_value(|n| *n += 1);
            let mine = turn.get_value();
            server.set(ServerWord::Asking);
            spawn_local(async move {
                gloo_timers::future::TimeoutFuture::new(QUIET_MS).await;
                if turn.try_get_value() != Some(mine) {
                    return;
                }
                let request_json = serde_json::to_string(&request).unwrap_or_default();
                let answer = grpc::call(CheckPlanRequest {
                    kind: kind.into(),
                    request_json,
                })
                .await;
                // The page may be gone, or the person may have typed on.
                if turn.try_get_value() == Some(mine) {
                    server.try_set(match answer {
                        Ok(answer) => ServerWord::Said(
                            request,
                            answer.findings.into_iter().map(Finding::from).collect(),
                        ),
                        Err(failure) => ServerWord::Silent(failure),
                    });
                }
            });
        });
        // While the server is asked anew, its last answer about the same destination is kept: nothing jumps.
        let last = Memo::new(
            move |before: Option<&(Option<Request>, Vec<Finding>)>| match server.get() {
                ServerWord::Said(request, findings) => (Some(request), findings),
                _ => before.cloned().unwrap_or_default(),
            },
        );
        let report = Memo::new(move |_| {
            let here = here.get();
            if server.with(|s| matches!(s, ServerWord::Silent(_))) {
                return here.report;
            }
            let request = request.get();
            last.with(|(asked, findings)| {
                let answered = asked.as_ref() == Some(&request);
                let same_place = asked
                    .as_ref()
                    .is_some_and(|asked| asked.subject() == request.subject());
                match answered || same_place {
                    true => merge(&here, findings, answered),
                    false => here.report,
                }
            })
        });
        let steps = Memo::new(move |_| {
            let seal = Seal {
                id: "preview".into(),
                author: author.clone(),
                sealed_at: format::utc(js_sys::Date::now() as i64),
                cluster: String::new(),
            };
            let plan =
                request.with(|request| seen.with(|seen| recovery::plan(request, seen, seal)));
            plan.ok().map(|plan| plan.steps)
        });
        Self {
            report,
            steps,
            server,
        }
    }
}

/// Brings the findings into view, and the focus to them.
pub(super) fn show_report() {
    if let Some(report) = document().get_element_by_id(REPORT) {
        report.scroll_into_view();
    }
    focus(REPORT);
}

/// Report, steps, commands.
pub(super) fn column(
    live: Live,
    fixes: Callback<Finding, AnyView>,
    (label, commands): (&'static str, Signal<String>),
) -> impl IntoView {
    let whose = move || match live.server.get() {
        ServerWord::Asking => "Checked in this browser; waiting for the server.".to_owned(),
        ServerWord::Said(..) => "Checked in this browser and by the server.".to_owned(),
        ServerWord::Silent(failure) => {
            format!(
                "Checked in this browser only. {} {}",
                failure.what, failure.next
            )
        }
    };
    let findings = move || {
        view! { <Findings findings=live.report.get().findings none="No findings." acts=fixes /> }
    };
    let steps = move || match live.steps.get() {
        Some(steps) => {
            let title = format!("What will happen: {}", reversibility(&steps));
            view! { <h2>{title}</h2> <PlanSteps steps compact=true /> }.into_any()
        }
        None => view! {
            <h2>"What will happen"</h2>
            <p class="muted">"Resolve the blocking findings to see the steps."</p>
        }
        .into_any(),
    };
    view! {
        <aside class="wizard-report" id=REPORT aria-label="Report and steps" tabindex="0">
            <section class="section">
                <h2>"Findings"</h2>
                <p class="small muted reserve">{whose}</p>
                <div role="status">{move || view! { <ReportCount report=live.report.get() /> }}</div>
                {findings}
            </section>
            <section class="section">{steps}</section>
            <Command label text=commands />
        </aside>
    }
}
