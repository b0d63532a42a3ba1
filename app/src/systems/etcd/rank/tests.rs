use requorum_shared::etcd::storage::inspection::{Contents, ETCD_SNAPSHOT, FileKind, Status};
use requorum_shared::finding::{Finding, Outcome};
use requorum_shared::inspection::{Judgement, PartName};
use requorum_shared::kinds::Details;

use super::*;

fn file(name: &str, revision: i64, bytes: Outcome, structure: Outcome) -> Inspection {
    let parts = [
        (PartName::Checksum, bytes),
        (PartName::Structure, structure),
        (PartName::Content, Outcome::Pass),
    ]
    .map(|(name, outcome)| (name, Judgement::clean(outcome, "")));
    let file = FileFacts {
        name: name.into(),
        size: 1,
        sha256: name.into(),
    };
    let details = DatabaseDetails {
        kind: FileKind::Snapshot,
        page_size: 4096,
        high_water_mark: 9,
        txid: 3,
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
            current_revision: Some(revision),
            ..Contents::default()
        }),
    };
    let details = Details::Etcd(Box::new(details));
    Inspection::judged(
        ETCD_SNAPSHOT,
        "an etcd snapshot",
        file,
        String::new(),
        parts,
        details,
    )
}

/// What the tests change of a file.
trait Change {
    fn etcd_mut(&mut self) -> &mut DatabaseDetails;
    fn set(&mut self, part: PartName, outcome: Outcome);
}

impl Change for Inspection {
    fn etcd_mut(&mut self) -> &mut DatabaseDetails {
        match &mut self.details {
            Details::Etcd(details) => details,
            _ => panic!("a database"),
        }
    }

    fn set(&mut self, part: PartName, outcome: Outcome) {
        let mut parts = self.verdict.parts.iter_mut();
        parts.find(|own| own.name == part).unwrap().outcome = outcome;
    }
}

fn rank(files: &[&Inspection]) -> Vec<Placed> {
    crate::systems::rank(files).placed
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
        placed[0].why.starts_with("Best: verified"),
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
    let why = &rank(&[&a, &b])[1].why;
    assert!(why.contains("unknown without HashKV"), "{why}");
}

#[test]
fn the_raft_index_decides_between_equal_revisions() {
    let mut a = file("a", 10, Outcome::Pass, Outcome::Pass);
    let mut b = file("b", 10, Outcome::Pass, Outcome::Pass);
    a.etcd_mut().contents.as_mut().unwrap().consistent_index = Some(7);
    b.etcd_mut().contents.as_mut().unwrap().consistent_index = Some(8);
    assert_eq!(names(&[&a, &b]), ["b", "a"]);
}

#[test]
fn a_blocking_finding_is_damage_whatever_the_parts_say() {
    let mut bad = file("bad", 10, Outcome::Pass, Outcome::Pass);
    bad.report.push(Finding::blocking("x", "file", "bad"));
    assert_eq!(bad.trust(), Trust::Damaged);
    bad.verdict.judged = false;
    assert_eq!(bad.trust(), Trust::Unknown);
}

fn hashed(name: &str, revision: i64, hash: u32, members: &[&str]) -> Inspection {
    let mut file = file(name, revision, Outcome::Pass, Outcome::Pass);
    file.etcd_mut().hash_kv = Some(HashKv {
        hash,
        hash_revision: revision,
        compact_revision: -1,
    });
    let members = members.iter().map(|id| MemberFacts {
        id: (*id).into(),
        name: format!("m{id}"),
        peer_urls: Vec::new(),
        client_urls: Vec::new(),
        learner: false,
    });
    file.etcd_mut().contents.as_mut().unwrap().members = Some(members.collect());
    file
}

fn whys(files: &[&Inspection]) -> Vec<String> {
    rank(files).into_iter().map(|placed| placed.why).collect()
}

