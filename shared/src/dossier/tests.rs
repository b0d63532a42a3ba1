mod approved;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::samples::{Run, key};
use super::*;
use crate::canonical::{sha256_hex, to_canonical_json};
use crate::document::Block;
use crate::etcd::recovery::restore::{NativeSource, Unfit};
use crate::finding::Outcome;
use crate::job::events::{Body, Event, StepOutcome};
use crate::ledger::entry::Entry;

fn packed(run: &Run) -> Vec<u8> {
    pack(&run.sources(&key(1)), &key(1)).unwrap()
}

fn whole() -> Vec<u8> {
    packed(&Run::started(false).over())
}

fn judge(bytes: &[u8]) -> Verdict {
    verify(bytes, Some(&key(1).verifying()))
}

/// The checks that do not pass, with why.
fn trouble(bytes: &[u8]) -> Vec<(String, Outcome, String)> {
    let checks = judge(bytes).checks.into_iter();
    checks
        .filter(|c| c.outcome != Outcome::Pass)
        .map(|c| (c.name, c.outcome, c.evidence))
        .collect()
}

/// The evidence of inspection is left out of the sample.
fn beside_evidence(bytes: &[u8]) -> Vec<(String, Outcome, String)> {
    let mut trouble = trouble(bytes);
    trouble.retain(|(name, outcome, _)| {
        !(name.starts_with("The evidence") && *outcome == Outcome::NotChecked)
    });
    trouble
}

/// The parts, to be changed and packed again.
fn parts(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let archive = zip::read(bytes).unwrap();
    let own = |(name, bytes): &zip::Part<'_>| ((*name).to_owned(), bytes.to_vec());
    archive.parts.iter().map(own).collect()
}

