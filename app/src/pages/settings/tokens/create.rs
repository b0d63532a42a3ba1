//! A new token: what for, as what, for how long.

use leptos::prelude::*;
use requorum_shared::api::v1::CreateTokenResponse;

use crate::client::grpc;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::roles::RolesEditor;
use crate::failure::Failure;
use crate::forms::roles::RolesForm;
use crate::forms::token::{TokenErrors, create};
use crate::identity::Identity;

/// The dialog.
#[component]
pub fn Create(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Told when a token was made.
    on_made: Callback<CreateTokenResponse>,
) -> impl IntoView {
    let identity = Identity::expect();
    view! {
        <Dialog open label="Create token">
            {
                let owner = untrack(|| identity.grants());
                let roles = RwSignal::new(RolesForm::for_token(&owner));
                let name = RwSignal::new(String::new());
                let days = RwSignal::new("90".to_owned());
                let errors = RwSignal::new(TokenErrors::default());
                let failure = RwSignal::new(None::<Failure>);
                let owner = StoredValue::new(owner);
                let make = Action::new_local(move |_: &()| async move {
                    failure.set(None);
                    let request = roles.with_untracked(|roles| {
                        owner.with_value(|owner| create(&name.get_untracked(), &days.get_untracked(), roles, owner))
                    });
                    match request {
                        Ok(request) => {
                            errors.set(TokenErrors::default());
                            match grpc::call(request).await {
                                Ok(answer) => {
                                    open.set(false);
                                    on_made.try_run(answer);
                                }
                                Err(refused) => failure.set(Some(refused)),
                            }
                        }
                        Err(found) => errors.set(found),
                    }
                });
                let pending = make.pending();
                view! {
                    <form novalidate on:submit=move |ev| { ev.prevent_default(); make.dispatch_local(()); }>
                        <h2>"Create token"</h2>
                        <p class="small muted">
                            "It acts in your name with at most your roles, now or later. It can never approve plans or do what needs a person."
                        </p>
                        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                        <Field
                            id="token-name" label="Purpose" value=name hint="Shown in the list and in the ledger, such as nightly-upload."
                            error=Signal::derive(move || errors.get().name)
                        />
                        <RolesEditor form=roles id="token" error=Signal::derive(move || errors.get().roles) />
                        <Field
                            id="token-days" label="Expires after (days)" kind="number" value=days
                            error=Signal::derive(move || errors.get().days)
                        />
                        <div class="dialog-acts">
                            <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                            <button type="submit" class="button primary" disabled=pending>"Create token"</button>
                        </div>
                    </form>
                }
            }
        </Dialog>
    }
}
