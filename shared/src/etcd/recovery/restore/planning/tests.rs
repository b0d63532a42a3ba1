use super::super::Unfit;
use super::super::observation::OlderMeta;
use super::*;
use crate::etcd::recovery::restore::samples;
use crate::etcd::storage::inspection::FileKind;
use crate::plan::{self, Seal};

type Plan = plan::Plan<RestoreRequest, RestoreStep>;

fn seal(request: &RestoreRequest, observation: &Observation) -> Result<Plan, Report> {
    let seal = Seal {
        id: "7f3a".to_owned(),
        author: "ak".to_owned(),
        sealed_at: "2026-11-21T10:00:00Z".to_owned(),
        cluster: observation.cluster.clone(),
    };
    let draft = draft(request, observation, &seal.sealed_at)?;
    Ok(draft.seal(seal, request.clone(), |step| step))
}

fn older_meta() -> OlderMeta {
    OlderMeta {
        txid: 41,
        what: "Meta page 1 is damaged.".to_owned(),
    }
}

fn sample() -> Plan {
    seal(&samples::request(), &samples::observation()).unwrap()
}

#[test]
fn a_plan_says_what_comes_out() {
    assert_eq!(
        sample().outcome,
        "A new cluster of 3 members (m1, m2, m3) for etcd 3.6, with the keys of prod.db at revision \
         1 000 000 339, bumped from 339, in /srv/restores/prod."
    );
}

#[test]
fn a_forced_checksum_and_a_lost_commit_are_part_of_what_comes_out() {
    for (bytes, skip, lost, caveat) in [
        (
            Outcome::Fail,
            true,
            false,
            Some("It is made from a file whose checksum does not match."),
        ),
        (
            Outcome::NotChecked,
            true,
            false,
            Some("It is made from a file that no checksum proves."),
        ),
        (
            Outcome::Fail,
            true,
            true,
            Some(
                "It is made from a file whose checksum does not match and whose last commit is lost.",
            ),
        ),
        (
            Outcome::Pass,
            false,
            true,
            Some("It is made from a file whose last commit is lost."),
        ),
        (Outcome::Pass, true, false, None),
    ] {
        let mut request = samples::request();
        (request.skip_hash_check, request.accept_older_meta) = (skip, lost);
        let mut observation = samples::observation();
        observation.source.name = "a, from a file b".to_owned();
        observation.source.checksum = bytes;
        if bytes == Outcome::NotChecked {
            observation.source.kind = FileKind::DatabaseCopy;
        }
        observation.source.fallback = lost.then(older_meta);
        let plan = seal(&request, &observation).unwrap();
        assert_eq!(plan.caveat.as_deref(), caveat);
        assert!(
            plan.outcome.ends_with("in /srv/restores/prod."),
            "{}",
            plan.outcome
        );
    }
    // A name says nothing about the file, whatever was asked for.
    let mut forcing = samples::request();
    forcing.skip_hash_check = true;
    let mut observation = samples::observation();
    observation.target.place = "/srv/a, from a file that no checksum proves".to_owned();
    let plan = seal(&forcing, &observation).unwrap();
    assert_eq!(plan.caveat, None);
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
fn how_much_can_be_undone_is_said_in_a_few_words() {
    let plan = sample();
    assert_eq!(plan::reversibility(&plan.steps), "6 steps, all reversible");
    assert_eq!(plan::reversibility(&plan.steps[..1]), "1 step, reversible");
    let mut steps = plan.steps;
    steps[3].undo = Undo::PointOfNoReturn(String::new());
    assert_eq!(plan::reversibility(&steps), "6 steps, 1 irreversible");
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
fn a_file_that_the_native_tools_refuse_is_cut_for_them_first() {
    let mut observation = samples::observation();
    observation.source.native = NativeSource::Cut {
        start: 53,
        size: 73_760,
    };
    let plan = seal(&samples::request(), &observation).unwrap();
    let native = plan.steps[2].native.as_ref().unwrap();
    let lines: Vec<_> = native.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        lines[0],
        "tail -c +54 prod.db | head -c 73760 > prod.db.cut"
    );
    let restore = "etcdutl snapshot restore prod.db.cut --name m";
    assert!(lines[1..].iter().all(|line| line.starts_with(restore)));
    assert_eq!(plan.fact(NO_NATIVE), None);
    // The checksum that the plan proves is that of the whole file.
    assert_eq!(plan.steps[0].native.as_deref(), Some("sha256sum prod.db"));
}

#[test]
fn a_file_that_no_native_tool_takes_has_no_command_and_the_plan_says_why() {
    let mut observation = samples::observation();
    observation.source.native = NativeSource::Unfit {
        why: Unfit::UnusableFreelist,
    };
    let plan = seal(&samples::request(), &observation).unwrap();
    let step = &plan.steps[2];
    assert_eq!(step.native, None);
    let why = "etcd's own tools cannot do this from this file: they crash on its stored freelist.";
    assert!(step.effect.ends_with(why), "{}", step.effect);
    assert_eq!(
        plan.fact(NO_NATIVE).unwrap().statement,
        "No command of etcd's own tools restores this file: they crash on its stored freelist."
    );
    // A file that they take is planned in the words that sealed plans have.
    let plain = sample();
    assert!(plain.steps[2].effect.ends_with("which no etcd reads."));
    assert_eq!(plain.fact(NO_NATIVE), None);
    let before = crate::canonical::to_canonical_json(&samples::observation());
    assert!(!before.contains("native"), "{before}");
}

#[test]
fn a_plan_names_its_cluster_and_one_without_is_written_as_before() {
    let without = sample();
    assert!(!without.canonical_json().contains("cluster\":"));
    let observation = Observation {
        cluster: "prod-etcd".to_owned(),
        ..samples::observation()
    };
    let plan = seal(&samples::request(), &observation).unwrap();
    assert_eq!(plan.cluster, "prod-etcd");
    let fact = plan.facts.iter().find(|fact| fact.key == "cluster.name");
    assert_eq!(
        fact.unwrap().statement,
        "The snapshot belongs to prod-etcd."
    );
    assert_ne!(plan.hash(), without.hash());
}

#[test]
fn the_hash_binds_every_choice() {
    let plan = sample();
    let mut other = sample();
    assert_eq!(plan.hash(), other.hash());
    other.request.token.push('x');
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
    let report = seal(&request, &samples::observation()).unwrap_err();
    assert!(report.blocks());
}

#[test]
fn a_bump_that_a_plan_would_round_is_refused_and_the_next_smaller_one_survives() {
    let raised_by = |bump| {
        let request = RestoreRequest {
            bump_revision: bump,
            ..samples::request()
        };
        seal(&request, &samples::observation())
    };
    let refused = raised_by(1 << 53).unwrap_err();
    assert!(refused.find("bump.inexact").is_some(), "{refused:?}");
    let sealed = raised_by((1 << 53) - 1).unwrap();
    let read: Plan = serde_json::from_str(&sealed.canonical_json()).unwrap();
    assert_eq!(read, sealed);
}

#[test]
fn facts_have_keys_of_their_own_and_only_the_free_space_is_volatile() {
    let request = RestoreRequest {
        last_seen: Some(super::super::SeenRevision {
            revision: 400,
            unwatched_seconds: Some(60),
            per_hour: Some(10),
        }),
        ..samples::request()
    };
    let observation = Observation {
        cluster: "prod-etcd".to_owned(),
        ..samples::observation()
    };
    let plan = seal(&request, &observation).unwrap();
    let keys: Vec<_> = plan.facts.iter().map(|fact| fact.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "snapshot.sha256",
            "snapshot.trailer",
            "snapshot.structure",
            "snapshot.revision",
            "target.state",
            "target.free-bytes",
            "cluster.name",
            "old-cluster.last-seen",
            "old-cluster.unwatched",
            "old-cluster.revisions-per-hour",
        ]
    );
    let volatile: Vec<_> = plan.facts.iter().filter(|fact| fact.volatile).collect();
    assert_eq!(volatile.len(), 1);
    assert_eq!(volatile[0].value, Value::Bytes(1 << 40));
    assert_eq!(
        plan.fact("old-cluster.last-seen").unwrap().subject,
        "old cluster"
    );
    assert_eq!(
        plan.fact("old-cluster.last-seen").unwrap().value,
        Value::Revision(400)
    );
}

