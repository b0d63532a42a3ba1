//! The worker's end of the conversation.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Array, Reflect};
use requorum_shared::inspection::PageMap;
use requorum_shared::kinds::Inspection;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

use super::protocol::{DOSSIERS, HASHER, Looked, Order, Phase, Report};
use super::{dossier, hashing, inspect, ledger};
use crate::page_map::{CELLS, PageMapView};

/// At least this many milliseconds lie between two reports of progress.
const TELL_EVERY_MS: f64 = 80.0;

/// The reader: takes orders until the page goes away. One that was started by a reader only hashes: its name says so.
pub fn start_reader() {
    let scope = scope();
    if scope.name() == HASHER {
        return hashing::serve(scope);
    }
    let desk = Rc::new(Desk {
        scope: scope.clone(),
        running: RefCell::default(),
        kept: RefCell::default(),
    });
    on_order(&scope, move |order, file, beside| {
        desk.clone().obey(order, file, beside);
    });
}

/// The verifier: takes orders until the page goes away, about dossiers or, by its name, about the ledger.
pub fn start_verifier() {
    let scope = scope();
    if scope.name() != DOSSIERS {
        return ledger::serve(scope);
    }
    let teller = scope.clone();
    on_order(&scope, move |order, file, _| {
        let (Order::Inspect { job, name }, Some(file)) = (order, file) else {
            return;
        };
        tell(
            &teller,
            &match dossier::look(&file, &name) {
                Ok(unpacked) => Report::Dossier {
                    job,
                    unpacked: Box::new(unpacked),
                },
                Err(refusal) => Report::Refused { job, refusal },
            },
        );
    });
}

fn scope() -> DedicatedWorkerGlobalScope {
    console_error_panic_hook::set_once();
    js_sys::global().unchecked_into()
}

/// Hands every order to `obey`, with the file that it is about and one that belongs to that.
fn on_order(
    scope: &DedicatedWorkerGlobalScope,
    obey: impl Fn(Order, Option<Blob>, Option<Blob>) + 'static,
) {
    let on_message = Closure::<dyn FnMut(_)>::new(move |ev: MessageEvent| {
        let data = ev.data();
        let text = Reflect::get(&data, &"order".into())
            .ok()
            .and_then(|v| v.as_string());
        let order = text.and_then(|text| serde_json::from_str::<Order>(&text).ok());
        if let Some(order) = order {
            let file = |key: &str| {
                let value = Reflect::get(&data, &key.into()).ok();
                value.and_then(|value| value.dyn_into::<Blob>().ok())
            };
            obey(order, file("file"), file("beside"));
        }
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
}

struct Desk {
    scope: DedicatedWorkerGlobalScope,
    /// Set to true to stop that job.
    running: RefCell<HashMap<u32, Rc<Cell<bool>>>>,
    kept: RefCell<HashMap<u32, Inspection>>,
}

impl Desk {
    fn obey(self: Rc<Self>, order: Order, file: Option<Blob>, beside: Option<Blob>) {
        match order {
            Order::Inspect { job, name } => {
                if let Some(file) = file {
                    spawn_local(self.look(job, name, file, beside));
                }
            }
            Order::Cancel { job } => {
                if let Some(stop) = self.running.borrow().get(&job) {
                    stop.set(true);
                }
            }
            Order::Json { job } => {
                let kept = self.kept.borrow();
                let text = kept
                    .get(&job)
                    .and_then(|i| serde_json::to_string_pretty(i).ok());
                if let Some(text) = text {
                    self.tell(&Report::Json { job, text });
                }
            }
            Order::Forget { job } => {
                self.kept.borrow_mut().remove(&job);
            }
        }
    }

    async fn look(self: Rc<Self>, job: u32, name: String, file: Blob, beside: Option<Blob>) {
        match dossier::begins(&file, &name) {
            Ok(false) => {}
            Ok(true) => return self.tell(&Report::IsDossier { job }),
            Err(refusal) => return self.tell(&Report::Refused { job, refusal }),
        }
        let stop = Rc::new(Cell::new(false));
        self.running.borrow_mut().insert(job, stop.clone());
        let began = js_sys::Date::now();
        let last = Cell::new((0.0, Phase::Waiting));
        let tell = |read, total, phase| {
            let now = js_sys::Date::now();
            let (then, before) = last.get();
            if phase != before || now - then >= TELL_EVERY_MS {
                last.set((now, phase));
                self.tell(&Report::Progress {
                    job,
                    read,
                    total,
                    phase,
                });
            }
        };
        let looked = inspect::look(&self.scope, file, &name, stop, tell).await;
        let result = looked.and_then(|inspection| match beside {
            Some(companion) => inspect::with_companion(inspection, companion),
            None => Ok(inspection),
        });
        self.running.borrow_mut().remove(&job);
        let report = match result {
            Ok(inspection) => {
                let map = PageMapView::fold(&inspection.page_map, CELLS);
                let whole = inspection.clone();
                self.kept.borrow_mut().insert(job, whole);
                let took_ms = (js_sys::Date::now() - began).max(0.0) as u64;
                let inspection = Inspection {
                    page_map: PageMap::default(),
                    ..inspection
                };
                Report::Done {
                    job,
                    looked: Box::new(Looked {
                        inspection,
                        map,
                        took_ms,
                    }),
                }
            }
            Err(refusal) => Report::Refused { job, refusal },
        };
        self.tell(&report);
    }

    fn tell(&self, report: &Report) {
        tell(&self.scope, report);
    }
}

fn tell(scope: &DedicatedWorkerGlobalScope, report: &Report) {
    if let Ok(text) = serde_json::to_string(report) {
        // The page being gone is the only way for this to fail, and then nobody listens.
        let _ = scope.post_message_with_transfer(&text.into(), &Array::new());
    }
}
