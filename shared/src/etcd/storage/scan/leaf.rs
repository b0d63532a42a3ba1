//! The quick decoder: takes leaves and branches that are plain and sound, as a server writes them, and leaves
//! everything else to [`examine`](super::examine).

use crc32c::{crc32c, crc32c_append};

use crate::bbolt::page::{ELEMENT_SIZE, PAGE_HEADER_SIZE};
use crate::bbolt::{PageHeader, u32_at, u64_at};
use crate::etcd::storage::schema::{
    KeyValue, REVISION_SIZE, Revision, TOMBSTONE_MARK, TOMBSTONE_SIZE,
};

use super::label::Label;
use super::records::{BranchEntry, LeafKind, LeafRecord, Note, Oddity, Prefix, Records};
use super::user_key::UserKey;

/// Where an element's key and value lie in the page.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    key_end: usize,
    end: usize,
}

/// The element, if it is a plain pair inside the page.
#[inline]
fn span(index: usize, element: &[u8; ELEMENT_SIZE], len: usize) -> Option<Span> {
    let field = |at: usize| u32_at(element, at).map(|n| n as usize);
    let [flags, pos, key, value] = [field(0)?, field(4)?, field(8)?, field(12)?];
    let start = (PAGE_HEADER_SIZE + index * ELEMENT_SIZE).checked_add(pos)?;
    let key_end = start.checked_add(key)?;
    let end = key_end.checked_add(value)?;
    (flags == 0 && end <= len).then_some(Span {
        start,
        key_end,
        end,
    })
}

/// Decodes a leaf with all of its overflow. The record says [`LeafKind::Deferred`] when it is not plain.
pub(super) fn decode_leaf(
    records: &mut Records,
    page: u32,
    header: PageHeader,
    bytes: &[u8],
    hash_kv: bool,
) -> LeafRecord {
    let mut record = LeafRecord::deferred(page, header.overflow);
    if header.count == 0 {
        record.kind = LeafKind::Empty;
        return record;
    }
    let start = records.entries.len();
    if fill(records, &mut record, header.count, bytes, hash_kv).is_none() {
        records.truncate(start);
        return LeafRecord::deferred(page, header.overflow);
    }
    record.count = header.count;
    record
}

fn fill(
    records: &mut Records,
    record: &mut LeafRecord,
    count: u16,
    bytes: &[u8],
    hash_kv: bool,
) -> Option<()> {
    let table_end = PAGE_HEADER_SIZE + usize::from(count) * ELEMENT_SIZE;
    let table = bytes.get(PAGE_HEADER_SIZE..table_end)?;
    let (elements, _) = table.as_chunks::<ELEMENT_SIZE>();
    let first = span(0, elements.first()?, bytes.len())?;
    if first.start < table_end {
        return None;
    }
    let first_key = bytes.get(first.start..first.key_end)?;
    let end = if is_plain_revision(first_key) {
        fill_revisions(records, record, elements, bytes, first, hash_kv)?
    } else {
        fill_others(records, record, elements, bytes, first)?
    };
    let content = bytes.get(first.start..end)?;
    record.bytes = content.len() as u64;
    record.crc = match records.prefixes.last() {
        Some(prefix) if hash_kv && record.kind == LeafKind::Revisions => prefix.crc,
        _ => crc32c(content),
    };
    Some(())
}

/// Revisions but for those that an 18th byte other than `t` makes odd.
fn is_plain_revision(key: &[u8]) -> bool {
    Revision::parse(key).is_some()
        && (key.len() != TOMBSTONE_SIZE || key[REVISION_SIZE] == TOMBSTONE_MARK)
}

/// Counts oddities on one page without allocating.
#[derive(Debug, Default)]
struct Notes {
    seen: [(u16, u16); 5],
}

impl Notes {
    const KINDS: [Oddity; 5] = [
        Oddity::Undecodable,
        Oddity::ModRevision,
        Oddity::Version,
        Oddity::CreateRevision,
        Oddity::EmptyKey,
    ];

    #[cold]
    fn add(&mut self, kind: usize, index: usize) {
        let (first, count) = &mut self.seen[kind];
        if *count == 0 {
            *first = index as u16;
        }
        *count += 1;
    }
}

