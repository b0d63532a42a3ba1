//! Being told when something was done through this page: the ledger has grown then, and is looked at again.

use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    static HEAR: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Calls that only look. Any other is taken for an act: to look once too often costs little.
const LOOKS: [&str; 7] = [
    "about", "check_", "get_", "list_", "prove_", "tail_", "watch_",
];

/// `hear` is told of each act from now on, whether it was done or refused.
pub fn on_act(hear: impl Fn() + 'static) {
    HEAR.set(Some(Rc::new(hear)));
}

/// A typed call came back.
pub(super) fn called(name: &str) {
    if is_act(name) {
        done();
    }
}

/// Something was done, or refused.
pub(super) fn done() {
    let hear = HEAR.with_borrow(Clone::clone);
    if let Some(hear) = hear {
        hear();
    }
}

fn is_act(name: &str) -> bool {
    !LOOKS.iter().any(|look| name.starts_with(look))
}

#[cfg(test)]
mod tests {
    use super::is_act;

    #[test]
    fn what_only_looks_is_no_act() {
        for look in [
            "about",
            "get_plan",
            "list_jobs",
            "check_restore",
            "prove_entry",
        ] {
            assert!(!is_act(look), "{look}");
        }
        for act in ["approve_plan", "start_job", "seal_restore", "some_new_call"] {
            assert!(is_act(act), "{act}");
        }
    }
}
