//! What the job needs from a person: the question, its evidence, the choices with what follows from each.

use leptos::prelude::*;
use requorum_shared::api::v1::AnswerJobRequest;
use requorum_shared::events::Question;
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
) -> impl IntoView {
    let failure = RwSignal::new(None::<Failure>);
    let question_id = question.id.clone();
    let answer = Action::new_local(move |choice_id: &String| {
        let request = AnswerJobRequest {
            id: job.clone(),
            question_id: question_id.clone(),
            choice_id: choice_id.clone(),
        };
        async move {
            failure.set(None);
            if let Err(refused) = grpc::answer_job(request).await {
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
            let (id, label) = (StoredValue::new(choice.id), StoredValue::new(choice.label));
            // Whoever cannot answer reads what there is to choose from.
            let act = move || {
                if !why_not.with(String::is_empty) {
                    return view! { <strong>{label.get_value()}</strong> }.into_any();
                }
                view! {
                    <button type="button" class="button" disabled=pending on:click=move |_| { answer.dispatch_local(id.get_value()); }>
                        {label.get_value()}
                    </button>
                }
                .into_any()
            };
            view! {
                <li class="file-row">
                    <div class="acts">
                        {act}
                        <span>{choice.consequence}</span>
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
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        </section>
    }
}
