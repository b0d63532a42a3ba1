//! The slow decoder: reads a leaf piece by piece from the source, takes what can be read and names what
//! cannot. Holds no more than a table of elements and one window in memory, whatever the page claims.

use crc32c::crc32c_append;

use crate::bbolt::limits::{MAX_BUCKETS, MAX_KEY_SIZE};
use crate::bbolt::page::{BUCKET_FLAG, ELEMENT_SIZE, PAGE_HEADER_SIZE};
use crate::bbolt::{Error, ErrorKind, PageHeader, u32_at};
use crate::etcd::storage::schema::{
    KeyValue, LongKeyValue, REVISION_SIZE, Revision, TOMBSTONE_MARK, WireError,
};
use crate::source::{Source, SourceError};

use super::findings::Findings;
use super::label::Label;
use super::records::{Oddity, Prefix, Records};
use super::user_key::{LongUserKey, UserKey};
use super::walk::Tally;
use super::window::Window;

/// Values up to this size are decoded whole; of longer ones the numbers and the key, piece by piece.
const MAX_WHOLE_VALUE: u64 = 256 << 10;
/// Bytes of a value read at once when it is hashed.
const PIECE: u64 = 64 << 10;
/// Bytes of the start of a long key and a long value that tell what they are.
const LABEL: u64 = 4 << 10;
/// Bytes of bucket names kept of one leaf.
const MAX_NAME_BYTES: usize = 1 << 20;

/// Where a leaf lies in the file, overflow included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// Its page, or the page that contains it when it is inline.
    pub(super) page: u64,
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) header: PageHeader,
}

/// A bucket found in a leaf.
#[derive(Debug, Clone)]
pub(super) struct BucketElement {
    pub(super) name: Vec<u8>,
    pub(super) page: u64,
    /// Where its value starts in the file.
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// What an examination gave.
#[derive(Debug, Default)]
pub(super) struct Examined {
    pub(super) count: u64,
    pub(super) bytes: u64,
    pub(super) crc: u32,
    pub(super) first: Option<Vec<u8>>,
    pub(super) last: Option<Vec<u8>>,
    pub(super) buckets: Vec<BucketElement>,
    /// Buckets beyond the maximum that is kept.
    pub(super) lost_buckets: u64,
    name_bytes: usize,
    /// Elements that could not be read.
    pub(super) broken: u64,
    /// First of its entries, for a leaf of revisions.
    pub(super) start: usize,
}

/// Reads leaves slowly.
pub(super) struct Examiner<'s> {
    window: Window<'s>,
    page_size: u32,
    hash_kv: bool,
}

/// An element, with everything inside the page.
#[derive(Debug, Clone, Copy)]
struct Element {
    index: u16,
    flags: u32,
    /// Where the element itself lies in the file.
    at: u64,
    /// Where its key starts in the file.
    offset: u64,
    key: usize,
    value: u64,
}

impl<'s> Examiner<'s> {
    pub(super) fn new(source: &'s dyn Source, page_size: u32, hash_kv: bool) -> Self {
        Self {
            window: Window::new(source),
            page_size,
            hash_kv,
        }
    }

    pub(super) fn header(&mut self, offset: u64) -> Result<Option<PageHeader>, SourceError> {
        Ok(PageHeader::parse(
            self.window.get(offset, PAGE_HEADER_SIZE)?,
        ))
    }

    /// The first 16 bytes of a value.
    pub(super) fn bytes(&mut self, offset: u64, len: usize) -> Result<&[u8], SourceError> {
        self.window.get(offset, len)
    }

