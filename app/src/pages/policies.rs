//! Who must agree before a plan runs, for each cluster and for everything else.

pub mod proposals;

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::v1::{
    ListFilesRequest, ListPoliciesRequest, ListPolicyProposalsRequest, Policy as Wire,
    PolicyProposal, PreviewPolicyRequest, PreviewPolicyResponse, RemovePolicyRequest,
    SetPolicyRequest,
};
use requorum_shared::approval::{MAX_APPROVERS, Policy, Rule, Second};
use requorum_shared::permission::{Permission, Place};

use self::proposals::Proposal;
use crate::client::{grpc, whole};
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;
use crate::forms::policy::{PolicyForm, policy};
use crate::identity::Identity;
use crate::paths;

/// The page.
#[component]
pub fn Policies() -> impl IntoView {
    let list = LocalResource::new(fetch);
    let editing = RwSignal::new(None::<PolicyForm>);
    let open = RwSignal::new(false);
    let edit = Callback::new(move |form: PolicyForm| {
        editing.set(Some(form));
        open.set(true);
    });
    let removing = RwSignal::new(None::<Wire>);
    let open_to_remove = RwSignal::new(false);
    let remove = Callback::new(move |then: Wire| {
        removing.set(Some(then));
        open_to_remove.set(true);
    });
    let said = RwSignal::new(String::new());
    // What a lower policy still waits for stays on the page until the next act.
    let done = Callback::new(move |pending: String| {
        said.set(pending);
        open.set(false);
        open_to_remove.set(false);
        list.refetch();
    });
    let again = Callback::new(move |()| done.run(String::new()));
    view! {
            <PageHeader
                sentence="Approval policies"
                below=|| view! { <p>"A policy is applied when a plan starts, so changes also affect plans that are already approved. A policy that requires less than before must be confirmed by a second person. "<a href=paths::help_on("two-people")>"Why two people?"</a>" · "<a href=paths::help_on("break-glass")>"What is break-glass?"</a></p> }
            />
            <p role="status" class="notice" hidden=move || said.with(String::is_empty)>{said}</p>
            {load(list, move |list| show(list, edit, remove, again))}
            <Dialog open label="Set policy">
                {move || editing.get().map(|form| view! { <Edit form done on_keep=Callback::new(move |()| open.set(false)) /> })}
            </Dialog>
            <Dialog open=open_to_remove label="Remove policy">
                {move || removing.get().map(|then| view! { <Remove then done on_keep=Callback::new(move |()| open_to_remove.set(false)) /> })}
            </Dialog>
    }
}

/// All policies, and what is proposed.
#[derive(Debug, Clone, PartialEq)]
struct Listed {
    policies: Vec<Wire>,
    proposals: Vec<PolicyProposal>,
}

async fn fetch() -> Result<Listed, Failure> {
    let policies = whole::list_policies(ListPoliciesRequest::default()).await?;
    let proposals = whole::list_policy_proposals(ListPolicyProposalsRequest::default()).await?;
    Ok(Listed {
        policies: policies.policies,
        proposals: proposals.proposals,
    })
}

fn show(
    list: Listed,
    edit: Callback<PolicyForm>,
    remove: Callback<Wire>,
    again: Callback<()>,
) -> impl IntoView {
    let proposals = list.proposals.into_iter();
    let proposals = proposals
        .map(|proposal| view! { <Proposal proposal again /> })
        .collect_view();
    let may = Identity::expect()
        .grants_now()
        .allow(Permission::Policies, Place::Console);
    let admin = may.is_ok();
    let rest = list.policies.first().cloned().unwrap_or_default();
    let first = policy(&rest);
    let cards = list
        .policies
        .into_iter()
        .map(|wire| {
            let cluster = wire.cluster.clone();
            // What would count for the cluster then.
            let then = (!cluster.is_empty()).then(|| Wire {
                cluster,
                ..rest.clone()
            });
            card(wire, admin, edit, then, remove)
        })
        .collect_view();
    let new = move |_| {
        edit.run(PolicyForm {
            cluster: String::new(),
            of_one: true,
            policy: first,
        });
    };
    let acts = match may {
        Ok(()) => view! { <button type="button" class="button" on:click=new>"Add cluster policy"</button> }.into_any(),
        Err(denied) => view! { <p class="why-not">{denied.to_string()}</p> }.into_any(),
    };
    view! {
        <div class="stack">{proposals}{cards}</div>
        <div class="acts">{acts}</div>
    }
}

fn glass(may: bool) -> &'static str {
    if may {
        "An operator may override approval, with a reason that is shown to everyone and a review afterwards."
    } else {
        "Plans never run without approval."
    }
}

