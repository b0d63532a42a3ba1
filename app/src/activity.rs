//! What waits and what is under way, for every page: asked for while somebody is signed in and looks, or wants to be
//! notified.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::console_loader::ConsoleLoader;
use crate::format;
use crate::identity::Identity;
use crate::notifications::Notifications;
use crate::title::Title;
use crate::waiting::{Item, Waiting};

/// How often it is asked, in milliseconds.
const EVERY_MS: u64 = 15_000;

/// The server's last word on it.
#[derive(Clone, Copy)]
pub struct Activity {
    last: RwSignal<Waiting>,
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
            identity,
            console_loader,
            notifications,
        };
        provide_context(activity);
        Effect::new(move |_| {
            if identity.is_person() {
                activity.ask();
            } else {
                activity.last.set(Waiting::default());
            }
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
            let Ok(answer) = (console.waiting)().await else {
                return;
            };
            let last = self.last.get_untracked();
            if !self.identity.is_person_now() || last == answer {
                return;
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
}
