use super::*;
use crate::etcd::recovery::restore::SeenRevision;
use crate::etcd::recovery::restore::observation::{StoredState, TargetState};
use crate::etcd::recovery::restore::{Target, TargetVersion, samples};
use crate::etcd::storage::inspection::{AlarmFacts, ConfState, Downgrade, FileKind, MemberFacts};
use crate::etcd::storage::trailer::BROKEN;
use crate::finding::Severity::{Blocking, Note, Warning};
use crate::finding::{Outcome, Severity};

/// The findings after the sample was spoiled, as `severity code`.
#[track_caller]
fn check_after(
    spoil: impl FnOnce(&mut RestoreRequest, &mut Observation),
    findings: &[(Severity, &str)],
) {
    let (mut request, mut observation) = (samples::request(), samples::observation());
    spoil(&mut request, &mut observation);
    let report = check(&request, &observation);
    let seen: Vec<(Severity, &str)> = report
        .findings
        .iter()
        .map(|finding| (finding.severity, finding.code.as_str()))
        .collect();
    assert_eq!(seen, findings, "{report:#?}");
    says_where(&report);
}

/// Each finding is about a part of the request, so that a form can show it there.
#[track_caller]
fn says_where(report: &Report) {
    for finding in &report.findings {
        assert!(finding.field.is_some(), "{finding:#?}");
    }
}

#[test]
fn the_sample_has_no_findings() {
    check_after(|_, _| {}, &[]);
}

#[test]
fn conformance_37_members_are_checked_to_the_last() {
    check_after(
        |request, _| {
            request.members[0].peer_urls[0].push('/');
            request.members[1].name = "m 2".to_owned();
            request.members[2].peer_urls.clear();
        },
        &[
            (Blocking, "member.url"),
            (Blocking, "member.name-space"),
            (Blocking, "member.url-missing"),
        ],
    );
}

#[test]
fn an_even_number_and_one_machine_are_said() {
    check_after(
        |request, _| {
            request.members.pop();
            request.members[0].peer_urls = vec!["http://127.0.0.1:2380".to_owned()];
        },
        &[
            (Warning, "members.even"),
            (Warning, "member.url-loopback"),
            (Warning, "member.url-scheme"),
        ],
    );
    check_after(
        |request, _| request.members.truncate(1),
        &[(Note, "members.single")],
    );
}

