use super::*;
use crate::etcd::recovery::restore::observation::StoredState;
use crate::etcd::recovery::restore::samples;

fn seal() -> Seal {
    Seal {
        id: "7f3a".to_owned(),
        author: "ak".to_owned(),
        sealed_at: "2026-11-21T10:00:00Z".to_owned(),
        cluster: String::new(),
    }
}

fn sealed() -> (Plan, Observation) {
    let request = Request::EtcdRestore(samples::request());
    let observation = Observation::EtcdRestore(samples::observation());
    let plan = plan(&request, &observation, seal()).unwrap();
    (plan, observation)
}

#[test]
fn the_kind_is_the_one_in_json() {
    let (plan, observation) = sealed();
    for json in [
        serde_json::to_value(&plan.request).unwrap(),
        serde_json::to_value(&observation).unwrap(),
    ] {
        assert_eq!(json["kind"], plan.request.kind());
    }
}

#[test]
fn a_plan_made_again_from_the_same_is_the_same() {
    let (plan, observation) = sealed();
    let recheck = recheck(&plan, &observation);
    assert_eq!(recheck.differences, []);
    assert!(recheck.drift().findings.is_empty());
    let read: Plan = serde_json::from_str(&plan.canonical_json()).unwrap();
    assert_eq!(read, plan);
}

#[test]
fn every_step_of_a_restore_carries_its_file() {
    let (plan, _) = sealed();
    for step in &plan.steps {
        assert_eq!(step.action.file(), Some(("ab".repeat(32).as_str(), 73_760)));
    }
}

#[test]
fn a_restore_to_a_folder_has_a_target_and_one_for_download_has_artifacts() {
    let (plan, _) = sealed();
    assert_eq!(plan.request.target().unwrap().path, "prod");
    assert_eq!(plan.request.artifacts(), []);
    let (kept, how) = plan.request.keeps().unwrap();
    assert!(
        kept.contains("m1, m2, m3") && kept.contains("folder prod"),
        "{kept}"
    );
    assert!(how.ends_with("remove that folder."), "{how}");
    let request = Request::EtcdRestore(RestoreRequest {
        target: Target::Download,
        ..samples::request()
    });
    assert_eq!(request.target(), None);
    let names: Vec<_> = request.artifacts().into_iter().map(|a| a.name).collect();
    assert_eq!(names, ["m1", "m2", "m3"]);
    assert!(request.keeps().unwrap().0.contains("m1, m2, m3"));
}

#[test]
fn a_hand_over_has_the_steps_that_its_request_names() {
    let (plan, _) = sealed();
    let context = Context {
        place: "/srv/restores/prod".to_owned(),
        ..Context::default()
    };
    let handover = handover(&plan, &[], &context);
    let ids: Vec<_> = handover.ids().collect();
    assert_eq!(ids, plan.request.handover_steps());
    let copy = &handover.step("member:m2").unwrap().commands[0].text;
    assert!(copy.contains("/srv/restores/prod/m2/"), "{copy}");
    let of_parts = plan.steps.iter().filter(|s| s.action.is_of_parts());
    assert_eq!(of_parts.count(), 4);
}

#[test]
fn an_observation_names_what_it_did_not_see() {
    let failures = |spoil: &dyn Fn(&mut etcd_restore::Observation)| {
        let mut seen = samples::observation();
        seen.source.stored = Some(StoredState::Kept);
        spoil(&mut seen);
        let sources = Observation::EtcdRestore(seen).sources();
        let names: Vec<_> = sources.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["file", "target"]);
        sources.into_iter().map(|(_, why)| why).collect::<Vec<_>>()
    };
    assert_eq!(failures(&|_| {}), [None, None]);
    let nobody = Some("it was not looked at".to_owned());
    assert_eq!(
        failures(&|seen| seen.source.stored = None),
        [nobody.clone(), None]
    );
    let unseen = |seen: &mut etcd_restore::Observation| {
        seen.target.state = TargetState::Unknown { why: None };
    };
    assert_eq!(failures(&unseen), [None, nobody]);
    let why = Some("Input/output error".to_owned());
    let failed = |seen: &mut etcd_restore::Observation| {
        seen.target.state = TargetState::Unknown { why: why.clone() };
        seen.source.stored = Some(StoredState::Missing);
    };
    let [file, target] = failures(&failed).try_into().unwrap();
    assert_eq!(target, why);
    assert!(file.unwrap().contains("not in the store"));
}