#[test]
fn files_of_one_revision_that_disagree_have_no_best() {
    let a = hashed("a.db", 10, 1, &["a"]);
    let b = hashed("b.db", 10, 2, &["a"]);
    for files in [[&a, &b], [&b, &a]] {
        for why in whys(&files) {
            assert!(
                why.starts_with("Same revision, different HashKV") && why.contains("disagree"),
                "{why}"
            );
            assert!(!why.starts_with("Best"), "{why}");
        }
    }
    // One of them may be a copy that nothing proves: that they differ is no less worth knowing.
    let mut copy = b.clone();
    copy.set(PartName::Checksum, Outcome::NotChecked);
    assert!(
        whys(&[&a, &copy])
            .iter()
            .all(|why| why.contains("disagree"))
    );
    // A damaged file proves nothing against a whole one.
    let mut broken = b.clone();
    broken.set(PartName::Checksum, Outcome::Fail);
    let why = whys(&[&a, &broken]);
    assert!(why[0].starts_with("Best: verified"), "{why:?}");
    // Two that disagree do not take the place of a newer one.
    let newer = hashed("c.db", 11, 3, &["a"]);
    let why = whys(&[&a, &newer, &b]);
    assert!(why[0].starts_with("Best: verified"), "{why:?}");
    assert!(
        why[1..].iter().all(|why| why.contains("disagree")),
        "{why:?}"
    );
    // A third that sides with the first is not the best either.
    let mut same = hashed("d.db", 10, 1, &["a"]);
    same.file.sha256 = "d".into();
    let why = whys(&[&a, &b, &same]);
    assert!(why.iter().all(|why| why.contains("disagree")), "{why:?}");
}

#[test]
fn equal_hash_kv_is_the_same_content_whatever_the_bytes() {
    let a = hashed("a", 10, 1, &["a"]);
    let mut b = hashed("b", 10, 1, &["a"]);
    assert!(whys(&[&a, &b])[1].starts_with("Same content as the best"));
    b.etcd_mut().status.as_mut().unwrap().hash = 7;
    assert!(whys(&[&a, &b])[1].starts_with("Same keys as the best"));
    b.etcd_mut().hash_kv.as_mut().unwrap().compact_revision = 5;
    assert!(whys(&[&a, &b])[1].contains("cannot be compared"));
}

#[test]
fn clusters_that_have_no_member_in_common_are_not_compared() {
    let a = hashed("a", 10, 1, &["a", "b"]);
    let b = hashed("b", 900, 2, &["c"]);
    let ranking = crate::systems::rank(&[&a, &b]);
    assert_eq!(
        ranking.clusters,
        ["Cluster of ma, mb (member a)", "Cluster of mc (member c)"]
    );
    let clusters: Vec<_> = ranking.placed.iter().map(|placed| placed.cluster).collect();
    assert_eq!(clusters, [Some(0), Some(1)]);
    let why = whys(&[&a, &b]);
    assert!(
        why.iter().all(|why| why.starts_with("Verified, revision")),
        "{why:?}"
    );
    assert_eq!(names(&[&a, &b]), ["a", "b"], "the order says nothing");
    // A file that knows members of both makes them one.
    let both = hashed("both", 20, 3, &["b", "c"]);
    assert_eq!(names(&[&a, &b, &both]), ["b", "both", "a"]);
    // Where the members are unknown, one cluster is taken for granted, two are not.
    let mut lost = hashed("lost", 30, 4, &[]);
    lost.etcd_mut().contents.as_mut().unwrap().members = None;
    assert_eq!(names(&[&a, &lost]), ["lost", "a"]);
    let ranking = crate::systems::rank(&[&a, &b, &lost]);
    assert_eq!(ranking.clusters[2], "Unknown cluster");
    let revisions = ranking.placed.iter().map(|placed| placed.revision);
    assert!(revisions.eq([Some(10), Some(900), Some(30)]));
}

#[test]
fn an_unknown_revision_is_the_lowest() {
    let mut lost = hashed("lost", 10, 1, &["a"]);
    lost.etcd_mut().contents.as_mut().unwrap().current_revision = None;
    lost.set(PartName::Structure, Outcome::Fail);
    let mut one = hashed("one", 1, 1, &["a"]);
    one.set(PartName::Structure, Outcome::Fail);
    assert_eq!(names(&[&lost, &one]), ["one", "lost"]);
    let why = whys(&[&lost, &one]);
    assert!(why[1].contains("revision unknown"), "{why:?}");
}
