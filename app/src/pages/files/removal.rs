//! Removing a file: what depends on it is shown first, and what needs it keeps it.

use leptos::prelude::*;
use requorum_shared::api::v1::{
    FileSummary, GetFileUsesRequest, GetFileUsesResponse, RemoveFileRequest, Trust,
};

use crate::activity::Activity;
use crate::client::grpc;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::status::{self, Status};
use crate::failure::Failure;
use crate::format;
use crate::paths;

/// The dialog, for the file that `asked` holds while it is open.
#[component]
pub fn RemoveFile(
    /// Which file.
    asked: RwSignal<Option<FileSummary>>,
    /// Told when it was removed.
    removed: Callback<()>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        let is_asked = asked.with(Option::is_some);
        if open.get_untracked() != is_asked {
            open.set(is_asked);
        }
    });
    Effect::new(move |_| {
        if !open.get() && asked.with_untracked(Option::is_some) {
            asked.set(None);
        }
    });
    let uses = LocalResource::new(move || {
        let file = asked.get();
        async move { Some(grpc::call(GetFileUsesRequest { id: file?.id }).await) }
    });
    let failure = RwSignal::new(None::<Failure>);
    let typed = RwSignal::new(String::new());
    Effect::new(move |_| {
        asked.track();
        failure.set(None);
        typed.set(String::new());
    });
    let activity = Activity::expect();
    let remove = Action::new_local(move |id: &String| {
        let request = RemoveFileRequest { id: id.clone() };
        async move {
            failure.set(None);
            match grpc::call(request).await {
                Ok(_) => {
                    open.set(false);
                    activity.ask();
                    // The page that lists files may have been left meanwhile.
                    removed.try_run(());
                }
                // What needs it may be new: it is shown.
                Err(refused) => {
                    failure.set(Some(refused));
                    uses.refetch();
                }
            }
        }
    });
    view! {
        <Dialog open label="Remove a file">
            {move || asked.get().map(|file| {
                let wanted = must_type(&file).then(|| file.name.clone());
                let (id, name) = (file.id.clone(), format::visible(&file.name));
                let size = format::bytes(file.size);
                let free = move || uses.with(|uses| matches!(uses, Some(Some(Ok(uses))) if is_free(uses)));
                let ready = {
                    let wanted = wanted.clone();
                    move || free() && wanted.as_ref().is_none_or(|name| typed.with(|typed| typed.trim() == name))
                };
                let may = ready.clone();
                view! {
                    <form on:submit=move |ev| {
                        ev.prevent_default();
                        if untrack(&may) {
                            remove.dispatch_local(id.clone());
                        }
                    }>
                        <h2>{format!("Remove {name}?")}</h2>
                        {move || match uses.get().flatten() {
                            None => view! { <p class="loading" role="status">"Looking for plans and jobs that use it"</p> }.into_any(),
                            Some(Err(failure)) => view! { <ErrorView failure /> }.into_any(),
                            Some(Ok(uses)) => shown(uses, &size).into_any(),
                        }}
                        {wanted.map(|name| view! {
                            <div class="field" hidden=move || !free()>
                                <label for="remove-name">"Type " <strong>{name}</strong> " to remove it"</label>
                                <input
                                    id="remove-name" type="text" autocomplete="off" spellcheck="false" autocapitalize="none"
                                    prop:value=typed on:input=move |ev| typed.set(event_target_value(&ev))
                                />
                            </div>
                        })}
                        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                        <div class="dialog-acts">
                            <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                            <button type="submit" class="button danger" disabled=move || !ready() || remove.pending().get()>"Remove"</button>
                        </div>
                    </form>
                }
            })}
        </Dialog>
    }
}

/// Whether the name must be typed: of what a cluster could be restored from.
fn must_type(file: &FileSummary) -> bool {
    matches!(file.trust(), Trust::Verified | Trust::Unproven)
}

fn is_free(uses: &GetFileUsesResponse) -> bool {
    uses.open_plans.is_empty() && uses.running_jobs.is_empty()
}

fn shown(uses: GetFileUsesResponse, size: &str) -> AnyView {
    if is_free(&uses) {
        let history = match uses.plans_total {
            0 => "No plan uses it.".to_owned(),
            n => format!(
                "{} it: their records, jobs and dossiers stay.",
                format::count(n, "past plan names", "past plans name")
            ),
        };
        return view! {
            <p>{format!("Its content ({size}) is deleted and cannot be brought back. What was found in it stays.")}</p>
            <p>{history}</p>
        }
        .into_any();
    }
    let plans = uses.open_plans.into_iter().map(|plan| {
        let is = status::plan(plan.state());
        view! { <li>"Plan " <a href=paths::plan(&plan.id)>{plan.name}</a> " " <Status is /></li> }
    });
    let jobs = uses.running_jobs.into_iter().map(|job| {
        let is = job
            .state()
            .try_into()
            .map_or(("not-checked", "unknown"), status::job);
        view! { <li>"Job " <a href=paths::job(&job.id)>{job.name}</a> " " <Status is /></li> }
    });
    view! {
        <p>"This file is still needed and cannot be removed now:"</p>
        <ul class="stack">{jobs.collect_view()}{plans.collect_view()}</ul>
        <p>"Run or reject open plans (they expire after 24 hours), and let jobs end."</p>
    }
    .into_any()
}
