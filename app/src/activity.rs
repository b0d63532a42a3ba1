//! What waits and what is under way, for every page: asked for while somebody is signed in and looks, or wants to be
//! notified.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::console_loader::ConsoleLoader;
use crate::format;
use crate::identity::Identity;
use crate::notifications::Notifications;
use crate::title::Title;
use crate::waiting::{Item, Waiting, Yours};

/// How often it is asked, in milliseconds.
const EVERY_MS: u64 = 15_000;

/// The server's last word on it.
#[derive(Clone, Copy)]
pub struct Activity {
    last: RwSignal<Waiting>,
    /// There was an answer for this person: what is new is new since then.
    answered: StoredValue<bool>,
    identity: Identity,
    console_loader: ConsoleLoader,
    notifications: Notifications,
}

impl Activity {
    /// Asks now and then, and gives the answer to all pages below.
    pub fn provide(
        identity: Identity,
        console_loader: ConsoleLoader,
        notifications: Notifications,
        title: Title,
    ) -> Self {
        let activity = Self {
            last: RwSignal::new(Waiting::default()),
            answered: StoredValue::new(false),
            identity,
            console_loader,
            notifications,
        };
        provide_context(activity);
        // Another person may sign in without this page seeing a stranger between.
        Effect::new(move |before: Option<String>| {
            let person = identity.user_id();
            if before.is_some_and(|before| before != person) {
                activity.last.set(Waiting::default());
                activity.answered.set_value(false);
            }
            if identity.is_person() {
                activity.ask();
            }
            person
        });
        Effect::new(move |_| title.waiting(activity.last.with(|last| last.total)));
        let ask = move || {
            // A tab that nobody looks at asks nothing, unless it is to notify.
            let wanted = !document().hidden() || notifications.are_on();
            if identity.is_person_now() && wanted {
                activity.ask();
            }
        };
        // Refused only where there is no window; then nobody looks.
        let _ = set_interval_with_handle(ask, std::time::Duration::from_millis(EVERY_MS));
        activity
    }

    /// The activity given by [`Activity::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// Asks now: something was done that changes it. Without an answer the last word stands; the page itself says
    /// when the server is gone.
    pub fn ask(self) {
        spawn_local(async move {
            let Ok(console) = self.console_loader.part().await else {
                return;
            };
            let person = self.identity.user_id_now();
            let former = self.last.with_untracked(|last| last.yours.clone());
            let Ok(answer) = (console.waiting)(former).await else {
                return;
            };
            let last = self.last.get_untracked();
            if !self.identity.is_person_now() || self.identity.user_id_now() != person {
                return;
            }
            let answered = self.answered.get_value();
            self.answered.set_value(true);
            if last == answer {
                return;
            }
            if let Some(one) = new_outcome(&last, &answer).filter(|_| answered) {
                let what = format!("{}: {}", one.name, one.is.1);
                self.notifications
                    .tell(&what, &one.words, "requorum-outcome");
            }
            if let Some(new) = first_new(&last, &answer) {
                let what = match answer.total {
                    1 => "1 item needs your attention".to_owned(),
                    n => format!("{} items need your attention", format::number(n)),
                };
                let body = format!("{}: {}", new.what, new.title);
                self.notifications.tell(&what, &body, "requorum-inbox");
            }
            self.last.set(answer);
        });
    }

    /// How many overrides of an approval wait for a review.
    pub fn open_reviews(self) -> u32 {
        self.last.with(|last| last.open_reviews)
    }

    /// What waits and what is under way.
    pub fn waiting(self) -> Waiting {
        self.last.get()
    }
}

/// The first of what waits now and did not before.
fn first_new<'a>(before: &Waiting, now: &'a Waiting) -> Option<&'a Item> {
    now.items.iter().find(|item| !before.items.contains(item))
}

/// The newest of what became of one's own plans and was not told before. What waits for the person besides is told as
/// that.
fn new_outcome<'a>(before: &Waiting, now: &'a Waiting) -> Option<&'a Yours> {
    let is_new = |one: &&Yours| {
        let known = |other: &Yours| (&other.path, other.at_ms) == (&one.path, one.at_ms);
        !one.waits && !before.yours.iter().any(known)
    };
    now.yours.iter().find(is_new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_told() {
        let item = |title: &str| Item {
            title: title.into(),
            ..Item::default()
        };
        let waiting = |titles: &[&str]| Waiting {
            items: titles.iter().map(|title| item(title)).collect(),
            total: titles.len() as u64,
            ..Waiting::default()
        };
        let none = waiting(&[]);
        assert_eq!(first_new(&none, &none), None);
        assert_eq!(first_new(&none, &waiting(&["a"])), Some(&item("a")));
        assert_eq!(first_new(&waiting(&["a", "b"]), &waiting(&["b"])), None);
        assert_eq!(
            first_new(&waiting(&["b"]), &waiting(&["a", "b"])),
            Some(&item("a"))
        );
    }

    #[test]
    fn an_outcome_is_told_once_and_not_where_it_waits_besides() {
        let yours = |all: &[(&str, i64, bool)]| Waiting {
            yours: all
                .iter()
                .map(|(path, at_ms, waits)| Yours {
                    path: (*path).into(),
                    at_ms: *at_ms,
                    waits: *waits,
                    ..Yours::default()
                })
                .collect(),
            ..Waiting::default()
        };
        let told = |before: &Waiting, now: &Waiting| {
            new_outcome(before, now).map(|one| (one.path.clone(), one.at_ms))
        };
        let (none, one) = (yours(&[]), yours(&[("/plans/a", 1, false)]));
        assert_eq!(told(&none, &one), Some(("/plans/a".into(), 1)));
        assert_eq!(told(&one, &one), None);
        // Something else became of the same plan.
        let later = yours(&[("/plans/a", 2, false), ("/plans/a", 1, false)]);
        assert_eq!(told(&one, &later), Some(("/plans/a".into(), 2)));
        assert_eq!(told(&none, &yours(&[("/plans/b", 3, true)])), None);
    }
}
