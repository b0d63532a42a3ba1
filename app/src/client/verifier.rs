//! The page's end of the conversation with the worker that verifies the ledger.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use requorum_shared::ledger::merkle::Hash;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::thread::{Program, Said, Thread};
use crate::failure::{Failure, Kind};
use crate::worker::ledger::protocol::{Order, Report, VERIFIER};

/// The worker that verifies. Clones are the same one.
#[derive(Clone)]
pub struct Verifier {
    thread: Thread,
    waiting: Rc<RefCell<HashMap<u32, Waiting>>>,
    last: Rc<Cell<u32>>,
}

struct Waiting {
    resolve: Function,
    progress: Rc<dyn Fn(u64, u64)>,
}

impl Default for Verifier {
    fn default() -> Self {
        let waiting = Rc::<RefCell<HashMap<u32, Waiting>>>::default();
        let thread = {
            let waiting = waiting.clone();
            Thread::new(Program::Verifier, VERIFIER, move |said| {
                hear(&waiting, said)
            })
        };
        Self {
            thread,
            waiting,
            last: Rc::default(),
        }
    }
}

fn hear(waiting: &RefCell<HashMap<u32, Waiting>>, said: Said) {
    match said {
        Said::Message(message) => {
            let Some(report) = report(&message) else {
                return;
            };
            let task = match &report {
                Report::Progress { task, read, size } => {
                    let progress = waiting.borrow().get(task).map(|w| w.progress.clone());
                    if let Some(progress) = progress {
                        progress(*read, *size);
                    }
                    return;
                }
                Report::Glance { task, .. }
                | Report::Proof { task, .. }
                | Report::Read { task, .. } => *task,
            };
            let asked = waiting.borrow_mut().remove(&task);
            if let Some(asked) = asked {
                let _ = asked.resolve.call1(&JsValue::NULL, &message);
            }
        }
        Said::Broke(said) => {
            let all: Vec<_> = waiting.borrow_mut().drain().collect();
            for (_, asked) in all {
                let _ = asked
                    .resolve
                    .call1(&JsValue::NULL, &JsValue::from_str(&said));
            }
        }
    }
}

fn report(message: &JsValue) -> Option<Report> {
    let text = Reflect::get(message, &"report".into()).ok()?.as_string()?;
    serde_json::from_str(&text).ok()
}

impl Verifier {
    /// A number for the next question.
    pub fn task(&self) -> u32 {
        let task = self.last.get().wrapping_add(1);
        self.last.set(task);
        task
    }

    /// Asks, and waits for the answer and the file beside it. `progress` hears how many entries of how many are read.
    ///
    /// # Errors
    /// When the worker cannot be started or broke.
    pub async fn ask(
        &self,
        task: u32,
        order: &Order,
        progress: impl Fn(u64, u64) + 'static,
    ) -> Result<(Report, Option<Blob>), Failure> {
        let progress: Rc<dyn Fn(u64, u64)> = Rc::new(progress);
        let answer = Promise::new(&mut |resolve, _| {
            let progress = progress.clone();
            let asked = Waiting { resolve, progress };
            self.waiting.borrow_mut().insert(task, asked);
        });
        self.post(order);
        let message = JsFuture::from(answer).await.unwrap_or(JsValue::NULL);
        let report = report(&message).ok_or_else(|| broken(message.as_string()))?;
        let file = Reflect::get(&message, &"file".into())
            .ok()
            .and_then(|file| file.dyn_into().ok());
        Ok((report, file))
    }

    /// Gives a question up that takes long; its answer still comes, and says so.
    pub fn stop(&self, task: u32) {
        self.post(&Order::Stop { task });
    }

    fn post(&self, order: &Order) {
        let text = serde_json::to_string(order).unwrap_or_default();
        let message = Object::new();
        // Setting a field of a fresh object does not fail.
        if Reflect::set(&message, &"order".into(), &text.into()).is_ok() {
            self.thread.post(&message);
        }
    }
}

fn broken(said: Option<String>) -> Failure {
    let said = said.unwrap_or_else(|| "its answer cannot be read".into());
    Failure {
        next: "Reload the page. If it happens again, `requorum audit verify` does the same on the command line.".into(),
        ..Failure::new(
            Kind::Other,
            format!("The part of this page that verifies the ledger stopped: {said}."),
        )
    }
}

/// A proof as it travels to the worker. What is not 32 bytes long stays what it is: no hash.
pub fn in_base64(proof: &[Vec<u8>]) -> Vec<String> {
    let text = |hash: &Vec<u8>| Hash::from_slice(hash).map(Hash::to_base64);
    proof
        .iter()
        .map(|hash| text(hash).unwrap_or_default())
        .collect()
}
