//! What is wrong with a meta page, and whether the tree of the commit before is sound where the newest is not.

use crate::bbolt::{Database, MetaError, PageType};
use crate::finding::Finding;
use crate::source::Source;

use super::{Visitor, Walk, walk_under};

/// Says what is wrong with a meta, and never falls back to the other in silence.
pub(super) fn check<V: Visitor>(walk: &mut Walk<V>, database: &Database<'_>) {
    let metas = database.metas();
    let page_size = database.page_size();
    for (slot, meta) in metas.slots.iter().enumerate() {
        let Err(error) = meta else { continue };
        if !database.may_be_newer(slot as u64) {
            let finding = spare(slot, error, database).todo(V::REMEDIES.spare_meta);
            walk.findings.push(finding);
            continue;
        }
        let finding = Finding::warning(
            "meta.fallback",
            format!("page {slot}"),
            format!(
                "Meta {slot} cannot be used ({error}); the file is read under meta {} (transaction {}): {}.",
                1 - slot,
                database.meta().txid,
                V::amount(&walk.taken, &walk.buckets)
            ),
        );
        walk.findings.push(
            finding
                .because("If the lost meta was the newer one, the last commit is missing here, or much more in a file rewritten by other means.")
                .todo(V::REMEDIES.fallback)
                .at_page(slot as u64, page_size),
        );
    }
    for (slot, meta) in metas.slots.iter().enumerate() {
        if meta.is_ok() && !header_is_meta(database, slot) {
            walk.findings.push(
                Finding::warning(
                    "meta.header",
                    format!("page {slot}"),
                    format!("Meta {slot} is valid, but the header of its page is not that of a meta page."),
                )
                .because(V::REMEDIES.meta_header)
                .at_page(slot as u64, page_size),
            );
        }
    }
}

/// The meta page that does not count.
fn spare(slot: usize, error: &MetaError, database: &Database<'_>) -> Finding {
    let what = format!(
        "Meta {slot}, the older of the two, cannot be used ({error}); meta {} (transaction {}) is used, and is intact.",
        1 - slot,
        database.meta().txid
    );
    Finding::warning("meta.spare", format!("page {slot}"), what)
        .because("Nothing is lost: the older one is only there in case the newer is damaged.")
        .at_offset(database.offset_of(slot as u64))
        .at_page(slot as u64, database.page_size())
}

fn header_is_meta(database: &Database<'_>, slot: usize) -> bool {
    let header = database.raw_header(slot as u64);
    header.is_ok_and(|h| h.id == slot as u64 && h.page_type() == Some(PageType::Meta))
}

/// Where the newest tree is broken: is the one of the commit before sound?
pub(super) fn try_older<V: Visitor>(
    walk: &mut Walk<V>,
    database: Database<'_>,
    source: &dyn Source,
) {
    let newer = *database.meta();
    let Some(older) = database.metas().other() else {
        return;
    };
    if (older.root, older.hwm) == (newer.root, newer.hwm) {
        // A snapshot has the same tree twice.
        return;
    }
    let records = std::mem::take(&mut walk.records);
    let visitor = std::mem::take(&mut walk.visitor);
    let other = walk_under(database.under(older), visitor, records, source);
    if other.sums.is_some() && !other.findings.blocks() {
        let what = format!(
            "The tree of the commit before (transaction {} instead of {}) is sound: {}.",
            older.txid,
            newer.txid,
            V::state(&other.taken, &other.buckets)
        );
        walk.findings.push(
            Finding::note("meta.older-sound", "file", what)
                .because(V::REMEDIES.older)
                .todo(V::REMEDIES.older_todo),
        );
    }
    // It has grown, and what was gathered from it before is where it was.
    walk.visitor = other.visitor;
}
