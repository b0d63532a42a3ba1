use requorum_shared::etcd::storage::inspection::{
    Contents, DatabaseDetails, ETCD_SNAPSHOT, FileKind, MemberFacts, Status,
};
use requorum_shared::finding::{Outcome, Severity};
use requorum_shared::inspection::{FileFacts, Judgement, PartName};

use super::*;

fn member(name: &str, url: &str, learner: bool) -> MemberFacts {
    MemberFacts {
        id: "1".into(),
        name: name.into(),
        peer_urls: vec![url.into()],
        client_urls: Vec::new(),
        learner,
    }
}

fn inspection() -> Inspection {
    let parts = [PartName::Bytes, PartName::Structure, PartName::Meaning]
        .map(|name| (name, Judgement::clean(Outcome::Pass, "")));
    let file = FileFacts {
        name: "prod.db".into(),
        size: 20_512,
        sha256: "ab".repeat(32),
    };
    let details = DatabaseDetails {
        kind: FileKind::Snapshot,
        page_size: 4096,
        high_water_mark: 5,
        txid: 3,
        status: Some(Status {
            hash: 1,
            revision: 339,
            total_key: 1,
            total_key_35: 1,
            total_size: 1,
            version: "3.5.0".into(),
        }),
        hash_kv: None,
        contents: Some(Contents {
            members: Some(vec![
                member("a", "http://10.0.0.1:2380", false),
                member("", "http://10.0.0.2:2380", false),
                member("c", "http://10.0.0.3:2380", true),
            ]),
            current_revision: Some(339),
            written_by: Some("3.5".into()),
            ..Contents::default()
        }),
    };
    let label = "an etcd snapshot";
    Inspection::judged(ETCD_SNAPSHOT, label, file, String::new(), parts, details)
}

fn roots() -> Vec<RootChoice> {
    vec![RootChoice {
        name: "data".into(),
        path: "/srv/restore/".into(),
        free_bytes: 1 << 40,
    }]
}

fn form() -> RestoreForm {
    RestoreForm::suggested(&inspection(), &roots(), "2026-11-21", 0x7f)
}

#[test]
fn the_form_opens_with_something_that_can_be_sealed() {
    let form = form();
    assert_eq!(
        form.members.len(),
        1,
        "learners and members without a name are left out"
    );
    assert_eq!(form.token, "etcd-2026-11-21-007f");
    assert_eq!(form.target_version, TargetVersion::V3_5);
    let report = form.report(&inspection(), &roots());
    assert!(!report.blocks(), "{report:?}");
    let (request, findings) = form.request("ab");
    assert_eq!(findings, []);
    assert_eq!(request.bump_revision, WHEN_UNKNOWN);
    assert!(request.mark_compacted);
    assert_eq!(
        request.target,
        Target::Folder {
            root: "data".into(),
            path: "etcd-2026-11-21-007f".into()
        }
    );
}

#[test]
fn rows_are_added_removed_and_pasted() {
    let mut form = form();
    form.members[0].name = "m1".into();
    form.add_member();
    form.add_member();
    assert_eq!(
        form.members
            .iter()
            .map(|m| m.name.as_str())
            .collect::<Vec<_>>(),
        ["m1", "m2", "m3"]
    );
    let key = form.members[1].key;
    form.remove_member(key);
    form.add_member();
    assert_eq!(form.members.last().unwrap().name, "m2");
    let keys: std::collections::BTreeSet<_> = form.members.iter().map(|m| m.key).collect();
    assert_eq!(keys.len(), 3, "keys stay unique");

    form.paste("--initial-cluster 'x=http://a:1,x=http://a:2,y=http://b:1'")
        .unwrap();
    assert_eq!(form.members[0].urls, "http://a:1, http://a:2");
    assert_eq!(
        form.initial_cluster(),
        "x=http://a:1,x=http://a:2,y=http://b:1"
    );
    let before = form.clone();
    assert!(form.paste("nonsense").is_err());
    assert_eq!(form, before, "what was there is kept");
}

#[test]
fn a_space_in_a_name_is_not_swallowed_by_the_form() {
    let mut form = form();
    form.members[0].name = " a".into();
    let report = form.report(&inspection(), &roots());
    assert!(report.find("member.name-space").is_some(), "{report:?}");
}

#[test]
fn a_bump_that_is_no_number_blocks_and_says_so_once() {
    let mut form = form();
    form.bump = "lots".into();
    let report = form.report(&inspection(), &roots());
    let bumps: Vec<_> = report
        .findings
        .iter()
        .filter(|f| f.code.starts_with("bump."))
        .collect();
    assert_eq!(bumps.len(), 1);
    assert_eq!(
        (bumps[0].code.as_str(), bumps[0].severity),
        ("bump.number", Severity::Blocking)
    );
    form.bump = "1 000_000".into();
    assert_eq!(form.request("x").0.bump_revision, 1_000_000);
    form.bump = (1_u64 << 53).to_string();
    assert!(
        form.report(&inspection(), &roots())
            .find("bump.inexact")
            .is_some(),
        "a plan could not hold it"
    );
    form.bump = u64::MAX.to_string();
    assert!(
        form.report(&inspection(), &roots())
            .find("bump.overflow")
            .is_some()
    );
}

#[test]
fn without_a_bump_nothing_is_marked() {
    let mut form = form();
    form.bump_on = false;
    let (request, _) = form.request("x");
    assert_eq!((request.bump_revision, request.mark_compacted), (0, false));
}

#[test]
fn the_suggestion_follows_what_was_seen() {
    let mut form = form();
    assert_eq!(form.suggestion(&inspection()), None);
    form.seen = "144 452".into();
    let suggestion = form.suggestion(&inspection()).unwrap();
    assert_eq!(suggestion.floor, 144_113);
    assert!(suggestion.bump >= suggestion.floor);
}

#[test]
fn the_servers_word_on_the_target_counts_and_ours_is_dropped() {
    let here = form().report(&inspection(), &roots());
    assert!(here.find("target.unseen").is_some());
    let server = [
        Finding::blocking("target.exists", "target", "there already").in_field("target"),
        Finding::warning("token.used", "--initial-cluster-token", "used before"),
    ];
    let merged = merge(&here, &server);
    assert!(merged.find("target.unseen").is_none());
    assert!(merged.find("target.exists").is_some() && merged.find("token.used").is_some());
    let again = merge(&merged, &server);
    assert_eq!(
        again.findings.len(),
        merged.findings.len(),
        "nothing is said twice"
    );
}

#[test]
fn what_is_typed_survives_its_storage() {
    let form = form();
    let text = serde_json::to_string(&form).unwrap();
    assert_eq!(serde_json::from_str::<RestoreForm>(&text).unwrap(), form);
}
