//! Somebody's roles: what they are, what they would be, and what that gives and takes.

use leptos::prelude::*;
use requorum_shared::api;
use requorum_shared::api::v1::SetGrantsRequest;
use requorum_shared::permission::{Change, Grants};

use super::roles_words;
use crate::client::grpc;
use crate::components::error_view::ErrorView;
use crate::components::roles::RolesEditor;
use crate::failure::Failure;
use crate::format;
use crate::forms::roles::RolesForm;

/// The form, and beside it what it comes to.
#[component]
pub fn Roles(
    /// Whose.
    id: String,
    /// The person's name.
    name: String,
    /// As they are now.
    now: Grants,
    /// Those that nobody else holds.
    held_alone: Grants,
    /// Told when they were changed.
    on_changed: Callback<()>,
) -> impl IntoView {
    let form = RwSignal::new(RolesForm::of(&now));
    let failure = RwSignal::new(None::<Failure>);
    let now = StoredValue::new(now);
    let id = StoredValue::new(id);
    // None while a cluster's name cannot be one; the form says which.
    let then = Memo::new(move |_| form.with(|form| form.grants().ok()));
    let change = Memo::new(move |_| {
        then.with(|then| {
            then.as_ref()
                .map(|then| now.with_value(|now| Change::between(now, then)))
        })
    });
    let is_other = Memo::new(move |_| {
        then.with(|then| {
            then.as_ref()
                .is_some_and(|then| now.with_value(|now| now != then))
        })
    });
    let give = Action::new_local(move |_: &()| async move {
        failure.set(None);
        let Some(grants) = then.get_untracked() else {
            return;
        };
        let request = SetGrantsRequest {
            id: id.get_value(),
            grants: api::grants(&grants),
        };
        match grpc::call(request).await {
            Ok(_) => {
                on_changed.try_run(());
            }
            Err(refused) => failure.set(Some(refused)),
        }
    });
    let pending = give.pending();
    let missed = move || {
        let then = then.get()?;
        let gone = held_alone.held_alone(&[&then]);
        (!gone.is_empty()).then(|| {
            view! { <p class="status warning wrap">{format!("No other active user is {gone}.")}</p> }
        })
    };
    let preview = move || {
        if !is_other.get() {
            return view! { <p class="muted">"No changes. Select roles to see what they add and remove."</p> }
                .into_any();
        }
        let (before, after) = (
            now.with_value(Grants::texts),
            then.get().unwrap_or_default().texts(),
        );
        let Change { gains, loses } = change.get().unwrap_or_default();
        view! {
            <p>{roles_words(&before)} " → " <strong>{roles_words(&after)}</strong></p>
            {list(format!("{name} will also be able to"), gains)}
            {list(format!("{name} will no longer be able to"), loses)}
        }
        .into_any()
    };
    view! {
        <form class="wizard" novalidate on:submit=move |ev| { ev.prevent_default(); give.dispatch_local(()); }>
            <RolesEditor form id="roles" />
            <div class="panel" aria-live="polite">
                <h3>"What changes"</h3>
                {preview}
                {missed}
                {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                <div class="acts">
                    <button type="submit" class="button primary" disabled=move || !is_other.get() || pending.get()>
                        "Save roles"
                    </button>
                </div>
            </div>
        </form>
    }
}

fn list(title: String, lines: Vec<String>) -> impl IntoView {
    (!lines.is_empty()).then(|| {
        let lines = lines
            .into_iter()
            .map(|line| view! { <li>{format::capital(&line)}</li> })
            .collect_view();
        view! { <div class="change"><h4>{title}</h4><ul>{lines}</ul></div> }
    })
}
