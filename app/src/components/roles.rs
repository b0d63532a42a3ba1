//! Choosing roles: what each is for, and for which clusters.

use leptos::prelude::*;
use requorum_shared::permission::Role;

use crate::forms::roles::RolesForm;

/// One box for each role that is offered, with its clusters beside it once it is checked.
#[component]
pub fn RolesEditor(
    /// What is chosen.
    form: RwSignal<RolesForm>,
    /// Begins the ids of the inputs; unique on the page.
    id: &'static str,
    /// What is wrong with the choice as a whole; empty when nothing is.
    #[prop(optional, into)]
    error: Signal<String>,
) -> impl IntoView {
    let offered: Vec<Role> =
        form.with_untracked(|form| form.rows.iter().map(|row| row.role).collect());
    let rows = offered
        .into_iter()
        .map(|role| row(form, id, role))
        .collect_view();
    let error_id = format!("{id}-error");
    let described = error_id.clone();
    view! {
        <fieldset class="roles" aria-describedby=described>
            <legend class="field-label">"Roles"</legend>
            {rows}
            <p class="field-error" id=error_id hidden=move || error.with(String::is_empty)>{error}</p>
        </fieldset>
    }
}

fn row(form: RwSignal<RolesForm>, id: &str, role: Role) -> impl IntoView + use<> {
    let on = Memo::new(move |_| form.with(|form| form.row(role).is_some_and(|row| row.on)));
    let error = Memo::new(move |_| form.with(|form| form.error(role)));
    let (box_id, clusters_id) = (format!("{id}-{role}"), format!("{id}-{role}-clusters"));
    let (hint_id, error_id) = (format!("{box_id}-hint"), format!("{clusters_id}-error"));
    let clusters = move || {
        let (clusters_id, error_id) = (clusters_id.clone(), error_id.clone());
        // An administrator is one for the whole console.
        (on.get() && role != Role::Admin).then(|| {
            view! {
                <div class="role-clusters">
                    <label for=clusters_id.clone()>{format!("Clusters of this {role}; empty for all")}</label>
                    <input
                        id=clusters_id type="text" class="mono-input" placeholder="all clusters"
                        autocomplete="off" spellcheck="false" autocapitalize="none"
                        aria-invalid=move || (!error.with(String::is_empty)).then_some("true")
                        aria-describedby=error_id.clone()
                        prop:value=move || form.with(|form| form.row(role).map(|row| row.clusters.clone()))
                        on:input=move |ev| form.update(|form| form.change(role, |row| row.clusters = event_target_value(&ev)))
                    />
                    <p class="field-error" id=error_id hidden=move || error.with(String::is_empty)>{error}</p>
                </div>
            }
        })
    };
    view! {
        <div class="role">
            <div class="choice">
                <input
                    id=box_id.clone() type="checkbox" aria-describedby=hint_id.clone() prop:checked=on
                    on:change=move |ev| form.update(|form| form.change(role, |row| row.on = event_target_checked(&ev)))
                />
                <label for=box_id>{role.name()}</label>
                <p class="hint" id=hint_id>{role.about()}</p>
            </div>
            {clusters}
        </div>
    }
}
