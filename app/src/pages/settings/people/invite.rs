//! One more person: a name, roles, and the link that comes of it.

use leptos::prelude::*;
use requorum_shared::api::v1::PasswordLink;
use requorum_shared::permission::Grants;

use crate::client::grpc;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::components::roles::RolesEditor;
use crate::failure::Failure;
use crate::forms::invite::invite;
use crate::forms::roles::RolesForm;

/// The dialog.
#[component]
pub fn Invite(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Told when somebody was invited.
    on_made: Callback<PasswordLink>,
) -> impl IntoView {
    view! {
        <Dialog open label="Invite a person">
            {
                let name = RwSignal::new(String::new());
                // Whoever is invited may at least look.
                let roles = RwSignal::new(RolesForm::of(&"viewer".parse::<Grants>().unwrap_or_default()));
                let error = RwSignal::new(String::new());
                let failure = RwSignal::new(None::<Failure>);
                let send = Action::new_local(move |_: &()| async move {
                    failure.set(None);
                    match roles.with_untracked(|roles| invite(&name.get_untracked(), roles)) {
                        Ok(request) => {
                            error.set(String::new());
                            match grpc::call(request).await {
                                Ok(answer) => {
                                    open.set(false);
                                    on_made.try_run(answer.link.unwrap_or_default());
                                }
                                Err(refused) => failure.set(Some(refused)),
                            }
                        }
                        Err(what) => error.set(what),
                    }
                });
                let pending = send.pending();
                view! {
                    <form novalidate on:submit=move |ev| { ev.prevent_default(); send.dispatch_local(()); }>
                        <h2>"Invite a person"</h2>
                        <p class="small muted">
                            "You get a one-time link that sets the password. Send it to the person yourself. It expires after three days."
                        </p>
                        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                        <Field id="invite-name" label="Sign-in name" value=name error />
                        <RolesEditor form=roles id="invite" />
                        <div class="dialog-acts">
                            <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                            <button type="submit" class="button primary" disabled=pending>"Create link"</button>
                        </div>
                    </form>
                }
            }
        </Dialog>
    }
}
