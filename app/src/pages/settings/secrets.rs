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
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::properties::Properties;
use crate::components::time::Time;
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
        _ => "Credentials that this console keeps.".into(),
    });
    let acts = move || {
        view! { <button type="button" class="button primary" on:click=move |_| on_put.run(None)>"Put in a credential"</button> }
    };
    view! {
        <Lead sentence below=|| view! { <p>"They go in and never come out: whoever needs one reads it where it came from."</p> } acts />
        {load(secrets, move |list| show(list, on_put, again))}
        <put::Put open=putting replaced on_done=again />
    }
}

fn headline(secrets: &[Credential]) -> String {
    match secrets.len() as u64 {
        0 => "No credential is kept here yet.".into(),
        n => format!(
            "{} kept here, sealed.",
            format::count(n, "credential is", "credentials are")
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
            "Sealed under the master key",
            view! { <code>{list.key_id}</code> }.into_any(),
        ),
        (
            "The key is in",
            view! { <span class="mono">{list.key_place}</span> }.into_any(),
        ),
    ];
    view! {
        {table(list.credentials, on_put, again)}
        <section class="section">
            <h2>"Master key"</h2>
            <Properties rows=key />
            <p class="muted">
                "Without it what is sealed is noise, in the database and in every backup of it. Keep a copy of the key where no backup of the database lies."
            </p>
            <Command label="Seal all again under a new key, on the server" text="requorum secrets rotate --data-dir DIR".to_owned() />
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
            <Empty text="Passwords, keys and certificates that recoveries need are put in here once, and used by the server alone.">
                <button type="button" class="button" on:click=move |_| on_put.run(None)>"Put in the first one"</button>
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
                Ok(_) => again.run(()),
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
                        <th scope="col">"Name"</th><th scope="col">"Kind"</th><th scope="col">"Put in"</th>
                        <th scope="col">"Value as of"</th><th scope="col">"By"</th>
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
                    act="Remove the credential"
                    keep="Keep it"
                    on_act=Callback::new(move |()| { remove.dispatch_local(id.clone()); })
                >
                    <p>"It is gone from here for good: nobody can read it out first."</p>
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
            return view! { <p>"No plan that can still be run needs it, and no job that runs."</p> }.into_any();
        }
        let plans = uses
            .plans
            .into_iter()
            .map(|plan| view! { <li><a href=paths::plan(&plan.id)>{plan.outcome}</a></li> })
            .collect_view();
        view! { <p>"These plans cannot be carried out without it:"</p><ul class="reads">{plans}</ul> }.into_any()
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
            <td data-label="Put in"><Time ms=secret.created_at_ms /></td>
            <td data-label="Value as of"><Time ms=secret.changed_at_ms /></td>
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
        assert_eq!(headline(&[]), "No credential is kept here yet.");
        assert_eq!(
            headline(&[Credential::default()]),
            "1 credential is kept here, sealed."
        );
    }
}