    /// Examines a leaf. With `tally`, its keys are revisions and its entries are kept in `records`.
    pub(super) fn leaf(
        &mut self,
        extent: Extent,
        records: &mut Records,
        findings: &mut Findings,
        mut tally: Option<&mut Tally>,
    ) -> Result<Examined, Error> {
        let fail = |kind, offset| Error::on_page(kind, extent.page, offset);
        let count = extent.header.count;
        let table_len = usize::from(count) * ELEMENT_SIZE;
        let table_end = (PAGE_HEADER_SIZE + table_len) as u64;
        if table_end > extent.len {
            let (count, len) = (count.into(), extent.len);
            return Err(fail(
                ErrorKind::ElementTable { count, len },
                extent.offset + 10,
            ));
        }
        let table_offset = extent.offset + PAGE_HEADER_SIZE as u64;
        let table = self
            .window
            .get(table_offset, table_len)
            .map_err(|e| fail(ErrorKind::Read(e), table_offset))?
            .to_vec();
        let mut examined = Examined {
            start: records.entries.len(),
            ..Examined::default()
        };
        let mut budget = extent.len;
        let (elements, _) = table.as_chunks::<ELEMENT_SIZE>();
        for (index, raw) in elements.iter().enumerate() {
            let element = match element(extent, index as u16, raw, table_end) {
                Ok((element, overlap)) => {
                    if let Some(overlap) = overlap {
                        findings.push_error(&overlap, self.page_size);
                    }
                    element
                }
                Err(error) => {
                    findings.push_error(&error, self.page_size);
                    examined.broken += 1;
                    continue;
                }
            };
            // Sound elements share no bytes, so together they have no more than the page.
            match budget.checked_sub(element.key as u64 + element.value) {
                Some(rest) => budget = rest,
                None => {
                    let index = element.index;
                    let error = fail(ErrorKind::ElementSum { index }, element.at);
                    findings.push_error(&error, self.page_size);
                    examined.broken += (elements.len() - usize::from(index)) as u64;
                    break;
                }
            }
            let done = self.element(
                extent,
                element,
                &mut examined,
                records,
                findings,
                tally.as_deref_mut(),
            );
            if let Err(error) = done {
                let error = fail(ErrorKind::Read(error), element.offset);
                findings.push_error(&error, self.page_size);
                examined.broken += 1;
            }
        }
        Ok(examined)
    }

    fn element(
        &mut self,
        extent: Extent,
        element: Element,
        examined: &mut Examined,
        records: &mut Records,
        findings: &mut Findings,
        tally: Option<&mut Tally>,
    ) -> Result<(), SourceError> {
        let Element { index, flags, .. } = element;
        let key = self.window.get(element.offset, element.key)?.to_vec();
        let wrong = match examined.last.as_deref() {
            _ if key.is_empty() => Some(ErrorKind::EmptyKey { index }),
            Some(last) if last == key => Some(ErrorKind::DuplicateKey { index }),
            Some(last) if last > key.as_slice() => Some(ErrorKind::KeyOrder { index }),
            _ if flags & !BUCKET_FLAG != 0 => Some(ErrorKind::ElementFlags { index, flags }),
            _ => None,
        };
        if let Some(kind) = wrong {
            let error = Error::on_page(kind, extent.page, element.at);
            findings.push_error(&error, self.page_size);
        }
        let value_offset = element.offset + element.key as u64;
        examined.crc = crc32c_append(examined.crc, &key);
        examined.bytes += element.key as u64;
        if flags & BUCKET_FLAG == 0 {
            examined.crc = self.crc(examined.crc, value_offset, element.value)?;
            examined.bytes += element.value;
            if let Some(tally) = tally {
                self.entry(&key, extent, element, records, tally)?;
                if self.hash_kv {
                    records.prefixes.push(Prefix {
                        crc: examined.crc,
                        bytes: u32::try_from(examined.bytes).unwrap_or(u32::MAX),
                    });
                }
            }
        } else if examined.buckets.len() < MAX_BUCKETS && examined.name_bytes < MAX_NAME_BYTES {
            examined.name_bytes += key.len();
            examined.buckets.push(BucketElement {
                name: key.clone(),
                page: extent.page,
                offset: value_offset,
                len: element.value,
            });
        } else {
            examined.lost_buckets += 1;
        }
        examined.count += 1;
        if examined.first.is_none() {
            examined.first = Some(key.clone());
        }
        examined.last = Some(key);
        Ok(())
    }

    fn crc(&mut self, mut crc: u32, offset: u64, len: u64) -> Result<u32, SourceError> {
        let mut done = 0;
        while done < len {
            let piece = (len - done).min(PIECE);
            crc = crc32c_append(crc, self.window.get(offset + done, piece as usize)?);
            done += piece;
        }
        Ok(crc)
    }

