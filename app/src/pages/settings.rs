//! Settings: every section has an address of its own. A new one is a line in [`SECTIONS`] and a module.

pub mod about;
pub mod people;
pub mod secrets;
pub mod tokens;
pub mod uploads;
pub mod you;

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_navigate, use_params_map};
use requorum_shared::permission::{Denied, Grants, Permission, Place};

use crate::components::frame::is_current;
use crate::components::page_header::PageHeader;
use crate::components::palette::{Entry, Group};
use crate::identity::Identity;
use crate::pages::not_found::NotFound;
use crate::pages::policies;
use crate::paths;

/// A section.
struct Section {
    /// Its part of the address.
    key: &'static str,
    /// What the link to it says.
    label: &'static str,
    /// What it takes to open it.
    needs: Permission,
    /// Where that must be held.
    place: Place<'static>,
    /// What is on it.
    page: fn() -> AnyView,
}

/// All of them, in the order of their links.
const SECTIONS: &[Section] = &[
    section(
        "people",
        "People",
        Permission::People,
        Place::Console,
        || people::People().into_any(),
    ),
    section(
        "you",
        "Profile",
        Permission::OwnAccount,
        Place::Anywhere,
        || you::You().into_any(),
    ),
    section(
        "tokens",
        "API tokens",
        Permission::OwnAccount,
        Place::Anywhere,
        || tokens::Tokens().into_any(),
    ),
    section(
        "policies",
        "Policies",
        Permission::See,
        Place::Anywhere,
        || policies::Policies().into_any(),
    ),
    section(
        "secrets",
        "Credentials",
        Permission::Secrets,
        Place::Console,
        || secrets::Secrets().into_any(),
    ),
    section(
        "uploads",
        "Uploads",
        Permission::People,
        Place::Console,
        || uploads::Uploads().into_any(),
    ),
    section("about", "About", Permission::See, Place::Anywhere, || {
        about::About().into_any()
    }),
];

/// Where the palette can go here.
pub fn entries(grants: &Grants) -> Vec<Entry> {
    SECTIONS
        .iter()
        .filter(|section| grants.allow(section.needs, section.place).is_ok())
        .map(|section| {
            Entry::to(
                Group::Settings,
                section.label,
                paths::settings_section(section.key),
            )
        })
        .collect()
}

const fn section(
    key: &'static str,
    label: &'static str,
    needs: Permission,
    place: Place<'static>,
    page: fn() -> AnyView,
) -> Section {
    Section {
        key,
        label,
        needs,
        place,
        page,
    }
}

impl Section {
    fn named(key: &str) -> Option<&'static Self> {
        SECTIONS.iter().find(|section| section.key == key)
    }

    /// Why the person may not open it.
    fn denied(&self, identity: Identity) -> Option<Denied> {
        identity.grants().allow(self.needs, self.place).err()
    }
}

/// `/settings`: on to the first section that the person may open.
#[component]
pub fn Settings() -> impl IntoView {
    let identity = Identity::expect();
    let navigate = use_navigate();
    Effect::new(move |_| {
        let first = SECTIONS
            .iter()
            .find(|section| untrack(|| section.denied(identity)).is_none())
            .unwrap_or(&SECTIONS[0]);
        navigate(
            &paths::settings_section(first.key),
            leptos_router::NavigateOptions {
                replace: true,
                ..Default::default()
            },
        );
    });
    view! { <div class="page"><PageHeader sentence="Settings" /></div> }
}

/// `/settings/…`: one section.
#[component]
pub fn SettingsSection() -> impl IntoView {
    let params = use_params_map();
    let key = Memo::new(move |_| params.with(|p| p.get("section")).unwrap_or_default());
    move || match Section::named(&key.get()) {
        Some(section) => framed(section, section.page).into_any(),
        None => view! { <NotFound /> }.into_any(),
    }
}

/// `/settings/people/…`: one person.
#[component]
pub fn PersonSettings() -> impl IntoView {
    Section::named("people")
        .map(|section| framed(section, || people::person::PersonPage().into_any()))
}

/// A page of a section below the links to all sections; for those who may not open it, who can.
fn framed(
    section: &'static Section,
    page: impl Fn() -> AnyView + Send + Sync + 'static,
) -> impl IntoView {
    let identity = Identity::expect();
    let denied = Memo::new(move |_| section.denied(identity));
    view! {
        <div class="page">
            {links(identity)}
            {move || match denied.get() {
                None => page(),
                Some(denied) => refusal(&denied).into_any(),
            }}
        </div>
    }
}

/// Links to the sections that the person may open.
fn links(identity: Identity) -> impl IntoView {
    let path = use_location().pathname;
    let links = SECTIONS
        .iter()
        .map(|section| {
            let open = Memo::new(move |_| section.denied(identity).is_none());
            let to = paths::settings_section(section.key);
            move || {
                let target = to.clone();
                let current = move || is_current(&path.get(), &target).then_some("page");
                open.get()
                    .then(|| view! { <a href=to.clone() aria-current=current>{section.label}</a> })
            }
        })
        .collect_view();
    view! { <nav class="tabs" aria-label="Settings">{links}</nav> }
}

fn refusal(denied: &Denied) -> impl IntoView + use<> {
    let have = if denied.have.is_empty() {
        "You have no role.".to_owned()
    } else {
        format!("You have: {}.", denied.have)
    };
    view! {
        <PageHeader sentence=denied.needs() />
        <p>{have} " An administrator can change that."</p>
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::SECTIONS;

    #[test]
    fn every_section_has_an_address_of_its_own() {
        let keys: BTreeSet<_> = SECTIONS.iter().map(|section| section.key).collect();
        assert_eq!(keys.len(), SECTIONS.len());
    }
}
