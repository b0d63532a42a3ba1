//! Odd and damaged files by the dozen: what property tests here look at, and what tests with real servers boot.

use std::collections::BTreeMap;

use proptest::prelude::*;
use requorum_shared::bbolt::Meta;

use crate::build::{
    Element, LEAVES, ROOT, buckets, inline, meta_pairs, nested, pair, put_meta, puts, sample_of,
    with_trailer,
};

/// One way to damage a file.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Flip {
        at: prop::sample::Index,
        bit: u8,
    },
    /// A telling number in a header or element table.
    Number {
        page: prop::sample::Index,
        field: usize,
        width: usize,
        number: u64,
    },
    /// A page over another.
    Copy {
        from: prop::sample::Index,
        to: prop::sample::Index,
    },
    Zero {
        page: prop::sample::Index,
    },
    Cut {
        at: prop::sample::Index,
    },
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    let numbers = prop_oneof![
        0..40u64,
        Just(0xffff),
        Just(0xffff_ffff),
        Just(u64::MAX),
        Just(1 << 31),
        Just(1 << 60),
        any::<u64>(),
    ];
    prop_oneof![
        (index(), 0..8u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        (index(), 0..20usize, 0..4usize, numbers).prop_map(|(page, field, width, number)| {
            Damage::Number {
                page,
                field: field * 4,
                width: 1 << width,
                number,
            }
        }),
        (index(), index()).prop_map(|(from, to)| Damage::Copy { from, to }),
        index().prop_map(|page| Damage::Zero { page }),
        index().prop_map(|at| Damage::Cut { at }),
    ]
}

impl Damage {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>, page_size: usize) {
        let pages = bytes.len() / page_size;
        if pages == 0 {
            return;
        }
        match self {
            Self::Flip { at, bit } => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Number {
                page,
                field,
                width,
                number,
            } => {
                let at = page.index(pages) * page_size + field;
                bytes[at..at + width].copy_from_slice(&number.to_le_bytes()[..*width]);
            }
            Self::Copy { from, to } => {
                let from = from.index(pages) * page_size;
                let to = to.index(pages) * page_size;
                bytes.copy_within(from..from + page_size, to);
            }
            Self::Zero { page } => {
                let at = page.index(pages) * page_size;
                bytes[at..at + page_size].fill(0);
            }
            Self::Cut { at } => bytes.truncate(at.index(bytes.len())),
        }
    }
}

/// Damage to what the pages mean, with the tree around it sound.
#[derive(Debug, Clone)]
pub(crate) enum Oddity {
    /// A pair of a small bucket, by its name, with any value.
    Pair(&'static str, &'static str, Vec<u8>),
    /// A bucket within a bucket.
    Nested(&'static str),
    /// A bucket that is not there.
    Without(usize),
    /// A meta with a freelist, a mark or a root of its own, its checksum right.
    Meta {
        slot: u64,
        freelist: u64,
        more_pages: u64,
        txid: u64,
    },
    /// Bytes around the file.
    Around { before: usize, after: usize },
}

pub(crate) fn oddity() -> impl Strategy<Value = Oddity> {
    let values = prop_oneof![
        Just(b"1.7.0".to_vec()),
        Just(b"9.9.0".to_vec()),
        Just(b"3.6.0".to_vec()),
        Just(b"3.7.0".to_vec()),
        Just(b"three".to_vec()),
        Just(br#"{"target-version":"3.5.0","enabled":true}"#.to_vec()),
        Just(Vec::new()),
        Just(vec![0xff; 3]),
        Just(7u64.to_be_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let places = prop::sample::select(
        &[
            ("alarm", "\u{8}\u{1}\u{10}\u{1}"),
            ("alarm", "\u{7f}"),
            ("auth", "authEnabled"),
            ("auth", "authRevision"),
            ("authRoles", "r"),
            ("authUsers", "u"),
            ("cluster", "clusterVersion"),
            ("cluster", "downgrade"),
            ("lease", "12345678"),
            ("lease", "short"),
            ("members", "a"),
            ("members_removed", "b"),
            ("meta", "confState"),
            ("meta", "consistent_index"),
            ("meta", "finishedCompactRev"),
            ("meta", "scheduledCompactRev"),
            ("meta", "storageVersion"),
            ("meta", "term"),
        ][..],
    );
    const NAMES: &[&str] = &["alarm", "key", "lease", "members", "meta", "unheard-of"];
    prop_oneof![
        6 => (places, values).prop_map(|((bucket, key), value)| Oddity::Pair(bucket, key, value)),
        1 => prop::sample::select(NAMES).prop_map(Oddity::Nested),
        1 => (0..4usize).prop_map(Oddity::Without),
        2 => (0..2u64, 0..30u64, 0..9u64, 5..9u64).prop_map(|(slot, freelist, more_pages, txid)| {
            Oddity::Meta { slot, freelist, more_pages, txid }
        }),
        1 => (0..5000usize, 0..5000usize).prop_map(|(before, after)| Oddity::Around { before, after }),
    ]
}

/// The sample with all of these.
pub(crate) fn odd_file(oddities: &[Oddity], seal: bool) -> Vec<u8> {
    let mut image = sample_of(4096);
    let mut buckets: Vec<Element> = buckets();
    let mut pairs: BTreeMap<&str, BTreeMap<Vec<u8>, Element>> = BTreeMap::new();
    for element in meta_pairs() {
        pairs
            .entry("meta")
            .or_default()
            .insert(element.1.clone(), element);
    }
    let mut without = Vec::new();
    for oddity in oddities {
        let (bucket, element) = match oddity {
            Oddity::Pair(bucket, key, value) => (*bucket, pair(*key, value.clone())),
            Oddity::Nested("key") => {
                let mut elements = puts(LEAVES[1]);
                elements[0].0 = 1;
                elements[0].2 = inline(&[]);
                image.leaf(LEAVES[1], &elements);
                continue;
            }
            Oddity::Nested(name) => (*name, nested("inner", inline(&[pair("k", "v")]))),
            Oddity::Without(index) => {
                without.push(*index);
                continue;
            }
            _ => continue,
        };
        pairs
            .entry(bucket)
            .or_default()
            .insert(element.1.clone(), element);
    }
    for (name, pairs) in pairs {
        let elements: Vec<Element> = pairs.into_values().collect();
        let bucket = nested(name, inline(&elements));
        buckets.retain(|other| other.1 != bucket.1);
        buckets.push(bucket);
    }
    for index in without {
        if index < buckets.len() {
            buckets.remove(index);
        }
    }
    buckets.sort_by(|a, b| a.1.cmp(&b.1));
    image.leaf(ROOT, &buckets);
    let mut bytes = image.raw();
    for oddity in oddities {
        if let Oddity::Meta {
            slot,
            freelist,
            more_pages,
            txid,
        } = oddity
        {
            let meta = Meta {
                freelist: *freelist,
                hwm: image.meta.hwm + more_pages,
                txid: *txid,
                ..image.meta
            };
            put_meta(&mut bytes, *slot as usize, &meta);
        }
    }
    if seal {
        bytes = with_trailer(bytes);
    }
    for oddity in oddities {
        if let Oddity::Around { before, after } = oddity {
            bytes = [&vec![b'\n'; *before], bytes.as_slice(), &vec![0; *after]].concat();
        }
    }
    bytes
}
