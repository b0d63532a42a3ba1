use requorum_shared::etcd::inspection::{Contents, FORMAT, FileFacts, Part, Status, Verdict};
use requorum_shared::finding::{Finding, Report};

use super::*;

fn file(name: &str, revision: i64, bytes: Outcome, structure: Outcome) -> Inspection {
    let part = |outcome| Part {
        outcome,
        evidence: String::new(),
        findings: 0,
    };
    Inspection {
        format: FORMAT.into(),
        file: FileFacts {
            name: name.into(),
            size: 1,
            sha256: name.into(),
            kind: FileKind::Snapshot,
            page_size: 4096,
            high_water_mark: 9,
            txid: 3,
        },
        verdict: Verdict {
            sentence: String::new(),
            bytes: part(bytes),
            structure: part(structure),
            meaning: part(Outcome::Pass),
        },
        status: Some(Status {
            hash: 1,
            revision,
            total_key: 0,
            total_key_35: 0,
            total_size: 0,
            version: String::new(),
        }),
        hash_kv: None,
        contents: Some(Contents {
            current_revision: revision,
            ..Contents::default()
        }),
        report: Report::default(),
        pages: Vec::new(),
    }
}

fn names(files: &[&Inspection]) -> Vec<String> {
    rank(files)
        .iter()
        .map(|p| files[p.index].file.name.clone())
        .collect()
}

#[test]
fn a_whole_file_beats_a_newer_damaged_one() {
    let old = file("old", 10, Outcome::Pass, Outcome::Pass);
    let new = file("new", 20, Outcome::Pass, Outcome::Pass);
    let torn = file("torn", 99, Outcome::Fail, Outcome::Fail);
    let copy = file("copy", 50, Outcome::NotChecked, Outcome::Pass);
    let files = [&old, &torn, &copy, &new];
    assert_eq!(names(&files), ["new", "old", "copy", "torn"]);
    let placed = rank(&files);
    assert!(
        placed[0].why.starts_with("Best: whole"),
        "{}",
        placed[0].why
    );
    assert!(
        placed[1].why.contains("10 revisions behind"),
        "{}",
        placed[1].why
    );
    assert!(placed[2].why.starts_with("Newer"), "{}", placed[2].why);
    assert!(placed[3].why.starts_with("Damaged"), "{}", placed[3].why);
}

#[test]
fn equal_files_keep_their_order() {
    let a = file("a", 10, Outcome::Pass, Outcome::Pass);
    let b = file("b", 10, Outcome::Pass, Outcome::Pass);
    assert_eq!(names(&[&a, &b]), ["a", "b"]);
    assert_eq!(names(&[&b, &a]), ["b", "a"]);
    assert_eq!(rank(&[&a, &b])[1].why, "As good as the best.");
}

#[test]
fn the_raft_index_decides_between_equal_revisions() {
    let mut a = file("a", 10, Outcome::Pass, Outcome::Pass);
    let mut b = file("b", 10, Outcome::Pass, Outcome::Pass);
    a.contents.as_mut().unwrap().consistent_index = Some(7);
    b.contents.as_mut().unwrap().consistent_index = Some(8);
    assert_eq!(names(&[&a, &b]), ["b", "a"]);
}

#[test]
fn a_blocking_finding_is_damage_whatever_the_parts_say() {
    let mut bad = file("bad", 10, Outcome::Pass, Outcome::Pass);
    bad.report.push(Finding::blocking("x", "file", "bad"));
    assert_eq!(trust(&bad), Trust::Broken);
    bad.file.kind = FileKind::Unknown;
    assert_eq!(trust(&bad), Trust::None);
}
