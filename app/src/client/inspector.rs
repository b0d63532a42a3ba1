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

/// Reads what a worker says; nothing where it is no report. What a report can hold is much, and is read by a part of the
/// program that is fetched with what shows it.
pub type ReadReport = fn(&str) -> Option<Report>;

/// A report from the worker's text.
pub fn read_report(text: &str) -> Option<Report> {
    serde_json::from_str(text).ok()
}

/// The worker, started at the first order and started anew after it broke.
#[derive(Clone)]
pub struct Inspector {
    thread: Thread,
}

impl Inspector {
    /// The one that looks at files. Every report goes to `hear`.
    pub fn of_files(read: ReadReport, hear: impl Fn(Heard) + 'static) -> Self {
        Self::new(Program::Reader, "requorum-inspector", read, hear)
    }

    /// The one that verifies dossiers. Every report goes to `hear`.
    pub fn of_dossiers(read: ReadReport, hear: impl Fn(Heard) + 'static) -> Self {
        Self::new(Program::Verifier, DOSSIERS, read, hear)
    }

    fn new(
        program: Program,
        name: &'static str,
        read: ReadReport,
        hear: impl Fn(Heard) + 'static,
    ) -> Self {
        let thread = Thread::new(program, name, move |said| match said {
            Said::Message(message) => {
                let text = message.as_string().unwrap_or_default();
                if let Some(report) = read(&text) {
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
