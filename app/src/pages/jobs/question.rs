//! What the job needs from a person: the question, its evidence, the choices with what follows from each.

use leptos::prelude::*;
use requorum_shared::api::v1::AnswerJobRequest;
use requorum_shared::job::events::{Choice, Question};
use requorum_shared::permission::Permission;

use crate::client::grpc;
use crate::components::error_view::ErrorView;
use crate::failure::Failure;
use crate::identity::{Of, reason};

/// The question and its choices.
#[component]
pub fn Ask(
    /// The job.
    job: String,
    /// The cluster that the job is of.
    cluster: String,
    /// The question.
    question: Question,
    /// Whether the server does not answer.
    lost: Memo<bool>,
) -> impl IntoView {
    let failure = RwSignal::new(None::<Failure>);
    let question_id = question.id.clone();
    let answer = Action::new_local(move |(choice_id, typed): &(String, String)| {
        let request = AnswerJobRequest {
            id: job.clone(),
            question_id: question_id.clone(),
            choice_id: choice_id.clone(),
            typed: typed.clone(),
        };
        async move {
            failure.set(None);
            if let Err(refused) = grpc::call(request).await {
                failure.set(Some(refused));
            }
        }
    });
    let pending = answer.pending();
    let why_not = reason(Permission::Run, Of::Cluster(cluster));
    let choices = question
        .choices
        .into_iter()
        .map(|choice| {
            let Choice { id, label, consequence, confirm, .. } = choice;
            let typed = RwSignal::new(String::new());
            let field = format!("confirm-{id}");
            let (id, label) = (StoredValue::new(id), StoredValue::new(label));
            let confirm = StoredValue::new(confirm);
            let unconfirmed = move || confirm.with_value(|c| c.as_ref().is_some_and(|c| *c != typed.get()));
            // A person who cannot answer reads what there is to choose from.
            let act = move || {
                if !why_not.with(String::is_empty) {
                    return view! { <strong>{label.get_value()}</strong> }.into_any();
                }
                let choose = move |_| { answer.dispatch_local((id.get_value(), typed.get_untracked())); };
                view! {
                    <button type="button" class="button" disabled=move || lost.get() || pending.get() || unconfirmed() on:click=choose>
                        {label.get_value()}
                    </button>
                }
                .into_any()
            };
            let confirmation = confirm.get_value().map(|text| view! {
                <div class="field">
                    <label for=field.clone()>"Type " <span class="mono">{text}</span> " to choose this"</label>
                    <input id=field.clone() type="text" class="mono-input" autocomplete="off" spellcheck="false" autocapitalize="none"
                        prop:value=typed on:input=move |ev| typed.set(event_target_value(&ev)) />
                </div>
            });
            view! {
                <li class="file-row">
                    {confirmation}
                    <div class="acts">
                        {act}
                        <span>{consequence}</span>
                    </div>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="notice warning" aria-label="Question" role="alert">
            <h2>{question.text}</h2>
            <p class="evidence">{question.evidence}</p>
            <ul class="stack">{choices}</ul>
            <p class="why-not" hidden=move || why_not.with(String::is_empty)>{why_not}</p>
            <p class="why-not" hidden=move || !lost.get()>"Not available without a connection to the server."</p>
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        </section>
    }
}
