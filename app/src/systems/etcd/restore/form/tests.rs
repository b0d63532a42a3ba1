use requorum_shared::etcd::storage::inspection::{
    Contents, DatabaseDetails, ETCD_SNAPSHOT, FileKind, MemberFacts, Status,
};
use requorum_shared::finding::{Outcome, Severity};
use requorum_shared::inspection::{FileFacts, Judgement, PartName};

use super::carried::Choice;
use super::*;
use crate::plan_form::{drifted, merge};

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
    let parts = [PartName::Checksum, PartName::Structure, PartName::Content]
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
        free_bytes: Some(1 << 40),
    }]
}

fn form() -> RestoreForm {
    RestoreForm::suggested(&inspection(), &roots(), &fresh_token("2026-11-21", 0x7f))
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
    let report = form.here(&inspection(), &roots()).report;
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

    let pasted = paste::read("--initial-cluster 'x=http://a:1,x=http://a:2,y=http://b:1'").unwrap();
    let before = form.members.clone();
    let replaced = form.replace_members(&pasted);
    assert_eq!(form.members[0].urls, "http://a:1, http://a:2");
    assert_eq!(
        form.initial_cluster(),
        "x=http://a:1,x=http://a:2,y=http://b:1"
    );
    let keys: std::collections::BTreeSet<_> =
        form.members.iter().chain(&before).map(|m| m.key).collect();
    assert_eq!(keys.len(), 5, "no row is taken for another");
    form.put_back(replaced);
    assert_eq!(form.members, before, "undone");
}

#[test]
fn added_members_continue_the_names_that_are_there() {
    let next = |names: &[&str]| {
        let mut form = form();
        form.members = (0..)
            .zip(names)
            .map(|(key, name)| MemberRow {
                key,
                name: (*name).into(),
                urls: String::new(),
            })
            .collect();
        form.add_member();
        form.members.last().unwrap().name.clone()
    };
    for (names, name) in [
        (&["n1"][..], "n2"),
        (&["n1", "n2", "n3"], "n4"),
        (&["n1", "n3"], "n2"),
        (&["n5", "n6"], "n7"),
        (&["etcd-09"], "etcd-10"),
        (&["etcd-01", "etcd-02"], "etcd-03"),
        (&["db-1.example", "db-2.example"], "db-3.example"),
        (&["a1", "b7"], "b8"),
        (&["n1", "infra"], "n2"),
        (&["default"], "default-2"),
        (&["n4294967295"], "n4294967295-2"),
        (&[""], "m1"),
    ] {
        assert_eq!(next(names), name, "{names:?}");
    }
}

#[test]
fn the_revision_that_comes_out_is_known_before() {
    let mut form = form();
    let inspection = inspection();
    assert_eq!(form.start_revision(&inspection), Some(1_000_000_339));
    form.bump = "1 350 007".into();
    assert_eq!(form.start_revision(&inspection), Some(1_350_346));
    form.bump = "lots".into();
    assert_eq!(form.start_revision(&inspection), None);
    form.bump = u64::MAX.to_string();
    assert_eq!(form.start_revision(&inspection), None);
    form.bump_on = false;
    assert_eq!(form.start_revision(&inspection), Some(339));
}

fn with_alarms(kinds: &[&str]) -> Inspection {
    let mut inspection = inspection();
    let alarm = |kind: &&str| requorum_shared::etcd::storage::inspection::AlarmFacts {
        member_id: "1".into(),
        alarm: (*kind).into(),
    };
    let contents = inspection.details.contents.as_mut().unwrap();
    contents.alarms = Some(kinds.iter().map(alarm).collect());
    inspection
}

#[test]
fn an_alarm_that_refuses_writes_is_cleared_by_default_and_no_other() {
    for (alarms, cleared) in [
        (&[][..], false),
        (&["NOSPACE"], true),
        (&["NOSPACE", "NOSPACE"], true),
        (&["CORRUPT"], false),
        (&["NOSPACE", "CORRUPT"], false),
    ] {
        let form = RestoreForm::suggested(&with_alarms(alarms), &roots(), "t");
        assert_eq!(form.clean_up.alarms, cleared, "{alarms:?}");
    }
}

