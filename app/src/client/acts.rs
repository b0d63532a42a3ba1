//! Being told when something was done through this page: the ledger has grown then, and is looked at again.

use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    static HEAR: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// `hear` is told of each act from now on, whether it was done or refused.
pub fn on_act(hear: impl Fn() + 'static) {
    HEAR.set(Some(Rc::new(hear)));
}

/// Something was done, or refused.
pub(super) fn done() {
    let hear = HEAR.with_borrow(Clone::clone);
    if let Some(hear) = hear {
        hear();
    }
}
