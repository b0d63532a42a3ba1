//! Writes small bbolt files of any shape, sound or not: what the damage tests start from.

use std::collections::BTreeMap;

use requorum_shared::bbolt::{Meta, PageHeader};
use requorum_shared::etcd::storage::schema::Revision;
use sha2::{Digest, Sha256};

/// An element of a leaf: flags, key, value.
pub(crate) type Element = (u32, Vec<u8>, Vec<u8>);

/// A file as a set of pages; what is not set is zero.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) page_size: usize,
    pub(crate) pages: BTreeMap<u64, Vec<u8>>,
    pub(crate) meta: Meta,
}

impl Image {
    pub(crate) fn new(page_size: usize, root: u64, hwm: u64) -> Self {
        Self {
            page_size,
            pages: BTreeMap::new(),
            meta: Meta {
                page_size: page_size as u32,
                flags: 0,
                root,
                root_sequence: 0,
                freelist: u64::MAX,
                hwm,
                txid: 7,
            },
        }
    }

    /// Puts a leaf on a page, with as many overflow pages as it needs.
    pub(crate) fn leaf(&mut self, id: u64, elements: &[Element]) {
        let page = leaf(id, self.page_size, elements);
        self.pages.insert(id, page);
    }

    /// Puts a branch on a page.
    pub(crate) fn branch(&mut self, id: u64, children: &[(Vec<u8>, u64)]) {
        let page = branch(id, self.page_size, children);
        self.pages.insert(id, page);
    }

    /// The bytes of a page, to be damaged.
    pub(crate) fn page(&mut self, id: u64) -> &mut Vec<u8> {
        self.pages.get_mut(&id).unwrap()
    }

    /// The file without a trailer. Like a snapshot, both metas describe the same tree.
    pub(crate) fn raw(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.meta.hwm as usize * self.page_size];
        for (id, page) in &self.pages {
            let at = *id as usize * self.page_size;
            let end = (at + page.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&page[..end - at]);
        }
        for slot in 0..2 {
            let txid = self.meta.txid - slot as u64;
            put_meta(&mut bytes, slot, &Meta { txid, ..self.meta });
        }
        bytes
    }

    /// The file with its trailer.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        with_trailer(self.raw())
    }
}

/// Writes a meta page, header and checksum included.
pub(crate) fn put_meta(bytes: &mut [u8], slot: usize, meta: &Meta) {
    let header = PageHeader {
        id: slot as u64,
        flags: 4,
        count: 0,
        overflow: 0,
    };
    let at = slot * meta.page_size as usize;
    bytes[at..at + 16].copy_from_slice(&header.encode());
    bytes[at + 16..at + 80].copy_from_slice(&meta.encode());
}

