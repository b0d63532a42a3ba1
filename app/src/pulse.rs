//! What waits and what is under way, for every page: asked for while somebody is signed in and looks.

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::v1::ListInboxResponse;

use crate::format;
use crate::identity::Identity;
use crate::later::Later;

/// How often it is asked, in milliseconds.
const EVERY_MS: u64 = 15_000;

/// The server's last word on it.
#[derive(Clone, Copy)]
pub struct Pulse {
    last: RwSignal<ListInboxResponse>,
    identity: Identity,
    later: Later,
}

impl Pulse {
    /// Asks now and then, and gives the answer to all pages below.
    pub fn provide(identity: Identity, later: Later) -> Self {
        let pulse = Self {
            last: RwSignal::new(ListInboxResponse::default()),
            identity,
            later,
        };
        provide_context(pulse);
        Effect::new(move |_| {
            if identity.is_person() {
                pulse.ask();
            } else {
                pulse.last.set(ListInboxResponse::default());
            }
        });
        let ask = move || {
            // A tab that nobody looks at asks nothing.
            if identity.is_person_now() && !document().hidden() {
                pulse.ask();
            }
        };
        // Refused only where there is no window; then nobody looks.
        let _ = set_interval_with_handle(ask, std::time::Duration::from_millis(EVERY_MS));
        pulse
    }

    /// The pulse given by [`Pulse::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// Asks now: something was done that changes it. Without an answer the last word stands; the page itself says
    /// when the server is gone.
    pub fn ask(self) {
        spawn_local(async move {
            let Ok(console) = self.later.console().await else {
                return;
            };
            if let Ok(answer) = (console.waiting)().await
                && self.identity.is_person_now()
                && self.last.with_untracked(|last| *last != answer)
            {
                self.last.set(answer);
            }
        });
    }

    /// How many reviews of broken glass are open.
    pub fn open_reviews(self) -> u32 {
        self.last.with(|last| last.open_reviews)
    }

    /// The corner's words; empty for nothing.
    pub fn words(self) -> String {
        self.last.with(words)
    }
}

/// `2 jobs · 1 waits for you`.
fn words(pulse: &ListInboxResponse) -> String {
    let mut parts = Vec::new();
    if pulse.jobs_under_way > 0 {
        parts.push(format::count(pulse.jobs_under_way.into(), "job", "jobs"));
    }
    match pulse.total {
        0 => {}
        n => parts.push(format::count(n, "waits for you", "wait for you")),
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use requorum_shared::api::v1::InboxItem;

    use super::*;

    #[test]
    fn the_corner_says_what_runs_and_what_waits() {
        let mut pulse = ListInboxResponse::default();
        assert_eq!(words(&pulse), "");
        pulse.jobs_under_way = 2;
        assert_eq!(words(&pulse), "2 jobs");
        // Of what waits it has the first alone.
        pulse.items.push(InboxItem::default());
        pulse.total = 1;
        assert_eq!(words(&pulse), "2 jobs · 1 waits for you");
        pulse.jobs_under_way = 0;
        pulse.total = 5_000;
        assert_eq!(words(&pulse), "5\u{202f}000 wait for you");
    }
}
