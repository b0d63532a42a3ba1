//! The slow decoder: reads a leaf piece by piece from the source, takes what can be read and names what
//! cannot. Holds no more than a table of elements and one window in memory, whatever the page claims.

use crc32c::crc32c_append;

use crate::bbolt::limits::{MAX_BUCKETS, MAX_KEY_SIZE};
use crate::bbolt::page::{BUCKET_FLAG, ELEMENT_SIZE, PAGE_HEADER_SIZE};
use crate::bbolt::{Error, ErrorKind, PageHeader, u32_at};
use crate::source::{Source, SourceError};

use super::findings::Findings;
use super::visitor::{StreamedPair, StreamedValue, UpTo, Visitor};
use super::window::Window;

/// Bytes of a value read at once when it is hashed.
const PIECE: u64 = 64 << 10;
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
    /// The visitor's mark before its pairs.
    pub(super) mark: usize,
}

/// Reads leaves slowly.
pub(super) struct Examiner<'s> {
    window: Window<'s>,
    page_size: u32,
}

/// Who takes the pairs of a leaf.
pub(super) type Visit<'v, V> = Option<(&'v mut V, &'v mut <V as Visitor>::Taken)>;

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
    pub(super) fn new(source: &'s dyn Source, page_size: u32) -> Self {
        Self {
            window: Window::new(source),
            page_size,
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

    /// Examines a leaf, and hands its pairs to who visits it.
    pub(super) fn leaf<V: Visitor>(
        &mut self,
        extent: Extent,
        findings: &mut Findings,
        mut visit: Visit<'_, V>,
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
            mark: visit.as_ref().map_or(0, |(visitor, _)| visitor.mark()),
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
                    self.broken::<V>(&error, findings, &mut visit);
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
                    self.broken::<V>(&error, findings, &mut visit);
                    examined.broken += (elements.len() - usize::from(index)) as u64;
                    break;
                }
            }
            let visitor = visit
                .as_mut()
                .map(|(visitor, taken)| (&mut **visitor, &mut **taken));
            let done = self.element::<V>(extent, element, &mut examined, findings, visitor);
            if let Err(error) = done {
                let error = fail(ErrorKind::Read(error), element.offset);
                self.broken::<V>(&error, findings, &mut visit);
                examined.broken += 1;
            }
        }
        Ok(examined)
    }

    fn broken<V: Visitor>(&self, error: &Error, findings: &mut Findings, visit: &mut Visit<'_, V>) {
        findings.push_error(error, self.page_size);
        if let Some((visitor, taken)) = visit {
            visitor.take_error(taken, error);
        }
    }

    fn element<V: Visitor>(
        &mut self,
        extent: Extent,
        element: Element,
        examined: &mut Examined,
        findings: &mut Findings,
        visit: Visit<'_, V>,
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
            if let Some((visitor, taken)) = visit {
                let value = StreamedValue {
                    window: &mut self.window,
                    offset: value_offset,
                    len: element.value,
                };
                let pair = StreamedPair {
                    page: extent.page,
                    index,
                    key: &key,
                    offset: element.offset,
                    value,
                    up_to: UpTo {
                        crc: examined.crc,
                        bytes: u32::try_from(examined.bytes).unwrap_or(u32::MAX),
                    },
                };
                visitor.take_pair(taken, pair)?;
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
