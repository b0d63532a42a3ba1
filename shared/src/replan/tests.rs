use super::*;
use crate::etcd::recovery::restore::observation::{
    Observation as Seen, SourceFacts, StoredState, TargetState,
};
use crate::etcd::recovery::restore::{self, samples};
use crate::finding::Outcome;
use crate::plan::Seal;
use crate::recovery::{self, Action, Observation, Plan, Request};

/// A sealed plan, what it rests on, and what an honest server says of it.
fn honest() -> (Plan, Seen, Report) {
    let request = Request::EtcdRestore(samples::request());
    let observation = samples::observation();
    let plan = sealed(&request, &observation);
    let told = recovery::check(&request, &Observation::EtcdRestore(observation.clone()));
    (plan, observation, told)
}

fn sealed(request: &Request, observation: &Seen) -> Plan {
    let seal = Seal {
        id: "7f3a".to_owned(),
        author: "ak".to_owned(),
        sealed_at: "2026-11-21T10:00:00Z".to_owned(),
        cluster: observation.cluster.clone(),
    };
    let observation = Observation::EtcdRestore(observation.clone());
    recovery::plan(request, &observation, seal).unwrap()
}

fn recheck(sealed: &Plan, observation: &Seen) -> Recheck {
    recovery::recheck(sealed, &Observation::EtcdRestore(observation.clone()))
}

/// What each difference is about.
fn look(sealed: &Plan, observation: &Seen, told: &Report) -> Vec<String> {
    let recheck = recheck(sealed, observation).against(told);
    for difference in &recheck.differences {
        assert_ne!(difference.told, difference.here, "{difference:?}");
    }
    recheck.differences.into_iter().map(|d| d.what).collect()
}

fn with(spoil: impl FnOnce(&mut Plan)) -> Vec<String> {
    let (mut plan, observation, told) = honest();
    spoil(&mut plan);
    look(&plan, &observation, &told)
}

#[test]
fn an_honest_plan_is_the_same() {
    let (plan, mut observation, told) = honest();
    let seen = recheck(&plan, &observation).against(&told);
    assert_eq!((seen.differences.len(), &seen.report), (0, &told));
    // Less room than when it was sealed, and enough.
    observation.target.free_bytes = Some(1 << 30);
    assert!(look(&plan, &observation, &told).is_empty());
}

#[test]
fn every_field_of_a_plan_that_was_changed_is_named() {
    assert_eq!(with(|p| p.outcome.push('.')), ["what comes out"]);
    assert_eq!(with(|p| p.cluster = "lab".into()), ["the cluster"]);
    assert_eq!(with(|p| p.format.push('x')), ["the form"]);
    assert_eq!(with(|p| p.steps[1].title.push('x')), ["step 2, its title"]);
    assert_eq!(
        with(|p| p.steps[0].probe.push('x')),
        ["step 1, how its completion is detected"]
    );
    assert_eq!(
        with(|p| p.steps[3].effect.push('x')),
        ["step 4, what it does"]
    );
    assert_eq!(
        with(|p| p.steps[3].undo = Undo::Nothing),
        ["step 4, its undo"]
    );
    assert_eq!(with(|p| p.steps[5].number = 7), ["step 6, its number"]);
    assert_eq!(
        with(|p| {
            p.steps.pop();
        }),
        ["how many steps there are"]
    );
    let last = |p: &mut Plan| p.steps.push(p.steps[0].clone());
    assert_eq!(with(last), ["how many steps there are"]);
}

#[test]
fn a_native_command_that_does_something_else_is_named_with_both() {
    let (mut plan, observation, told) = honest();
    let native = plan.steps[2].native.as_mut().unwrap();
    *native = native.replace("--mark-compacted", "");
    let look = recheck(&plan, &observation).against(&told);
    assert_eq!(look.differences.len(), 1);
    let difference = &look.differences[0];
    assert_eq!(difference.what, "step 3, the native command");
    let marks = |side: &Option<String>| side.as_ref().unwrap().contains("--mark-compacted");
    assert!(marks(&difference.here) && !marks(&difference.told));
    assert_eq!(
        with(|p| p.steps[2].native = None),
        ["step 3, the native command"]
    );
    // What is not there is no text, whatever the text says.
    let (mut silent, observation, told) = honest();
    silent.steps[2].native = None;
    let look = recheck(&silent, &observation).against(&told);
    assert_eq!(look.differences[0].told, None);
    silent.steps[2].native = Some("nothing".to_owned());
    let look = recheck(&silent, &observation).against(&told);
    assert_eq!(look.differences[0].told.as_deref(), Some("nothing"));
}

#[test]
fn what_is_carried_out_is_compared_and_not_only_its_words() {
    let other = |p: &mut Plan| {
        let Action::Etcd(step) = &mut p.steps[2].action else {
            unreachable!()
        };
        if let restore::RestoreStep::BuildMembers { restore } = &mut **step {
            restore.request.token = "etcd-other".into();
        }
    };
    assert_eq!(with(other), ["step 3, what it carries out"]);
}

#[test]
fn a_request_that_was_changed_is_not_what_the_steps_do() {
    let named = with(|p| {
        let Request::EtcdRestore(request) = &mut p.request;
        request.members.pop();
    });
    for what in ["what comes out", "step 3, what it carries out"] {
        assert!(named.iter().any(|name| name == what), "{what}: {named:?}");
    }
}

