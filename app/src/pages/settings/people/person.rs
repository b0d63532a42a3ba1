//! One person: what they may do, where they are signed in, and how they are shut out or let in again.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use requorum_shared::api::v1::{
    DisablePersonRequest, EnablePersonRequest, EndSessionsRequest, GetDependentsRequest,
    GetDependentsResponse, ListPeopleRequest, ListSessionsRequest, MakePasswordLinkRequest,
    PasswordLink, Person, PersonSession,
};
use requorum_shared::permission::{Grants, Role};

use super::roles::Roles;
use super::{grants_of, handed_over, signs_in_with, state};
use crate::client::{grpc, whole};
use crate::components::confirm::Confirm;
use crate::components::error_view::ErrorView;
use crate::components::load::load_page;
use crate::components::page_header::PageHeader;
use crate::components::properties::Properties;
use crate::components::sessions::SessionTable;
use crate::components::status::Status;
use crate::components::time::Time;
use crate::failure::{Failure, Kind};
use crate::format;
use crate::forms::roles::names;
use crate::identity::Identity;
use crate::paths;

/// The page.
#[component]
pub fn PersonPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    let person = LocalResource::new(move || fetch(id.get()));
    let desk = Desk {
        id,
        made: RwSignal::new(None),
        failure: RwSignal::new(None),
        again: Callback::new(move |()| person.refetch()),
    };
    let crumbs = vec![("People".to_owned(), paths::settings_section("people"))];
    load_page(person, crumbs, move |portrait| show(portrait, desk))
}

/// All that the page is about.
#[derive(Debug, Clone, PartialEq)]
struct Portrait {
    person: Person,
    dependents: GetDependentsResponse,
    sessions: Vec<PersonSession>,
}

async fn fetch(id: String) -> Result<Portrait, Failure> {
    let this = ListPeopleRequest {
        id: id.clone(),
        ..ListPeopleRequest::default()
    };
    let person = grpc::call(this).await?.people.pop();
    let person = person.ok_or_else(|| Failure {
        next: "Choose an account from the list of people.".into(),
        ..Failure::new(Kind::NotFound, "This account does not exist.")
    })?;
    Ok(Portrait {
        person,
        dependents: grpc::call(GetDependentsRequest { id: id.clone() }).await?,
        sessions: whole::list_sessions(ListSessionsRequest {
            person_id: id,
            ..ListSessionsRequest::default()
        })
        .await?
        .sessions,
    })
}

/// What outlives the page's drawing.
#[derive(Clone, Copy)]
struct Desk {
    id: Memo<String>,
    /// The link that was made last, until it is put away.
    made: RwSignal<Option<PasswordLink>>,
    failure: RwSignal<Option<Failure>>,
    /// Loads everything anew.
    again: Callback<()>,
}

/// What is done with an account, roles aside.
#[derive(Clone)]
enum Act {
    Link,
    Enable,
    Disable,
    /// With an empty id: all sessions.
    End(String),
}

impl Desk {
    async fn carry_out(self, act: Act) {
        self.failure.set(None);
        let id = self.id.get_untracked();
        let done = match act {
            Act::Link => grpc::call(MakePasswordLinkRequest { id })
                .await
                .map(|answer| self.made.set(answer.link)),
            Act::Enable => grpc::call(EnablePersonRequest { id }).await.map(drop),
            Act::Disable => grpc::call(DisablePersonRequest { id }).await.map(drop),
            Act::End(session_id) => grpc::call(EndSessionsRequest {
                person_id: id,
                session_id,
            })
            .await
            .map(drop),
        };
        match done {
            Ok(()) => {
                self.again.try_run(());
            }
            Err(refused) => self.failure.set(Some(refused)),
        }
    }
}

fn sentence(person: &Person, is_you: bool) -> String {
    let name = if is_you {
        format!("{} (you)", person.name)
    } else {
        person.name.clone()
    };
    match (
        person.disabled_at_ms,
        person.can_sign_in,
        person.link_until_ms,
    ) {
        (0, true, _) if person.grants.is_empty() => {
            format!("{name} is active and has no role.")
        }
        (0, true, _) => format!("{name}: {}", names(&person.grants).join(", ")),
        (0, false, 0) => {
            format!("{name} cannot sign in: the invitation link has expired. Create a new one.")
        }
        (0, false, _) => format!("{name} was invited and has not signed in yet."),
        _ => format!("{name} is disabled"),
    }
}