/// Appends the SHA-256 of the bytes.
pub(crate) fn with_trailer(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

fn pack(id: u64, flags: u16, elements: Vec<([u8; 16], Vec<u8>)>) -> Vec<u8> {
    let table = elements.len() * 16;
    let mut page = PageHeader {
        id,
        flags,
        count: elements.len() as u16,
        overflow: 0,
    }
    .encode()
    .to_vec();
    let mut data: Vec<u8> = Vec::new();
    for (i, (mut element, bytes)) in elements.into_iter().enumerate() {
        let pos = (table - i * 16 + data.len()) as u32;
        let at = if flags == 1 { 0 } else { 4 };
        element[at..at + 4].copy_from_slice(&pos.to_le_bytes());
        page.extend_from_slice(&element);
        data.extend_from_slice(&bytes);
    }
    page.extend_from_slice(&data);
    page
}

fn pad(mut page: Vec<u8>, page_size: usize) -> Vec<u8> {
    let pages = page.len().div_ceil(page_size).max(1);
    page[12..16].copy_from_slice(&(pages as u32 - 1).to_le_bytes());
    page.resize(pages * page_size, 0);
    page
}

pub(crate) fn leaf(id: u64, page_size: usize, elements: &[Element]) -> Vec<u8> {
    pad(leaf_image(id, elements), page_size)
}

fn leaf_image(id: u64, elements: &[Element]) -> Vec<u8> {
    let elements = elements.iter().map(|(flags, key, value)| {
        let mut element = [0; 16];
        element[..4].copy_from_slice(&flags.to_le_bytes());
        element[8..12].copy_from_slice(&(key.len() as u32).to_le_bytes());
        element[12..].copy_from_slice(&(value.len() as u32).to_le_bytes());
        (element, [key.as_slice(), value].concat())
    });
    pack(id, 2, elements.collect())
}

pub(crate) fn branch(id: u64, page_size: usize, children: &[(Vec<u8>, u64)]) -> Vec<u8> {
    let elements = children.iter().map(|(key, child)| {
        let mut element = [0; 16];
        element[4..8].copy_from_slice(&(key.len() as u32).to_le_bytes());
        element[8..].copy_from_slice(&child.to_le_bytes());
        (element, key.clone())
    });
    pad(pack(id, 1, elements.collect()), page_size)
}

/// The value of a bucket whose root is a page.
pub(crate) fn bucket(root: u64) -> Vec<u8> {
    [root.to_le_bytes(), [0; 8]].concat()
}

/// The value of an inline bucket.
pub(crate) fn inline(elements: &[Element]) -> Vec<u8> {
    [bucket(0), leaf_image(0, elements)].concat()
}

/// A plain pair.
pub(crate) fn pair(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Element {
    (0, key.into(), value.into())
}

/// A bucket element.
pub(crate) fn nested(name: &str, value: Vec<u8>) -> Element {
    (1, name.as_bytes().to_vec(), value)
}

/// The key of a put.
pub(crate) fn revision(main: i64) -> Vec<u8> {
    Revision {
        main,
        sub: 0,
        tombstone: false,
    }
    .encode()
}

fn varint(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while n > 0x7f {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

/// A KeyValue as etcd writes it.
pub(crate) fn key_value(
    key: &str,
    create: i64,
    modified: i64,
    version: i64,
    value: &[u8],
) -> Vec<u8> {
    key_value_with_lease(key, create, modified, version, value, 0)
}

pub(crate) fn key_value_with_lease(
    key: &str,
    create: i64,
    modified: i64,
    version: i64,
    value: &[u8],
    lease: i64,
) -> Vec<u8> {
    let mut out = [&[0x0a][..], &varint(key.len() as u64), key.as_bytes()].concat();
    for (tag, n) in [(0x10, create), (0x18, modified), (0x20, version)] {
        if n != 0 {
            out.push(tag);
            out.extend(varint(n as u64));
        }
    }
    if !value.is_empty() {
        out.push(0x2a);
        out.extend(varint(value.len() as u64));
        out.extend_from_slice(value);
    }
    if lease != 0 {
        out.push(0x30);
        out.extend(varint(lease as u64));
    }
    out
}

/// A put of `key-<main>` at a revision.
pub(crate) fn put(main: i64) -> Element {
    let value = key_value(&format!("key-{main}"), main, main, 1, &[b'v'; 100]);
    pair(revision(main), value)
}

/// The pages of [`sample`].
pub(crate) const ROOT: u64 = 2;
/// The branch of bucket `key`.
pub(crate) const BRANCH: u64 = 3;
/// Its leaves, five puts each.
pub(crate) const LEAVES: [u64; 4] = [4, 5, 6, 7];
/// The leaf of bucket `members`.
pub(crate) const MEMBERS: u64 = 8;

/// Puts of one leaf of [`sample`].
pub(crate) fn puts(leaf: u64) -> Vec<Element> {
    let first = 2 + (leaf as i64 - 4) * 5;
    (first..first + 5).map(put).collect()
}

/// Children of the branch of [`sample`].
pub(crate) fn children() -> Vec<(Vec<u8>, u64)> {
    LEAVES
        .iter()
        .map(|id| (puts(*id)[0].1.clone(), *id))
        .collect()
}

/// Pairs of bucket `meta` of [`sample`].
pub(crate) fn meta_pairs() -> Vec<Element> {
    vec![
        pair("confState", r#"{"voters":[10],"auto_leave":false}"#),
        pair("consistent_index", 9u64.to_be_bytes()),
        pair("term", 2u64.to_be_bytes()),
    ]
}

/// Buckets of [`sample`].
pub(crate) fn buckets() -> Vec<Element> {
    vec![
        nested("key", bucket(BRANCH)),
        nested("lease", inline(&[])),
        nested("members", bucket(MEMBERS)),
        nested("meta", inline(&meta_pairs())),
    ]
}

/// A sound file of nine pages: bucket `key` with a branch and four leaves of five puts each, `members` on a
/// page, `lease` and `meta` inline.
pub(crate) fn sample() -> Image {
    sample_of(4096)
}

/// The same with pages of another size.
pub(crate) fn sample_of(page_size: usize) -> Image {
    let mut image = Image::new(page_size, ROOT, 9);
    image.leaf(ROOT, &buckets());
    image.branch(BRANCH, &children());
    for id in LEAVES {
        image.leaf(id, &puts(id));
    }
    let member = r#"{"id":10,"peerURLs":["http://h:2380"],"name":"m1"}"#;
    image.leaf(MEMBERS, &[pair("a", member)]);
    image
}
