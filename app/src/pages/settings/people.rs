//! Who can come in, and as what?

pub mod invite;
pub mod person;
pub mod roles;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use requorum_shared::api::v1::{ListPeopleRequest, PasswordLink, Person};
use requorum_shared::permission::{Grants, Role};

use crate::client::whole;
use crate::components::load::load;
use crate::components::one_time_value::OneTimeValue;
use crate::components::page_header::PageHeader;
use crate::components::status::{self, Status};
use crate::components::table::{Clipped, Sort, SortHeading, arrows};
use crate::components::time::{Ago, Time};
use crate::format;
use crate::forms::roles::names;
use crate::paths;

/// The section: everybody, and one more.
#[component]
pub fn People() -> impl IntoView {
    let people = LocalResource::new(|| whole::list_people(ListPeopleRequest::default()));
    let inviting = RwSignal::new(false);
    let made = RwSignal::new(None::<PasswordLink>);
    let sentence = Signal::derive(move || match people.get() {
        Some(Ok(list)) => headline(&list.people),
        _ => "People and roles".into(),
    });
    let warnings = Memo::new(move |_| match people.get() {
        Some(Ok(list)) => alone(&list.people),
        _ => Vec::new(),
    });
    let below = move || {
        move || {
            let lines = warnings.get().into_iter();
            lines.map(|line| view! { <p>{line}</p> }).collect_view()
        }
    };
    let acts = move || {
        view! { <button type="button" class="button primary" on:click=move |_| inviting.set(true)>"Invite a person"</button> }
    };
    let on_made = Callback::new(move |link| {
        made.set(Some(link));
        people.refetch();
    });
    view! {
        <PageHeader sentence below acts />
        {move || made.get().map(|link| handed_over(link, made))}
        {load(people, |list| table(list.people))}
        <invite::Invite open=inviting on_made />
    }
}

/// A link that was just made, until it is put away.
fn handed_over(link: PasswordLink, made: RwSignal<Option<PasswordLink>>) -> impl IntoView {
    let name = link.person.unwrap_or_default().name;
    let origin = window().location().origin().unwrap_or_default();
    view! {
        <OneTimeValue
            title=format!("Send this link to {name} over a private channel.")
            value=paths::join_link(&origin, &link.token)
            label="Copy link"
            on_done=Callback::new(move |()| made.set(None))
        >
            <p class="small">
                "Shown only once. It sets the password of " {name.clone()} " one time, until "
                <Time ms=link.expires_at_ms /> "; a newer link replaces it. For one day after it is used, the account counts as the same person as you, so it cannot approve your plans. To lift that, run "<code>"requorum user confirm"</code>" on the server."
            </p>
        </OneTimeValue>
    }
}

fn grants_of(person: &Person) -> Grants {
    Grants::try_from(&person.grants[..]).unwrap_or_default()
}

fn headline(people: &[Person]) -> String {
    let usable: Vec<_> = people.iter().filter(|p| p.can_sign_in).collect();
    let admins = usable
        .iter()
        .filter(|p| grants_of(p).has(Role::Admin))
        .count() as u64;
    match usable.len() as u64 {
        1 => "1 active user".into(),
        n => format!(
            "{}, {}",
            format::count(n, "active user", "active users"),
            format::count(admins, "administrator", "administrators")
        ),
    }
}

/// Roles that one person alone holds for all clusters, or nobody does: what stands still while they are away.
fn alone(people: &[Person]) -> Vec<String> {
    let mut only: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut nobody = Vec::new();
    for role in [Role::Operator, Role::Approver, Role::Admin] {
        let mut holders = people
            .iter()
            .filter(|p| p.can_sign_in && grants_of(p).has(role));
        match (holders.next(), holders.next()) {
            (None, _) => nobody.push(role.name()),
            (Some(one), None) => only.entry(&one.name).or_default().push(role.name()),
            _ => {}
        }
    }
    let mut lines = Vec::new();
    if !nobody.is_empty() {
        lines.push(format!(
            "No active user is {} for all clusters.",
            nobody.join(" or ")
        ));
    }
    lines.extend(only.into_iter().map(|(name, roles)| {
        let of = format::listed(&roles);
        let them = match roles.len() {
            1 => "that role",
            _ => "those roles",
        };
        format!("{name} is the only {of} for all clusters. Give a second person {them}.")
    }));
    lines
}

