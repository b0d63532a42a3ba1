//! What the job needs from a person: the question, its evidence, the choices with what follows from each.

use leptos::prelude::*;
use requorum_shared::api::v1::AnswerJobRequest;
use requorum_shared::events::Question;

use crate::client::grpc;
use crate::components::error_view::ErrorView;
use crate::failure::Failure;

/// The question and its choices.
#[component]
pub fn Ask(
    /// The job.
    job: String,
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
    let choices = question
        .choices
        .into_iter()
        .map(|choice| {
            let id = choice.id;
            view! {
                <li class="file-row">
                    <div class="acts">
                        <button type="button" class="button" disabled=pending on:click=move |_| { answer.dispatch_local(id.clone()); }>
                            {choice.label}
                        </button>
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
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        </section>
    }
}
