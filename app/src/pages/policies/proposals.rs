//! Policies that ask for less than what is in force, until a second person has confirmed them.

use leptos::prelude::*;
use requorum_shared::api::v1::{ConfirmPolicyRequest, PolicyProposal, WithdrawPolicyRequest};
use requorum_shared::approval::Policy;

use super::glass;
use crate::client::grpc;
use crate::components::error_view::ErrorView;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::forms::policy::policy;

/// One of them, with what this person can do about it.
#[component]
pub fn Proposal(
    /// The policy as it is proposed, and what is in force.
    proposal: PolicyProposal,
    /// Loads the list anew once something was decided.
    again: Callback<()>,
) -> impl IntoView {
    let whose = match proposal.cluster.as_str() {
        "" => "the default policy".to_owned(),
        name => name.to_owned(),
    };
    let title = match (proposal.in_force, proposal.wanted.is_some()) {
        (true, _) => format!("One administrator lowered the policy for {whose} alone"),
        (false, true) => format!("A lower policy for {whose} needs a second person"),
        (false, false) => {
            format!("Removing the policy of {whose} needs a second person")
        }
    };
    let words = match (proposal.in_force, proposal.could_confirm.as_slice()) {
        (true, []) => {
            "In force, because no second person could confirm it. It stays listed until a second person does."
                .to_owned()
        }
        (true, names) => format!(
            "In force. Listed until confirmed by one of: {}.",
            names.join(", ")
        ),
        (false, []) => "The old policy stays in force until a second person can confirm the change.".to_owned(),
        (false, names) => format!(
            "The old policy stays in force until confirmed by one of: {}.",
            names.join(", ")
        ),
    };
    let wanted = proposal.wanted.as_ref().map(|wire| {
        let Policy {
            undoable,
            destructive,
            break_glass,
        } = policy(wire);
        view! {
            <dl class="step-facts">
                <dt>"Reversible plans"</dt><dd>{undoable.to_string()}</dd>
                <dt>"Irreversible plans"</dt><dd>{destructive.to_string()}</dd>
                <dt>"Break-glass"</dt><dd>{glass(break_glass)}</dd>
            </dl>
        }
    });
    let failure = RwSignal::new(None::<Failure>);
    let id = StoredValue::new(proposal.id.clone());
    let act = Action::new_local(move |confirm: &bool| {
        let (confirm, id) = (*confirm, id.get_value());
        async move {
            failure.set(None);
            let proposal_id = id;
            let answer = if confirm {
                grpc::call(ConfirmPolicyRequest { proposal_id })
                    .await
                    .map(drop)
            } else {
                grpc::call(WithdrawPolicyRequest { proposal_id })
                    .await
                    .map(drop)
            };
            match answer {
                Ok(()) => {
                    again.try_run(());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    let busy = act.pending();
    let confirm = proposal.you_can_confirm.then(|| view! {
        <button type="button" class="button primary" disabled=busy on:click=move |_| { act.dispatch_local(true); }>"Confirm policy"</button>
    });
    let withdraw = proposal.you_can_withdraw.then(|| view! {
        <button type="button" class="button" disabled=busy on:click=move |_| { act.dispatch_local(false); }>"Decline"</button>
    });
    view! {
        <section class="panel notice warning">
            <h2>{title}</h2>
            <p>{words}</p>
            {wanted}
            <p class="small muted">"Set by " {proposal.by.clone()} ", " <Time ms=proposal.at_ms /> "."</p>
            {(!proposal.why_not.is_empty()).then(|| view! { <p class="why-not">{proposal.why_not.clone()}</p> })}
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
            <div class="acts">{confirm}{withdraw}</div>
        </section>
    }
}