#[test]
fn choices_that_do_not_apply_are_one_line() {
    let inspection = with_alarms(&[]);
    let line = carried::nothing_to_clean(&inspection, TargetVersion::V3_6, 0).unwrap();
    assert!(
        line.starts_with("Nothing to clean up: no active alarms, "),
        "{line}"
    );
    let applies = |inspection: &Inspection, choice: Choice| {
        choice.applies(inspection, TargetVersion::V3_6).applies
    };
    assert!(!applies(&inspection, Choice::Alarms));
    assert!(!applies(&inspection, Choice::SkipHash));
    assert!(applies(&with_alarms(&["CORRUPT"]), Choice::Alarms));
    let mut newer = inspection;
    newer.details.contents.as_mut().unwrap().storage_version = Some("3.7.0".into());
    assert!(applies(&newer, Choice::Versions));
    assert!(
        !Choice::Versions
            .applies(&newer, TargetVersion::V3_7)
            .applies
    );
}

/// Presses the first button of the finding with this code until it is gone.
#[track_caller]
fn resolved(form: &mut RestoreForm, inspection: &Inspection, code: &str) {
    let roots = roots();
    let known = fix::Known {
        inspection,
        roots: &roots,
        token: "etcd-2026-11-21-beef",
    };
    let report = form.here(inspection, &roots).report;
    let finding = report
        .find(code)
        .unwrap_or_else(|| panic!("no {code} in {report:?}"));
    let fixes = fix::fixes(finding, form, &known);
    let first = fixes
        .first()
        .unwrap_or_else(|| panic!("no button at {code}"));
    assert!(!first.label(|n| n.to_string()).is_empty());
    first.apply(form);
    let report = form.here(inspection, &roots).report;
    assert!(report.find(code).is_none(), "{code} is still in {report:?}");
}

#[test]
fn each_finding_that_a_choice_resolves_has_the_button_that_does() {
    let nospace = with_alarms(&["NOSPACE"]);
    let mut form = RestoreForm::suggested(&nospace, &roots(), "etcd-2026-11-21-007f");
    form.clean_up.alarms = false;
    resolved(&mut form, &nospace, "alarms.active");
    assert!(form.clean_up.alarms);

    let inspection = inspection();
    type Change = fn(&mut RestoreForm);
    let changes: [(&str, Change); 16] = [
        ("alarms.clear-needless", |f| f.clean_up.alarms = true),
        ("auth.disable-needless", |f| f.clean_up.auth = true),
        ("downgrade.clear-needless", |f| f.clean_up.downgrade = true),
        ("version.lower-needless", |f| f.clean_up.versions = true),
        ("trailer.skip-needless", |f| f.skip_hash_check = true),
        ("meta.accept-needless", |f| f.accept_older_meta = true),
        ("bump.none", |f| f.bump_on = false),
        ("bump.small", |f| f.bump = "10".into()),
        ("bump.number", |f| f.bump = "lots".into()),
        ("bump.without-mark", |f| f.mark_compacted = false),
        ("bump.too-small", |f| {
            f.seen = "5000000".into();
            f.bump = "100".into();
        }),
        ("token.space", |f| f.token.push(' ')),
        ("token.characters", |f| f.token = "a b".into()),
        ("token.default", |f| f.token = "etcd-cluster".into()),
        ("member.url-client-port", |f| {
            f.members[0].urls = "https://a:2379, https://a:2381".into();
        }),
        ("target.root", |f| f.root = "gone".into()),
    ];
    for (code, change) in changes {
        let mut form = self::form();
        change(&mut form);
        resolved(&mut form, &inspection, code);
    }
    let mut form = self::form();
    form.add_member();
    form.members[1].urls = "https://b:2380".into();
    resolved(&mut form, &inspection, "member.url-scheme");
    assert_eq!(form.members[0].urls, "https://10.0.0.1:2380");
}

