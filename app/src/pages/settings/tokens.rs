//! Which programs may come in, as what, and until when?

pub mod create;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use requorum_shared::api::v1::{
    CreateTokenResponse, ListTokensRequest, ListTokensResponse, RevokeTokenRequest, Token,
};
use requorum_shared::permission::{Permission, Place};

use crate::client::{grpc, whole};
use crate::components::command::Command;
use crate::components::confirm::Confirm;
use crate::components::empty::Empty;
use crate::components::error_view::ErrorView;
use crate::components::load::load;
use crate::components::one_time_value::OneTimeValue;
use crate::components::page_header::PageHeader;
use crate::components::status::{self, Status};
use crate::components::table::Clipped;
use crate::components::tabs::{Tab, Tabs, open_tab};
use crate::components::time::{Ago, Time};
use crate::failure::Failure;
use crate::format;
use crate::forms::roles::names;
use crate::identity::Identity;

/// The section: one's own tokens, and for administrators everybody's.
#[component]
pub fn Tokens() -> impl IntoView {
    let identity = Identity::expect();
    let query = use_query_map();
    let sees_all = Memo::new(move |_| identity.may(Permission::People, Place::Console).is_ok());
    let open = Memo::new(move |_| open_tab(&tabs(), query.with(|q| q.get("tab"))));
    let everybody = Memo::new(move |_| sees_all.get() && open.get() == "everybody");
    // With whose they are: the same tokens look different among everybody's.
    let tokens = LocalResource::new(move || {
        let everybody = everybody.get();
        async move {
            let list = whole::list_tokens(ListTokensRequest {
                all_owners: everybody,
                ..ListTokensRequest::default()
            })
            .await?;
            Ok((everybody, list))
        }
    });
    let again = Callback::new(move |()| tokens.refetch());
    let creating = RwSignal::new(false);
    let made = RwSignal::new(None::<CreateTokenResponse>);
    let sentence = Signal::derive(move || match tokens.get() {
        Some(Ok((everybody, list))) => headline(&list.tokens, everybody, now()),
        _ => "API tokens".into(),
    });
    let acts = move || {
        view! { <button type="button" class="button primary" on:click=move |_| creating.set(true)>"Create token"</button> }
    };
    let on_made = Callback::new(move |answer| {
        made.set(Some(answer));
        again.run(());
    });
    view! {
        <PageHeader sentence acts />
        {move || made.get().map(|answer| handed_over(answer, made))}
        {move || sees_all.get().then(|| view! { <Tabs label="Whose tokens" tabs=tabs() open /> })}
        {load(tokens, move |(everybody, list)| table(list, everybody, again, creating))}
        <create::Create open=creating on_made />
    }
}

fn tabs() -> Vec<Tab> {
    [("yours", "Yours"), ("everybody", "Everybody's")]
        .map(|(key, label)| Tab {
            key,
            label,
            note: String::new(),
        })
        .into()
}

fn now() -> i64 {
    js_sys::Date::now() as i64
}

fn is_good(token: &Token, now_ms: i64) -> bool {
    token.revoked_at_ms == 0 && token.expires_at_ms > now_ms
}

fn headline(tokens: &[Token], everybody: bool, now_ms: i64) -> String {
    let good = tokens.iter().filter(|token| is_good(token, now_ms)).count() as u64;
    let whose = if everybody { "" } else { " of yours" };
    match good {
        0 => format!("No active API tokens{whose}"),
        n => format!(
            "{}{whose}",
            format::count(n, "active API token", "active API tokens")
        ),
    }
}

/// A token that was just made, until it is put away.
fn handed_over(
    answer: CreateTokenResponse,
    made: RwSignal<Option<CreateTokenResponse>>,
) -> impl IntoView {
    let token = answer.token.unwrap_or_default();
    let origin = window().location().origin().unwrap_or_default();
    let text = examples(&origin);
    view! {
        <OneTimeValue
            title=format!("Token {}: shown only once", token.name)
            value=answer.secret
            label="Copy token"
            on_done=Callback::new(move |()| made.set(None))
        >
            <p class="small">
                "Store it where the program reads it. It acts in your name as " {names(&token.grants).join(", ")} ", until "
                <Time ms=token.expires_at_ms /> "."
            </p>
            <Command label="Use it over HTTP and gRPC" text=Signal::derive(move || text.clone()) />
        </OneTimeValue>
    }
}

/// Commands that use a token without leaving it in the shell's history.
fn examples(origin: &str) -> String {
    let (flags, host) = match origin.split_once("://") {
        Some(("https", host)) => ("", host),
        Some((_, host)) => ("-plaintext ", host),
        None => ("", origin),
    };
    format!(
        "read -rs REQUORUM_TOKEN    # paste it, then Enter\n\
         curl -H \"Authorization: Bearer $REQUORUM_TOKEN\" {origin}/api/session\n\
         grpcurl {flags}-H \"authorization: Bearer $REQUORUM_TOKEN\" \\\n  {host} requorum.v1.FileService/ListFiles"
    )
}

