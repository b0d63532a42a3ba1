//! What the page knows of each system: where its plans are made, and what they change. Everything else on the page
//! works with what is the same for all.

mod etcd;

use leptos::prelude::AnyView;
use requorum_shared::recovery::{Observation, Request};

use crate::paths;

/// The page on which such a plan is made.
pub fn wizard(request: &Request) -> String {
    match request {
        Request::EtcdRestore(request) => paths::restore(&request.snapshot),
    }
}

/// What a plan changes. `seen` is what it rests on as it is now, where that is known.
pub fn changes(request: &Request, seen: Option<&Observation>) -> AnyView {
    match request {
        Request::EtcdRestore(request) => {
            let seen = seen.map(|Observation::EtcdRestore(seen)| seen);
            etcd::changes(request, seen)
        }
    }
}
