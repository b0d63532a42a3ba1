//! What is known of a file is said, what is not known is unknown, and no advice is refused by what it recommends.

use proptest::prelude::*;
use requorum_shared::bbolt::Database;
use requorum_shared::bbolt::scan::PageKind;
use requorum_shared::etcd::recovery::restore::cluster::Cluster;
use requorum_shared::etcd::recovery::restore::edit::edit;
use requorum_shared::etcd::recovery::restore::observation::{
    Observation, SourceFacts, TargetFacts, TargetState,
};
use requorum_shared::etcd::recovery::restore::{
    CleanUp, MemberRequest, RestoreRequest, Target, TargetVersion, check,
};
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::finding::{Outcome, Report, Severity};
use requorum_shared::inspection::PartName;
use requorum_shared::inspection::Trust;
use requorum_shared::kinds::inspect_as_etcd as inspect;
use serde_json::Value;

use crate::build::*;
use crate::fixtures::{fixture, fixtures};
use crate::inspection::look;
use crate::odd::damage;
use crate::status::scan;

/// A file of `testdata/cases`, inspected under its own name.
#[expect(clippy::disallowed_methods, reason = "tests may read files")]
fn case(name: &str) -> (Vec<u8>, Inspection) {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/cases");
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let seen = inspect(scan(&bytes, 1 << 20), name, &bytes.as_slice());
    (bytes, seen)
}

fn request(seen: &Inspection, skip_hash_check: bool) -> RestoreRequest {
    RestoreRequest {
        snapshot: seen.file.sha256.clone(),
        members: vec![MemberRequest {
            name: "m1".to_owned(),
            peer_urls: vec!["http://10.0.0.1:2380".to_owned()],
        }],
        token: "fresh".to_owned(),
        bump_revision: 0,
        mark_compacted: false,
        skip_hash_check,
        accept_older_meta: false,
        target_version: TargetVersion::V3_7,
        clean_up: CleanUp::default(),
        target: Target::Download,
        last_seen: None,
    }
}

fn observation(seen: &Inspection) -> Observation {
    Observation {
        source: SourceFacts::from(seen),
        target: TargetFacts {
            place: "a download".to_owned(),
            root_known: true,
            state: TargetState::Missing,
            free_bytes: None,
        },
        cluster: String::new(),
    }
}

fn texts(report: &Report) -> impl Iterator<Item = &str> {
    report
        .findings
        .iter()
        .flat_map(|f| [f.what.as_str(), f.why.as_str(), f.todo.as_str()])
}

/// No text of the document, or of the check before a restore, recommends what the restore refuses.
#[track_caller]
fn consistent(bytes: &[u8], seen: &Inspection) {
    let verdict = &seen.verdict;
    let failed = seen.trust() <= Trust::Damaged;
    let refusal = check(&request(seen, false), &observation(seen));
    let mut said: Vec<&str> = vec![&verdict.sentence, &verdict.advice];
    said.extend(texts(&seen.report));
    said.extend(texts(&refusal));
    let recommended = |flag: &str| said.iter().any(|text| text.contains(flag));
    if recommended("--skip-hash-check") {
        let request = RestoreRequest {
            accept_older_meta: recommended("--accept-older-meta"),
            clean_up: CleanUp {
                versions: recommended("--lower-versions"),
                ..CleanUp::default()
            },
            ..request(seen, true)
        };
        let skipping = check(&request, &observation(seen));
        assert!(!skipping.blocks(), "{said:#?}\n{skipping:#?}");
        let cluster = Cluster::new(&request.members, &request.token).unwrap();
        let database = Database::open(&bytes).unwrap();
        let edited = edit(&database, &cluster, &request);
        assert!(edited.is_ok(), "{edited:?}\n{said:#?}");
    }
    // One advice: where there is one for the whole, no finding has another.
    if failed {
        assert!(!verdict.advice.is_empty(), "{seen:#?}");
        for finding in &seen.report.findings {
            assert_eq!(finding.todo, "", "{}: {}", finding.code, verdict.advice);
        }
        let blocking = refusal
            .findings
            .iter()
            .filter(|f| f.severity == Severity::Blocking);
        let todos = blocking.filter(|f| !f.todo.is_empty() && f.code != "source.other");
        assert!(todos.count() <= 1, "{refusal:#?}");
    }
    // One cause, one finding.
    let mut kinds: Vec<_> = seen
        .report
        .findings
        .iter()
        .map(|f| (&f.code, f.severity, &f.why))
        .collect();
    let all = kinds.len();
    kinds.sort();
    kinds.dedup();
    assert!(all - kinds.len() <= 2, "{:#?}", seen.report);
    unknown_is_unknown(seen);
}

