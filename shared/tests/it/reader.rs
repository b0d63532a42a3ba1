//! Random access over real files.

use requorum_shared::bbolt::Database;
use serde_json::{Map, Value};

use crate::fixtures::{fixture, fixtures};

#[test]
fn buckets_and_their_pairs_are_those_an_independent_parser_saw() {
    for f in fixtures() {
        let source = f.bytes.as_slice();
        let database = Database::open(&source).unwrap();
        let (buckets, errors) = database.buckets();
        assert_eq!(errors, [], "{}", f.name);
        let counts: Map<String, Value> = buckets
            .iter()
            .map(|(name, bucket)| {
                let pairs = bucket.pairs().unwrap();
                assert!(
                    pairs.is_sorted_by(|a, b| a.0 < b.0),
                    "{}: {name:?} is not in order",
                    f.name
                );
                for (key, value) in &pairs {
                    let got = bucket.get(key).unwrap();
                    assert_eq!(got.as_ref(), Some(value), "{}: {key:?}", f.name);
                }
                (String::from_utf8(name.clone()).unwrap(), pairs.len().into())
            })
            .collect();
        assert_eq!(Value::Object(counts), f.facts["buckets"], "{}", f.name);
        let names: Vec<_> = buckets.iter().map(|(name, _)| name).collect();
        assert!(names.is_sorted(), "{}", f.name);
    }
}

#[test]
fn metas_are_those_an_independent_parser_saw() {
    for f in fixtures() {
        let source = f.bytes.as_slice();
        let database = Database::open(&source).unwrap();
        let pages = &f.facts["pages"];
        assert_eq!(pages["size"], database.page_size(), "{}", f.name);
        assert_eq!(pages["highWater"], database.meta().hwm, "{}", f.name);
        assert_eq!(pages["txid"], database.meta().txid, "{}", f.name);
        let stored = database.meta().freelist != u64::MAX;
        assert_eq!(pages["freelist"] != "none", stored, "{}", f.name);
    }
}

#[test]
fn the_rightmost_path_ends_in_the_last_pair() {
    for name in ["synthetic-page1024", "3.7.1-mixed", "3.5.33-large"] {
        let f = fixture(name);
        let source = f.bytes.as_slice();
        let database = Database::open(&source).unwrap();
        let bucket = database.bucket(b"key").unwrap().unwrap();
        let path = bucket.rightmost_path().unwrap();
        let leaf = path.last().unwrap();
        let last = leaf.element(leaf.count() - 1).unwrap();
        let pairs = bucket.pairs().unwrap();
        assert_eq!(
            leaf.key_of(&last).unwrap(),
            pairs.last().unwrap().0,
            "{name}"
        );
        if name == "synthetic-page1024" {
            assert_eq!(path.len(), 2, "a branch and a leaf below the root bucket");
        }
    }
}
