//! Acts for those who may, and for everybody else the line that says who can.

use leptos::prelude::*;
use requorum_shared::permission::{Permission, Place};

use super::Identity;

/// What an act is for.
#[derive(Debug, Clone)]
pub enum Of {
    /// This cluster; the empty name: what belongs to none.
    Cluster(String),
    /// Whichever cluster the person then names.
    Any,
}

/// Why the person may not do this, in a line; empty when they may.
pub fn reason(permission: Permission, of: Of) -> Memo<String> {
    let identity = Identity::expect();
    Memo::new(move |_| {
        let place = match &of {
            Of::Cluster(name) => Place::Cluster(name),
            Of::Any => Place::Anywhere,
        };
        match identity.may(permission, place) {
            Ok(()) => String::new(),
            Err(denied) => denied.needs(),
        }
    })
}

/// Shows `acts` to whoever may do this, and to others who can.
///
/// ```text
/// {permitted(Permission::Plan, Of::Cluster(snapshot.cluster), || view! { <a …>"Plan a restore"</a> })}
/// ```
pub fn permitted<V: IntoView + 'static>(
    permission: Permission,
    of: Of,
    acts: impl Fn() -> V + Send + Sync + 'static,
) -> AnyView {
    let reason = reason(permission, of);
    (move || {
        let reason = reason.get();
        if reason.is_empty() {
            acts().into_any()
        } else {
            view! { <p class="why-not">{reason}</p> }.into_any()
        }
    })
    .into_any()
}
