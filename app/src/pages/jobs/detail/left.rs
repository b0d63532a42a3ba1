//! What a job that is over left: archives to download, and folders on the server that a person removes some day.

use leptos::prelude::*;
use requorum_shared::api::v1::{
    Artifact, GetJobRequest, GetLeftoversRequest, GetLeftoversResponse, LeftoverFolder,
    RemoveLeftoversRequest,
};
use requorum_shared::dossier::{LeftOver, left_overs};
use requorum_shared::job::fold::{JobState, JobView};
use requorum_shared::nouns::Nouns;
use requorum_shared::permission::Permission;

use super::super::follow::Followed;
use super::{Job, JobRef};
use crate::client::grpc;
use crate::components::bytes::Bytes;
use crate::components::confirm::Confirm;
use crate::components::error_view::ErrorView;
use crate::components::hash::{Copyable, Id};
use crate::components::load::load;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format::capital;
use crate::identity::{Of, permitted};
use crate::paths;

/// What came out, to download.
pub(super) fn results(id: String, nouns: Nouns, followed: Followed) -> impl IntoView {
    let removed = Memo::new(move |_| followed.view.with(removals));
    let job = LocalResource::new({
        let id = id.clone();
        move || {
            removed.track();
            grpc::call(GetJobRequest { id: id.clone() })
        }
    });
    move || {
        let (artifacts, cluster) = match job.get() {
            Some(Ok(job)) => (job.artifacts, job.job.unwrap_or_default().cluster),
            _ => Default::default(),
        };
        let (id, made) = (id.clone(), artifacts.clone());
        let links = move || {
            let link = |artifact: &Artifact| {
                let href = paths::artifact(&id, &artifact.name);
                view! { <a class="button" href=href rel="external" download="">{format!("Download {}", artifact.name)}</a> }
            };
            made.iter().map(link).collect_view()
        };
        (!artifacts.is_empty()).then(|| {
            view! {
                <section class="section">
                    <h2>{capital(nouns.leftovers)}</h2>
                    <p class="muted">{format!("One archive per {}, with {}: the same that curl fetches above.", nouns.part, nouns.contents)}</p>
                    {archives(&artifacts)}
                    <div class="acts">{permitted(Permission::ReadValues, Of::Cluster(cluster), links)}</div>
                </section>
            }
        })
    }
}

/// How many folders are being removed, and how many were.
fn removals(view: &JobView) -> (usize, usize, bool) {
    let (removing, removed) = (view.removing.len(), view.removed_paths.len());
    (removing, removed, view.removed.is_some())
}

