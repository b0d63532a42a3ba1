//! What `check` calls restorable restores and boots: a sample of the odd and damaged files that the property tests of
//! `shared` make, each with a real server.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tempfile::TempDir;

use crate::build::with_trailer;
use crate::harness::{Ran, peers, requorum};
use crate::odd::{damage, odd_file, oddity};
use crate::restore::{boot, fixture, prove};

/// So many files of each of the two kinds.
const EACH: usize = 8;
/// Files that are made until there are enough that can be restored.
const TRIES: usize = 300;
/// What to damage: those of the property test that any server from 3.6 on can boot.
const SEEDS: [&str; 6] = [
    "3.4.23-lease",
    "3.5.33-freelist",
    "3.6.14-empty",
    "3.6.14-lease",
    "3.7.1-auth",
    "synthetic-page1024",
];
/// Every choice that there is.
const CHOICES: [&str; 6] = [
    "--skip-hash-check",
    "--accept-older-meta",
    "--clear-alarms",
    "--disable-auth",
    "--clear-downgrade",
    "--lower-versions",
];

fn odd() -> impl Strategy<Value = Vec<u8>> {
    let oddities = prop::collection::vec(oddity(), 1..4);
    (oddities, any::<bool>()).prop_map(|(oddities, seal)| odd_file(&oddities, seal))
}

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let seed = prop::sample::select(&SEEDS[..]);
    let damages = prop::collection::vec(damage(), 1..3);
    (seed, damages, any::<bool>()).prop_map(|(seed, damages, fix_trailer)| {
        let mut bytes = std::fs::read(fixture(seed)).unwrap();
        let page_size = if seed.ends_with("1024") { 1024 } else { 4096 };
        for damage in &damages {
            damage.apply(&mut bytes, page_size);
        }
        if fix_trailer {
            bytes.truncate(bytes.len() / 512 * 512);
            bytes = with_trailer(bytes);
        }
        bytes
    })
}

/// What the check has to say of a file, if it says that it can be restored and is not simply sound.
fn restorable(path: &Path) -> Option<Vec<String>> {
    let ran: Ran = requorum(["snapshot", "check", "--json", path.to_str().unwrap()]);
    let seen: Value = serde_json::from_str(&ran.stdout).ok()?;
    let findings = seen["report"]["findings"].as_array()?;
    let code = |finding: &Value| finding["code"].as_str().unwrap_or_default().to_owned();
    let blocking = |finding: &&Value| {
        finding["severity"] == "blocking" && !code(finding).starts_with("trailer.")
    };
    let can_be = !findings.iter().any(|finding| blocking(&finding))
        && seen["details"]["etcd"]["status"].is_object();
    (can_be && !findings.is_empty()).then(|| findings.iter().map(code).collect())
}

/// Files that check calls restorable, each with what it says of them. The same ones at every run.
fn sample(
    folder: &TempDir,
    name: &str,
    files: impl Strategy<Value = Vec<u8>>,
) -> Vec<(PathBuf, Vec<String>)> {
    let mut runner = TestRunner::deterministic();
    let mut found = Vec::new();
    let mut kinds = HashSet::new();
    for n in 0..TRIES {
        let bytes = files.new_tree(&mut runner).unwrap().current();
        let path = folder.path().join(format!("{name}-{n}.db"));
        std::fs::write(&path, bytes).unwrap();
        // Each says something else: what is said once need not be booted again.
        if let Some(codes) = restorable(&path).filter(|codes| kinds.insert(codes.clone())) {
            found.push((path, codes));
        }
        if found.len() == EACH {
            break;
        }
    }
    found
}

#[test]
fn odd_and_damaged_files_that_check_calls_restorable_are_restored_and_boot() {
    let versions: Vec<_> = peers().all().filter(|peer| peer.at_least(6)).collect();
    if versions.is_empty() {
        peers().newest_or_skip(6, "odd and damaged files");
        return;
    }
    let folder = TempDir::new().unwrap();
    let mut files = sample(&folder, "odd", odd());
    files.extend(sample(&folder, "damaged", damaged()));
    assert!(files.len() >= 12, "only {} files: {files:?}", files.len());
    // Versions take turns.
    for ((file, codes), peer) in files.iter().zip(versions.into_iter().cycle()) {
        eprintln!("{} {} {codes:?}", peer.name(), file.display());
        let cluster = boot(peer, 1, file, &CHOICES);
        prove(&cluster);
    }
}
