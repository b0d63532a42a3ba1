//! What this console is, where it may write, what it verifies with.

use leptos::prelude::*;
use requorum_shared::api::v1::{AboutRequest, AboutResponse};

use crate::client::grpc;
use crate::components::bytes::Bytes;
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::properties::Properties;
use crate::identity::Identity;
use crate::paths;

/// Settings and about.
#[component]
pub fn Settings() -> impl IntoView {
    let about = LocalResource::new(|| grpc::about(AboutRequest {}));
    view! {
        <div class="page">
            <Lead sentence="What this console is, and what it may do." />
            {load(about, show)}
        </div>
    }
}

fn show(about: AboutResponse) -> impl IntoView {
    let identity = Identity::expect();
    let limit = if about.max_upload_bytes == 0 {
        "not limited".into_any()
    } else {
        view! { <Bytes n=about.max_upload_bytes /> }.into_any()
    };
    let rows = vec![
        ("Version", about.version.into_any()),
        ("Signed in as", about.user.into_any()),
        ("Largest upload", limit),
    ];
    let roots = about
        .roots
        .into_iter()
        .map(|root| {
            view! {
                <tr>
                    <th scope="row" data-label="Root">{root.name}</th>
                    <td data-label="Folder" class="mono">{root.path}</td>
                    <td data-label="Free" class="number"><Bytes n=root.free_bytes /></td>
                </tr>
            }
        })
        .collect_view();
    let binaries: Vec<_> = about.etcd_binaries;
    let has_etcd = !binaries.is_empty();
    let binaries = binaries
        .into_iter()
        .map(|binary| {
            view! {
                <tr>
                    <th scope="row" data-label="Version">{binary.version}</th>
                    <td data-label="Binary" class="mono">{binary.path}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Properties rows />
        <section class="section">
            <h2>"Where a restore may be placed"</h2>
            <div class="table-wrap">
                <table class="table">
                    <thead><tr><th scope="col">"Root"</th><th scope="col">"Folder"</th><th scope="col" class="number">"Free"</th></tr></thead>
                    <tbody>{roots}</tbody>
                </table>
            </div>
            <p class="muted">"Only folders that the server's operator allowed at start, and never outside of them."</p>
        </section>
        <section class="section">
            <h2>"etcd for boot checks"</h2>
            {if has_etcd {
                view! {
                    <div class="table-wrap">
                        <table class="table">
                            <thead><tr><th scope="col">"Version"</th><th scope="col">"Binary"</th></tr></thead>
                            <tbody>{binaries}</tbody>
                        </table>
                    </div>
                }
                .into_any()
            } else {
                view! {
                    <p>"No etcd binary was found, so restored members are not booted: that check will say \"not checked\". Have the server's operator name one at start."</p>
                }
                .into_any()
            }}
        </section>
        <section class="section">
            <h2>"Approvals"</h2>
            <p><a href=paths::policies()>"Policies"</a> " say who must agree before a plan runs, for each cluster."</p>
        </section>
        <section class="section">
            <h2>"Session"</h2>
            <div class="acts">
                <button type="button" class="button" on:click=move |_| identity.sign_out()>"Sign out of this browser"</button>
            </div>
        </section>
    }
}
