//! Which cluster a file is of, and another name for it.

use std::collections::BTreeSet;

use leptos::prelude::*;
use requorum_shared::api::v1::{ListFilesRequest, SetFileClusterRequest};
use requorum_shared::permission::{Grants, Permission, Place, Scope};

use crate::client::grpc;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::field::Field;
use crate::failure::Failure;
use crate::identity::Identity;

/// Names of clusters that this person may mean: those of snapshots, and those that roles are held for.
pub(super) fn known(used: &[String], grants: &Grants) -> Vec<String> {
    let used = used.iter().map(String::as_str);
    let held = grants.iter().filter_map(|grant| match &grant.scope {
        Scope::Cluster(name) => Some(name.as_str()),
        Scope::All => None,
    });
    let all: BTreeSet<&str> = used.chain(held).filter(|name| !name.is_empty()).collect();
    all.into_iter().map(str::to_owned).collect()
}

/// The cluster's name, and, for whoever may, a way to another.
#[component]
pub fn ClusterOf(
    /// The snapshot.
    id: String,
    /// Its cluster now; empty for none.
    cluster: String,
    /// Told when there is another.
    again: Callback<()>,
) -> impl IntoView {
    let grants = Identity::expect().grants_now();
    let may = grants
        .allow(Permission::Upload, Place::Cluster(&cluster))
        .is_ok();
    let open = RwSignal::new(false);
    let name = RwSignal::new(cluster.clone());
    let failure = RwSignal::new(None::<Failure>);
    let suggestions = LocalResource::new(move || {
        let grants = grants.clone();
        async move {
            if !open.get() {
                return Vec::new();
            }
            // Without the list there is nothing to choose from, and a name can be typed all the same.
            let used = ListFilesRequest {
                page_size: 1,
                ..ListFilesRequest::default()
            };
            match grpc::call(used).await {
                Ok(list) => known(&list.clusters, &grants),
                Err(_) => known(&[], &grants),
            }
        }
    });
    let suggestions = Signal::derive(move || suggestions.get().unwrap_or_default());
    let set = Action::new_local(move |_: &()| {
        let request = SetFileClusterRequest {
            id: id.clone(),
            cluster: name.with_untracked(|name| name.trim().to_owned()),
        };
        async move {
            failure.set(None);
            match grpc::call(request).await {
                Ok(_) => {
                    open.set(false);
                    again.try_run(());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    let now = if cluster.is_empty() {
        "no cluster".to_owned()
    } else {
        cluster
    };
    view! {
        <span class="inline-field">
            <span>{now}</span>
            {may.then(|| view! {
                <button type="button" class="button small" on:click=move |_| open.set(true)>"Change"</button>
            })}
        </span>
        <Dialog open label="Change the cluster of this file">
            <form on:submit=move |ev| { ev.prevent_default(); set.dispatch_local(()); }>
                <h2>"Change the cluster of this file"</h2>
                <p>"The cluster determines who can see the file, and which approval policy applies to plans made from it. Open plans made from it are invalidated."</p>
                <Field id="cluster-name" label="Cluster (empty for none)" value=name suggestions />
                {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                <div class="dialog-acts">
                    <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                    <button type="submit" class="button primary" disabled=move || set.pending().get()>"Save"</button>
                </div>
            </form>
        </Dialog>
    }
}
