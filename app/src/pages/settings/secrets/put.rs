//! A credential goes in. Its value leaves the field as it is sent, however that ends.

use leptos::prelude::*;
use requorum_shared::api::v1::{Credential, CredentialKind};

use crate::client::grpc;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::failure::Failure;
use crate::forms::secret::{KINDS, SecretErrors, put};

/// The dialog.
#[component]
pub fn Put(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The one whose value is replaced; none for a new one.
    replaced: RwSignal<Option<Credential>>,
    /// Told when it is in.
    on_done: Callback<()>,
) -> impl IntoView {
    view! {
        <Dialog open label="Add credential">
            {
                let before = replaced.get_untracked();
                let is_new = before.is_none();
                let before = before.unwrap_or_else(|| Credential {
                    kind: KINDS[0].0.into(),
                    ..Default::default()
                });
                let title = if is_new { "Add credential".to_owned() } else { format!("Replace the value of {}", before.name) };
                let kind = before.kind();
                let id = StoredValue::new(before.id);
                let (name, kind, value) = (RwSignal::new(before.name), RwSignal::new(kind), RwSignal::new(String::new()));
                let errors = RwSignal::new(SecretErrors::default());
                let failure = RwSignal::new(None::<Failure>);
                let send = Action::new_local(move |_: &()| async move {
                    failure.set(None);
                    let mut typed = value.get_untracked();
                    let request = put(&id.get_value(), &name.get_untracked(), kind.get_untracked(), &mut typed);
                    value.set(typed);
                    match request {
                        Ok(request) => {
                            errors.set(SecretErrors::default());
                            match grpc::call(request).await {
                                Ok(_) => {
                                    open.set(false);
                                    on_done.try_run(());
                                }
                                Err(refused) => failure.set(Some(Failure {
                                    next: "The field was cleared. Enter the value again.".into(),
                                    ..refused
                                })),
                            }
                        }
                        Err(found) => errors.set(found),
                    }
                });
                let pending = send.pending();
                let kinds = KINDS
                    .map(|(one, words)| view! { <option value=i32::from(one).to_string() selected=move || kind.get() == one>{words}</option> })
                    .collect_view();
                view! {
                    <form novalidate autocomplete="off" on:submit=move |ev| { ev.prevent_default(); send.dispatch_local(()); }>
                        <h2>{title}</h2>
                        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                        <Field id="secret-name" label="Name" value=name error=Signal::derive(move || errors.get().name) />
                        <div class="field">
                            <label for="secret-kind">"Kind"</label>
                            <select id="secret-kind" on:change=move |ev| kind.set(chosen(&event_target_value(&ev)))>{kinds}</select>
                        </div>
                        <div class="field">
                            <label for="secret-value">"Value"</label>
                            <textarea
                                id="secret-value" rows="4" class="mono-input" autocomplete="off" spellcheck="false" autocapitalize="none"
                                aria-describedby="secret-value-hint secret-value-error"
                                aria-invalid=move || (!errors.with(|e| e.value.is_empty())).then_some("true")
                                prop:value=value on:input=move |ev| value.set(event_target_value(&ev))
                            ></textarea>
                            <p class="hint" id="secret-value-hint">"Stored byte for byte, including spaces and line breaks at the end."</p>
                            <p class="field-error" id="secret-value-error" hidden=move || errors.with(|e| e.value.is_empty())>
                                {move || errors.get().value}
                            </p>
                        </div>
                        <div class="dialog-acts">
                            <button type="button" class="button" on:click=move |_| open.set(false)>
                                "Cancel"
                            </button>
                            <button type="submit" class="button primary" disabled=pending>
                                {if is_new { "Add credential" } else { "Replace value" }}
                            </button>
                        </div>
                    </form>
                }
            }
        </Dialog>
    }
}

fn chosen(value: &str) -> CredentialKind {
    let number: i32 = value.parse().unwrap_or_default();
    CredentialKind::try_from(number).unwrap_or_default()
}