/// Numbers are there when all that they are counted from was read, and absent otherwise.
#[track_caller]
fn unknown_is_unknown(seen: &Inspection) {
    let Some(contents) = &seen.details.contents else {
        return;
    };
    let lost = |name: &str| contents.unreadable.iter().any(|lost| lost == name);
    assert_eq!(
        contents.revisions.is_none(),
        lost("key") || !has(seen, "key")
    );
    assert_eq!(contents.lease_count.is_none(), lost("lease"));
    if lost("auth") || lost("key") || lost("meta") {
        assert!(seen.trust() == Trust::Damaged, "{}", seen.verdict.sentence);
    }
    if lost("key") || lost("meta") {
        assert!(seen.details.status.is_none());
    }
    for bucket in &contents.buckets {
        assert_eq!(bucket.complete, bucket.pairs.is_some());
        assert_eq!(bucket.complete, bucket.bytes.is_some());
    }
    if contents.buckets.iter().any(|bucket| !bucket.complete) {
        assert_eq!(contents.free_bytes, None, "{}", seen.verdict.sentence);
    }
    assert!(
        contents
            .current_revision
            .is_none_or(|revision| revision >= 1)
    );
}

fn has(seen: &Inspection, name: &str) -> bool {
    let contents = seen.details.contents.as_ref();
    contents.is_some_and(|contents| contents.buckets.iter().any(|bucket| bucket.name == name))
}