fn again(parts: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut in_order = vec![(name::MANIFEST, parts[name::MANIFEST].as_slice())];
    let rest = parts.iter().filter(|(n, _)| *n != name::MANIFEST);
    in_order.extend(rest.map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    zip::write(&in_order)
}

/// As somebody would who knows the format, and has another key or none: every hash is made right again.
fn forged(mut parts: BTreeMap<String, Vec<u8>>, seed: u8) -> Vec<u8> {
    let mut manifest: Manifest = serde_json::from_slice(&parts[name::MANIFEST]).unwrap();
    manifest.parts = parts
        .iter()
        .filter(|(n, _)| ![name::MANIFEST, name::SEAL, name::SUMS].contains(&n.as_str()))
        .map(|(name, bytes)| (name.clone(), manifest::PartFacts::of(bytes)))
        .collect();
    manifest.plan_hash = sha256_hex(&parts[name::PLAN]);
    manifest.events = parts[name::JOURNAL].iter().filter(|b| **b == b'\n').count() as u64;
    let json = to_canonical_json(&manifest).into_bytes();
    let sums = manifest::sums(&manifest, &json);
    let seal = seal::sign(&manifest.job, &sha256_hex(&json), &key(seed));
    parts.insert(name::SUMS.into(), sums.into_bytes());
    parts.insert(name::SEAL.into(), seal.into_bytes());
    parts.insert(name::MANIFEST.into(), json);
    again(&parts)
}

#[track_caller]
fn fails(bytes: &[u8], check: &str, why: &str) {
    let trouble = trouble(bytes);
    let found = trouble.iter().any(|(name, outcome, said)| {
        name.starts_with(check) && *outcome == Outcome::Fail && said.contains(why)
    });
    assert!(found, "{check} should fail with “{why}”: {trouble:#?}");
}

#[test]
fn a_dossier_is_told_by_its_manifest_and_is_not_longer_than_any() {
    // Of an earlier form too: then that is said of it.
    let mut bytes = zip::write(&[(name::MANIFEST, b"{\"format\":\"requorum.dossier/1\"}")]);
    assert!(is_dossier(&bytes.as_slice()).unwrap());
    let inspection = inspect(&bytes.as_slice(), "a.zip").unwrap().unwrap();
    assert_eq!(inspection.kind, DOSSIER);
    assert_eq!(inspection.file.size, bytes.len() as u64);
    bytes.resize(zip::MAX_ARCHIVE_BYTES + 1, 0);
    let another = zip::write(&[("a.json", b"{}")]);
    let manifest = zip::write(&[(name::MANIFEST, b"{\"name\":\"an extension\"}")]);
    for other in [&b""[..], b"PK", &another, &manifest, &bytes] {
        assert!(!is_dossier(&other).unwrap());
        assert_eq!(inspect(&other, "a.zip"), Ok(None));
    }
}

#[test]
fn a_recovery_makes_one_file_and_it_is_whole() {
    let run = Run::started(false).over();
    let bytes = packed(&run);
    assert_eq!(
        bytes,
        packed(&run),
        "the same recovery at the same checkpoint"
    );
    assert!(is_dossier(&bytes.as_slice()).unwrap());
    assert_eq!(beside_evidence(&bytes), []);
    let verdict = judge(&bytes);
    assert!(verdict.whole && !verdict.interim);
    assert_eq!(
        verdict.sentence,
        "Dossier valid as far as it can be checked here: 13 of 14 checks pass, 1 is not made."
    );
    let document = verdict.document.unwrap();
    assert!(
        document
            .sentence
            .starts_with("Done. A new cluster of 3 members")
    );
    assert!(document.notices.is_empty(), "{:?}", document.notices);

    let stranger = verify(&bytes, None);
    let key = stranger.checks.last().unwrap();
    assert_eq!(key.outcome, Outcome::NotChecked);
    assert!(key.evidence.contains(&self::key(1).verifying().short()));
    let other = verify(&bytes, Some(&self::key(2).verifying()));
    assert_eq!(other.checks.last().unwrap().outcome, Outcome::Fail);
    assert!(!other.whole);
}

#[test]
fn the_commands_of_other_tools_are_those_that_work_or_it_says_why_there_are_none() {
    let commands = |native| {
        let bytes = packed(&Run::started_from(native).over());
        assert_eq!(beside_evidence(&bytes), []);
        let sections = judge(&bytes).document.unwrap().sections;
        let mut found = sections.into_iter();
        let section = found.find(|section| section.title == "Equivalent commands");
        section.unwrap().blocks
    };
    let cut = commands(NativeSource::Cut { start: 0, size: 9 });
    let [Block::Commands(lines)] = cut.as_slice() else {
        panic!("{cut:?}")
    };
    assert_eq!(lines[1], "head -c 9 prod.db > prod.db.cut");
    assert!(lines[2].starts_with("etcdutl snapshot restore prod.db.cut "));
    let why = Unfit::UnusableFreelist;
    assert_eq!(
        commands(NativeSource::Unfit { why }),
        [
            Block::Text(
                "No command of etcd's own tools restores this file: they crash on its stored freelist."
                    .to_owned()
            ),
            Block::Commands(vec!["sha256sum prod.db".to_owned()]),
        ]
    );
}

#[test]
fn a_broken_glass_is_loud_and_a_job_under_way_says_interim_everywhere() {
    let run = Run::started(true).over();
    let bytes = packed(&run);
    assert_eq!(beside_evidence(&bytes), []);
    let loud = judge(&bytes).document.unwrap().notices;
    assert!(
        loud[0]
            .1
            .starts_with("Break-glass override: Anna K. let this plan run without approval")
            && loud[0].1.contains("still open"),
        "{loud:?}"
    );
    let page = String::from_utf8(parts(&bytes)[name::PAGE].clone()).unwrap();
    assert!(page.contains("prod is down &amp; Ben sleeps &lt;since 1 a.m.&gt;"));
    let reviewed = packed(&run.reviewed());
    assert_eq!(beside_evidence(&reviewed), []);
    let loud = judge(&reviewed).document.unwrap().notices;
    assert!(loud[0].1.contains("Ben closed the review"), "{loud:?}");

    let mut run = Run::started(false);
    run.step(
        1,
        StepOutcome::Done {
            evidence: "Read again.".into(),
        },
    );
    let bytes = packed(&run);
    assert_eq!(beside_evidence(&bytes), []);
    assert!(judge(&bytes).interim && judge(&bytes).sentence.starts_with("Interim dossier valid"));
    let parts = parts(&bytes);
    for part in [name::README, name::PAGE, name::MANIFEST] {
        let text = String::from_utf8(parts[part].clone()).unwrap();
        assert!(text.to_lowercase().contains("interim"), "{part}");
    }
    for part in [
        name::APPROVALS,
        name::VERIFICATION,
        name::TIMINGS,
        name::MANIFEST,
    ] {
        let value: serde_json::Value = serde_json::from_slice(&parts[part]).unwrap();
        assert_eq!(value["interim"], true, "{part}");
    }
}

/// As whoever has the key would pack it, with other grounds.
fn with_grounds(run: &Run, edit: &dyn Fn(&mut crate::approval::Authorization)) -> Vec<u8> {
    let mut events = run.events.clone();
    let Body::Started {
        grounds: Some(grounds),
        ..
    } = &mut events[0].body
    else {
        panic!("it begins with its grounds")
    };
    edit(grounds);
    let mut bad = parts(&packed(run));
    let mut approvals: Approvals = serde_json::from_slice(&bad[name::APPROVALS]).unwrap();
    approvals.grounds = Some((**grounds).clone());
    bad.insert(
        name::APPROVALS.into(),
        to_canonical_json(&approvals).into_bytes(),
    );
    bad.insert(name::JOURNAL.into(), parts::lines(&events));
    forged(bad, 1)
}

#[test]
fn a_part_that_is_changed_missing_or_slipped_in_is_named() {
    let good = parts(&whole());
    for part in good.keys() {
        let mut bad = good.clone();
        if let Some(last) = bad.get_mut(part).and_then(|bytes| bytes.last_mut()) {
            *last ^= 1;
        }
        let verdict = judge(&again(&bad));
        assert!(!verdict.whole, "{part}");
        if ![name::MANIFEST, name::SEAL, name::SUMS].contains(&part.as_str()) {
            fails(&again(&bad), "Every part", &format!("{part} was changed"));
        }
        if part != name::MANIFEST {
            let mut bad = good.clone();
            bad.remove(part);
            assert!(!judge(&again(&bad)).whole, "{part}");
        }
    }
    let mut bad = good.clone();
    bad.insert("virus.exe".into(), b"MZ".to_vec());
    fails(&again(&bad), "Every part", "virus.exe is in the archive");
    let mut bad = good;
    bad.remove(name::JOURNAL);
    fails(&again(&bad), "Every part", "journal.jsonl is missing");
}

#[test]
fn what_a_forger_with_another_key_can_do_is_seen() {
    let good = parts(&whole());
    // Everything made right again: only the signature tells.
    fails(
        &forged(good.clone(), 2),
        "The manifest is signed",
        "is not the signature of",
    );
    let mut bad = good.clone();
    bad.insert(
        name::KEY.into(),
        format!("{}\n", key(2).verifying()).into_bytes(),
    );
    let bytes = forged(bad, 2);
    fails(
        &bytes,
        "The ledger's checkpoint is signed",
        "cannot be trusted",
    );
    fails(&bytes, "The signing key", "and you gave");
}

/// Even whoever has the key, and makes every hash right again, cannot claim what the ledger does not have.
#[test]
fn what_a_forger_with_the_key_claims_must_follow_from_the_ledger() {
    let run = Run::started(false).over();
    let good = parts(&packed(&run));
    let journal = |edit: &dyn Fn(&mut Vec<Event>)| {
        let mut events = run.events.clone();
        edit(&mut events);
        for (at, event) in events.iter_mut().enumerate() {
            event.seq = at as u64 + 1;
        }
        let mut bad = good.clone();
        bad.insert(name::JOURNAL.into(), parts::lines(&events));
        forged(bad, 1)
    };
    // The failed attempt at step 4 is hushed up.
    let hushed = journal(&|events| {
        for event in events {
            if let Body::StepEnded { outcome, .. } = &mut event.body
                && matches!(outcome, StepOutcome::Failed { .. })
            {
                *outcome = StepOutcome::Done {
                    evidence: "Fine.".into(),
                };
            }
        }
    });
    fails(&hushed, "What the journal says", "does not have event");
    // A step is left out.
    let left_out = journal(&|events| {
        events.retain(|e| {
            !matches!(
                e.body,
                Body::StepStarted { step: 2 } | Body::StepEnded { step: 2, .. }
            )
        });
    });
    fails(
        &left_out,
        "What the journal says",
        "step 2 was carried out, and the journal does not",
    );
    // Somebody else is said to have answered.
    let blamed = journal(&|events| {
        for event in events {
            if let Body::Answered { by, .. } = &mut event.body {
                *by = "Carl".into();
            }
        }
    });
    fails(&blamed, "What the journal says", "answer a job's question");
    // A check that nobody made passes.
    let proven = journal(&|events| {
        for event in events {
            if let Body::Verified { checks } = &mut event.body {
                checks[1].outcome = Outcome::Pass;
            }
        }
    });
    fails(
        &proven,
        "The verification of the result",
        "differs from what",
    );
    fails(&proven, "The readable page", "differs from what");
    // Lines that were moved.
    let mut events = run.events.clone();
    events.swap(3, 4);
    let mut bad = good.clone();
    bad.insert(name::JOURNAL.into(), parts::lines(&events));
    fails(&forged(bad, 1), "The journal", "is where event 4 belongs");
    // Cut off in the middle of a line.
    let mut bad = good.clone();
    bad.get_mut(name::JOURNAL).unwrap().truncate(500);
    fails(&forged(bad, 1), "The journal", "cut off");
}

#[test]
fn another_plan_and_other_entries_do_not_fit() {
    let run = Run::started(false).over();
    let good = parts(&packed(&run));
    let mut plan = run.plan.clone();
    plan.outcome = "Something harmless.".into();
    let mut bad = good.clone();
    bad.insert(name::PLAN.into(), plan.canonical_json().into_bytes());
    fails(&again(&bad), "The plan has the hash", "it is another plan");
    fails(
        &forged(bad, 1),
        "What the journal says",
        "is not about this plan",
    );
    let mut bad = good.clone();
    bad.get_mut(name::PLAN).unwrap().push(b' ');
    fails(
        &forged(bad, 1),
        "The plan has the hash",
        "not canonical JSON",
    );

    let entries = String::from_utf8(good[name::ENTRIES].clone()).unwrap();
    let with = |text: String| {
        let mut bad = good.clone();
        bad.insert(name::ENTRIES.into(), text.into_bytes());
        forged(bad, 1)
    };
    let edited = entries.replacen("Ben", "Bob", 1);
    fails(&with(edited), "Every entry", "was changed");
    let without_last: Vec<_> = entries.lines().collect();
    let (last, before) = without_last.split_last().unwrap();
    let cut = before.join("\n") + "\n";
    fails(&with(cut.clone()), "Every entry", "entries and");
    let open = trouble(&with(cut));
    assert!(
        open.iter().any(
            |(name, outcome, why)| name.starts_with("What the journal says")
                && *outcome == Outcome::NotChecked
                && why.contains("does not record the outcome of this: event")
        ),
        "{open:#?}"
    );
    let entry: Entry = serde_json::from_str(last).unwrap();
    let moved = Entry {
        index: entry.index + 1,
        ..entry
    };
    let text = before.join("\n") + "\n" + &moved.canonical_json() + "\n";
    fails(&with(text), "Every entry", "is in the place of another");
}

#[test]
fn hostile_archives_are_refused_in_words() {
    let good = whole();
    for (bytes, why) in [
        (b"".to_vec(), "cut off"),
        (b"not a zip at all".to_vec(), "not a ZIP archive"),
        (good[..good.len() / 2].to_vec(), "cut off"),
        ([&good[..], b"more"].concat(), "Packing its parts again"),
        ([b"more", &good[..]].concat(), "not a ZIP archive"),
        (
            zip::write(&[("../../etc/passwd", b"")]),
            "which no part of a dossier is",
        ),
        (
            zip::write(&[(name::MANIFEST, b"{}"), (name::MANIFEST, b"{}")]),
            "two parts called",
        ),
    ] {
        fails(&bytes, "The archive is exactly", why);
    }
    for (manifest, why) in [
        (&b"{}"[..], "is not that of a dossier"),
        (
            b"{\"format\":\"requorum.dossier/9\"}",
            "is of the format requorum.dossier/9",
        ),
        (b"{\"format\":\"requorum.dossier/2\"}", "cannot be read"),
        (b"[[[[", "is not that of a dossier"),
    ] {
        fails(
            &zip::write(&[(name::MANIFEST, manifest)]),
            "Every part",
            why,
        );
    }
    let deep = "[".repeat(100_000);
    assert!(!judge(&zip::write(&[(name::MANIFEST, deep.as_bytes())])).whole);
}

#[test]
fn the_hand_over_is_in_the_record_and_cannot_be_claimed() {
    let run = || Run::started(false).over();
    let done = run()
        .handed_over("stop-old", "all off")
        .handed_over("start", "");
    let archive = packed(&done);
    assert!(judge(&archive).whole, "{:#?}", judge(&archive));
    let page = String::from_utf8(parts(&archive)[name::PAGE].clone()).unwrap();
    for said in [
        "2 of 7 hand-over steps done.",
        "all off",
        "Hand-over: Stop the old members",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let twice = run().handed_over("start", "").handed_over("start", "");
    let unknown = run().handed_over("member:m9", "");
    for odd in [twice, unknown] {
        assert!(!judge(&packed(&odd)).whole);
    }
    // The ledger has no such act.
    let mut claimed = run();
    let seq = claimed.events.len() as u64 + 1;
    claimed.events.push(Event::new(
        seq,
        1,
        Body::HandedOver {
            step: "start".into(),
            by: "Ben".into(),
            note: String::new(),
        }
        .into(),
    ));
    assert!(!judge(&packed(&claimed)).whole);
}

#[test]
fn what_stayed_and_was_removed_is_in_it_and_cannot_be_made_up() {
    let run = || Run::started(false).over();
    let page = |run: &Run| {
        let archive = packed(run);
        assert!(judge(&archive).whole, "{:#?}", judge(&archive));
        String::from_utf8(parts(&archive)[name::PAGE].clone()).unwrap()
    };
    let there = page(&run().kept());
    for said in [
        "/srv/restores/prod (3.00 MiB at the end of the job)",
        "The restored members stay",
    ] {
        assert!(there.contains(said), "{said}");
    }
    let gone = page(&run().kept().removed().handed_over("start", ""));
    for said in ["Nothing to clean up.", "Removed the restored members"] {
        assert!(gone.contains(said), "{said}");
    }
    // Removed twice, removed without having been there, written down twice, and what the ledger does not have.
    let twice = run().kept().removed().removed();
    let nothing = run().removed();
    let again = run().kept().kept();
    let mut claimed = run().kept();
    let seq = claimed.events.len() as u64 + 1;
    claimed.events.push(Event::new(
        seq,
        1,
        Body::LeftoversRemoved {
            by: "Ben".into(),
            paths: Vec::new(),
        }
        .into(),
    ));
    // Removed without having been begun, and another folder than the one that was left.
    let mut unbegun = run().kept().removed();
    unbegun.events.remove(unbegun.events.len() - 2);
    for (at, event) in (1..).zip(&mut unbegun.events) {
        event.seq = at;
    }
    let mut other = run().kept().removed();
    for event in &mut other.events {
        if let Body::RemovalBegun { paths, .. } | Body::LeftoversRemoved { paths, .. } =
            &mut event.body
        {
            *paths = vec!["/srv/other".into()];
        }
    }
    for odd in [twice, nothing, again, claimed, unbegun, other] {
        assert!(!judge(&packed(&odd)).whole);
    }
}

#[test]
fn a_host_that_a_step_ran_on_is_in_the_record() {
    let mut run = Run::started(false).over();
    let of_second = |event: &&mut Event| match &event.body {
        Body::StepStarted { step } | Body::StepLog { step, .. } | Body::StepEnded { step, .. } => {
            *step == 2
        }
        _ => false,
    };
    for event in run.events.iter_mut().filter(of_second) {
        event.host = Some("h2".into());
    }
    let archive = packed(&run);
    assert!(judge(&archive).whole, "{:#?}", judge(&archive));
    let parts = parts(&archive);
    let page = String::from_utf8(parts[name::PAGE].clone()).unwrap();
    let title = &run.plan.steps[1].title;
    let on_h2 = format!("{title} (on h2)");
    assert_eq!(page.matches(&on_h2).count(), 2, "timeline and steps");
    for said in [
        format!("Step 2: {on_h2}"),
        "h2: a line of step 2".to_owned(),
    ] {
        assert!(page.contains(&said), "{said}");
    }
    let journal = String::from_utf8(parts[name::JOURNAL].clone()).unwrap();
    assert_eq!(journal.matches(r#""host":"h2""#).count(), 3);
}

/// A page that was made by this version must be called true by every later one: what it says and how it looks does
/// not change without [`RENDERING`] going up.
#[test]
fn the_rendering_is_what_its_number_says() {
    let run = Run::started(true).over().reviewed();
    let parts = parts(&packed(&run.handed_over("stop-old", "all three are off")));
    let hashes = [name::PAGE, name::README].map(|name| sha256_hex(&parts[name])[..16].to_owned());
    assert_eq!(RENDERING, 9, "write the new hashes below");
    assert_eq!(hashes, ["801675555f0d0e1e", "2f665d274eb8d115"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_damage_is_overlooked_and_none_panics(
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let good = whole();
        let mut bad = good.clone();
        let at = at.index(bad.len());
        if cut {
            bad.truncate(at);
        } else {
            bad[at] = with;
        }
        prop_assert_eq!(judge(&bad).whole, bad == good);
    }

    #[test]
    fn no_part_makes_it_panic(
        part in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
    ) {
        let mut bad = parts(&whole());
        let names: Vec<_> = bad.keys().filter(|n| *n != name::MANIFEST).cloned().collect();
        let bytes = bad.get_mut(part.get(&names)).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = with;
        // Every hash made right, so that the damage comes to where the part is read.
        let verdict = judge(&forged(bad, 1));
        prop_assert_eq!(verdict.checks.len(), judge(&whole()).checks.len());
    }
}

#[test]
fn a_rule_that_nobody_is_known_to_have_set_shows_no_approval() {
    use crate::approval::{Policy, Rule, Second};
    let run = Run::started(false).over();
    let good = parts(&packed(&run));
    let under = |rule: Rule, edit: &dyn Fn(&mut crate::approval::Authorization)| {
        let mut events = run.events.clone();
        let Body::Started {
            grounds: Some(grounds),
            ..
        } = &mut events[0].body
        else {
            panic!("it begins with its grounds")
        };
        assert!(grounds.policy.is_none());
        grounds.rule = rule;
        edit(grounds);
        let mut approvals: Approvals = serde_json::from_slice(&good[name::APPROVALS]).unwrap();
        approvals.grounds = Some((**grounds).clone());
        let mut bad = good.clone();
        let approvals = to_canonical_json(&approvals).into_bytes();
        bad.insert(name::APPROVALS.into(), approvals);
        bad.insert(name::JOURNAL.into(), parts::lines(&events));
        forged(bad, 1)
    };
    let check = |bytes: &[u8]| {
        let checks = judge(bytes).checks.into_iter();
        let mut approvals = checks.filter(|check| check.name.starts_with("Enough people"));
        approvals.next().unwrap()
    };
    // Easier or harder than the usual one: both may have been nobody's.
    for approvers in [0, 1] {
        let rule = Rule {
            approvers,
            second: Second::Never,
        };
        let unknown = under(rule, &|_| {});
        let found = check(&unknown);
        assert_eq!(found.outcome, Outcome::NotChecked, "{}", found.evidence);
        assert!(found.evidence.contains("Who set it is unknown"));
        assert_eq!(judge(&unknown).approval, Outcome::NotChecked);
    }
    let usual = Policy::default().undoable;
    assert_eq!(check(&under(usual, &|_| {})).outcome, Outcome::Pass);
    // What fails still fails.
    let two = Rule {
        approvers: 2,
        second: Second::Always,
    };
    assert_eq!(check(&under(two, &|_| {})).outcome, Outcome::Fail);
    let one = Rule {
        approvers: 1,
        second: Second::Never,
    };
    let other = under(one, &|grounds| grounds.votes[0].plan_hash = "0".repeat(64));
    assert_eq!(check(&other).outcome, Outcome::Fail);
}