fn table(people: Vec<Person>) -> impl IntoView {
    let query = use_query_map();
    let sort = Memo::new(move |_| Sort::parse(query.with(|q| q.get("sort")).as_deref(), "name"));
    let shown = Memo::new(move |_| {
        let mut rows = people.clone();
        let sort = sort.get();
        rows.sort_by(|a, b| sort.apply(by(&sort.key, a, b)));
        rows
    });
    view! {
        <div class="table-wrap">
            <table class="table lines roomy">
                <thead>
                    <tr>
                        <SortHeading key="name" label="Name" sort />
                        <th scope="col">"Roles"</th>
                        <SortHeading key="state" label="State" sort />
                        <th scope="col">"Sign-in method"</th>
                        <SortHeading key="seen" label="Last seen" sort />
                        <SortHeading key="since" label="Created" sort />
                    </tr>
                </thead>
                <tbody on:keydown=arrows>{move || shown.get().into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

fn by(key: &str, a: &Person, b: &Person) -> Ordering {
    match key {
        "state" => state(a).1.cmp(state(b).1),
        "seen" => a.seen_at_ms.cmp(&b.seen_at_ms),
        "since" => a.created_at_ms.cmp(&b.created_at_ms),
        _ => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
    }
}

fn row(person: Person) -> impl IntoView {
    let status = state(&person);
    let with = signs_in_with(&person);
    view! {
        <tr>
            <th scope="row" data-label="Name"><span class="clip"><a href=paths::person(&person.id)>{person.name}</a></span></th>
            <td data-label="Roles"><Clipped text=roles_words(&names(&person.grants)) /></td>
            <td data-label="State" class="state"><Status is=status /></td>
            <td data-label="Sign-in method" class="wide-only">{with}</td>
            <td data-label="Last seen"><span class="narrow-only">"seen "</span><Ago ms=person.seen_at_ms /></td>
            <td data-label="Created" class="wide-only"><Ago ms=person.created_at_ms /></td>
        </tr>
    }
}

/// Class and word of somebody's state.
fn state(person: &Person) -> (&'static str, &'static str) {
    status::person(
        person.disabled_at_ms != 0,
        person.can_sign_in,
        person.link_until_ms != 0,
    )
}

fn roles_words(grants: &[String]) -> String {
    if grants.is_empty() {
        "none".into()
    } else {
        grants.join(", ")
    }
}

/// Where somebody proves who they are.
fn signs_in_with(person: &Person) -> String {
    match (&*person.issuer, person.can_sign_in) {
        ("", true) => "password".into(),
        ("", false) => "–".into(),
        (issuer, _) => issuer
            .trim_start_matches("https://")
            .trim_end_matches('/')
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, grants: &str, can_sign_in: bool) -> Person {
        let grants: Grants = grants.parse().unwrap();
        Person {
            name: name.into(),
            grants: requorum_shared::api::grants(&grants),
            can_sign_in,
            ..Person::default()
        }
    }

    #[test]
    fn the_headline_counts_active_users() {
        let ada = person("ada", "operator, approver, admin", true);
        assert_eq!(headline(std::slice::from_ref(&ada)), "1 active user");
        let people = [
            ada,
            person("ben", "viewer", true),
            person("cy", "admin", false),
        ];
        assert_eq!(headline(&people), "2 active users, 1 administrator");
    }

    #[test]
    fn what_hangs_on_one_person_is_said() {
        let ada = person("ada", "operator, approver, admin", true);
        let only = "ada is the only operator, approver and admin for all clusters. Give a second person those roles.";
        assert_eq!(alone(std::slice::from_ref(&ada)), [only]);
        let people = [
            ada,
            person("ben", "operator, admin", true),
            person("cy", "approver@lab", true),
        ];
        assert_eq!(
            alone(&people),
            ["ada is the only approver for all clusters. Give a second person that role."]
        );
        assert_eq!(
            alone(&people[1..]),
            [
                "No active user is approver for all clusters.",
                "ben is the only operator and admin for all clusters. Give a second person those roles.",
            ]
        );
    }

    #[test]
    fn a_provider_is_named_by_its_address() {
        let mut ben = person("ben", "", true);
        assert_eq!(signs_in_with(&ben), "password");
        ben.issuer = "https://id.example/".into();
        assert_eq!(signs_in_with(&ben), "id.example");
    }
}
