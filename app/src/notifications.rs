//! Notifications of the browser, for a tab that nobody looks at. Off until the person turns them on, here and in the
//! browser's own question.

use js_sys::{Object, Promise, Reflect};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

const KEY: &str = "requorum.notify";

#[wasm_bindgen]
extern "C" {
    type Notification;
    #[wasm_bindgen(constructor, catch)]
    fn new(title: &str, options: &Object) -> Result<Notification, JsValue>;
    #[wasm_bindgen(static_method_of = Notification, getter)]
    fn permission() -> String;
    #[wasm_bindgen(static_method_of = Notification, js_name = requestPermission)]
    fn request_permission() -> Promise;
}

/// Whether notifications come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Notify {
    /// Not asked for.
    #[default]
    Off,
    /// They come.
    On,
    /// Asked for, and the browser refuses.
    Blocked,
    /// This browser has none.
    Missing,
}

/// The choice, for all pages.
#[derive(Debug, Clone, Copy)]
pub struct Notifications(RwSignal<Notify>);

impl Notifications {
    /// Takes up the remembered choice.
    pub fn provide() -> Self {
        let wanted = storage().is_some_and(|storage| matches!(storage.get_item(KEY), Ok(Some(_))));
        let now = match (wanted, exist()) {
            (_, false) => Notify::Missing,
            (true, true) => allowed(),
            (false, true) => Notify::Off,
        };
        let notifications = Self(RwSignal::new(now));
        provide_context(notifications);
        notifications
    }

    /// Whether they come.
    pub fn get(self) -> Notify {
        self.0.get()
    }

    /// Whether they come now.
    pub fn are_on(self) -> bool {
        self.0.get_untracked() == Notify::On
    }

    /// Turns them on, with the browser's own question, or off.
    pub fn turn(self, on: bool) {
        if let Some(storage) = storage() {
            let _ = if on {
                storage.set_item(KEY, "on")
            } else {
                storage.remove_item(KEY)
            };
        }
        if !on || !exist() {
            self.0.set(if exist() {
                Notify::Off
            } else {
                Notify::Missing
            });
            return;
        }
        spawn_local(async move {
            let _ = JsFuture::from(Notification::request_permission()).await;
            self.0.try_set(allowed());
        });
    }

    /// Tells it, where that is wanted and nobody looks at this tab. One with the same `tag` takes the place of the last.
    pub fn tell(self, title: &str, body: &str, tag: &str) {
        if !self.are_on() || !document().hidden() {
            return;
        }
        let options = Object::new();
        for (key, value) in [("body", body), ("tag", tag)] {
            let _ = Reflect::set(&options, &key.into(), &value.into());
        }
        // Some systems refuse although they were asked: there is the title still.
        let _ = Notification::new(title, &options);
    }
}

fn exist() -> bool {
    Reflect::has(&js_sys::global(), &"Notification".into()).unwrap_or(false)
}

fn allowed() -> Notify {
    match Notification::permission().as_str() {
        "granted" => Notify::On,
        "denied" => Notify::Blocked,
        _ => Notify::Off,
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
