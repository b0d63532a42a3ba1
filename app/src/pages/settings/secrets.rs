//! Which credentials does the console keep, and how old are they?

pub mod put;

use leptos::prelude::*;
use requorum_shared::api::v1::{
    Credential, GetCredentialUsesRequest, ListCredentialsRequest, ListCredentialsResponse,
    RemoveCredentialRequest,
};

use crate::client::{grpc, whole};
use crate::components::command::Command;
use crate::components::confirm::Confirm;
use crate::components::empty::Empty;
use crate::components::error_view::ErrorView;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::properties::Properties;
use crate::components::time::Ago;
use crate::failure::Failure;
use crate::format;
use crate::forms::secret::kind_words;
use crate::paths;

/// The section. No value is ever on it: there is no call that answers with one.
#[component]
pub fn Secrets() -> impl IntoView {
    let secrets = LocalResource::new(|| whole::list_credentials(ListCredentialsRequest::default()));
    let again = Callback::new(move |()| secrets.refetch());
    let putting = RwSignal::new(false);
    // The one that is replaced; none for a new one.
    let replaced = RwSignal::new(None::<Credential>);
    let on_put = Callback::new(move |one| {
        replaced.set(one);
        putting.set(true);
    });
    let sentence = Signal::derive(move || match secrets.get() {
        Some(Ok(list)) => headline(&list.credentials),
        _ => "Credentials".into(),
    });
    let acts = move || {
        view! { <button type="button" class="button primary" on:click=move |_| on_put.run(None)>"Add credential"</button> }
    };
    view! {
        <PageHeader sentence below=|| view! { <p>"Values can be added and replaced, but never read back."</p> } acts />
        {load(secrets, move |list| show(list, on_put, again))}
        <put::Put open=putting replaced on_done=again />
    }
}

fn headline(secrets: &[Credential]) -> String {
    match secrets.len() as u64 {
        0 => "No credentials".into(),
        n => format!(
            "{}, encrypted",
            format::count(n, "credential", "credentials")
        ),
    }
}

fn show(
    list: ListCredentialsResponse,
    on_put: Callback<Option<Credential>>,
    again: Callback<()>,
) -> impl IntoView {
    let key = vec![
        (
            "Encrypted with master key",
            view! { <code>{list.key_id}</code> }.into_any(),
        ),
        (
            "Key file",
            view! { <span class="mono">{list.key_place}</span> }.into_any(),
        ),
    ];
    view! {
        {table(list.credentials, on_put, again)}
        <section class="section">
            <h2>"Master key"</h2>
            <Properties rows=key />
            <p class="muted">
                "Without this key the credentials cannot be decrypted, not even from a backup. Keep a copy of the key apart from the database's backups."
            </p>
            <Command label="Re-encrypt all with a new key, on the server" text="requorum secrets rotate --data-dir DIR".to_owned() />
        </section>
    }
}

fn table(
    secrets: Vec<Credential>,
    on_put: Callback<Option<Credential>>,
    again: Callback<()>,
) -> impl IntoView {
    if secrets.is_empty() {
        return view! {
            <Empty text="Passwords, keys and certificates for recoveries. The server uses them; no page or API returns them.">
                <button type="button" class="button" on:click=move |_| on_put.run(None)>"Add the first credential"</button>
            </Empty>
        }
        .into_any();
    }
    let failure = RwSignal::new(None::<Failure>);
    let asked = RwSignal::new(None::<Credential>);
    let asking = RwSignal::new(false);
    let remove = Action::new_local(move |id: &String| {
        let id = id.clone();
        async move {
            failure.set(None);
            match grpc::call(RemoveCredentialRequest { id }).await {
                Ok(_) => {
                    again.try_run(());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    let busy: Signal<bool> = remove.pending().into();
    let on_ask = Callback::new(move |secret| {
        asked.set(Some(secret));
        asking.set(true);
    });
    let rows = secrets
        .into_iter()
        .map(|secret| row(secret, busy, on_put, on_ask))
        .collect_view();
    view! {
        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th><th scope="col">"Kind"</th><th scope="col">"Added"</th>
                        <th scope="col">"Value changed"</th><th scope="col">"By"</th>
                        <th scope="col"><span class="visually-hidden">"Acts"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {move || asked.get().map(|secret| {
            let Credential { id, name, .. } = secret;
            let uses = id.clone();
            view! {
                <Confirm
                    open=asking
                    title=format!("Remove {name}")
                    name=name
                    act="Remove credential"
                    keep="Cancel"
                    on_act=Callback::new(move |()| { remove.dispatch_local(id.clone()); })
                >
                    <p>"This cannot be undone, and the value cannot be read out first."</p>
                    {depends(uses.clone())}
                </Confirm>
            }
        })}
    }
    .into_any()
}

/// What needs a credential, asked for when somebody is about to remove it.
fn depends(id: String) -> impl IntoView {
    let uses = LocalResource::new(move || grpc::call(GetCredentialUsesRequest { id: id.clone() }));
    load(uses, |uses| {
        if uses.plans.is_empty() {
            return view! { <p>"No open plan and no running job needs it."</p> }.into_any();
        }
        let plans = uses
            .plans
            .into_iter()
            .map(|plan| view! { <li><a href=paths::plan(&plan.id)>{plan.outcome}</a></li> })
            .collect_view();
        view! { <p>"These plans cannot run without it:"</p><ul class="reads">{plans}</ul> }
            .into_any()
    })
}

fn row(
    secret: Credential,
    busy: Signal<bool>,
    on_put: Callback<Option<Credential>>,
    on_ask: Callback<Credential>,
) -> impl IntoView {
    let kind = kind_words(secret.kind());
    let (one, other) = (secret.clone(), secret.clone());
    let (replace, remove) = (
        format!("Replace the value of {}", secret.name),
        format!("Remove {}", secret.name),
    );
    view! {
        <tr>
            <th scope="row" data-label="Name">{secret.name}</th>
            <td data-label="Kind">{kind}</td>
            <td data-label="Added"><Ago ms=secret.created_at_ms /></td>
            <td data-label="Value changed"><Ago ms=secret.changed_at_ms /></td>
            <td data-label="By">{secret.changed_by}</td>
            <td data-label="Acts">
                <span class="acts">
                    <button type="button" class="button small" aria-label=replace on:click=move |_| on_put.run(Some(one.clone()))>"Replace"</button>
                    <button type="button" class="button small" aria-label=remove disabled=busy on:click=move |_| on_ask.run(other.clone())>"Remove"</button>
                </span>
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_counts() {
        assert_eq!(headline(&[]), "No credentials");
        assert_eq!(
            headline(&[Credential::default()]),
            "1 credential, encrypted"
        );
    }
}