#[test]
fn facts_that_changed_are_named() {
    let (plan, observation, told) = honest();
    let mut grown = observation.clone();
    grown.source.size += 4096;
    let named = look(&plan, &grown, &told);
    assert!(named.contains(&"a fact: snapshot".into()), "{named:?}");
    let mut emptied = observation.clone();
    emptied.target.state = TargetState::Empty;
    assert_eq!(
        look(&plan, &emptied, &told),
        ["a fact: target", "a fact: target"]
    );
    assert_eq!(
        with(|p| p.facts[0].statement.push('x')),
        ["a fact: snapshot", "a fact: snapshot"]
    );
    assert_eq!(
        with(|p| {
            p.facts.remove(4);
        }),
        ["a fact: target"]
    );
    // What nobody could seal is a difference too.
    let mut full = observation;
    full.target.state = TargetState::Occupied;
    assert_eq!(
        look(&plan, &full, &told),
        [
            "the server's check now: target.exists",
            "the check when it was sealed: target.exists"
        ]
    );
}

#[test]
fn reports_that_leave_out_or_invent_are_named() {
    let (plan, mut observation, _) = honest();
    observation.source.auth_enabled = true;
    let plan = sealed(&plan.request, &observation);
    let told = recheck(&plan, &observation).report;
    assert!(!told.findings.is_empty(), "something to leave out");
    assert!(look(&plan, &observation, &told).is_empty());
    let first = &told.findings[0].code;

    let mut less = told.clone();
    less.findings.remove(0);
    assert_eq!(
        look(&plan, &observation, &less),
        [format!("the server's check now: {first}")]
    );
    let mut softer = told.clone();
    softer.findings[0].what = "All is well.".into();
    assert_eq!(look(&plan, &observation, &softer).len(), 2);
    let mut twice = told.clone();
    twice.push(told.findings[0].clone());
    assert_eq!(
        look(&plan, &observation, &twice),
        ["the server's check now"]
    );

    let mut sealed = plan;
    sealed.report.findings.clear();
    let named = look(&sealed, &observation, &told);
    assert_eq!(named.len(), told.findings.len());
    assert!(named[0].starts_with("the check when it was sealed: "));
}

#[test]
fn a_snapshot_is_the_same_whatever_it_is_called() {
    let told = samples::observation().source;
    let here = SourceFacts {
        name: "downloaded (1).db".into(),
        ..told.clone()
    };
    assert!(told.differences(&here).is_empty());
    let what = |spoil: &dyn Fn(&mut SourceFacts)| {
        let mut here = here.clone();
        spoil(&mut here);
        let names = told.differences(&here).into_iter().map(|d| d.what);
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        what(&|f| {
            f.sha256 = "cd".repeat(32);
            f.size = 1;
        }),
        ["its SHA-256"]
    );
    assert_eq!(what(&|f| f.structure = Outcome::Fail), ["its structure"]);
    assert_eq!(
        what(&|f| f.checksum = Outcome::NotChecked),
        ["its checksum"]
    );
    let broken = Finding::blocking("tree.page", "page 7", "It cannot be read.");
    assert_eq!(
        what(&|f| f.broken.push(broken.clone())),
        ["what is broken in it: tree.page"]
    );
    assert_eq!(what(&|f| f.last_revision = 12), ["what is in it"]);
}

#[test]
fn what_voids_a_plan_is_told_apart_from_what_is_only_remarked() {
    let (plan, observation, _) = honest();
    let codes = |spoil: &dyn Fn(&mut Seen)| {
        let mut now = observation.clone();
        spoil(&mut now);
        let drift = recheck(&plan, &now).drift();
        let codes = drift.findings.into_iter().map(|f| f.code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes(&|_| {}), [""; 0]);
    assert_eq!(codes(&|o| o.target.free_bytes = Some(1 << 30)), [""; 0]);
    assert_eq!(
        codes(&|o| o.source.stored = Some(StoredState::Missing)),
        ["source.missing"]
    );
    assert_eq!(
        codes(&|o| o.source.stored = Some(StoredState::OtherSize { size: 7 })),
        ["source.changed"]
    );
    assert_eq!(
        codes(&|o| o.target.state = TargetState::Empty),
        ["drift.fact"]
    );
    assert_eq!(
        codes(&|o| o.target.state = TargetState::Occupied),
        ["target.exists"]
    );
    assert_eq!(codes(&|o| o.cluster = "lab".into()), ["drift.cluster"]);
    assert_eq!(codes(&|o| o.source.live_keys = Some(7)), ["drift.steps"]);
}

#[test]
fn what_may_pass_stops_a_plan_and_does_not_void_it() {
    type Spoil = fn(&mut Seen);
    let (plan, observation, _) = honest();
    let cases: [(Spoil, &str); 3] = [
        (|o| o.target.free_bytes = Some(1), "target.no-room"),
        (
            |o| {
                let why = Some("Input/output error (os error 5)".into());
                o.target.state = TargetState::Unknown { why };
            },
            "target.unseen",
        ),
        (
            |o| {
                let why = "The bucket does not answer.".into();
                o.source.stored = Some(StoredState::Unknown { why });
            },
            "source.unseen",
        ),
    ];
    for (spoil, code) in cases {
        let mut now = observation.clone();
        spoil(&mut now);
        let again = recheck(&plan, &now);
        assert_eq!(again.drift(), Report::default(), "{code}");
        let hindrances = again.hindrances().findings;
        let codes: Vec<_> = hindrances.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes, [code]);
        let told = again.report.clone();
        assert_eq!(look(&plan, &now, &told), [""; 0], "{code}");
        // It hides nothing: what else has changed is found all the same.
        let mut moved = now.clone();
        moved.cluster = "lab".into();
        let drift = recheck(&plan, &moved).drift();
        assert_eq!(drift.findings[0].code, "drift.cluster", "{code}");
        let mut forged = plan.clone();
        forged.steps[1].title.push('x');
        assert_eq!(look(&forged, &now, &told), ["step 2, its title"], "{code}");
    }
    assert_eq!(recheck(&plan, &observation).hindrances(), Report::default());
}
