//! What entries look like, and what is kept out of them.

use super::*;

fn draft() -> Draft {
    Draft {
        who: "anna".to_owned(),
        who_id: None,
        from: "10.0.0.7".to_owned(),
        act: act::PLAN_APPROVE.to_owned(),
        cluster: Some("prod-etcd".to_owned()),
        subject: "plan p1".to_owned(),
        about: Some(About::plan("p1")),
        job: None,
        plan: Some("ab".repeat(32)),
    }
}

fn place(index: u64, at_ms: i64, previous_ms: Option<i64>) -> Place {
    Place {
        index,
        at_ms,
        previous_ms,
    }
}

#[test]
fn an_entry_has_one_text() {
    let entry = Entry::closed(
        place(18, 1_700_000_000_123, Some(1_700_000_000_000)),
        &draft(),
        17,
        Outcome::Done,
        "",
    );
    assert_eq!(
        entry.canonical_json(),
        format!(
            r#"{{"about":{{"plan":{{"id":"p1"}}}},"act":"plan.approve","at_ms":1700000000123,"closes":17,"cluster":"prod-etcd","format":"requorum.entry/1","from":"10.0.0.7","index":18,"outcome":"done","phase":"closed","plan":"{}","subject":"plan p1","who":"anna"}}"#,
            "ab".repeat(32)
        )
    );
    let read: Entry = serde_json::from_str(&entry.canonical_json()).unwrap();
    assert_eq!(read, entry);
    assert_eq!(read.draft(), draft());
}

#[test]
fn a_clock_that_goes_back_is_said_and_the_order_stays() {
    let back = Entry::opened(place(5, 900, Some(1_000)), &draft());
    assert_eq!(back.clock_back_ms, Some(100));
    assert_eq!(back.index, 5);
    assert_eq!(
        back.at_ms, 900,
        "the clock's own time is written, not a corrected one"
    );
    assert_eq!(
        Entry::opened(place(6, 900, Some(900)), &draft()).clock_back_ms,
        None
    );
    assert_eq!(
        Entry::opened(place(0, 900, None), &draft()).clock_back_ms,
        None
    );
    let extreme = Entry::opened(place(7, i64::MIN, Some(i64::MAX)), &draft());
    assert_eq!(extreme.clock_back_ms, Some(i64::MAX));
}

#[test]
fn texts_are_cut_and_lose_their_control_characters() {
    let mut wild = draft();
    wild.who = "a\u{1b}[2Jb\nc".to_owned();
    wild.subject = "\u{10ffff}\"".repeat(100_000);
    let entry = Entry::opened(place(0, 0, None), &wild);
    assert_eq!(entry.who, "a [2Jb c");
    assert_eq!(entry.subject.chars().count(), MAX_TEXT_CHARS);
    assert!(entry.subject.ends_with('…'));
}

#[test]
fn the_longest_entry_fits_a_leaf() {
    let long = "\u{10ffff}".repeat(10_000);
    let wild = Draft {
        who: long.clone(),
        who_id: Some(long.clone()),
        from: long.clone(),
        act: long.clone(),
        cluster: Some(long.clone()),
        subject: long.clone(),
        about: None,
        job: Some(long.clone()),
        plan: Some(long.clone()),
    };
    let entry = Entry::closed(
        place(u64::MAX >> 16, i64::MIN, Some(i64::MAX)),
        &wild,
        1 << 47,
        Outcome::Unknown,
        &long,
    );
    assert!(entry.canonical_json().len() < 16 * 1024);
    assert_eq!(entry.phase, Phase::Unknown);
}

#[test]
fn every_act_has_a_phrase_of_its_own() {
    let phrases: std::collections::BTreeSet<_> = act::ALL.into_iter().map(act::phrase).collect();
    assert_eq!(phrases.len(), act::ALL.len());
    for name in act::ALL {
        assert_ne!(act::phrase(name), name);
    }
    assert_eq!(act::phrase("secret.rotate"), "secret.rotate");
}
