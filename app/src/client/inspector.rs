//! The page's end of the conversation with the workers that read files and dossiers.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;
use web_sys::File;

use super::thread::{Program, Said, Thread};
use crate::worker::protocol::{DOSSIERS, Order, Report};

/// What is heard from the worker.
#[derive(Debug)]
pub enum Heard {
    /// A report.
    Report(Report),
    /// It broke: what the browser said. It will not answer again.
    Broke(String),
}

/// The worker, started at the first order and started anew after it broke.
#[derive(Clone)]
pub struct Inspector {
    thread: Thread,
}

impl Inspector {
    /// The one that looks at files. Every report goes to `hear`.
    pub fn of_files(hear: impl Fn(Heard) + 'static) -> Self {
        Self::new(Program::Reader, "requorum-inspector", hear)
    }

    /// The one that verifies dossiers. Every report goes to `hear`.
    pub fn of_dossiers(hear: impl Fn(Heard) + 'static) -> Self {
        Self::new(Program::Verifier, DOSSIERS, hear)
    }

    fn new(program: Program, name: &'static str, hear: impl Fn(Heard) + 'static) -> Self {
        let thread = Thread::new(program, name, move |said| match said {
            Said::Message(message) => {
                let text = message.as_string().unwrap_or_default();
                if let Ok(report) = serde_json::from_str(&text) {
                    hear(Heard::Report(report));
                }
            }
            Said::Broke(said) => hear(Heard::Broke(said)),
        });
        Self { thread }
    }

    /// Sends an order, with the file that it is about, and one that belongs to it.
    pub fn send(&self, order: &Order, file: Option<&File>, beside: Option<&File>) {
        let text = serde_json::to_string(order).unwrap_or_default();
        let message = Object::new();
        let set = |key: &str, value: &JsValue| Reflect::set(&message, &key.into(), value);
        let made = set("order", &text.into()).and_then(|_| {
            let files = [("file", file), ("beside", beside)].into_iter();
            let mut files = files.filter_map(|(key, file)| Some((key, file?)));
            files.try_for_each(|(key, file)| set(key, file).map(drop))
        });
        // Setting a field of a fresh object does not fail.
        if made.is_ok() {
            self.thread.post(&message);
        }
    }
}