#[test]
fn no_fixture_gets_an_advice_that_is_refused() {
    for f in fixtures() {
        consistent(&f.bytes, &look(&f.bytes));
        // The same cut, with a wrong end, and with each page zeroed in turn.
        let mut wrong = f.bytes.clone();
        *wrong.last_mut().unwrap() ^= 1;
        consistent(&wrong, &look(&wrong));
        for page in 0..(f.bytes.len() / 4096).min(24) {
            let mut zeroed = f.bytes.clone();
            zeroed[page * 4096..(page + 1) * 4096].fill(0);
            consistent(&zeroed, &look(&zeroed));
            let image = zeroed.len() / 512 * 512;
            zeroed.truncate(image);
            consistent(&zeroed, &look(&zeroed));
        }
        for part in 1..8 {
            let cut = &f.bytes[..f.bytes.len() * part / 8];
            consistent(cut, &look(cut));
            let cut = &f.bytes[..f.bytes.len() * part / 8 / 512 * 512];
            consistent(cut, &look(cut));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damaged_file_gets_an_advice_that_is_refused(
        seed in prop::sample::select(&["3.6.14-mixed", "3.5.33-auth", "3.4.23-lease", "3.6.14-nospace"][..]),
        damages in prop::collection::vec(damage(), 1..4),
        trailer in 0..3,
    ) {
        let mut bytes = fixture(seed).bytes;
        for damage in &damages {
            damage.apply(&mut bytes, 4096);
        }
        if trailer > 0 {
            bytes.truncate(bytes.len() / 512 * 512);
        }
        if trailer > 1 {
            bytes = with_trailer(bytes);
        }
        consistent(&bytes, &look(&bytes));
    }
}

#[test]
fn a_lost_bucket_key_is_said_first_and_counted_as_unknown() {
    let (bytes, seen) = case("10-key-lost.db");
    consistent(&bytes, &seen);
    let verdict = &seen.verdict;
    assert!(
        verdict.sentence.starts_with(
            "Do not restore this file: bucket `key` cannot be read, so all keys are lost"
        ),
        "{}",
        verdict.sentence
    );
    let json = serde_json::to_value(&seen).unwrap();
    let contents = &json["details"]["contents"];
    for name in ["revisions", "tombstones", "free_bytes", "current_revision"] {
        assert_eq!(contents[name], Value::Null, "{name}");
    }
    let buckets = contents["buckets"].as_array().unwrap();
    let key = buckets.iter().find(|b| b["name"] == "key").unwrap();
    assert_eq!(
        (&key["pairs"], &key["complete"]),
        (&Value::Null, &Value::Bool(false))
    );
    assert_eq!(json["details"]["status"], Value::Null);
    let runs = seen
        .page_map
        .runs
        .iter()
        .filter(|run| run.kind == PageKind::Unreached);
    let unreached: u64 = runs.map(|run| run.count).sum();
    assert!(unreached > 0);
    assert!(
        verdict
            .evidence(PartName::Structure)
            .contains(&format!("the use of {unreached} is unknown")),
        "{}",
        verdict.evidence(PartName::Structure)
    );
}

#[test]
fn the_loss_is_named_wherever_it_is() {
    // The root of bucket `key`, its leaves, the list of buckets, another bucket.
    let sentence = |pages: &[u64]| {
        let mut image = sample();
        for page in pages {
            image.page(*page).fill(0);
        }
        let bytes = image.snapshot();
        let seen = look(&bytes);
        consistent(&bytes, &seen);
        seen.verdict.sentence
    };
    let all = "bucket `key` cannot be read, so all keys are lost";
    assert!(sentence(&[BRANCH]).contains(all), "{}", sentence(&[BRANCH]));
    let leaves = sentence(&[4, 5, 6, 7]);
    assert!(leaves.contains(all), "{leaves}");
    let root = sentence(&[ROOT]);
    assert!(root.contains("all keys are lost"), "{root}");
    let members = sentence(&[MEMBERS]);
    assert!(
        members.contains("bucket `members` cannot be read"),
        "{members}"
    );
    assert!(!members.contains("keys are lost"), "{members}");
    let both = sentence(&[BRANCH, MEMBERS]);
    assert!(both.contains(all) && both.contains("`members`"), "{both}");
    let part = sentence(&[5]);
    assert!(part.contains("about 5 key revisions are lost"), "{part}");
}

#[test]
fn authentication_that_cannot_be_read_is_not_off() {
    let (bytes, seen) = case("11-auth-unreadable.db");
    consistent(&bytes, &seen);
    assert!(
        seen.verdict
            .sentence
            .contains("bucket `auth` cannot be read")
            && seen.verdict.sentence.contains("authentication"),
        "{}",
        seen.verdict.sentence
    );
    let json = serde_json::to_value(&seen).unwrap();
    assert_eq!(json["details"]["contents"]["auth"]["enabled"], Value::Null);
    assert_eq!(json["details"]["contents"]["current_revision"], 11);
    assert_eq!(seen.details.contents.unwrap().unreadable, ["auth"]);
}

#[test]
fn authentication_without_root_is_a_warning_before_and_at_the_restore() {
    let (bytes, seen) = case("13-no-root.db");
    consistent(&bytes, &seen);
    assert_eq!(seen.trust(), Trust::Verified);
    let finding = seen.report.find("auth.administration").unwrap();
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.what.contains("no user root"), "{}", finding.what);
    let report = check(&request(&seen, false), &observation(&seen));
    assert!(!report.blocks(), "{report:#?}");
    let finding = report.find("auth.administration").unwrap();
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.todo.contains("--disable-auth"), "{}", finding.todo);
    assert!(!texts(&report).any(|text| text.contains("root's password")));
}