    /// Keeps an entry of bucket `key`, and notes what is odd about it.
    fn entry(
        &mut self,
        key: &[u8],
        extent: Extent,
        element: Element,
        records: &mut Records,
        tally: &mut Tally,
    ) -> Result<(), SourceError> {
        let mut odd = |oddity| tally.add(oddity, extent.page, element.index, element.offset);
        let Some(revision) = Revision::parse(key) else {
            odd(Oddity::RevisionKey);
            records.entries.push(UserKey::UNREADABLE);
            return Ok(());
        };
        if key.len() > REVISION_SIZE && key[REVISION_SIZE] != TOMBSTONE_MARK {
            odd(Oddity::Mark);
        }
        let offset = element.offset + element.key as u64;
        let (mut lease, mut label) = (0, None);
        let mut decoded = self.key_value(offset, element.value, revision.tombstone)?;
        if let Ok(kv) = &mut decoded
            && !revision.tombstone
        {
            if kv.empty_key {
                odd(Oddity::EmptyKey);
            } else {
                for (wrong, oddity) in [
                    (kv.mod_revision != revision.main, Oddity::ModRevision),
                    (kv.version < 1, Oddity::Version),
                    (kv.create_revision > kv.mod_revision, Oddity::CreateRevision),
                ] {
                    if wrong {
                        odd(oddity);
                    }
                }
            }
            lease = kv.lease;
            label = kv.label.take();
        }
        if lease != 0 {
            records.push_lease(records.entries.len(), lease);
        }
        if let Some(label) = label {
            records.labelled.push(records.entries.len(), label);
        }
        let user_key = decoded.map(|kv| kv.user_key).unwrap_or_else(|_| {
            tally.add(Oddity::Undecodable, extent.page, element.index, offset);
            UserKey::UNREADABLE
        });
        records.entries.push(user_key);
        Ok(())
    }

    /// Decodes a KeyValue; of a long one neither key nor value are held.
    fn key_value(
        &mut self,
        offset: u64,
        len: u64,
        tombstone: bool,
    ) -> Result<Result<Decoded, WireError>, SourceError> {
        if len <= MAX_WHOLE_VALUE {
            let bytes = self.window.get(offset, len as usize)?;
            return Ok(KeyValue::decode(bytes).map(|kv| Decoded {
                user_key: UserKey::new(kv.key, tombstone),
                empty_key: kv.key.is_empty(),
                create_revision: kv.create_revision,
                mod_revision: kv.mod_revision,
                version: kv.version,
                lease: kv.lease,
                label: Label::of(kv.key, kv.value),
            }));
        }
        let read = |at, out: &mut [u8]| {
            out.copy_from_slice(self.window.get(offset + at, out.len())?);
            Ok(())
        };
        let kv = match LongKeyValue::decode(len, read)? {
            Ok(kv) => kv,
            Err(error) => return Ok(Err(error)),
        };
        let mut start = |range: &std::ops::Range<u64>| {
            let len = (range.end - range.start).min(LABEL);
            let bytes = self.window.get(offset + range.start, len as usize);
            bytes.map(<[u8]>::to_vec)
        };
        let label = Label::of(&start(&kv.key)?, &start(&kv.value)?);
        let mut user_key = LongUserKey::new(kv.key.end - kv.key.start);
        let mut at = kv.key.start;
        while at < kv.key.end {
            let piece = (kv.key.end - at).min(PIECE);
            user_key.feed(self.window.get(offset + at, piece as usize)?);
            at += piece;
        }
        Ok(Ok(Decoded {
            user_key: user_key.finish(tombstone),
            empty_key: kv.key.is_empty(),
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            version: kv.version,
            lease: kv.lease,
            label,
        }))
    }
}

/// What is wanted of a KeyValue.
struct Decoded {
    user_key: UserKey,
    empty_key: bool,
    create_revision: i64,
    mod_revision: i64,
    version: i64,
    lease: i64,
    label: Option<Label>,
}

/// The element, if it lies inside its page; and a complaint if it lies in the table.
fn element(
    extent: Extent,
    index: u16,
    raw: &[u8; ELEMENT_SIZE],
    table_end: u64,
) -> Result<(Element, Option<Error>), Error> {
    let field = |at| u32_at(raw, at).unwrap_or_default();
    let [flags, pos, key, value] = [field(0), field(4), field(8), field(12)];
    let in_page = (PAGE_HEADER_SIZE + usize::from(index) * ELEMENT_SIZE) as u64;
    let at = extent.offset + in_page;
    let fail = |kind| Error::on_page(kind, extent.page, at);
    let start = in_page + u64::from(pos);
    if start + u64::from(key) + u64::from(value) > extent.len {
        return Err(fail(ErrorKind::ElementBounds { index }));
    }
    if key > MAX_KEY_SIZE {
        return Err(fail(ErrorKind::KeyTooLong { index, len: key }));
    }
    let overlap =
        (start < table_end && key + value > 0).then(|| fail(ErrorKind::ElementOverlap { index }));
    let element = Element {
        index,
        flags,
        at,
        offset: extent.offset + start,
        key: key as usize,
        value: value.into(),
    };
    Ok((element, overlap))
}
