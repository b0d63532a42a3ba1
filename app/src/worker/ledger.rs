//! Verifying the ledger in a thread of its own: signatures, proofs, and whole trees read from the tiles that the
//! server gives to anybody who may look. It believes the key and the checkpoint that the page remembers.

mod fetch;
mod picked;
pub mod protocol;
mod read;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Object, Reflect};
use requorum_shared::ledger::checkpoint::{Checkpoint, VerifyingKey};
use requorum_shared::ledger::merkle::{Hash, Step, climb, leaf_hash};
use requorum_shared::ledger::verify::{Broken, Glance, Remembered, Verified, entry_is_in, glance};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

use protocol::{Level, Order, Point, Proof, Report, Seen, Wrong};

/// Takes orders until the page goes away.
pub(super) fn serve(scope: DedicatedWorkerGlobalScope) {
    let desk = Rc::new(Desk {
        scope: scope.clone(),
        stops: RefCell::default(),
        read: RefCell::default(),
    });
    let on_message = Closure::<dyn FnMut(_)>::new(move |ev: MessageEvent| {
        let text = Reflect::get(&ev.data(), &"order".into())
            .ok()
            .and_then(|v| v.as_string());
        if let Some(order) = text.and_then(|text| serde_json::from_str::<Order>(&text).ok()) {
            desk.clone().obey(order);
        }
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
}

struct Desk {
    scope: DedicatedWorkerGlobalScope,
    /// Set to true to stop reading for that question.
    stops: RefCell<HashMap<u32, Rc<Cell<bool>>>>,
    /// The ledger as far as it was read: the next time only what is new is.
    read: RefCell<Option<Verified>>,
}

impl Desk {
    fn obey(self: Rc<Self>, order: Order) {
        match order {
            Order::Glance {
                task,
                key,
                note,
                remembered,
                proof,
            } => {
                let seen = look(&key, &note, remembered.as_ref(), proof.as_deref());
                let seen = seen.unwrap_or_else(|broken| Seen::Wrong(broken.into()));
                self.tell(&Report::Glance { task, seen }, None);
            }
            Order::Prove {
                task,
                key,
                note,
                index,
                entry,
                proof,
            } => {
                let proof = prove(&key, &note, index, entry.as_bytes(), &proof);
                self.tell(&Report::Proof { task, proof }, None);
            }
            Order::Read {
                task,
                key,
                note,
                remembered,
                afresh,
                export,
            } => {
                let stop = Rc::new(Cell::new(false));
                self.stops.borrow_mut().insert(task, stop.clone());
                spawn_local(async move {
                    let before = self
                        .read
                        .borrow()
                        .clone()
                        .filter(|_| !afresh && export.is_none());
                    let tell = |read, size| self.tell(&Report::Progress { task, read, size }, None);
                    let order = read::Wanted {
                        key,
                        note,
                        remembered,
                        before,
                        export,
                    };
                    let (end, verified, file) = read::read(&self.scope, order, &stop, tell).await;
                    self.stops.borrow_mut().remove(&task);
                    if verified.is_some() {
                        *self.read.borrow_mut() = verified;
                    }
                    self.tell(&Report::Read { task, end }, file.as_ref());
                });
            }
            Order::Stop { task } => {
                if let Some(stop) = self.stops.borrow().get(&task) {
                    stop.set(true);
                }
            }
        }
    }

    fn tell(&self, report: &Report, file: Option<&Blob>) {
        let Ok(text) = serde_json::to_string(report) else {
            return;
        };
        let message = Object::new();
        let set = |key: &str, value: &JsValue| Reflect::set(&message, &key.into(), value);
        let made = set("report", &text.into()).and_then(|_| match file {
            Some(file) => set("file", file),
            None => Ok(true),
        });
        if made.is_ok() {
            // The page being gone is the only way for this to fail, and then nobody listens.
            let _ = self.scope.post_message(&message);
        }
    }
}

fn point(checkpoint: &Checkpoint) -> Point {
    Point {
        size: checkpoint.size,
        root: checkpoint.root.to_string(),
    }
}

/// What is not a hash is one that fits nowhere: the proof then fails where it stands.
fn hashes(texts: &[String]) -> Vec<Hash> {
    let hash = |text: &String| Hash::from_base64(text).unwrap_or(Hash([0; 32]));
    texts.iter().map(hash).collect()
}

fn look(
    key: &str,
    note: &str,
    remembered: Option<&Remembered>,
    proof: Option<&[String]>,
) -> Result<Seen, Broken> {
    let key = VerifyingKey::parse(key).map_err(Broken::Checkpoint)?;
    let proof = proof.map(hashes);
    Ok(match glance(&key, note, remembered, proof.as_deref())? {
        Glance::First(now) => Seen::First { now: point(&now) },
        Glance::GoesOn { from, to } => Seen::GoesOn {
            before: point(&from),
            now: point(&to),
        },
        Glance::Unproven(now) => Seen::Unproven { now: point(&now) },
    })
}

fn prove(key: &str, note: &str, index: u64, entry: &[u8], proof: &[String]) -> Proof {
    let leaf = leaf_hash(entry);
    let proof = hashes(proof);
    let key = VerifyingKey::parse(key).map_err(Broken::Checkpoint);
    let result = key.and_then(|key| {
        let checkpoint = Checkpoint::open(note, &key).map_err(Broken::Checkpoint)?;
        let holds = entry_is_in(&key, note, index, entry, &proof);
        Ok((checkpoint, holds.err()))
    });
    let (checkpoint, broken) = match result {
        Ok((checkpoint, broken)) => (Some(checkpoint), broken),
        Err(broken) => (None, Some(broken)),
    };
    // Drawn even where it fails: a person sees how far it leads.
    let steps = match &checkpoint {
        Some(checkpoint) => climb(index, checkpoint.size, leaf, &proof).unwrap_or_default(),
        None => Vec::new(),
    };
    Proof {
        leaf: leaf.to_string(),
        point: checkpoint.as_ref().map(point),
        steps: steps.iter().map(level).collect(),
        wrong: broken.map(Wrong::from),
    }
}

fn level(step: &Step) -> Level {
    Level {
        neighbour_is_left: step.neighbour_is_left(),
        neighbour: (step.neighbour.start, step.neighbour.end),
        brought: step.brought.to_string(),
        covers: (step.covers.start, step.covers.end),
        hash: step.hash.to_string(),
    }
}