fn table(
    list: ListTokensResponse,
    everybody: bool,
    again: Callback<()>,
    creating: RwSignal<bool>,
) -> impl IntoView {
    if list.tokens.is_empty() {
        return view! {
            <Empty text="A token lets a program act in your name, with at most your roles, until it expires. Only its hash is stored.">
                <button type="button" class="button" on:click=move |_| creating.set(true)>"Create the first token"</button>
            </Empty>
        }
        .into_any();
    }
    let failure = RwSignal::new(None::<Failure>);
    let asked = RwSignal::new(None::<Token>);
    let asking = RwSignal::new(false);
    let revoke = Action::new_local(move |id: &String| {
        let id = id.clone();
        async move {
            failure.set(None);
            match grpc::call(RevokeTokenRequest { id }).await {
                Ok(_) => {
                    again.try_run(());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    let on_ask = Callback::new(move |token: Token| {
        asked.set(Some(token));
        asking.set(true);
    });
    let busy: Signal<bool> = revoke.pending().into();
    let rows = list
        .tokens
        .into_iter()
        .map(|token| row(token, everybody, busy, on_ask))
        .collect_view();
    view! {
        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        <div class="table-wrap">
            <table class="table lines roomy">
                <thead>
                    <tr>
                        <th scope="col">"For"</th>
                        {everybody.then(|| view! { <th scope="col">"Owner"</th> })}
                        <th scope="col">"Roles"</th><th scope="col">"State"</th><th scope="col">"Created"</th>
                        <th scope="col">"Expires"</th><th scope="col">"Last used"</th>
                        <th scope="col"><span class="visually-hidden">"Act"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {move || asked.get().map(|token| {
            let (id, name) = (token.id, token.name);
            view! {
                <Confirm
                    open=asking
                    title=format!("Revoke {name}")
                    act="Revoke token"
                    keep="Cancel"
                    on_act=Callback::new(move |()| { revoke.dispatch_local(id.clone()); })
                >
                    <p>"Programs that use it are refused from their next request on. This cannot be undone; create a new token instead."</p>
                    {last_used(token.used_at_ms)}
                </Confirm>
            }
        })}
    }
    .into_any()
}

/// What the end of its time is called where no heading is above it.
fn expires(token: &Token, now_ms: i64) -> &'static str {
    match token.expires_at_ms > now_ms {
        true => "expires",
        false => "expired",
    }
}

fn last_used(ms: i64) -> impl IntoView {
    match ms {
        0 => view! { <p>"Never used."</p> }.into_any(),
        ms => view! { <p>"Last used " <Time ms /> "."</p> }.into_any(),
    }
}

fn row(
    token: Token,
    everybody: bool,
    busy: Signal<bool>,
    on_ask: Callback<Token>,
) -> impl IntoView {
    let good = is_good(&token, now());
    let expires = expires(&token, now());
    let status = status::token(token.revoked_at_ms != 0, !good);
    let label = format!("Revoke {}", token.name);
    let asked = token.clone();
    view! {
        <tr>
            <th scope="row" data-label="For"><span class="clip" title=token.name.clone()>{token.name.clone()}</span></th>
            {everybody.then(|| view! { <td data-label="Owner">{token.owner}</td> })}
            <td data-label="Roles"><Clipped text=names(&token.grants).join(", ") /></td>
            <td data-label="State" class="state"><Status is=status /></td>
            <td data-label="Created" class="wide-only"><Ago ms=token.created_at_ms /></td>
            <td data-label="Expires"><span class="narrow-only">{expires} " "</span><Ago ms=token.expires_at_ms /></td>
            <td data-label="Last used" class="wide-only"><Ago ms=token.used_at_ms /></td>
            <td class="row-acts" data-label=good.then_some("Act")>
                {good.then(|| view! {
                    <button type="button" class="button small" aria-label=label disabled=busy on:click=move |_| on_ask.run(asked.clone())>"Revoke"</button>
                })}
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_counts_what_works() {
        let token = |expires_at_ms, revoked_at_ms| Token {
            expires_at_ms,
            revoked_at_ms,
            ..Token::default()
        };
        assert_eq!(headline(&[], false, 5), "No active API tokens of yours");
        let tokens = [token(9, 0), token(9, 3), token(4, 0)];
        assert_eq!(headline(&tokens, false, 5), "1 active API token of yours");
        assert_eq!(
            headline(&[token(9, 0), token(9, 0)], true, 5),
            "2 active API tokens"
        );
    }

    #[test]
    fn a_time_that_is_past_is_told_as_past() {
        let token = |expires_at_ms| Token {
            expires_at_ms,
            ..Token::default()
        };
        assert_eq!(expires(&token(6), 5), "expires");
        assert_eq!(expires(&token(5), 5), "expired");
    }

    #[test]
    fn the_commands_fit_the_address() {
        let text = examples("http://127.0.0.1:8420");
        assert!(text.contains("-plaintext") && text.contains("  127.0.0.1:8420 requorum.v1."));
        let text = examples("https://console.example");
        assert!(
            !text.contains("-plaintext") && text.contains("https://console.example/api/session")
        );
    }
}