fn card(
    wire: Wire,
    admin: bool,
    edit: Callback<PolicyForm>,
    then: Option<Wire>,
    remove: Callback<Wire>,
) -> impl IntoView {
    let Policy {
        undoable,
        destructive,
        break_glass,
    } = policy(&wire);
    let (title, change) = match wire.cluster.as_str() {
        "" => ("Default".to_owned(), "Edit".to_owned()),
        name => (name.to_owned(), format!("Edit policy for {name}")),
    };
    let set = if wire.set_by.is_empty() {
        view! { "Default policy" }.into_any()
    } else {
        view! { "Set by " {wire.set_by.clone()} ", " <Time ms=wire.set_at_ms /> "." }.into_any()
    };
    let on_edit = move |_| {
        edit.run(PolicyForm {
            of_one: !wire.cluster.is_empty(),
            policy: policy(&wire),
            cluster: wire.cluster.clone(),
        });
    };
    let take_away = then.filter(|_| admin).map(|then| {
        let label = format!("Remove policy of {}", then.cluster);
        let on_remove = move |_| remove.run(then.clone());
        view! { <button type="button" class="button small" aria-label=label on:click=on_remove>"Remove policy"</button> }
    });
    view! {
        <section class="panel">
            <div class="file-row-head">
                <h2>{title}</h2>
                {take_away}
                {admin.then(|| view! { <button type="button" class="button small" aria-label=change on:click=on_edit>"Edit"</button> })}
            </div>
            <dl class="step-facts">
                <dt>"Reversible plans"</dt><dd>{undoable.to_string()}</dd>
                <dt>"Irreversible plans"</dt><dd>{destructive.to_string()}</dd>
                <dt>"Break-glass"</dt><dd>{glass(break_glass)}</dd>
            </dl>
            <p class="small muted">{set}</p>
        </section>
    }
}

/// Chooses a policy; says in words what it means, and what it would do to plans that are open now.
#[component]
fn Edit(form: PolicyForm, done: Callback<String>, on_keep: Callback<()>) -> impl IntoView {
    let is_new = form.of_one && form.cluster.is_empty();
    let title = match form.cluster.as_str() {
        "" if form.of_one => "Cluster policy".to_owned(),
        "" => "Default policy".to_owned(),
        name => format!("Policy for {name}"),
    };
    let cluster = RwSignal::new(form.cluster.clone());
    let undoable = RwSignal::new(form.policy.undoable);
    let destructive = RwSignal::new(form.policy.destructive);
    let break_glass = RwSignal::new(form.policy.break_glass);
    let now = Memo::new(move |_| PolicyForm {
        cluster: cluster.get(),
        of_one: form.of_one,
        policy: Policy {
            undoable: undoable.get(),
            destructive: destructive.get(),
            break_glass: break_glass.get(),
        },
    });
    let wrong = Memo::new(move |_| now.with(PolicyForm::wrong));
    let effects = RwSignal::new(None::<Result<PreviewPolicyResponse, Failure>>);
    let turn = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let wanted = now.get();
        turn.update_value(|n| *n += 1);
        let mine = turn.get_value();
        if !wanted.wrong().is_empty() {
            effects.set(Some(Ok(PreviewPolicyResponse::default())));
            return;
        }
        spawn_local(async move {
            let policy = Some(wanted.wire());
            let answer = grpc::call(PreviewPolicyRequest { policy }).await;
            // The page may be gone, or the person may have chosen on.
            if turn.try_get_value() == Some(mine) {
                effects.try_set(Some(answer));
            }
        });
    });
    let known = LocalResource::new(move || async move {
        // Without the list a name can be typed all the same.
        let list = grpc::call(ListFilesRequest {
            page_size: 1,
            ..ListFilesRequest::default()
        })
        .await;
        let mut names = list.map(|list| list.clusters).unwrap_or_default();
        names.retain(|name| !name.is_empty());
        names
    });
    let failure = RwSignal::new(None::<Failure>);
    let set = Action::new_local(move |_: &()| async move {
        failure.set(None);
        let policy = Some(now.with_untracked(PolicyForm::wire));
        match grpc::call(SetPolicyRequest { policy }).await {
            Ok(set) => {
                done.try_run(set.pending);
            }
            Err(refused) => failure.set(Some(refused)),
        }
    });
    view! {
        <form on:submit=move |ev| { ev.prevent_default(); set.dispatch_local(()); }>
            <h2>{title}</h2>
            {is_new.then(|| view! {
                <Field
                    id="policy-cluster"
                    label="Cluster"
                    value=cluster
                    suggestions=Signal::derive(move || known.get().unwrap_or_default())
                    hint="The name given at upload, such as prod-etcd."
                />
            })}
            <RuleChoice id="undoable" title="Reversible plans" rule=undoable />
            <RuleChoice id="destructive" title="Irreversible plans" rule=destructive />
            <label class="choice">
                <input type="checkbox" prop:checked=break_glass on:change=move |ev| break_glass.set(event_target_checked(&ev)) />
                <span>"Allow break-glass override"</span>
                <span class="hint">{move || glass(break_glass.get())}</span>
            </label>
            <section class="section">
                <h3>"Effect on open plans"</h3>
                {move || match effects.get() {
                    None => view! { <p class="muted">"Loading"</p> }.into_any(),
                    Some(Ok(effects)) => effect_list(effects).into_any(),
                    Some(Err(failure)) => view! { <ErrorView failure /> }.into_any(),
                }}
            </section>
            <p class="field-error" role="alert" hidden=move || wrong.with(String::is_empty)>{wrong}</p>
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
            <div class="dialog-acts">
                <button type="button" class="button" on:click=move |_| on_keep.run(())>"Cancel"</button>
                <button type="submit" class="button primary" disabled=move || set.pending().get() || !wrong.with(String::is_empty)>"Save policy"</button>
            </div>
        </form>
    }
}

