//! Large snapshots that are mostly holes: small on the disk, sound, and as long as a real one would be. Made from
//! a small snapshot by appending to it what a server would have written.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use requorum_shared::bbolt::write::{Appended, Child, Item};
use requorum_shared::bbolt::{BucketHeader, Database, Meta, PageHeader, PageType};
use requorum_shared::etcd::storage::schema::Revision;
use sha2::{Digest as _, Sha256};

/// A snapshot with as many more keys, each with a value of this many zero bytes, in one leaf.
pub(crate) fn with_large_values(out: &Path, base: &Path, values: u64, each: u64) {
    let bytes = std::fs::read(base).unwrap();
    let source = bytes.as_slice();
    let database = Database::open(&source).unwrap();
    let meta = *database.meta();
    let page_size = u64::from(meta.page_size);
    let key = database.bucket(b"key").unwrap().unwrap();
    let path = key.rightmost_path().unwrap();
    let last = path.last().unwrap();
    let newest = last.element(last.count() - 1).unwrap();
    let newest = Revision::parse(&last.key_of(&newest).unwrap())
        .unwrap()
        .main;
    let branch = database.node(key.header().root).unwrap();
    assert!(
        !branch.is_leaf(),
        "take a base whose bucket key has a branch"
    );
    let mut children: Vec<Child> = (0..branch.count())
        .map(|index| {
            let element = branch.element(index).unwrap();
            let key = branch.key_of(&element).unwrap();
            Child {
                key,
                page: element.child(),
            }
        })
        .collect();

    let pairs: Vec<(Vec<u8>, Vec<u8>)> = (0..values)
        .map(|n| {
            let main = newest + 1 + n as i64;
            let revision = Revision {
                main,
                sub: 0,
                tombstone: false,
            };
            (revision.encode(), head(&format!("large/{n}"), main, each))
        })
        .collect();
    let table = 16 + 16 * values;
    let size = pairs.iter().fold(table, |size, (key, head)| {
        size + (key.len() + head.len()) as u64 + each
    });
    let pages = size.div_ceil(page_size);
    children.push(Child {
        key: pairs[0].0.clone(),
        page: meta.hwm,
    });
    let mut appended = Appended::new(meta.page_size, meta.hwm + pages);
    let header = BucketHeader {
        root: appended.branch(&children).unwrap(),
        sequence: 0,
    };
    let root = root_with(&database, b"key", header.encode().to_vec());
    let root = appended.tree(&root).unwrap();
    let newer = Meta {
        root,
        hwm: appended.high_water_mark(),
        txid: meta.txid + 1,
        ..meta
    };

    let file = start(out, &bytes, &newer);
    let page = PageHeader {
        id: meta.hwm,
        flags: PageType::Leaf.flags(),
        count: values as u16,
        overflow: (pages - 1) as u32,
    };
    let mut first = page.encode().to_vec();
    let leaf = meta.hwm * page_size;
    let mut at = table;
    for (index, (key, head)) in (0..values).zip(&pairs) {
        let value = head.len() as u64 + each;
        for field in [0, at - 16 - 16 * index, key.len() as u64, value] {
            first.extend((field as u32).to_le_bytes());
        }
        let both = [key.as_slice(), head].concat();
        file.write_all_at(&both, leaf + at).unwrap();
        at += key.len() as u64 + value;
    }
    file.write_all_at(&first, leaf).unwrap();
    let offset = appended.offset();
    file.write_all_at(&appended.into_bytes(), offset).unwrap();
    seal(file, newer.logical_size());
}

/// A snapshot of this many pages whose stored freelist lists all that its tree does not use.
pub(crate) fn with_free_pages(out: &Path, base: &Path, hwm: u64) {
    let bytes = std::fs::read(base).unwrap();
    let source = bytes.as_slice();
    let meta = *Database::open(&source).unwrap().meta();
    let page_size = u64::from(meta.page_size);
    // The list is at most as long as if it listed every page.
    let pages = ((hwm + 3) * 8).div_ceil(page_size);
    let free: Vec<u64> = (meta.hwm + pages..hwm).collect();
    let page = PageHeader {
        id: meta.hwm,
        flags: PageType::Freelist.flags(),
        count: u16::MAX,
        overflow: (pages - 1) as u32,
    };
    let mut list = page.encode().to_vec();
    list.extend((free.len() as u64).to_le_bytes());
    list.extend(free.iter().flat_map(|id| id.to_le_bytes()));
    let newer = Meta {
        freelist: meta.hwm,
        hwm,
        txid: meta.txid + 1,
        ..meta
    };
    let file = start(out, &bytes, &newer);
    file.write_all_at(&list, meta.hwm * page_size).unwrap();
    seal(file, newer.logical_size());
}

/// A KeyValue up to its value.
fn head(key: &str, main: i64, value: u64) -> Vec<u8> {
    let varint = |mut n: u64| {
        let mut out = Vec::new();
        while n > 0x7f {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out
    };
    let main = varint(main as u64);
    [
        &[0x0a][..],
        &varint(key.len() as u64),
        key.as_bytes(),
        &[0x10],
        &main,
        &[0x18],
        &main,
        &[0x20, 1, 0x2a],
        &varint(value),
    ]
    .concat()
}

/// The buckets of a file, one of them another.
fn root_with(database: &Database<'_>, name: &[u8], value: Vec<u8>) -> Vec<Item> {
    let mut items = Vec::new();
    let root = database.root();
    let mut cursor = root.cursor();
    while let Some(entry) = cursor.next().unwrap() {
        let value = match entry.key == name {
            true => value.clone(),
            false => entry.value.to_vec().unwrap(),
        };
        items.push(Item::bucket(entry.key, value));
    }
    items
}

/// The file with the base's pages and the newer meta.
fn start(out: &Path, base: &[u8], newer: &Meta) -> File {
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(out)
        .unwrap();
    let image = base.len() / 512 * 512;
    file.write_all(&base[..image]).unwrap();
    let slot = newer.txid % 2;
    let header = PageHeader {
        id: slot,
        flags: PageType::Meta.flags(),
        count: 0,
        overflow: 0,
    };
    let meta = [header.encode().as_slice(), &newer.encode()].concat();
    let at = slot * u64::from(newer.page_size);
    file.write_all_at(&meta, at).unwrap();
    file
}

/// Gives it its length and its SHA-256.
fn seal(mut file: File, size: u64) {
    file.set_len(size).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        hasher.update(&piece[..read]);
    }
    file.write_all_at(&hasher.finalize(), size).unwrap();
}
