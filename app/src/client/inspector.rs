//! The page's end of the conversation with the worker.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Object, Reflect};
use leptos::prelude::document;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::worker::protocol::{Order, Report};

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
    running: Rc<RefCell<Option<Running>>>,
    hear: Rc<dyn Fn(Heard)>,
}

struct Running {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Inspector {
    /// Every report goes to `hear`.
    pub fn new(hear: impl Fn(Heard) + 'static) -> Self {
        Self {
            running: Rc::default(),
            hear: Rc::new(hear),
        }
    }

    /// Sends an order, with the file that it is about.
    pub fn send(&self, order: &Order, file: Option<&File>) {
        if let Err(error) = self.try_send(order, file) {
            (self.hear)(Heard::Broke(format!("{error:?}")));
        }
    }

    fn try_send(&self, order: &Order, file: Option<&File>) -> Result<(), JsValue> {
        if self.running.borrow().is_none() {
            let running = self.start()?;
            *self.running.borrow_mut() = Some(running);
        }
        let text = serde_json::to_string(order).map_err(|e| JsValue::from_str(&e.to_string()))?;
        let message = Object::new();
        Reflect::set(&message, &"order".into(), &text.into())?;
        if let Some(file) = file {
            Reflect::set(&message, &"file".into(), file)?;
        }
        match self.running.borrow().as_ref() {
            Some(running) => running.worker.post_message(&message),
            None => Ok(()),
        }
    }

    fn start(&self) -> Result<Running, JsValue> {
        let address = meta("requorum-worker").ok_or("the page does not name its worker")?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&address, &options)?;
        let hear = self.hear.clone();
        let on_message = Closure::<dyn FnMut(_)>::new(move |ev: MessageEvent| {
            let text = ev.data().as_string().unwrap_or_default();
            if let Ok(report) = serde_json::from_str(&text) {
                hear(Heard::Report(report));
            }
        });
        let (hear, slot) = (self.hear.clone(), Rc::downgrade(&self.running));
        let on_error = Closure::<dyn FnMut(_)>::new(move |ev: ErrorEvent| {
            // The closure that runs lies in what is taken here; it is dropped after it has returned.
            if let Some(broken) = slot.upgrade().and_then(|slot| slot.borrow_mut().take()) {
                broken.worker.terminate();
                wasm_bindgen_futures::spawn_local(async move { drop(broken) });
            }
            let said = ev.message();
            hear(Heard::Broke(if said.is_empty() {
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