#[test]
fn addresses_that_do_not_fit_together_are_said_at_their_member() {
    let urls = |all: [&str; 3]| {
        let mut request = samples::request();
        for (member, url) in request.members.iter_mut().zip(all) {
            member.peer_urls = vec![url.to_owned()];
        }
        let report = check(&request, &samples::observation());
        let found = report.findings.into_iter();
        found
            .map(|f| (f.severity, f.code, f.field.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    let found = |severity, code: &str, field: &str| (severity, code.to_owned(), field.to_owned());
    let (a, b, c) = ("https://a:2380", "https://b:2380", "https://c:2380");
    assert_eq!(urls([a, b, c]), []);
    assert_eq!(
        urls([a, "https://b:2379", c]),
        [found(
            Warning,
            "member.url-client-port",
            "members[1].peer_urls"
        )]
    );
    assert_eq!(
        urls([a, b, "http://c:2380"]),
        [found(Warning, "member.url-scheme", "members[2].peer_urls")]
    );
    assert_eq!(
        urls(["http://a:2380", b, "http://c:2380"]),
        [found(Warning, "member.url-scheme", "members[1].peer_urls")]
    );
    assert_eq!(
        urls([a, "https://LOCALHOST:2380", c]),
        [found(
            Warning,
            "member.url-loopback",
            "members[1].peer_urls"
        )]
    );
    assert_eq!(
        urls(["http://127.0.0.1:1", "http://localhost:2", "http://[::1]:3"]),
        [found(Note, "members.one-machine", "members")]
    );
    // Sockets have neither a port nor TLS of their own.
    assert_eq!(urls(["unix://a:2379", b, c]), []);
}

#[test]
fn names_that_differ_only_in_case_are_said_at_the_second() {
    let mut request = samples::request();
    request.members[2].name = "M1".to_owned();
    let report = check(&request, &samples::observation());
    let [one] = report.findings.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!(
        (one.code.as_str(), one.field.as_deref(), one.severity),
        ("member.name-case", Some("members[2].name"), Warning)
    );
}

#[test]
fn tokens_that_make_old_ids_again() {
    check_after(
        |request, _| request.token = DEFAULT_TOKEN.to_owned(),
        &[(Warning, "token.default")],
    );
    check_after(
        |request, _| request.token.clear(),
        &[(Warning, "token.empty")],
    );
    check_after(
        |request, _| request.token.push(' '),
        &[(Warning, "token.space")],
    );
    for token in ["prod etcd", "a;b", "a\u{2013}b", "a\"b", "a$b", "té"] {
        check_after(
            |request, _| request.token = token.to_owned(),
            &[(Warning, "token.characters")],
        );
    }
    for token in ["etcd-2026-11-21-3f2a", "a.b_c:d/e+f@g"] {
        check_after(|request, _| request.token = token.to_owned(), &[]);
    }
    check_after(
        |request, observation| {
            let cluster = Cluster::new(&request.members, &request.token).unwrap();
            observation.source.members = Some(vec![MemberFacts {
                id: cluster.members()[0].id.to_string(),
                name: "old".to_owned(),
                peer_urls: Vec::new(),
                client_urls: Vec::new(),
                learner: false,
            }]);
        },
        &[(Warning, "members.same-id")],
    );
}

#[test]
fn conformance_38_bump_and_mark_go_together() {
    check_after(
        |request, _| request.mark_compacted = false,
        &[(Blocking, "bump.without-mark")],
    );
    check_after(
        |request, _| request.bump_revision = 0,
        &[(Blocking, "bump.mark-alone"), (Note, "bump.none")],
    );
    check_after(
        |request, _| {
            request.bump_revision = 0;
            request.mark_compacted = false;
        },
        &[(Note, "bump.none")],
    );
}

#[test]
fn conformance_38_a_bump_that_overflows_is_refused() {
    for bump in [u64::MAX, i64::MAX as u64, i64::MAX as u64 - 338] {
        check_after(
            |request, _| request.bump_revision = bump,
            &[(Blocking, "bump.overflow")],
        );
    }
    check_after(
        |request, _| request.bump_revision = i64::MAX as u64 - 339,
        &[],
    );
}

#[test]
fn conformance_38_an_empty_store_can_be_raised() {
    check_after(
        |_, observation| {
            observation.source.last_revision = 0;
            observation.source.current_revision = 1;
        },
        &[],
    );
}

#[test]
fn a_bump_too_small_to_matter_is_said() {
    for (bump, findings) in [
        (10, &[(Warning, "bump.small")][..]),
        (9_999, &[(Warning, "bump.small")]),
        (10_000, &[]),
    ] {
        check_after(|request, _| request.bump_revision = bump, findings);
    }
    // What was observed is a better measure.
    check_after(
        |request, _| {
            request.bump_revision = 10;
            request.last_seen = Some(SeenRevision {
                revision: 339,
                unwatched_seconds: None,
                per_hour: None,
            });
        },
        &[],
    );
}

#[test]
fn a_bump_below_a_recorded_compaction_is_refused() {
    check_after(
        |request, observation| {
            request.bump_revision = 1000;
            observation.source.current_revision = 1339;
        },
        &[(Blocking, "bump.below-compaction")],
    );
}

#[test]
fn the_bump_is_held_against_what_was_seen() {
    let seen = |revision| {
        Some(SeenRevision {
            revision,
            unwatched_seconds: Some(3600),
            per_hour: Some(5000),
        })
    };
    check_after(
        |request, _| {
            request.bump_revision = 100;
            request.last_seen = seen(1339);
        },
        &[
            (Warning, "source.older-than-seen"),
            (Warning, "bump.too-small"),
        ],
    );
    check_after(
        |request, _| {
            request.bump_revision = 1000;
            request.last_seen = seen(1339);
        },
        &[
            (Warning, "source.older-than-seen"),
            (Warning, "bump.no-margin"),
        ],
    );
    check_after(
        |request, _| {
            request.bump_revision = 6000;
            request.last_seen = seen(1339);
        },
        &[(Warning, "source.older-than-seen")],
    );
}

#[test]
fn conformance_25_trailers() {
    check_after(
        |_, observation| observation.source.checksum = Outcome::Fail,
        &[(Blocking, "trailer.wrong")],
    );
    check_after(
        |request, observation| {
            observation.source.checksum = Outcome::Fail;
            request.skip_hash_check = true;
        },
        &[(Warning, "trailer.ignored")],
    );
    check_after(
        |_, observation| {
            observation.source.kind = FileKind::DatabaseCopy;
            observation.source.checksum = Outcome::NotChecked;
        },
        &[(Blocking, "trailer.missing")],
    );
    check_after(
        |request, observation| {
            observation.source.kind = FileKind::DatabaseCopy;
            observation.source.checksum = Outcome::NotChecked;
            request.skip_hash_check = true;
        },
        &[(Warning, "trailer.none")],
    );
    check_after(
        |_, observation| observation.source.checksum = Outcome::NotChecked,
        &[(Blocking, "trailer.unchecked")],
    );
    check_after(
        |request, _| request.skip_hash_check = true,
        &[(Note, "trailer.skip-needless")],
    );
}

#[test]
fn what_broke_first_is_told_and_a_broken_trailer_is_not_that() {
    let mut observation = samples::observation();
    let source = &mut observation.source;
    source.structure = Outcome::Fail;
    source.broken = BROKEN
        .map(|code| Finding::blocking(code, "file", "The trailer."))
        .to_vec();
    let what = |observation: &Observation| {
        let report = check(&samples::request(), observation);
        report.find("source.damaged").unwrap().what.clone()
    };
    assert_eq!(what(&observation), "The page tree is damaged.");
    let page = Finding::blocking("page.zeroed", "page 5", "It is all zeros.");
    observation.source.broken.push(page);
    assert_eq!(
        what(&observation),
        "The page tree is damaged. First: page 5: It is all zeros."
    );
}

#[test]
fn a_damaged_or_unknown_file_is_never_restored() {
    check_after(
        |request, observation| {
            request.skip_hash_check = true;
            observation.source.structure = Outcome::Fail;
            observation.source.checksum = Outcome::Fail;
        },
        &[(Note, "trailer.wrong"), (Blocking, "source.damaged")],
    );
    check_after(
        |_, observation| observation.source.structure = Outcome::NotChecked,
        &[(Blocking, "source.unchecked")],
    );
    check_after(
        |_, observation| observation.source.content = Outcome::Fail,
        &[(Blocking, "source.unservable")],
    );
    check_after(
        |_, observation| observation.source.content = Outcome::NotChecked,
        &[(Blocking, "source.content-unchecked")],
    );
    for kind in [FileKind::OtherBbolt, FileKind::BigEndian, FileKind::Unknown] {
        check_after(
            |_, observation| observation.source.kind = kind,
            &[(Blocking, "source.kind")],
        );
    }
    check_after(
        |request, _| request.snapshot = "cd".repeat(32),
        &[(Blocking, "source.other")],
    );
}

#[test]
fn conformance_51_a_newer_file_for_an_older_etcd() {
    let from_3_7 = |observation: &mut Observation| {
        observation.source.cluster_version = Some("3.7.0".to_owned());
        observation.source.storage_version = Some("3.7.0".to_owned());
    };
    check_after(
        |_, observation| from_3_7(observation),
        &[(Blocking, "version.newer")],
    );
    check_after(
        |request, observation| {
            from_3_7(observation);
            request.clean_up.versions = true;
        },
        &[(Warning, "version.lowered")],
    );
    check_after(
        |request, observation| {
            from_3_7(observation);
            request.target_version = TargetVersion::V3_5;
        },
        &[(Warning, "version.newer-unsupported")],
    );
    check_after(
        |request, observation| {
            from_3_7(observation);
            request.target_version = TargetVersion::V3_4;
        },
        &[(Blocking, "version.newer")],
    );
    check_after(
        |request, observation| {
            from_3_7(observation);
            request.target_version = TargetVersion::V3_7;
        },
        &[],
    );
    // Either alone is refused by a 3.6 server.
    check_after(
        |_, observation| observation.source.cluster_version = Some("3.7.0".to_owned()),
        &[(Blocking, "version.newer")],
    );
    check_after(
        |_, observation| observation.source.storage_version = Some("3.8.0".to_owned()),
        &[(Blocking, "version.unknown")],
    );
    check_after(
        |request, _| request.clean_up.versions = true,
        &[(Note, "version.lower-needless")],
    );
}

#[test]
fn conformance_51_an_enabled_downgrade_is_reported_for_every_target() {
    use TargetVersion::{V3_4, V3_5, V3_6, V3_7};
    let downgrading = |observation: &mut Observation, to: &str| {
        observation.source.cluster_version = Some("3.5.0".to_owned());
        observation.source.storage_version = None;
        observation.source.downgrade = Some(Downgrade {
            enabled: true,
            target_version: to.to_owned(),
        });
    };
    for (target, to, severity) in [
        (V3_5, "3.6.0", Blocking),
        (V3_5, "3.5.0", Warning),
        (V3_6, "3.5.0", Warning),
        (V3_7, "3.6.0", Warning),
    ] {
        check_after(
            |request, observation| {
                downgrading(observation, to);
                request.target_version = target;
            },
            &[(severity, "downgrade.enabled")],
        );
    }
    check_after(
        |request, observation| {
            downgrading(observation, "3.5.0");
            request.target_version = V3_4;
        },
        &[
            (Note, "downgrade.enabled"),
            (Warning, "version.newer-unsupported"),
        ],
    );
    check_after(
        |request, observation| {
            downgrading(observation, "3.5.0");
            request.clean_up.downgrade = true;
        },
        &[(Note, "downgrade.cleared")],
    );
}

#[test]
fn conformance_16_what_survives_is_a_finding_with_a_choice() {
    let alarm = |kind: &str| AlarmFacts {
        member_id: "8e9e05c52164694d".to_owned(),
        alarm: kind.to_owned(),
    };
    check_after(
        |_, observation| {
            observation.source.alarms = vec![alarm("NOSPACE")];
            observation.source.auth_enabled = true;
            observation.source.leases = 3;
            observation.source.image_size = 3 << 30;
        },
        &[
            (Warning, "alarms.active"),
            (Warning, "auth.enabled"),
            (Note, "leases.restart"),
            (Warning, "quota.default-too-small"),
        ],
    );
    check_after(
        |request, observation| {
            observation.source.alarms = vec![alarm("CORRUPT")];
            observation.source.auth_enabled = true;
            request.clean_up.alarms = true;
            request.clean_up.auth = true;
        },
        &[
            (Warning, "alarms.corrupt"),
            (Note, "alarms.cleared"),
            (Warning, "auth.disabled"),
        ],
    );
    check_after(
        |request, _| {
            request.clean_up.alarms = true;
            request.clean_up.auth = true;
            request.clean_up.downgrade = true;
        },
        &[
            (Note, "downgrade.clear-needless"),
            (Note, "alarms.clear-needless"),
            (Note, "auth.disable-needless"),
        ],
    );
}

#[test]
fn conformance_52_a_stale_conf_state_is_explained_not_alarmed() {
    let member = |id: &str, learner| MemberFacts {
        id: id.to_owned(),
        name: String::new(),
        peer_urls: Vec::new(),
        client_urls: Vec::new(),
        learner,
    };
    check_after(
        |_, observation| {
            observation.source.members = Some(vec![member("a1", false), member("b2", true)]);
            observation.source.conf_state = Some(ConfState {
                voters: vec!["c3".to_owned()],
                learners: Vec::new(),
            });
        },
        &[(Note, "members.learners"), (Note, "members.conf-state")],
    );
    // Members that cannot be read are not compared with anything.
    check_after(
        |_, observation| {
            observation.source.members = None;
            observation.source.conf_state = Some(ConfState {
                voters: vec!["c3".to_owned()],
                learners: Vec::new(),
            });
        },
        &[],
    );
}

#[test]
fn targets_that_cannot_take_it() {
    for (state, code) in [
        (TargetState::Occupied, "target.exists"),
        (TargetState::NotAFolder, "target.not-a-folder"),
        (
            TargetState::Unwritable {
                why: "read-only file system".to_owned(),
            },
            "target.unwritable",
        ),
    ] {
        check_after(
            |_, observation| observation.target.state = state,
            &[(Blocking, code)],
        );
    }
    check_after(
        |request, observation| {
            request.target = Target::Folder {
                root: "elsewhere".to_owned(),
                path: "../x".to_owned(),
            };
            observation.target.root_known = false;
        },
        &[(Blocking, "target.path"), (Blocking, "target.root")],
    );
    check_after(
        |_, observation| {
            observation.target.free_bytes = Some(100);
            observation.target.state = TargetState::Unknown { why: None };
        },
        &[(Note, "target.unseen"), (Blocking, "target.no-room")],
    );
    check_after(
        |_, observation| observation.target.free_bytes = None,
        &[(Note, "target.room-unknown")],
    );
}

#[test]
fn what_could_not_be_looked_at_blocks_and_may_pass() {
    type Spoil = fn(&mut Observation, String);
    let why = "Input/output error (os error 5)".to_owned();
    let cases: [(Spoil, &str); 3] = [
        (
            |o, why| o.target.state = TargetState::Unknown { why: Some(why) },
            "target.unseen",
        ),
        (
            |o, why| o.source.stored = Some(StoredState::Unknown { why }),
            "source.unseen",
        ),
        (|o, _| o.target.free_bytes = Some(100), "target.no-room"),
    ];
    for (spoil, code) in cases {
        let mut observation = samples::observation();
        spoil(&mut observation, why.clone());
        let report = check(&samples::request(), &observation);
        let finding = report.find(code).expect(code);
        assert_eq!(finding.severity, Blocking, "{code}");
        says_where(&report);
        assert!(!report.blocks_for_good(), "{report:?}");
        assert!(code == "target.no-room" || finding.what.contains(&why));
    }
}

#[test]
fn a_file_that_is_not_as_it_was_stored_is_refused() {
    for (stored, code) in [
        (StoredState::Missing, "source.missing"),
        (StoredState::OtherSize { size: 7 }, "source.changed"),
    ] {
        let mut observation = samples::observation();
        observation.source.stored = Some(stored);
        let report = check(&samples::request(), &observation);
        says_where(&report);
        let found = report.find(code).expect(code);
        assert_eq!(found.field.as_deref(), Some("snapshot"));
        assert!(report.blocks_for_good());
    }
    let mut observation = samples::observation();
    observation.source.stored = Some(StoredState::Kept);
    assert_eq!(
        check(&samples::request(), &observation),
        check(&samples::request(), &samples::observation())
    );
}