/// Takes a cluster's own policy away, once it was said what that means.
#[component]
fn Remove(then: Wire, done: Callback<String>, on_keep: Callback<()>) -> impl IntoView {
    let cluster = then.cluster.clone();
    let title = format!("Remove policy of {cluster}");
    let effects = LocalResource::new(move || {
        let policy = Some(then.clone());
        grpc::call(PreviewPolicyRequest { policy })
    });
    let failure = RwSignal::new(None::<Failure>);
    let remove = Action::new_local(move |_: &()| {
        let cluster = cluster.clone();
        async move {
            failure.set(None);
            match grpc::call(RemovePolicyRequest { cluster }).await {
                Ok(removed) => {
                    done.try_run(removed.pending);
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    view! {
        <form on:submit=move |ev| { ev.prevent_default(); remove.dispatch_local(()); }>
            <h2>{title}</h2>
            <p>"The default policy applies again, also to plans that are already approved."</p>
            <section class="section">
                <h3>"Effect on open plans"</h3>
                {move || match effects.get() {
                    None => view! { <p class="muted">"Loading"</p> }.into_any(),
                    Some(Ok(effects)) => effect_list(effects).into_any(),
                    Some(Err(failure)) => view! { <ErrorView failure /> }.into_any(),
                }}
            </section>
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
            <div class="dialog-acts">
                <button type="button" class="button" on:click=move |_| on_keep.run(())>"Cancel"</button>
                <button type="submit" class="button primary" disabled=remove.pending()>"Remove policy"</button>
            </div>
        </form>
    }
}

fn effect_list(answer: PreviewPolicyResponse) -> impl IntoView {
    let PreviewPolicyResponse { effects, total } = answer;
    if effects.is_empty() {
        return view! { <p class="muted">"No open plan is affected."</p> }.into_any();
    }
    let others = total.saturating_sub(effects.len() as u64);
    let others = (others > 0).then(|| {
        let plans = format::count(others, "older plan", "older plans");
        view! { <p class="muted">{format!("It also applies to {plans}.")}</p> }
    });
    let items = effects.into_iter().map(|effect| {
        let words = if effect.now == effect.then {
            view! { <p class="small muted">"Unchanged: " {effect.then}</p> }.into_any()
        } else {
            view! { <p class="small">"Now: " {effect.now}</p> <p class="small">"Then: " <strong>{effect.then}</strong></p> }.into_any()
        };
        view! { <li><a class="small" href=paths::plan(&effect.plan_id)>{effect.outcome}</a> {words}</li> }
    });
    view! { <ul class="stack">{items.collect_view()}</ul> {others} }.into_any()
}

/// How many must approve, and whether one must be somebody else.
#[component]
fn RuleChoice(id: &'static str, title: &'static str, rule: RwSignal<Rule>) -> impl IntoView {
    const SECONDS: [(Second, &str); 3] = [
        (Second::Never, "not required: the author may approve"),
        (Second::WhenPossible, "if anyone else is eligible"),
        (Second::Always, "always"),
    ];
    let numbers = (0..=MAX_APPROVERS).map(|n| {
        let chosen = move || rule.with(|rule| rule.approvers == n);
        view! { <option value=n.to_string() selected=chosen>{n}</option> }
    });
    let seconds = SECONDS.map(|(second, words)| {
        let chosen = move || rule.with(|rule| rule.second == second);
        view! { <option value=second.word() selected=chosen>{words}</option> }
    });
    let on_number = move |ev| {
        if let Ok(n) = event_target_value(&ev).parse() {
            rule.update(|rule| rule.approvers = n);
        }
    };
    let on_second = move |ev| {
        if let Some(second) = Second::from_word(&event_target_value(&ev)) {
            rule.update(|rule| rule.second = second);
        }
    };
    let (number_id, second_id) = (format!("{id}-approvers"), format!("{id}-second"));
    view! {
        <fieldset class="field">
            <legend class="small">{title}</legend>
            <div class="filter">
                <div class="field">
                    <label for=number_id.clone()>"Approvals"</label>
                    <select id=number_id on:change=on_number>{numbers.collect_view()}</select>
                </div>
                <div class="field">
                    <label for=second_id.clone()>"Second person"</label>
                    <select id=second_id on:change=on_second>{seconds.collect_view()}</select>
                </div>
            </div>
            <p class="hint">{move || rule.get().to_string()}</p>
        </fieldset>
    }
}