#[test]
fn a_choice_that_brings_a_risk_can_be_undone_at_the_risk() {
    let mut inspection = inspection();
    let contents = inspection.details.contents.as_mut().unwrap();
    contents.auth.enabled = Some(true);
    contents.cluster_version = Some("3.6.0".into());
    contents.written_by = Some("3.6".into());
    let mut form = form();
    form.target_version = TargetVersion::V3_6;
    form.clean_up.auth = true;
    resolved(&mut form, &inspection, "auth.disabled");
    assert!(!form.clean_up.auth);

    form.target_version = TargetVersion::V3_5;
    form.clean_up.versions = true;
    resolved(&mut form, &inspection, "version.lowered");
    assert_eq!(form.target_version, TargetVersion::V3_6);
    // Then nothing is lowered, which has a button too.
    resolved(&mut form, &inspection, "version.lower-needless");
    assert!(!form.clean_up.versions);
}

#[test]
fn where_there_is_no_room_the_roots_that_have_it_are_offered() {
    let root = |name: &str, free_bytes: u64| RootChoice {
        name: name.into(),
        path: format!("/srv/{name}"),
        free_bytes: Some(free_bytes),
    };
    let inspection = inspection();
    let all = [
        root("data", 10),
        root("some", 1 << 38),
        root("full", 0),
        root("most", 1 << 40),
    ];
    let form = RestoreForm::suggested(&inspection, &all, "etcd-2026-11-21-007f");
    assert_eq!(form.root, "data");
    let offered = |roots: &[RootChoice]| {
        let report = form.here(&inspection, roots).report;
        let finding = report.find("target.no-room").unwrap();
        let known = fix::Known {
            inspection: &inspection,
            roots,
            token: "t",
        };
        fix::fixes(finding, &form, &known)
    };
    let root = |name: &str| fix::Fix::Root(name.into());
    assert_eq!(offered(&all), [root("most"), root("some")]);
    assert_eq!(offered(&all[..1]), []);
}

#[test]
fn a_plan_fills_the_form_that_made_it() {
    let mut form = form();
    form.members[0].urls = "http://a:1, http://a:2".into();
    form.seen = "144452".into();
    form.rate = "12000".into();
    form.unobserved = "90s".into();
    form.clean_up.auth = true;
    form.root = "data".into();
    let (request, _) = form.request("x");
    assert_eq!(RestoreForm::of(&request).request("x").0, request);
    form.bump_on = false;
    form.download = true;
    let (request, _) = form.request("x");
    let again = RestoreForm::of(&request);
    assert_eq!(again.request("x").0, request);
    assert!(again.mark_compacted, "for when the bump is turned on again");

    let drift = [
        Finding::blocking("drift.fact", "target", "/srv/x exists."),
        Finding::blocking("members.x", "member", "…").in_field("members[1].name"),
        Finding::blocking("drift.steps", "plan", "…"),
    ];
    let fields: Vec<_> = drifted(&drift, &["target", "snapshot", "cluster"])
        .into_iter()
        .map(|(f, _)| f)
        .collect();
    assert_eq!(fields, ["target", "members[1].name"]);
}

#[test]
fn what_the_server_said_of_an_earlier_form_stays_off_other_rows() {
    let here = form().here(&inspection(), &roots());
    let server = [
        Finding::blocking("member.url", "member m2", "bad").in_field("members[1].peer_urls"),
        Finding::blocking("target.exists", "target", "exists").in_field("target"),
    ];
    let merged = merge(&here, &server, false);
    assert!(merged.find("member.url").is_none() && merged.find("target.exists").is_some());
    let two = [
        Finding::blocking("member.name-twice", "member m1", "twice").in_field("members[0].name"),
        Finding::blocking("member.name-twice", "member m1", "twice").in_field("members[1].name"),
    ];
    let merged = merge(&here, &two, true);
    let twice = merged
        .findings
        .iter()
        .filter(|f| f.code == "member.name-twice");
    assert_eq!(twice.count(), 2, "each row keeps its own");
}

#[test]
fn a_space_in_a_name_is_not_swallowed_by_the_form() {
    let mut form = form();
    form.members[0].name = " a".into();
    let report = form.here(&inspection(), &roots()).report;
    assert!(report.find("member.name-space").is_some(), "{report:?}");
}