#[test]
fn everyone_who_could_administer_is_looked_for() {
    let user = |name: &str, password: &str, roles: &[&str]| {
        let mut value = vec![0x0a, name.len() as u8];
        value.extend_from_slice(name.as_bytes());
        for (tag, text) in std::iter::once((0x12, &password)).chain(roles.iter().map(|r| (0x1a, r)))
        {
            value.extend([tag, text.len() as u8]);
            value.extend_from_slice(text.as_bytes());
        }
        pair(name, value)
    };
    let said = |users: &[Element]| {
        let mut image = sample();
        let mut elements = buckets();
        elements.push(nested("auth", inline(&[pair("authEnabled", [1])])));
        elements.push(nested("authUsers", inline(users)));
        elements.sort_by(|a, b| a.1.cmp(&b.1));
        image.leaf(ROOT, &elements);
        let seen = look(&image.snapshot());
        let finding = seen.report.find("auth.administration");
        finding.map(|f| f.what.clone()).unwrap_or_default()
    };
    assert_eq!(said(&[user("root", "x", &["root"])]), "");
    assert!(said(&[]).contains("no user"));
    assert!(said(&[user("a", "x", &["r"])]).contains("no user root"));
    let without = said(&[user("root", "x", &["r"])]);
    assert!(without.contains("does not have the role root"), "{without}");
    let certificates = said(&[user("a", "", &["r"]), user("root", "", &["root"])]);
    assert!(
        certificates.contains("only client certificates"),
        "{certificates}"
    );
    let some = said(&[user("a", "x", &["r"]), user("root", "", &["root"])]);
    assert!(some.contains("(root)"), "{some}");
    let other = said(&[user("admin", "x", &["root"])]);
    assert!(other.contains("admin has the role root"), "{other}");
}

#[test]
fn a_compaction_ahead_of_all_keys_is_the_start_revision_everywhere() {
    let (bytes, seen) = case("15-compacted-ahead.db");
    consistent(&bytes, &seen);
    assert_eq!(seen.trust(), Trust::Verified);
    assert_eq!(seen.start_revision(), Some(5000));
    assert_eq!(seen.details.hash_kv.unwrap().hash_revision, 5000);
    let request = request(&seen, false);
    let report = check(&request, &observation(&seen));
    assert!(
        texts(&report).any(|text| text == "The revision is not bumped: it continues from 5 000.")
    );
    let cluster = Cluster::new(&request.members, &request.token).unwrap();
    let edit = edit(
        &Database::open(&bytes.as_slice()).unwrap(),
        &cluster,
        &request,
    )
    .unwrap();
    assert_eq!(edit.start_revision(), 5000);
}

#[test]
fn notes_are_not_counted_as_faults() {
    // An empty leaf is a note; beside one real fault it does not make two.
    let mut image = sample();
    image.leaf(6, &[]);
    image.page(4)[8] = 0x40;
    let bytes = image.snapshot();
    let seen = look(&bytes);
    assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Fail);
    assert!(
        !seen
            .verdict
            .evidence(PartName::Structure)
            .contains("2 faults"),
        "{}",
        seen.verdict.evidence(PartName::Structure)
    );
}

#[test]
fn what_kubernetes_needs_beside_the_file_is_named() {
    let (bytes, seen) = case("14-k3s-encrypted.db");
    consistent(&bytes, &seen);
    assert_eq!(seen.trust(), Trust::Verified);
    let report = check(&request(&seen, false), &observation(&seen));
    assert!(!report.blocks(), "{report:#?}");
    for report in [&seen.report, &report] {
        let token = report.find("kubernetes.bootstrap").unwrap();
        assert_eq!(token.severity, Severity::Note);
        assert!(token.what.contains("k3s or RKE2"), "{}", token.what);
        assert!(
            token
                .what
                .contains("the server token whose SHA-256 begins 4e864cc9d096"),
            "{}",
            token.what
        );
        let encrypted = report.find("kubernetes.encrypted").unwrap();
        assert_eq!(
            encrypted.what,
            "4 of 5 secrets are encrypted with key `key1` (aescbc), which is not in the file."
        );
        assert!(encrypted.todo.contains("EncryptionConfiguration"));
    }
}

/// A sample whose bucket `key` has a leaf with these user keys and values.
fn with_keys(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut image = sample();
    let mut leaf = puts(7);
    for (element, (key, value)) in leaf.iter_mut().zip(entries) {
        let main = i64::from_be_bytes(*element.1.first_chunk().unwrap());
        element.2 = key_value(key, main, main, 1, value.as_bytes());
    }
    image.leaf(7, &leaf);
    image.snapshot()
}

