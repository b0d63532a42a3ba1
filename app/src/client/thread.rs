//! A worker of the page: started at the first message, and started anew after it broke.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::document;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

/// What comes from a worker.
#[derive(Debug)]
pub enum Said {
    /// A message.
    Message(JsValue),
    /// It broke: what the browser said. It will not answer again.
    Broke(String),
}

/// Which program a worker runs: the bundler made one file of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Looks at files.
    Reader,
    /// Verifies dossiers and the ledger.
    Verifier,
}

impl Program {
    /// The `<meta>` that holds its address.
    fn meta(self) -> &'static str {
        match self {
            Self::Reader => "requorum-worker",
            Self::Verifier => "requorum-verifier",
        }
    }
}

/// A worker. Clones are the same one.
#[derive(Clone)]
pub struct Thread {
    program: Program,
    name: &'static str,
    running: Rc<RefCell<Option<Running>>>,
    hear: Rc<dyn Fn(Said)>,
}

struct Running {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Thread {
    /// A worker that runs `program` under a name that says what for. What it says goes to `hear`.
    pub fn new(program: Program, name: &'static str, hear: impl Fn(Said) + 'static) -> Self {
        Self {
            program,
            name,
            running: Rc::default(),
            hear: Rc::new(hear),
        }
    }

    /// Sends a message. What cannot be sent is heard as a broken worker.
    pub fn post(&self, message: &JsValue) {
        if let Err(error) = self.try_post(message) {
            (self.hear)(Said::Broke(format!("{error:?}")));
        }
    }

    fn try_post(&self, message: &JsValue) -> Result<(), JsValue> {
        if self.running.borrow().is_none() {
            let running = self.start()?;
            *self.running.borrow_mut() = Some(running);
        }
        match self.running.borrow().as_ref() {
            Some(running) => running.worker.post_message(message),
            None => Ok(()),
        }
    }

    fn start(&self) -> Result<Running, JsValue> {
        let address = meta(self.program.meta()).ok_or("the page does not name its worker")?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name(self.name);
        let worker = Worker::new_with_options(&address, &options)?;
        let hear = self.hear.clone();
        let on_message =
            Closure::<dyn FnMut(_)>::new(move |ev: MessageEvent| hear(Said::Message(ev.data())));
        let (hear, slot) = (self.hear.clone(), Rc::downgrade(&self.running));
        let on_error = Closure::<dyn FnMut(_)>::new(move |ev: ErrorEvent| {
            // The closure that runs lies in what is taken here; it is dropped after it has returned.
            if let Some(broken) = slot.upgrade().and_then(|slot| slot.borrow_mut().take()) {
                broken.worker.terminate();
                wasm_bindgen_futures::spawn_local(async move { drop(broken) });
            }
            let said = ev.message();
            hear(Said::Broke(if said.is_empty() {
                "the worker could not be loaded".into()
            } else {
                said
            }));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Running {
            worker,
            _on_message: on_message,
            _on_error: on_error,
        })
    }
}

/// What a `<meta>` of the page says.
pub fn meta(name: &str) -> Option<String> {
    document()
        .query_selector(&format!("meta[name={name}]"))
        .ok()??
        .get_attribute("content")
}
