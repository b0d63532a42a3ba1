//! Whose clock times are shown by, as the person chose it in this browser, and what time it is: "4 min ago" goes
//! stale on a page that stays open.

use std::time::Duration;

use leptos::prelude::*;

use crate::format::{self, Zone};

const KEY: &str = "requorum.zone";
/// How often ages are told anew.
const TICK: Duration = Duration::from_secs(15);

/// The chosen zone and the current time.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    zone: RwSignal<Zone>,
    now_ms: RwSignal<i64>,
}

impl Times {
    /// Takes up the remembered choice, and gives it to all pages below.
    pub fn provide() -> Self {
        let stored = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
        let zone = match stored.as_deref() {
            Some("local") => Zone::Local,
            _ => Zone::Utc,
        };
        format::set_zone(zone);
        let times = Self {
            zone: RwSignal::new(zone),
            now_ms: RwSignal::new(now_ms()),
        };
        provide_context(times);
        // Refused only where there is no window; then nobody looks.
        let _ = set_interval_with_handle(move || times.now_ms.set(now_ms()), TICK);
        times
    }

    /// The one given by [`Times::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// The chosen zone. Whatever shows a time reads it, so that it is drawn again when another is chosen.
    pub fn zone(self) -> Zone {
        self.zone.get()
    }

    /// Chooses a zone and remembers it.
    pub fn choose(self, zone: Zone) {
        format::set_zone(zone);
        self.zone.set(zone);
        // Storage may be forbidden; the choice then lasts as long as the page.
        if let Some(storage) = storage() {
            let _ = match zone {
                Zone::Utc => storage.remove_item(KEY),
                Zone::Local => storage.set_item(KEY, "local"),
            };
        }
    }

    /// The zone's name for the header: `UTC`, `UTC+01:00`.
    pub fn name(self) -> String {
        self.zone.track();
        format::zone_name(self.now_ms.get())
    }

    /// `2026-11-21 14:02:11`.
    pub fn stamp(self, ms: i64) -> String {
        self.zone.track();
        format::stamp(ms)
    }

    /// `14:02:11`.
    pub fn clock(self, ms: i64) -> String {
        self.zone.track();
        format::clock(ms)
    }

    /// `4 min ago`. Something that was done while the page was open is never in the future.
    pub fn ago(self, ms: i64) -> String {
        format::ago(ms, self.now_ms.get().max(now_ms()))
    }

    /// The moment in full: the chosen zone, and UTC beside it where that is another.
    pub fn full(self, ms: i64) -> String {
        match self.zone.get() {
            Zone::Utc => format::full(ms),
            Zone::Local => format!("{} ({})", format::full(ms), format::utc(ms)),
        }
    }
}

fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