#[test]
fn encryption_is_counted_over_live_keys_by_resource_and_key() {
    let what = |entries: &[(&str, &str)]| {
        let seen = look(&with_keys(entries));
        let finding = seen.report.find("kubernetes.encrypted");
        finding.map(|f| f.what.clone()).unwrap_or_default()
    };
    assert_eq!(what(&[("/registry/secrets/a/b", "k8s\0")]), "");
    let mixed = what(&[
        ("/registry/secrets/a/1", "k8s:enc:aescbc:v1:old:x"),
        ("/registry/secrets/a/2", "k8s:enc:secretbox:v1:new:x"),
        ("/registry/secrets/a/3", "k8s\0"),
        ("/registry/configmaps/a/1", "k8s:enc:kms:v2:vault:x"),
        // The first one again, in the clear: its old value does not count.
        ("/registry/secrets/a/1", "k8s\0"),
    ]);
    assert!(!mixed.contains("`old`"), "{mixed}");
    assert!(
        mixed.contains("1 of 3 secrets are encrypted with key `new` (secretbox)"),
        "{mixed}"
    );
    assert!(
        mixed.contains("1 of 1 configmaps are encrypted with KMS plugin `vault` (kms)"),
        "{mixed}"
    );
}

#[test]
fn members_with_one_name_or_url_are_named_whatever_the_conf_state_says() {
    let said = |second: &str| {
        let mut image = sample();
        let mut elements = buckets();
        let mut meta = meta_pairs();
        meta[0] = pair("confState", r#"{"voters":[10,11]}"#);
        elements[3].2 = inline(&meta);
        image.leaf(ROOT, &elements);
        image.leaf(
            MEMBERS,
            &[
                pair("a", r#"{"id":10,"peerURLs":["http://a:2380"],"name":"m1"}"#),
                pair("b", second),
            ],
        );
        let seen = look(&image.snapshot());
        let finding = seen.report.find("members.duplicate");
        finding.map(|f| f.what.clone()).unwrap_or_default()
    };
    let name = said(r#"{"id":11,"peerURLs":["http://b:2380"],"name":"m1"}"#);
    assert_eq!(name, "Members a and b have the same name, m1.");
    let url = said(r#"{"id":11,"peerURLs":["http://a:2380"],"name":"m2"}"#);
    assert_eq!(
        url,
        "Members a and b have the same peer URL, http://a:2380."
    );
    assert_eq!(
        said(r#"{"id":11,"peerURLs":["http://b:2380"],"name":"m2"}"#),
        ""
    );
    assert_eq!(
        said(r#"{"id":11,"peerURLs":["http://b:2380","http://b:2380"]}"#),
        ""
    );
}

#[test]
fn keys_on_leases_are_counted_with_what_a_restore_does_to_them() {
    let seen = look(&fixture("3.7.1-lease").bytes);
    let finding = seen.report.find("lease.keys").unwrap();
    assert_eq!(finding.severity, Severity::Note);
    assert!(finding.what.contains(" attached to "), "{}", finding.what);
    assert!(finding.why.contains("After a restore"), "{}", finding.why);
}

#[test]
fn a_revision_in_the_name_that_is_not_the_files() {
    let bytes = fixture("3.6.14-mixed").bytes;
    let said = |name: &str| {
        let seen = inspect(scan(&bytes, 1 << 20), name, &bytes.as_slice());
        seen.report.find("name.revision").map(|f| f.what.clone())
    };
    assert_eq!(
        said("prod-rev1200007.db").unwrap(),
        "Its name says revision 1 200 007; the file is of revision 339."
    );
    assert_eq!(said("prod-rev339.db"), None);
}

#[test]
fn text_over_a_page_and_a_flipped_bit_are_recognised() {
    let what = |damage: &dyn Fn(&mut Vec<u8>)| {
        let mut image = sample();
        damage(image.page(5));
        let bytes = image.snapshot();
        let seen = look(&bytes);
        consistent(&bytes, &seen);
        let all: Vec<String> = seen.report.findings.into_iter().map(|f| f.what).collect();
        all.join("\n")
    };
    let text = what(&|page| page[..22].copy_from_slice(b"Nov 28 17:08 kernel: x"));
    assert!(text.contains("`Nov 28 1`"), "{text}");
    let bit = what(&|page| page[2] ^= 0x10);
    assert!(bit.contains("one bit apart"), "{bit}");
}
