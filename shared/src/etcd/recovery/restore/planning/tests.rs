use super::*;
use crate::etcd::recovery::restore::samples;

fn sample() -> Plan {
    plan(
        &samples::request(),
        &samples::observation(),
        "7f3a",
        "ak",
        "2026-11-21T10:00:00Z",
    )
    .unwrap()
}

#[test]
fn a_plan_says_what_comes_out() {
    assert_eq!(
        sample().outcome,
        "A new cluster of 3 members (m1, m2, m3) for etcd 3.6, with the keys of prod.db at revision \
         1000000339, raised from 339, in /srv/restores/prod."
    );
}

#[test]
fn steps_are_numbered_and_only_two_of_them_change_anything() {
    let plan = sample();
    let numbers: Vec<u32> = plan.steps.iter().map(|step| step.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    let changing: Vec<u32> = plan
        .steps
        .iter()
        .filter(|step| step.undo != Undo::Nothing)
        .map(|step| step.number)
        .collect();
    assert_eq!(changing, [3, 4]);
}

#[test]
fn the_native_commands_are_in_the_plan_one_per_member() {
    let plan = sample();
    let native = plan.steps[2].native.as_ref().unwrap();
    assert_eq!(native.lines().count(), 3);
    assert!(
        native
            .lines()
            .all(|line| line.contains("--data-dir /srv/restores/prod/m"))
    );
}

#[test]
fn a_plan_names_its_cluster_and_one_without_is_written_as_before() {
    let without = sample();
    assert!(!without.canonical_json().contains("cluster\":"));
    let observation = Observation {
        cluster: "prod-etcd".to_owned(),
        ..samples::observation()
    };
    let plan = plan(
        &samples::request(),
        &observation,
        "7f3a",
        "ak",
        "2026-11-21T10:00:00Z",
    )
    .unwrap();
    assert_eq!(plan.cluster, "prod-etcd");
    let fact = plan.facts.iter().find(|fact| fact.subject == "cluster");
    assert_eq!(
        fact.unwrap().statement,
        "The snapshot is kept as one of prod-etcd."
    );
    assert_ne!(plan.hash(), without.hash());
}

#[test]
fn the_hash_binds_every_choice() {
    let plan = sample();
    let mut other = sample();
    assert_eq!(plan.hash(), other.hash());
    let Request::EtcdRestore(request) = &mut other.request;
    request.token.push('x');
    assert_ne!(plan.hash(), other.hash());
}

#[test]
fn a_plan_survives_its_json() {
    let plan = sample();
    let read: Plan = serde_json::from_str(&plan.canonical_json()).unwrap();
    assert_eq!(read, plan);
}

#[test]
fn nothing_that_blocks_is_sealed() {
    let mut request = samples::request();
    request.members[0].peer_urls[0].push('/');
    let report = plan(
        &request,
        &samples::observation(),
        "7f3a",
        "ak",
        "2026-11-21T10:00:00Z",
    )
    .unwrap_err();
    assert!(report.blocks());
}

#[test]
fn a_bump_that_a_plan_would_round_is_refused_and_the_next_smaller_one_survives() {
    let seal = |bump| {
        let request = RestoreRequest {
            bump_revision: bump,
            ..samples::request()
        };
        plan(
            &request,
            &samples::observation(),
            "7f3a",
            "ak",
            "2026-11-21T10:00:00Z",
        )
    };
    let refused = seal(1 << 53).unwrap_err();
    assert!(refused.find("bump.inexact").is_some(), "{refused:?}");
    let sealed = seal((1 << 53) - 1).unwrap();
    let read: Plan = serde_json::from_str(&sealed.canonical_json()).unwrap();
    assert_eq!(read, sealed);
}
