//! The decision: a bar at the end of the page that stays at the bottom of the window. What would not help is not
//! offered; what is offered names the warnings that it accepts, and waits until each is read.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use requorum_shared::api::v1::{
    self, Approval, ApprovePlanRequest, BreakGlassRequest, RejectPlanRequest, Reversibility,
    StartJobRequest, WithdrawPlanRequest,
};
use requorum_shared::approval::AcceptedWarning;
use requorum_shared::recovery::Plan;

use super::{Case, Desk};
use crate::activity::Activity;
use crate::client::grpc;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::risks::{focus_unread, unread};
use crate::failure::Failure;
use crate::format;
use crate::paths;

/// The word that is typed before an override.
const OVERRIDE_WORD: &str = "without approval";
/// The shortest reason for it, in characters; the server asks for as many.
const OVERRIDE_REASON: usize = 10;

/// What is destroyed, as a person names it: the cluster, or else the place that is written to.
fn subject(plan: &Plan) -> String {
    if !plan.cluster.is_empty() {
        return plan.cluster.clone();
    }
    let target = plan.request.target();
    target.map_or_else(|| "download".into(), |target| target.path)
}

/// `Approve`, or `Approve with 2 accepted warnings`.
fn accepting(act: &str, accepted: usize) -> String {
    match accepted {
        0 => act.to_owned(),
        n => format!(
            "{act} with {}",
            format::count(n as u64, "accepted warning", "accepted warnings")
        ),
    }
}

/// What is offered.
#[derive(Debug, Clone, Default, PartialEq)]
struct Offer {
    approve: bool,
    run: bool,
    reject: bool,
    withdraw: bool,
}

impl Offer {
    fn of(approval: Option<&Approval>, alive: bool, agrees: bool) -> Self {
        let Some(approval) = approval.filter(|_| alive) else {
            return Self::default();
        };
        Self {
            approve: approval.you_can && agrees,
            run: approval.you_can_run && agrees,
            reject: approval.you_can_reject,
            withdraw: approval.you_can_withdraw,
        }
    }

    fn any(&self) -> bool {
        self.approve || self.run || self.reject || self.withdraw
    }
}