#[test]
fn a_bump_that_is_no_number_blocks_and_says_so_once() {
    let mut form = form();
    form.bump = "lots".into();
    let report = form.here(&inspection(), &roots()).report;
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
        form.here(&inspection(), &roots())
            .report
            .find("bump.inexact")
            .is_some(),
        "a plan could not hold it"
    );
    form.bump = u64::MAX.to_string();
    assert!(
        form.here(&inspection(), &roots())
            .report
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
fn a_write_rate_is_part_of_the_request_and_unknown_is_not_zero() {
    let mut form = form();
    form.seen = "144 452".into();
    let seen = |form: &RestoreForm| form.request("x").0.last_seen.unwrap();
    assert_eq!(
        (seen(&form).per_hour, seen(&form).unwatched_seconds),
        (None, None)
    );
    let without = form.suggestion(&inspection()).unwrap();
    assert_eq!(without.grown, None);
    form.rate = "1 200 000".into();
    form.unobserved = "30".into();
    assert_eq!(
        (seen(&form).per_hour, seen(&form).unwatched_seconds),
        (Some(1_200_000), Some(1800))
    );
    let with = form.suggestion(&inspection()).unwrap();
    assert_eq!(with.grown, Some(600_000));
    assert!(with.bump > without.bump + 600_000);
}

#[test]
fn what_is_typed_about_the_old_cluster_and_not_used_is_said() {
    let codes = |change: &dyn Fn(&mut RestoreForm)| {
        let mut form = form();
        change(&mut form);
        let report = form.here(&inspection(), &roots()).report;
        let codes = report.findings.into_iter().map(|f| f.code);
        codes
            .filter(|code| code.starts_with("seen."))
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&|_| {}), [""; 0]);
    assert_eq!(codes(&|f| f.seen = "lots".into()), ["seen.number"]);
    assert_eq!(codes(&|f| f.rate = "5".into()), ["seen.missing"]);
    let seen = |f: &mut RestoreForm| f.seen = "144452".into();
    let half = |f: &mut RestoreForm| {
        seen(f);
        f.rate = "5".into();
    };
    assert_eq!(codes(&half), ["seen.half"]);
    let both = |rate: &'static str, unobserved: &'static str| {
        move |f: &mut RestoreForm| {
            seen(f);
            f.rate = rate.into();
            f.unobserved = unobserved.into();
        }
    };
    assert_eq!(codes(&both("5", "10")), [""; 0]);
    assert_eq!(codes(&both("some", "10")), ["seen.rate"]);
    assert_eq!(codes(&both("5", "a while")), ["seen.unobserved"]);
}

#[test]
fn the_servers_word_on_the_target_counts_and_ours_is_dropped() {
    let here = form().here(&inspection(), &roots());
    assert!(here.report.find("target.unseen").is_some());
    let server = [
        Finding::blocking("target.exists", "target", "there already").in_field("target"),
        Finding::warning("token.used", "--initial-cluster-token", "used before"),
    ];
    let merged = merge(&here, &server, true);
    assert!(merged.find("target.unseen").is_none());
    assert!(merged.find("target.exists").is_some() && merged.find("token.used").is_some());
    let both = Here {
        report: merged.clone(),
        unread: Vec::new(),
    };
    let again = merge(&both, &server, true);
    assert_eq!(
        again.findings.len(),
        merged.findings.len(),
        "nothing is said twice"
    );
}

#[test]
fn what_blocks_the_file_is_said_once() {
    let mut damaged = inspection();
    damaged.details.kind = FileKind::Unknown;
    let here = form().here(&damaged, &roots());
    let of_file = || {
        here.report
            .findings
            .iter()
            .filter(|f| is_about(f, "snapshot"))
    };
    let codes: Vec<_> = of_file().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["source.kind"]);
    // The server finds the same in the same place.
    let server: Vec<Finding> = of_file().cloned().collect();
    let merged = merge(&here, &server, true);
    let of_file = merged.findings.iter().filter(|f| is_about(f, "snapshot"));
    assert_eq!(of_file.count(), 1);
}

#[test]
fn what_is_typed_survives_its_storage() {
    let form = form();
    let text = serde_json::to_string(&form).unwrap();
    assert_eq!(serde_json::from_str::<RestoreForm>(&text).unwrap(), form);
}