/// Their sizes and digests, to compare with what arrived.
fn archives(artifacts: &[Artifact]) -> impl IntoView + use<> {
    let known = artifacts.iter().filter(|made| !made.sha256.is_empty());
    let rows: Vec<_> = known
        .map(|made| {
            view! {
                <tr>
                    <th scope="row" data-label="Archive">{made.name.clone()}</th>
                    <td data-label="Size" class="number"><Bytes n=made.size /></td>
                    <td data-label="SHA-256"><Id value=made.sha256.clone() /></td>
                </tr>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <div class="table-wrap">
                <table class="table">
                    <thead><tr>
                        <th scope="col">"Archive"</th><th scope="col" class="number">"Size"</th><th scope="col">"SHA-256"</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    })
}

/// What is left, and how it goes away.
pub(super) fn left_behind(job: JobRef, followed: Followed) -> impl IntoView {
    let removed = Memo::new(move |_| followed.view.with(removals));
    let id = job.with_value(|job| job.summary.id.clone());
    let left_there = LocalResource::new(move || {
        removed.track();
        grpc::call(GetLeftoversRequest { id: id.clone() })
    });
    let look_again = Callback::new(move |()| left_there.refetch());
    // Kept where the answer that follows a refusal does not draw it away.
    let failure = RwSignal::new(None::<Failure>);
    view! {
        <section class="section" aria-label="Cleanup">
            <h2>"Cleanup"</h2>
            {load(left_there, move |there| left(job, followed, there, failure, look_again))}
            {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        </section>
    }
}

fn left(
    job: JobRef,
    followed: Followed,
    there: GetLeftoversResponse,
    failure: RwSignal<Option<Failure>>,
    look_again: Callback<()>,
) -> AnyView {
    let Nouns {
        leftovers,
        contents,
        ..
    } = job.with_value(Job::nouns);
    if !there.removed_by.is_empty() {
        return view! {
            <p>
                {format!("The {leftovers} were removed from the server by ")} <strong>{there.removed_by}</strong> ", "
                <Time ms=there.removed_at_ms /> "."
            </p>
        }
        .into_any();
    }
    let told = job.with_value(|job| {
        let plan = job.plan.as_ref();
        plan.map(|plan| followed.view.with_untracked(|view| left_overs(plan, view)))
            .unwrap_or_default()
    });
    let known = [&there.folders, &there.missing, &there.by_hand];
    if known.iter().all(|folders| folders.is_empty()) && !there.unfinished {
        return as_told(told);
    }
    let unfinished = there.unfinished.then(|| {
        view! { <p>{format!("A removal was begun and did not end. Remove the {leftovers} again to bring it to its end.")}</p> }
    });
    let by_hand = (!there.by_hand.is_empty()).then(|| {
        view! {
            <p>{format!("The console cannot tell whether these are still as this job left them, and does not remove them. Once the {leftovers} are where they belong, delete these folders on the server's host by hand.")}</p>
            {folders(&there.by_hand)}
        }
    });
    let whole = (!there.folders.is_empty()).then(|| {
        let what = match there.looked {
            true => format!("{} are on the server, with {contents} in them. Once they are where they belong, remove them here.", capital(leftovers)),
            false => format!("At the end of the job, {leftovers} were on the server, with {contents} in them. An operator removes them here once they are where they belong."),
        };
        view! {
            <p>{what}</p>
            {folders(&there.folders)}
        }
    });
    let missing = (!there.missing.is_empty()).then(|| {
        view! {
            <p>{format!("No longer as this job left it: moved, removed, changed or replaced outside the console. The console does not remove it. Wherever it is, it still has {contents} in it.")}</p>
            {folders(&there.missing)}
        }
    });
    // How far a job that ended early came is told by its steps.
    let completed = followed
        .view
        .with_untracked(|view| view.state == JobState::Completed);
    let steps = (!completed && !told.is_empty()).then(|| as_told(told));
    let may = !there.folders.is_empty() || there.unfinished;
    let act = may.then(|| removal(job, followed, there, failure, look_again));
    view! { <div class="stack">{unfinished}{whole}{missing}{by_hand}{steps}{act}</div> }.into_any()
}

/// As the journal knows it, where the server wrote nothing down.
fn as_told(left: Vec<LeftOver>) -> AnyView {
    if left.is_empty() {
        return view! { <p>"Nothing to clean up."</p> }.into_any();
    }
    let items = left
        .into_iter()
        .map(|left| view! { <li><p>{left.what}</p><p class="small muted">{left.how}</p></li> })
        .collect_view();
    view! { <ul class="stack">{items}</ul> }.into_any()
}

fn folders(folders: &[LeftoverFolder]) -> impl IntoView + use<> {
    let items = folders.iter().map(|folder| {
        let difference = folder.difference.clone();
        let difference = (!difference.is_empty())
            .then(|| view! { <p class="small muted">{format!("First difference: {difference}.")}</p> });
        view! { <li><Copyable value=folder.path.clone() /> " · " <Bytes n=folder.bytes />{difference}</li> }
    });
    view! { <ul class="stack">{items.collect_view()}</ul> }
}

/// The button and its question.
fn removal(
    job: JobRef,
    followed: Followed,
    there: GetLeftoversResponse,
    failure: RwSignal<Option<Failure>>,
    look_again: Callback<()>,
) -> impl IntoView {
    let asked = RwSignal::new(false);
    let noun = job.with_value(|job| job.nouns().leftovers);
    let remove_them = StoredValue::new(format!("Remove {noun}"));
    let (id, cluster) = job.with_value(|job| (job.summary.id.clone(), job.summary.cluster.clone()));
    let (id, typed) = (
        StoredValue::new(id),
        StoredValue::new(there.confirm.clone()),
    );
    let remove = Action::new_local(move |_: &()| {
        // Read before anything is waited for: this part of the page may be drawn anew meanwhile.
        let (id, typed) = (id.get_value(), typed.get_value());
        let request = RemoveLeftoversRequest {
            id: id.clone(),
            typed,
        };
        async move {
            failure.set(None);
            let removed = grpc::call(request).await;
            // What is there may be another than was shown, also where nothing was removed.
            failure.try_set(removed.err());
            followed.refresh(id).await;
            look_again.try_run(());
        }
    });
    let on_act = Callback::new(move |()| {
        remove.dispatch_local(());
    });
    let button = move || {
        view! {
            <button type="button" class="button danger" disabled=remove.pending() on:click=move |_| asked.set(true)>
                {remove_them.get_value()}
            </button>
        }
    };
    let paths = StoredValue::new(there.folders);
    view! {
        <div class="acts">{permitted(Permission::RemoveFiles, Of::Cluster(cluster), button)}</div>
        <Confirm open=asked title=remove_them.get_value() name=there.confirm act=remove_them.get_value() keep="Cancel" on_act>
            <p>"These folders are deleted from the server and cannot be brought back. What was copied from them to other hosts stays."</p>
            {paths.with_value(|paths| folders(paths))}
            <p>"Nothing is removed if anything in them is not exactly as the job left it."</p>
        </Confirm>
    }
}
