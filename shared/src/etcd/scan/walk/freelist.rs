//! The stored freelist, where a file has one: etcd stores none, old or post-processed files do (spec 1.7).

use crate::bbolt::meta::NO_FREELIST;
use crate::bbolt::{Error, ErrorKind, PageType};
use crate::finding::Finding;

use super::strip::Class;
use super::tree::Walker;

/// Checks the stored freelist against the pages that the walk reached. One bit per page of the file, for pages
/// listed; `None` where no freelist could be read.
pub(super) fn check(walker: &mut Walker<'_>) -> Option<Vec<u64>> {
    let meta = *walker.database.meta();
    if meta.freelist == NO_FREELIST {
        return None;
    }
    let (id, hwm) = (meta.freelist, meta.hwm);
    if id < 2 || id >= hwm {
        let from = walker.meta_page();
        let kind = ErrorKind::OutOfBounds { id, hwm };
        let error = Error::on_page(kind, from, walker.database.offset_of(from));
        walker.report(&error);
        return None;
    }
    let owned = match walker.database.read_page(id) {
        Ok(owned) => owned,
        Err(error) => {
            walker.report(&error);
            return None;
        }
    };
    let page = match owned.page() {
        Ok(page) => page,
        Err(error) => {
            walker.report(&error);
            return None;
        }
    };
    let span = page.header().span();
    let freelist = match page.freelist() {
        Ok(freelist) => freelist,
        Err(error) => {
            if page.header().page_type() == Some(PageType::Freelist) {
                walker.mark(id, span, Class::Freelist);
            }
            walker.report(&error);
            return None;
        }
    };
    walker.mark(id, span, Class::Freelist);
    let mut listed = vec![0u64; walker.classes.len().div_ceil(64)];
    let mut last = 0;
    for free in freelist.ids() {
        if free < 2 || free >= hwm {
            complain(
                walker,
                id,
                "freelist.out-of-bounds",
                format!(
                    "The freelist lists page {free}; data pages are 2 to {}.",
                    hwm - 1
                ),
            );
            continue;
        }
        if free < last {
            complain(
                walker,
                id,
                "freelist.order",
                format!("The freelist lists page {free} behind page {last}."),
            );
        }
        last = free;
        let Some(class) = usize::try_from(free)
            .ok()
            .and_then(|i| walker.classes.get(i))
        else {
            continue;
        };
        let class = *class;
        let (word, bit) = (free as usize / 64, 1u64 << (free % 64));
        if listed[word] & bit != 0 {
            complain(
                walker,
                id,
                "freelist.duplicate",
                format!("The freelist lists page {free} twice: it was freed already."),
            );
        }
        listed[word] |= bit;
        if class != Class::Free {
            complain(
                walker,
                free,
                "freelist.reachable",
                "The page is in use and listed as free: a server would overwrite it.".to_owned(),
            );
        }
    }
    for page in 2..walker.classes.len() {
        if walker.classes[page] == Class::Free && listed[page / 64] >> (page % 64) & 1 == 0 {
            complain(
                walker,
                page as u64,
                "freelist.unreachable",
                "The page is neither in use nor listed as free.".to_owned(),
            );
        }
    }
    Some(listed)
}

/// A freelist is not needed for reading, and a restore never uses it: no more than a warning.
fn complain(walker: &mut Walker<'_>, page: u64, code: &str, what: String) {
    let page_size = walker.database.page_size();
    walker.findings.push(
        Finding::warning(code, format!("page {page}"), what)
            .because("Reading does not use the freelist; a server that opens this file does.")
            .todo("A restore or etcdutl defrag writes a file without a stored freelist.")
            .at_page(page, page_size),
    );
}
