//! The same code in WebAssembly: 32-bit sizes, no threads, the allocator that the page has. Each fixture must
//! give there what real etcd tools said of it.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs)]

use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::etcd::storage::scan::{Options, Scanner};
use requorum_shared::kinds::inspect_as_etcd as inspect;
use serde_json::Value;
use wasm_bindgen_test::wasm_bindgen_test;

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        &[$((
            $name,
            include_bytes!(concat!("../../shared/testdata/etcd/", $name, ".db")).as_slice(),
            include_str!(concat!("../../shared/testdata/etcd/", $name, ".json")),
        )),+]
    };
}

/// Name, bytes, and what the real tools said.
const FIXTURES: &[(&str, &[u8], &str)] = fixtures![
    "3.4.23-auth",
    "3.4.23-dead",
    "3.4.23-empty",
    "3.4.23-learner",
    "3.4.23-lease",
    "3.4.23-live-copy",
    "3.4.23-mixed",
    "3.4.23-nospace",
    "3.4.23-three",
    "3.4.23-zombies",
    "3.5.33-auth",
    "3.5.33-bumped",
    "3.5.33-dead",
    "3.5.33-defrag",
    "3.5.33-empty",
    "3.5.33-freelist",
    "3.5.33-killed",
    "3.5.33-large",
    "3.5.33-learner",
    "3.5.33-lease",
    "3.5.33-mixed",
    "3.5.33-nospace",
    "3.5.33-three",
    "3.6.14-auth",
    "3.6.14-bumped",
    "3.6.14-dead",
    "3.6.14-defrag",
    "3.6.14-downgraded",
    "3.6.14-downgrading",
    "3.6.14-empty",
    "3.6.14-killed",
    "3.6.14-large",
    "3.6.14-learner",
    "3.6.14-lease",
    "3.6.14-live-copy",
    "3.6.14-mixed",
    "3.6.14-nospace",
    "3.6.14-three",
    "3.7.1-auth",
    "3.7.1-dead",
    "3.7.1-defrag",
    "3.7.1-downgraded",
    "3.7.1-downgrading",
    "3.7.1-empty",
    "3.7.1-killed",
    "3.7.1-large",
    "3.7.1-learner",
    "3.7.1-lease",
    "3.7.1-mixed",
    "3.7.1-nospace",
    "3.7.1-three",
    "synthetic-page1024",
    "synthetic-page16384",
    "synthetic-page65536",
];

/// Fed like a stream in the browser, in chunks that no page begins at.
fn inspected(name: &str, bytes: &[u8]) -> Inspection {
    let mut scanner = Scanner::new(Options::default());
    for chunk in bytes.chunks(65_521) {
        scanner.feed(chunk);
    }
    inspect(scanner.finish(), name, &bytes)
}

#[wasm_bindgen_test]
fn every_fixture_gives_what_the_real_tools_said() {
    for (name, bytes, said) in FIXTURES {
        let said: Value = serde_json::from_str(said).unwrap();
        let inspection = inspected(name, bytes);
        assert_eq!(
            inspection.file.sha256,
            said["sha256"].as_str().unwrap(),
            "{name}"
        );
        let status = inspection
            .details
            .status
            .unwrap_or_else(|| panic!("{name}: no status"));
        let old = &said["status"]["etcdutl 3.5.33"];
        let new = &said["status"]["etcdutl 3.7.1"];
        assert_eq!(
            u64::from(status.hash),
            new["hash"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(status.revision, new["revision"].as_i64().unwrap(), "{name}");
        assert_eq!(
            status.total_key,
            new["totalKey"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(
            status.total_key_35,
            old["totalKey"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(
            status.total_size,
            new["totalSize"].as_u64().unwrap(),
            "{name}"
        );
    }
}

#[wasm_bindgen_test]
fn damage_is_an_answer_and_not_a_trap() {
    let (_, bytes, _) = FIXTURES
        .iter()
        .find(|(name, ..)| *name == "3.6.14-three")
        .unwrap();
    let mut damaged = bytes.to_vec();
    // Each page's header and first element in turn; a trap would end the whole test run.
    for page in 0..bytes.len() / 4096 {
        for byte in [0, 8, 10, 12, 16, 20, 24] {
            let at = page * 4096 + byte;
            damaged[at] ^= 0xff;
            let inspection = inspected("damaged.db", &damaged);
            assert!(
                inspection.report.blocks(),
                "page {page}, byte {byte}: {:?}",
                inspection.verdict
            );
            damaged[at] ^= 0xff;
        }
    }
    for length in (0..bytes.len()).step_by(509) {
        let inspection = inspected("cut.db", &bytes[..length]);
        assert!(
            inspection.report.blocks(),
            "cut to {length}: {:?}",
            inspection.verdict
        );
    }
}
