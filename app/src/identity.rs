//! Who is signed in, what they may do, and what pages do about strangers.

mod permitted;

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::login::Session;
use requorum_shared::permission::{Denied, Grants, Permission, Place};

pub use self::permitted::{Of, permitted, reason};
use crate::client::http;
use crate::failure::{Failure, Kind};

/// How often the server is asked whether the person is still who they were: roles are given and taken, and sessions
/// ended, while a page is open.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// Kept in the browser while somebody is signed in.
const SIGNED_IN: &str = "requorum.signed-in";

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Not known yet: the server was asked.
    Asking,
    /// Nobody.
    Stranger,
    /// This person.
    Person(Session),
    /// The server could not say.
    Unknown(Failure),
}

/// Who is signed in, for every page.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    who: RwSignal<Who>,
}

impl Identity {
    /// Asks the server, and gives the answer to all pages below.
    pub fn provide() -> Self {
        let identity = Self {
            who: RwSignal::new(Who::Asking),
        };
        provide_context(identity);
        identity.ask();
        // Whoever comes back to this tab sees what holds now.
        let focus = window_event_listener(leptos::ev::focus, move |_| identity.renew());
        on_cleanup(move || focus.remove());
        // Refused only where there is no window; then nobody looks.
        let _ = set_interval_with_handle(move || identity.renew(), ASK_EVERY);
        identity
    }

    /// The identity given by [`Identity::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// Asks the server again.
    pub fn ask(self) {
        spawn_local(async move {
            let who = http::who().await;
            self.set(match who {
                Ok(session) => session.map_or(Who::Stranger, Who::Person),
                Err(failure) => Who::Unknown(failure),
            });
        });
    }

    /// Asks again about somebody who is signed in. A page is only drawn anew where the answer is another; while the
    /// server does not answer, what it said before stays.
    pub fn renew(self) {
        if !self.who.with_untracked(|who| matches!(who, Who::Person(_))) {
            return;
        }
        spawn_local(async move {
            let now = match http::who().await {
                Ok(session) => session.map_or(Who::Stranger, Who::Person),
                Err(_) => return,
            };
            if self.who.with_untracked(|who| *who != now) {
                self.set(now);
            }
        });
    }

    fn set(self, who: Who) {
        // Whether it is worth fetching the console before the server has said who asks. Storage may be forbidden:
        // then it is fetched a moment later.
        if let Some(storage) = storage() {
            let _ = match &who {
                Who::Person(_) => storage.set_item(SIGNED_IN, "1"),
                Who::Stranger => storage.remove_item(SIGNED_IN),
                Who::Asking | Who::Unknown(_) => Ok(()),
            };
        }
        self.who.set(who);
    }

    /// Whether somebody was signed in here when a page was last open.
    pub fn was_signed_in() -> bool {
        storage().is_some_and(|storage| matches!(storage.get_item(SIGNED_IN), Ok(Some(_))))
    }

    /// Who it is.
    pub fn who(self) -> Who {
        self.who.get()
    }

    /// The person's name; empty for nobody.
    pub fn name(self) -> String {
        self.who.with(|who| match who {
            Who::Person(session) => session.name.clone(),
            _ => String::new(),
        })
    }

    /// What the person may do, as it is now; nothing for nobody. Who it is changes no more while a page is shown.
    pub fn grants_now(self) -> Grants {
        untrack(|| self.grants())
    }

    /// The person's roles; none for nobody.
    pub fn grants(self) -> Grants {
        self.who.with(|who| match who {
            Who::Person(session) => session.grants.clone(),
            _ => Grants::default(),
        })
    }

    /// The person's id; empty for nobody.
    pub fn user_id(self) -> String {
        self.who.with(|who| match who {
            Who::Person(session) => session.user_id.clone(),
            _ => String::new(),
        })
    }

    /// The person's id, as it is now. Like [`Identity::grants_now`].
    pub fn user_id_now(self) -> String {
        untrack(|| self.user_id())
    }

    /// Whether the person may do this there, by the same table as the server. It keeps buttons off the page that would
    /// only be refused; the server's answer is the one that counts.
    ///
    /// # Errors
    /// When they may not; the error says who can.
    pub fn may(self, permission: Permission, place: Place<'_>) -> Result<(), Denied> {
        self.grants().allow(permission, place)
    }

    /// Whether somebody is signed in.
    pub fn is_person(self) -> bool {
        self.who.with(|who| matches!(who, Who::Person(_)))
    }

    /// The same, for whoever does not want to be told of changes.
    pub fn is_person_now(self) -> bool {
        self.who.with_untracked(|who| matches!(who, Who::Person(_)))
    }

    /// Somebody has signed in.
    pub fn signed_in(self, session: Session) {
        self.set(Who::Person(session));
    }

    /// Signs out; the page forgets the person only when the server did.
    pub fn sign_out(self) {
        spawn_local(async move {
            match http::logout().await {
                Ok(()) => self.set(Who::Stranger),
                Err(failure) if failure.kind == Kind::SignedOut => self.set(Who::Stranger),
                Err(failure) => self.set(Who::Unknown(failure)),
            }
        });
    }
}
