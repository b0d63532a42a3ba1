//! A labelled input with its hint and its error.

use leptos::prelude::*;

/// A text input. Its error stands beside it and is tied to it for readers that do not see.
#[component]
pub fn Field(
    /// Id of the input; unique on the page.
    id: &'static str,
    /// The label.
    #[prop(into)]
    label: String,
    /// What was typed.
    value: RwSignal<String>,
    /// What is wrong with it; empty when nothing is.
    #[prop(optional, into)]
    error: Signal<String>,
    /// What belongs here.
    #[prop(optional, into)]
    hint: String,
    /// What was typed there before, to choose from.
    #[prop(optional, into)]
    suggestions: Signal<Vec<String>>,
    /// `text`, `password`, `search`, `number`.
    #[prop(default = "text")]
    kind: &'static str,
    /// The browser's autocomplete token.
    #[prop(default = "off")]
    autocomplete: &'static str,
) -> impl IntoView {
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let list_id = format!("{id}-suggestions");
    let options_id = list_id.clone();
    let described = {
        let (hint_id, error_id, has_hint) = (hint_id.clone(), error_id.clone(), !hint.is_empty());
        move || match (has_hint, error.with(String::is_empty)) {
            (true, true) => hint_id.clone(),
            (true, false) => format!("{hint_id} {error_id}"),
            (false, true) => String::new(),
            (false, false) => error_id.clone(),
        }
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                type=kind
                autocomplete=autocomplete
                spellcheck="false"
                autocapitalize="none"
                aria-invalid=move || (!error.with(String::is_empty)).then_some("true")
                aria-describedby=described
                list=move || (!suggestions.with(Vec::is_empty)).then(|| list_id.clone())
                prop:value=value
                on:input=move |ev| value.set(event_target_value(&ev))
            />
            {move || (!suggestions.with(Vec::is_empty)).then(|| {
                let options = suggestions.get().into_iter().map(|one| view! { <option value=one></option> });
                view! { <datalist id=options_id.clone()>{options.collect_view()}</datalist> }
            })}
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <p class="field-error" id=error_id hidden=move || error.with(String::is_empty)>
                {error}
            </p>
        </div>
    }
}