fn fill_revisions(
    records: &mut Records,
    record: &mut LeafRecord,
    elements: &[[u8; ELEMENT_SIZE]],
    bytes: &[u8],
    first: Span,
    hash_kv: bool,
) -> Option<usize> {
    let entries_start = records.entries.len();
    record.start = u32::try_from(entries_start).ok()?;
    let (mut at, mut crc) = (first.start, 0);
    let mut previous: Option<Revision> = None;
    let mut first_revision = None;
    let mut notes = Notes::default();
    for (index, element) in elements.iter().enumerate() {
        let span = span(index, element, bytes.len())?;
        if span.start != at {
            return None;
        }
        at = span.end;
        let pair = bytes.get(span.start..span.end)?;
        let (key, value) = pair.split_at_checked(span.key_end - span.start)?;
        let revision = Revision::parse(key)?;
        if key.len() == TOMBSTONE_SIZE && !revision.tombstone
            || previous.is_some_and(|p| p >= revision)
        {
            return None;
        }
        previous = Some(revision);
        first_revision.get_or_insert(revision);
        let user_key = match KeyValue::decode(value) {
            Ok(kv) => {
                if !revision.tombstone {
                    lint_put(&mut notes, index, revision, &kv);
                    if kv.lease != 0 {
                        records.push_lease(records.entries.len(), kv.lease);
                    }
                    if let Some(label) = Label::of(kv.key, kv.value) {
                        records.labelled.push(records.entries.len(), label);
                    }
                }
                UserKey::new(kv.key, revision.tombstone)
            }
            Err(_) => {
                notes.add(0, index);
                UserKey::UNREADABLE
            }
        };
        records.entries.push(user_key);
        if hash_kv {
            crc = crc32c_append(crc, pair);
            let bytes = u32::try_from(at - first.start).ok()?;
            records.prefixes.push(Prefix { crc, bytes });
        }
    }
    if !record.set_revisions(first_revision?, previous?) {
        return None;
    }
    record.kind = LeafKind::Revisions;
    for (oddity, (first, count)) in Notes::KINDS.into_iter().zip(notes.seen) {
        if count > 0 {
            record.set_noted();
            records.notes.push(Note {
                page: record.page,
                oddity,
                first,
                count,
            });
        }
    }
    Some(at)
}

/// Notes what a healthy store never has (spec 2.2).
#[inline]
fn lint_put(notes: &mut Notes, index: usize, revision: Revision, kv: &KeyValue<'_>) {
    if kv.key.is_empty() {
        // What a revision bump leaves is all empty; the rest of the rules is not for it.
        notes.add(4, index);
        return;
    }
    if kv.mod_revision != revision.main {
        notes.add(1, index);
    }
    if kv.version < 1 {
        notes.add(2, index);
    }
    if kv.create_revision > kv.mod_revision {
        notes.add(3, index);
    }
}

fn fill_others(
    records: &mut Records,
    record: &mut LeafRecord,
    elements: &[[u8; ELEMENT_SIZE]],
    bytes: &[u8],
    first: Span,
) -> Option<usize> {
    let mut at = first.start;
    let mut previous: &[u8] = &[];
    for (index, element) in elements.iter().enumerate() {
        let span = span(index, element, bytes.len())?;
        let key = bytes.get(span.start..span.key_end)?;
        // An empty key is not above the empty slice before the first.
        if span.start != at || key <= previous {
            return None;
        }
        previous = key;
        at = span.end;
    }
    record.start = records.push_other(bytes.get(first.start..first.key_end)?, previous)?;
    record.kind = LeafKind::Other;
    Some(at)
}

/// Keeps a branch of revisions; any other is read again when the walk reaches it.
pub(super) fn decode_branch(records: &mut Records, page: u32, header: PageHeader, bytes: &[u8]) {
    let table_end = PAGE_HEADER_SIZE + usize::from(header.count) * ELEMENT_SIZE;
    let Some(table) = bytes.get(PAGE_HEADER_SIZE..table_end) else {
        return;
    };
    let (elements, _) = table.as_chunks::<ELEMENT_SIZE>();
    let mut previous: Option<Revision> = None;
    let entries = elements.iter().enumerate().map(|(index, element)| {
        let pos = u32_at(element, 0)? as usize;
        let len = u32_at(element, 4)? as usize;
        let start = (PAGE_HEADER_SIZE + index * ELEMENT_SIZE).checked_add(pos)?;
        if start < table_end {
            return None;
        }
        let key = bytes.get(start..start.checked_add(len)?)?;
        let entry = BranchEntry::new(key, u64_at(element, 8)?)?;
        let separator = entry.separator();
        if previous.is_some_and(|p| p >= separator) {
            return None;
        }
        previous = Some(separator);
        Some(entry)
    });
    if header.count > 0 && header.overflow == 0 {
        records.push_branch(page, entries);
    }
}