/// The bar and its dialogs.
#[component]
pub fn Acts(
    /// The plan.
    case: Case,
    /// The warnings that are accepted with the next act.
    needed: Signal<Vec<AcceptedWarning>>,
    /// What outlives a redrawing.
    desk: Desk,
) -> impl IntoView {
    let (alive, agrees) = (case.alive, case.agrees);
    let failure = RwSignal::new(None::<Failure>);
    let (rejecting, confirming) = (RwSignal::new(false), RwSignal::new(false));
    let withdrawing = RwSignal::new(false);
    let overriding = desk.overriding;
    let activity = Activity::expect();
    let ids = StoredValue::new((case.summary.id.clone(), case.summary.hash.clone()));
    // What was ticked, of what has to be: never more than the person has seen.
    let accepted = move || -> Vec<v1::AcceptedWarning> {
        let read = desk.read.get_untracked();
        let mut needed = needed.get_untracked();
        needed.retain(|warning| read.contains(warning));
        needed.into_iter().map(Into::into).collect()
    };
    let settle = move |result: Result<(), Failure>| match result {
        Ok(()) => {
            activity.ask();
            desk.again.run(());
        }
        Err(refused) => failure.set(Some(refused)),
    };
    let approve = Action::new_local(move |_: &()| async move {
        failure.set(None);
        let (id, hash) = ids.get_value();
        let request = ApprovePlanRequest {
            id,
            hash,
            accepted_warnings: accepted(),
        };
        settle(grpc::call(request).await.map(drop));
    });
    let reason = RwSignal::new(String::new());
    let reject = Action::new_local(move |_: &()| async move {
        failure.set(None);
        rejecting.set(false);
        let (id, hash) = ids.get_value();
        let reason = reason.get_untracked();
        let answer = grpc::call(RejectPlanRequest { id, hash, reason }).await;
        settle(answer.map(drop));
    });
    let why_back = RwSignal::new(String::new());
    let withdraw = Action::new_local(move |_: &()| async move {
        failure.set(None);
        withdrawing.set(false);
        let (id, hash) = ids.get_value();
        let reason = why_back.get_untracked();
        let answer = grpc::call(WithdrawPlanRequest { id, hash, reason }).await;
        settle(answer.map(drop));
    });
    let override_reason = RwSignal::new(String::new());
    let break_glass = Action::new_local(move |_: &()| async move {
        failure.set(None);
        overriding.set(false);
        let (plan_id, plan_hash) = ids.get_value();
        let request = BreakGlassRequest {
            plan_id,
            plan_hash,
            reason: override_reason.get_untracked(),
            accepted_warnings: accepted(),
        };
        settle(grpc::call(request).await.map(drop));
    });
    let navigate = use_navigate();
    let run = Action::new_local(move |_: &()| {
        let navigate = navigate.clone();
        async move {
            failure.set(None);
            confirming.set(false);
            let (plan_id, plan_hash) = ids.get_value();
            let request = StartJobRequest {
                plan_id,
                plan_hash,
                accepted_warnings: accepted(),
            };
            match grpc::call(request).await {
                Ok(answer) => {
                    activity.ask();
                    let job = answer.job.unwrap_or_default();
                    navigate(&paths::job(&job.id), Default::default());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    let open = Memo::new(move |_| {
        desk.read
            .with(|read| needed.with(|needed| unread(needed, read)))
    });
    let count = Memo::new(move |_| needed.with(Vec::len));
    let blocked = move || {
        open.get() > 0
            || approve.pending().get()
            || reject.pending().get()
            || withdraw.pending().get()
            || run.pending().get()
            || break_glass.pending().get()
    };
    let offer = Memo::new(move |_| Offer::of(desk.approval.get().as_ref(), alive, agrees.get()));
    let destructive = Memo::new(move |_| {
        let reversibility = desk.approval.get().map(|approval| approval.reversibility());
        reversibility.is_some_and(|one| one != Reversibility::Undoable)
    });
    let steps = format!(
        "Run {}",
        format::count(case.plan.steps.len() as u64, "step", "steps")
    );
    let run_words = Signal::derive(move || accepting(&steps, count.get()));
    let start = move |_| {
        if destructive.get_untracked() {
            confirming.set(true);
        } else {
            run.dispatch_local(());
        }
    };
    let described = move || (open.get() > 0).then_some("unread");
    let buttons = move || {
        let offer = offer.get();
        let reject = offer.reject.then(|| view! {
            <button type="button" class="button" on:click=move |_| rejecting.set(true)>"Reject"</button>
        });
        let withdraw = offer.withdraw.then(|| view! {
            <button type="button" class="button" on:click=move |_| withdrawing.set(true)>"Withdraw plan"</button>
        });
        let approve = offer.approve.then(|| view! {
            <button type="button" class="button primary" disabled=blocked aria-describedby=described on:click=move |_| { approve.dispatch_local(()); }>{move || accepting("Approve", count.get())}</button>
        });
        let run = offer.run.then(|| view! {
            <button type="button" class="button primary" disabled=blocked aria-describedby=described on:click=start>{run_words}</button>
        });
        view! { {withdraw} {reject} {approve} {run} }
    };
    let state = move || {
        if !agrees.get() {
            return view! { <p class="status fail">"Your browser's check does not match: approving and running are disabled."</p> }.into_any();
        }
        match open.get() {
            0 => {
                let sentence = desk.approval.with(|approval| approval.as_ref().map(|approval| approval.sentence.clone()));
                view! { <p class="plan-bar-state">{sentence}</p> }.into_any()
            }
            n => view! {
                <p class="status warning" id="unread">
                    <span>{format!("{} not read", format::count(n as u64, "warning", "warnings"))}</span>
                    <button type="button" class="button plain small" on:click=|_| focus_unread()>"Show"</button>
                </p>
            }
            .into_any(),
        }
    };
    let subject = subject(&case.plan);
    let outcome = case.plan.outcome.clone();
    let shown =
        move || alive && (offer.with(Offer::any) || !agrees.get() || failure.with(Option::is_some));
    view! {
        <section class="plan-bar" aria-label="Decision" hidden=move || !shown()>
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
            <div class="plan-bar-line">
                {state}
                <div class="acts">{buttons}</div>
            </div>
        </section>
        <Dialog open=rejecting label="Reject this plan">
            <form on:submit=move |ev| { ev.prevent_default(); reject.dispatch_local(()); }>
                <h2>"Reject this plan"</h2>
                <div class="field">
                    <label for="reason">"Reason, for the author"</label>
                    <textarea id="reason" rows="3" required autofocus prop:value=reason on:input=move |ev| reason.set(event_target_value(&ev))></textarea>
                </div>
                <div class="dialog-acts">
                    <button type="button" class="button" on:click=move |_| rejecting.set(false)>"Cancel"</button>
                    <button type="submit" class="button danger" disabled=move || reason.with(|r| r.trim().is_empty())>"Reject plan"</button>
                </div>
            </form>
        </Dialog>
        <Dialog open=withdrawing label="Withdraw this plan">
            <form on:submit=move |ev| { ev.prevent_default(); withdraw.dispatch_local(()); }>
                <h2>"Withdraw this plan"</h2>
                <p>"It can no longer be approved or run, and stays in the list of plans."</p>
                <div class="field">
                    <label for="why-back">"Reason (optional)"</label>
                    <textarea id="why-back" rows="3" autofocus prop:value=why_back on:input=move |ev| why_back.set(event_target_value(&ev))></textarea>
                </div>
                <div class="dialog-acts">
                    <button type="button" class="button" on:click=move |_| withdrawing.set(false)>"Cancel"</button>
                    <button type="submit" class="button danger">"Withdraw plan"</button>
                </div>
            </form>
        </Dialog>
        <Dialog open=overriding label="Run without approval">
            <OverrideDialog reason=override_reason accepts=count on_cancel=Callback::new(move |()| overriding.set(false)) on_override=Callback::new(move |()| { break_glass.dispatch_local(()); }) />
        </Dialog>
        <Dialog open=confirming label="Run a plan that cannot be undone">
            <Destructive
                subject=subject.clone()
                outcome=outcome.clone()
                words=run_words
                on_cancel=Callback::new(move |()| confirming.set(false))
                on_run=Callback::new(move |()| { run.dispatch_local(()); })
            />
        </Dialog>
    }
}

/// An override: what it means, why, and a word that is not typed by accident.
#[component]
fn OverrideDialog(
    reason: RwSignal<String>,
    /// How many warnings are accepted with it.
    accepts: Memo<usize>,
    on_cancel: Callback<()>,
    on_override: Callback<()>,
) -> impl IntoView {
    let word = RwSignal::new(String::new());
    let ready = move || {
        reason.with(|r| r.trim().chars().count() >= OVERRIDE_REASON)
            && word.with(|w| w.trim() == OVERRIDE_WORD)
    };
    view! {
        <form on:submit=move |ev| { ev.prevent_default(); if ready() { on_override.run(()) } }>
            <h2>"Run without approval (break-glass)"</h2>
            <p>"The plan can run immediately. Everyone is notified: every page shows the override, and the plan, its job and the ledger carry your name and reason. A review stays open until another approver closes it. An override cannot be withdrawn."</p>
            <div class="field">
                <label for="override-reason">{format!("Reason, at least {OVERRIDE_REASON} characters")}</label>
                <textarea id="override-reason" rows="3" required autofocus prop:value=reason on:input=move |ev| reason.set(event_target_value(&ev))></textarea>
            </div>
            <Typed id="override-word" word=OVERRIDE_WORD.to_owned() typed=word />
            <div class="dialog-acts">
                <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
                <button type="submit" class="button danger" disabled=move || !ready()>{move || accepting("Override approval", accepts.get())}</button>
            </div>
        </form>
    }
}

/// A run that passes a point of no return asks for the name of what it changes for good.
#[component]
fn Destructive(
    subject: String,
    outcome: String,
    words: Signal<String>,
    on_cancel: Callback<()>,
    on_run: Callback<()>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let name = subject.clone();
    let ready = Signal::derive(move || typed.with(|t| t.trim() == name));
    view! {
        <form on:submit=move |ev| { ev.prevent_default(); if ready.get_untracked() { on_run.run(()) } }>
            <h2>"Run a plan that cannot be undone"</h2>
            <p>{outcome}</p>
            <Typed id="subject" word=subject typed />
            <div class="dialog-acts">
                <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
                <button type="submit" class="button danger" disabled=move || !ready.get()>{words}</button>
            </div>
        </form>
    }
}

/// A word to be typed as shown.
#[component]
fn Typed(id: &'static str, word: String, typed: RwSignal<String>) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>"Type " <code>{word}</code> " to confirm"</label>
            <input id=id type="text" autocomplete="off" spellcheck="false" autocapitalize="none" prop:value=typed on:input=move |ev| typed.set(event_target_value(&ev)) />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;
    use super::*;

    #[test]
    fn a_label_names_what_it_accepts() {
        assert_eq!(accepting("Approve", 0), "Approve");
        assert_eq!(accepting("Approve", 1), "Approve with 1 accepted warning");
        assert_eq!(
            accepting("Run 6 steps", 2),
            "Run 6 steps with 2 accepted warnings"
        );
    }

    #[test]
    fn nothing_but_closing_it_is_offered_where_the_check_differs() {
        let all = Approval {
            you_can: true,
            you_can_run: true,
            you_can_reject: true,
            you_can_withdraw: true,
            ..Approval::default()
        };
        let closing = Offer {
            reject: true,
            withdraw: true,
            ..Offer::default()
        };
        assert_eq!(Offer::of(Some(&all), true, false), closing);
        assert_eq!(Offer::of(Some(&all), false, true), Offer::default());
        assert_eq!(Offer::of(None, true, true), Offer::default());
        let offer = Offer::of(Some(&all), true, true);
        assert!(offer.approve && offer.run && offer.reject && offer.withdraw);
    }

    #[test]
    fn what_is_destroyed_has_a_name() {
        let folder = serde_json::json!({"kind": "folder", "root": "r", "path": "new/prod"});
        assert_eq!(subject(&plan("prod-etcd", folder.clone())), "prod-etcd");
        assert_eq!(subject(&plan("", folder)), "new/prod");
        let download = serde_json::json!({"kind": "download"});
        assert_eq!(subject(&plan("", download)), "download");
    }
}