fn show(portrait: Portrait, desk: Desk) -> impl IntoView {
    let Portrait {
        person,
        dependents,
        sessions,
    } = portrait;
    let act = Action::new_local(move |act: &Act| desk.carry_out(act.clone()));
    let pending: Signal<bool> = act.pending().into();
    let disabling = RwSignal::new(false);
    let disabled = person.disabled_at_ms != 0;
    let local = person.issuer.is_empty();
    let identity = Identity::expect();
    let is_you = person.id == untrack(|| identity.user_id());
    let held_alone = Grants::try_from(&dependents.held_alone[..]).unwrap_or_default();
    let needed = held_alone.has(Role::Admin);
    let acts = move || {
        if disabled {
            return view! {
                <button type="button" class="button primary" disabled=pending on:click=move |_| { act.dispatch_local(Act::Enable); }>"Enable account"</button>
            }
            .into_any();
        }
        view! {
            {local.then(|| view! {
                <button type="button" class="button" disabled=pending on:click=move |_| { act.dispatch_local(Act::Link); }>"Create password link"</button>
            })}
            {(!needed).then(|| view! {
                <button type="button" class="button danger" disabled=pending on:click=move |_| disabling.set(true)>"Disable account"</button>
            })}
        }
        .into_any()
    };
    let facts = vec![
        ("State", view! { <Status is=state(&person) /> }.into_any()),
        ("Sign-in method", signs_in_with(&person).into_any()),
        (
            "Last seen",
            view! { <Time ms=person.seen_at_ms /> }.into_any(),
        ),
        (
            "Created",
            view! { <Time ms=person.created_at_ms /> }.into_any(),
        ),
    ];
    let why_not = (needed && !disabled).then(|| {
        view! {
            <p class="why-not">
                {format!("{} is the only administrator and cannot be disabled. Give another active user the role admin first.", person.name)}
            </p>
        }
    });
    let on_end = Callback::new(move |id: String| {
        act.dispatch_local(Act::End(id));
    });
    let open_sessions = sessions.len() as u64;
    view! {
        <PageHeader
            crumbs=vec![("People".to_owned(), paths::settings_section("people"))]
            sentence=sentence(&person, is_you)
            acts
        />
        {why_not}
        {move || desk.failure.get().map(|failure| view! { <ErrorView failure /> })}
        {move || desk.made.get().map(|link| handed_over(link, desk.made))}
        <Properties rows=facts />
        <section class="section">
            <h2>"Roles"</h2>
            <Roles
                id=person.id.clone() name=person.name.clone() now=grants_of(&person) held_alone
                on_changed=Callback::new(move |()| {
                    // One's own change what the rest of the page offers.
                    identity.renew();
                    desk.again.run(());
                })
            />
        </section>
        <section class="section">
            <h2>"Sessions"</h2>
            {if sessions.is_empty() {
                view! { <p class="muted">"Nowhere."</p> }.into_any()
            } else {
                view! {
                    <SessionTable sessions busy=pending on_end />
                    {(open_sessions > 1 && !is_you).then(|| view! {
                        <div class="acts">
                            <button type="button" class="button" disabled=pending on:click=move |_| on_end.run(String::new())>
                                {format!("End all {open_sessions} sessions")}
                            </button>
                        </div>
                    })}
                }
                .into_any()
            }}
        </section>
        {(!disabled).then(|| view! {
            <section class="section"><h2>"If you disable this account"</h2>{depends(&dependents)}</section>
        })}
        <Confirm
            open=disabling
            title=format!("Disable {}", person.name)
            name=person.name.clone()
            act="Disable account"
            keep="Cancel"
            on_act=Callback::new(move |()| { act.dispatch_local(Act::Disable); })
        >
            <p>"The account is locked at once. You can enable it again later; sessions and tokens that end now stay ended."</p>
            {depends(&dependents)}
        </Confirm>
    }
}

/// What ends with the account, and what goes on without it.
fn depends(on: &GetDependentsResponse) -> impl IntoView + use<> {
    let mut lines = Vec::new();
    let mut line = |text: String| lines.push(view! { <li>{text}</li> }.into_any());
    match on.sessions {
        0 => line("No open sessions.".into()),
        n => line(format!(
            "{} at once.",
            format::count(n, "session ends", "sessions end")
        )),
    }
    let tokens: Vec<_> = on.tokens.iter().map(|token| token.name.as_str()).collect();
    match tokens.len() as u64 {
        0 => line("No API tokens.".into()),
        n => line(format!(
            "{} permanently, and programs that use {} are refused: {}.",
            format::count(n, "token is revoked", "tokens are revoked"),
            if n == 1 { "it" } else { "them" },
            tokens.join(", ")
        )),
    }
    let alone = names(&on.held_alone).join(" and ");
    if !alone.is_empty() {
        line(format!("No other active user is {alone}."));
    }
    for plan in &on.plans {
        let (to, outcome) = (paths::plan(&plan.id), plan.outcome.clone());
        lines.push(view! { <li>"This open plan stays; others can approve and run it: " <a href=to>{outcome}</a></li> }.into_any());
    }
    for job in &on.jobs {
        let (to, title) = (paths::job(&job.id), job.title.clone());
        lines.push(view! { <li>"This job continues: " <a href=to>{title}</a></li> }.into_any());
    }
    view! { <ul class="reads">{lines}</ul> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_whether_they_can_come_in() {
        let mut ben = Person {
            name: "Ben".into(),
            grants: requorum_shared::api::grants(&"viewer, operator@prod".parse().unwrap()),
            can_sign_in: true,
            ..Person::default()
        };
        assert_eq!(sentence(&ben, false), "Ben: viewer, operator@prod");
        assert_eq!(sentence(&ben, true), "Ben (you): viewer, operator@prod");
        ben.grants.clear();
        assert!(sentence(&ben, false).contains("has no role"));
        ben.can_sign_in = false;
        ben.link_until_ms = 1;
        assert!(sentence(&ben, false).contains("was invited"));
        ben.link_until_ms = 0;
        assert!(sentence(&ben, false).contains("Create a new one"));
        ben.disabled_at_ms = 1;
        assert_eq!(sentence(&ben, false), "Ben is disabled");
    }
}
