//! The stored freelist, where a file has one (spec 1.7).
//!
//! Nothing that reads the data needs it; a program that opens the file for writing does. How much a wrong one matters
//! is therefore for the schema to say, in its [remedies](crate::bbolt::scan::Remedies).

use crate::bbolt::meta::NO_FREELIST;
use crate::bbolt::page::PAGE_HEADER_SIZE;
use crate::bbolt::scan::findings::sentence;
use crate::bbolt::{Error, ErrorKind, PageHeader, PageType, u64_at};
use crate::finding::{Finding, Severity};

use super::tree::Walker;
use super::{Class, Visitor};

/// Bytes of ids that are read at once.
const PIECE: u64 = 64 << 10;

/// Checks the stored freelist against the pages that the walk reached. Gives the pages that it lists, one bit each,
/// where there is one that can be used.
pub(super) fn check<V: Visitor>(walker: &mut Walker<'_, V>) -> Option<Vec<u64>> {
    let meta = *walker.database.meta();
    if meta.freelist == NO_FREELIST {
        return None;
    }
    let mut listed = Listed::new(walker.classes.len());
    if let Err(error) = read(walker, &mut listed) {
        unusable(walker, &error);
        return None;
    }
    for page in 2..walker.classes.len() {
        if walker.classes[page] == Class::FREE && !listed.has(page) {
            complain(
                walker,
                page as u64,
                "freelist.unreachable",
                "The page is neither in use nor listed as free: it was leaked.".to_owned(),
            );
        }
    }
    Some(listed.0)
}

/// One bit per page of the file, for pages listed.
struct Listed(Vec<u64>);

impl Listed {
    fn new(pages: usize) -> Self {
        Self(vec![0; pages.div_ceil(64)])
    }

    fn has(&self, page: usize) -> bool {
        self.0[page / 64] >> (page % 64) & 1 == 1
    }

    /// Adds a page of the file; whether it is new.
    fn add(&mut self, page: usize) -> bool {
        let new = !self.has(page);
        self.0[page / 64] |= 1 << (page % 64);
        new
    }
}

/// Reads the list piece by piece, since it may be as large as the file allows.
fn read<V: Visitor>(walker: &mut Walker<'_, V>, listed: &mut Listed) -> Result<(), Error> {
    let meta = *walker.database.meta();
    let (id, hwm) = (meta.freelist, meta.hwm);
    if id < 2 || id >= hwm {
        let from = walker.meta_page();
        let kind = ErrorKind::OutOfBounds { id, hwm };
        return Err(Error::on_page(kind, from, walker.database.offset_of(from)));
    }
    let header = walker.database.read_header(id)?;
    let extent = walker.database.extent(id)?;
    let fail = |kind, at| Error::on_page(kind, id, extent.offset + at);
    if header.page_type() != Some(PageType::Freelist) {
        let found = header.page_type().map_or("unknown", PageType::name);
        let wanted = PageType::Freelist.name();
        return Err(fail(ErrorKind::WrongType { found, wanted }, 8));
    }
    mark(walker, id, header);
    let (count, start) = count(walker, id, header)?;
    let len = extent.len;
    let room = (len - start) / 8;
    if count > room {
        return Err(fail(ErrorKind::FreelistCount { count, len }, 10));
    }
    let mut last = 0;
    let mut done = 0;
    while done < count * 8 {
        let piece = (count * 8 - done).min(PIECE);
        let offset = extent.offset + start + done;
        let bytes = walker.examiner.bytes(offset, piece as usize);
        let bytes = bytes.map_err(|e| fail(ErrorKind::Read(e), start + done))?;
        let ids: Vec<u64> = { bytes.as_chunks::<8>().0 }
            .iter()
            .map(|id| u64::from_le_bytes(*id))
            .collect();
        for free in ids {
            take(walker, id, free, &mut last, listed);
        }
        done += piece;
    }
    Ok(())
}

/// How many ids there are, and where the first is.
fn count<V: Visitor>(
    walker: &mut Walker<'_, V>,
    id: u64,
    header: PageHeader,
) -> Result<(u64, u64), Error> {
    let start = PAGE_HEADER_SIZE as u64;
    if header.count != u16::MAX {
        return Ok((header.count.into(), start));
    }
    // The count did not fit: it is the first id instead.
    let offset = walker.database.offset_of(id) + start;
    let bytes = walker.examiner.bytes(offset, 8);
    let bytes = bytes.map_err(|e| Error::on_page(ErrorKind::Read(e), id, offset))?;
    Ok((u64_at(bytes, 0).unwrap_or(u64::MAX), start + 8))
}

/// Accounts for its pages as far as they are nobody else's.
fn mark<V: Visitor>(walker: &mut Walker<'_, V>, id: u64, header: PageHeader) {
    for page in id..id + header.span() {
        let slot = usize::try_from(page)
            .ok()
            .and_then(|page| walker.classes.get_mut(page));
        match slot {
            Some(slot) if *slot == Class::FREE => *slot = Class::FREELIST,
            Some(_) => {
                let what = "The freelist lies on a page that is in use.".to_owned();
                return complain(walker, page, "freelist.in-use", what);
            }
            None => return,
        }
    }
}

/// Takes one id of the list on page `on`.
fn take<V: Visitor>(
    walker: &mut Walker<'_, V>,
    on: u64,
    free: u64,
    last: &mut u64,
    listed: &mut Listed,
) {
    let hwm = walker.database.meta().hwm;
    if free < 2 || free >= hwm {
        let data = hwm - 1;
        let what = format!("The freelist lists page {free}; data pages are 2 to {data}.");
        return complain(walker, on, "freelist.out-of-bounds", what);
    }
    if free < *last {
        let what = format!("The freelist lists page {free} behind page {last}.");
        complain(walker, on, "freelist.order", what);
    }
    *last = free;
    let Ok(page) = usize::try_from(free) else {
        return;
    };
    let Some(class) = walker.classes.get(page).copied() else {
        return;
    };
    if !listed.add(page) {
        let what = format!("The freelist lists page {free} twice: it was freed already.");
        complain(walker, on, "freelist.duplicate", what);
    }
    if class != Class::FREE {
        let what = "The page is in use and listed as free: a server would overwrite it.";
        complain(walker, free, "freelist.reachable", what.to_owned());
    }
}

/// The list cannot be read.
fn unusable<V: Visitor>(walker: &mut Walker<'_, V>, error: &Error) {
    let id = walker.database.meta().freelist;
    let what = format!(
        "The stored freelist cannot be used. {}",
        sentence(error.kind())
    );
    let page = error.page().unwrap_or(id);
    walker.findings.push(
        Finding::new(
            V::REMEDIES.freelist,
            "freelist.unusable",
            format!("page {id}"),
            what,
        )
        .because(V::REMEDIES.freelist_unusable)
        .todo(V::REMEDIES.freelist_todo)
        .at_offset(error.offset())
        .at_page(page, walker.database.page_size()),
    );
}

fn complain<V: Visitor>(walker: &mut Walker<'_, V>, page: u64, code: &str, what: String) {
    let offset = walker.database.offset_of(page);
    let page_size = walker.database.page_size();
    // A page that is leaked costs space, and nothing else.
    let severity = match code {
        "freelist.unreachable" => Severity::Warning,
        _ => V::REMEDIES.freelist,
    };
    walker.findings.push(
        Finding::new(severity, code, format!("page {page}"), what)
            .because(V::REMEDIES.freelist_wrong)
            .todo(V::REMEDIES.freelist_todo)
            .at_offset(offset)
            .at_page(page, page_size),
    );
}
