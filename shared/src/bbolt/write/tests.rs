use super::*;
use crate::bbolt::{Database, Meta};

const PAGE_SIZES: [u32; 5] = [1024, 4096, 16384, 32768, 65536];

/// A database of one bucket `b` with these items, laid out by this module.
fn database(items: &[Item], page_size: u32) -> Vec<u8> {
    let mut pages = Appended::new(page_size, 2);
    let bucket = pages.bucket(items, 7).unwrap();
    let root = pages.tree(&[Item::bucket("b", bucket)]).unwrap();
    let hwm = pages.high_water_mark().max(4);
    let mut file = Vec::new();
    for (id, txid) in [(0u64, 2), (1, 1)] {
        let meta = Meta {
            page_size,
            flags: 0,
            root,
            root_sequence: 0,
            freelist: u64::MAX,
            hwm,
            txid,
        };
        file.extend(header(id, PageType::Meta, 0, 0).unwrap());
        file.extend(meta.encode());
        file.resize((id as usize + 1) * page_size as usize, 0);
    }
    file.extend(pages.into_bytes());
    file.resize(hwm as usize * page_size as usize, 0);
    file
}

fn numbered(count: usize, value: usize) -> Vec<Item> {
    (0..count)
        .map(|n| Item::pair(format!("key-{n:08}"), vec![n as u8; value]))
        .collect()
}

/// What the reader finds in the bucket is what was put in.
#[track_caller]
fn round_trip(items: &[Item], page_size: u32) {
    let file = database(items, page_size);
    let source: &[u8] = &file;
    let database = Database::open(&source).unwrap();
    let bucket = database.bucket(b"b").unwrap().unwrap();
    assert_eq!(bucket.header().sequence, 7);
    let pairs = bucket.pairs().unwrap();
    assert_eq!(pairs.len(), items.len());
    for ((key, value), item) in pairs.iter().zip(items) {
        assert_eq!((key, value), (&item.key, &item.value));
    }
    if let Some(item) = items.last() {
        assert_eq!(bucket.get(&item.key).unwrap().as_ref(), Some(&item.value));
    }
}

#[test]
fn what_is_written_is_read_at_every_page_size() {
    for page_size in PAGE_SIZES {
        for count in [0, 1, 2, 5, 30, 300, 5000] {
            round_trip(&numbered(count, 20), page_size);
        }
    }
}

#[test]
fn values_larger_than_a_page_overflow() {
    for page_size in PAGE_SIZES {
        round_trip(&numbered(5, 300_000), page_size);
    }
}

#[test]
fn keys_as_long_as_a_page_still_make_a_tree() {
    let items: Vec<Item> = (0..40)
        .map(|n| Item::pair([vec![n; 1], vec![b'k'; 5000]].concat(), "v"))
        .collect();
    round_trip(&items, 1024);
    round_trip(&items, 4096);
}

#[test]
fn buckets_are_inline_up_to_a_quarter_page() {
    let mut pages = Appended::new(4096, 10);
    // 16 header + 16 element + 1 key + value = 1024
    let inline = pages.bucket(&[Item::pair("k", vec![0; 991])], 0).unwrap();
    assert_eq!((inline.len(), pages.high_water_mark()), (16 + 1024, 10));
    let tree = pages.bucket(&[Item::pair("k", vec![0; 992])], 0).unwrap();
    assert_eq!((tree.len(), pages.high_water_mark()), (16, 11));
}

#[test]
fn a_bucket_with_a_bucket_in_it_is_never_inline() {
    let mut pages = Appended::new(4096, 10);
    let inner = pages.bucket(&[], 0).unwrap();
    let outer = pages.bucket(&[Item::bucket("inner", inner)], 0).unwrap();
    assert_eq!(outer.len(), 16);
}

#[test]
fn ids_stop_at_the_limit() {
    let mut pages = Appended::new(1024, MAX_PAGES);
    assert_eq!(pages.leaf(&[]), Err(WriteError::TooManyPages));
}