#[test]
fn every_fact_of_a_plan_is_a_value_that_programs_know_beside_its_sentence() {
    /// Facts whose value is a name that people gave, and no more is known of it.
    const NAMES: [&str; 1] = ["cluster.name"];
    let mut request = samples::request();
    (request.skip_hash_check, request.accept_older_meta) = (true, true);
    let mut seen = samples::observation();
    seen.cluster = "prod-etcd".to_owned();
    let mut plans = vec![seal(&request, &seen).unwrap()];
    request.last_seen = Some(super::super::SeenRevision {
        revision: 400,
        unwatched_seconds: Some(60),
        per_hour: Some(10),
    });
    for why in [
        Unfit::UnusableFreelist,
        Unfit::WrongFreelist,
        Unfit::PlainPairs,
        Unfit::BytesBefore,
    ] {
        assert_eq!(serde_json::to_value(why).unwrap(), why.word());
        for checksum in [Outcome::Pass, Outcome::Fail, Outcome::NotChecked] {
            for state in [TargetState::Missing, TargetState::Empty] {
                seen.source.native = NativeSource::Unfit { why };
                seen.source.fallback = Some(older_meta());
                seen.source.checksum = checksum;
                seen.source.kind = match checksum {
                    Outcome::NotChecked => FileKind::DatabaseCopy,
                    _ => FileKind::Snapshot,
                };
                seen.target.state = state;
                plans.push(seal(&request, &seen).unwrap());
            }
        }
    }
    for plan in &plans {
        let mut keys = std::collections::BTreeSet::new();
        for fact in &plan.facts {
            assert!(keys.insert(&fact.key), "{fact:?}");
            let is_name = matches!(fact.value, Value::Text(_));
            assert_eq!(is_name, NAMES.contains(&fact.key.as_str()), "{fact:?}");
            assert!(!matches!(fact.value, Value::Flag(_)), "{fact:?}");
            assert!(fact.statement.ends_with('.'), "{fact:?}");
        }
    }
    // What differs in a sentence differs in the value.
    let mut said = std::collections::BTreeMap::new();
    for fact in plans.iter().flat_map(|plan| &plan.facts) {
        let value = said
            .entry((&fact.key, &fact.statement))
            .or_insert(&fact.value);
        assert_eq!(*value, &fact.value);
    }
    let values: std::collections::BTreeSet<_> = said
        .iter()
        .map(|((key, _), value)| format!("{key} {value}"))
        .collect();
    assert_eq!(values.len(), said.len());
    let last = plans.last().unwrap();
    let value = |key: &str| last.fact(key).map(|fact| fact.value.clone());
    assert_eq!(value(OLDER_META), Some(Value::Index(41)));
    assert_eq!(
        value(NO_NATIVE),
        Some(Value::Word("bytes-before".to_owned()))
    );
    assert_eq!(value("old-cluster.unwatched"), Some(Value::Seconds(60)));
}
