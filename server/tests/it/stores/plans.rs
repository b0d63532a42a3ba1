//! Plans, and what people said of them.

use requorum_server::auth::store::UserStore as _;
use requorum_server::jobs::list::{JobFilter, JobList as _};
use requorum_server::paging::{Clusters, Key, Order, Slice};
use requorum_server::plans::approval_list::{ApprovalList as _, ReviewFilter};
use requorum_server::plans::approvals::{
    ApprovalStore as _, PolicyChange, PolicyChanged, Proposal, Review, SetPolicy, Vote,
};
use requorum_server::plans::brief::Brief;
use requorum_server::plans::list::{Column, PlanFilter, PlanList as _, cursor};
use requorum_server::plans::store::{
    Added, Decision, InputKind, PlanInput, PlanRow, PlanState, PlanStore as _,
};
use requorum_shared::approval::{AcceptedWarning, Policy, Reversibility};
use requorum_shared::inspection::Labelled;
use requorum_shared::recovery::Outline;
use requorum_shared::value::Value;

use super::files::keep;
use super::people::user;
use super::{Store, stories};

pub(super) fn plan(id: &str, sealed_ms: i64) -> PlanRow {
    PlanRow {
        id: id.into(),
        hash: format!("hash of {id}"),
        cluster: "prod".into(),
        outcome: "Three members.".into(),
        author_id: "id of anna".into(),
        author: "anna".into(),
        sealed_ms,
        expires_ms: 100,
        state: PlanState::Sealed,
        decided_by: String::new(),
        decided_ms: 0,
        reason: String::new(),
        inputs: vec![
            PlanInput {
                kind: InputKind::File,
                id: "s".into(),
            },
            PlanInput {
                kind: InputKind::Observation,
                id: "o".into(),
            },
        ],
        job_id: String::new(),
        run_by: String::new(),
        broke_glass: false,
        entry: Some(sealed_ms as u64),
        weight: Reversibility::Undoable,
        brief: Brief::default(),
    }
}

fn decision(state: PlanState) -> Decision {
    Decision {
        state,
        by: "bob".into(),
        at_ms: 9,
        reason: "as agreed".into(),
    }
}

/// Anna, Bob, a snapshot and these plans.
pub(super) async fn sealed(store: &Store, ids: &[&str]) {
    for name in ["anna", "bob"] {
        store.db.add_user(&user(name)).await.unwrap();
    }
    keep(store, "s", 1).await;
    for (n, id) in ids.iter().enumerate() {
        let json = format!(r#"{{"id":"{id}"}}"#);
        assert!(
            store
                .db
                .add_plan(&plan(id, n as i64), &json, 10)
                .await
                .unwrap()
                == Added::Sealed(n as u64 + 1)
        );
    }
}

/// Approves one.
pub(super) async fn approve(store: &Store, id: &str) -> bool {
    let yes = decision(PlanState::Approved);
    store
        .db
        .decide_plan(id, PlanState::Sealed, &yes)
        .await
        .unwrap()
}

async fn a_plan_is_decided_once(store: &Store) {
    let db = &store.db;
    sealed(store, &["p1", "p2"]).await;
    assert!(
        db.add_plan(
            &PlanRow {
                id: "p3".into(),
                ..plan("p1", 3)
            },
            "{}",
            10
        )
        .await
        .is_err(),
        "a hash is one plan's"
    );
    let other = store.again().await;
    let no = decision(PlanState::Rejected);
    let (yes, no) = tokio::join!(
        approve(store, "p1"),
        other.decide_plan("p1", PlanState::Sealed, &no)
    );
    assert!(yes != no.unwrap(), "one of two at the same moment");
    assert!(!approve(store, "p1").await);
    let (row, json) = db.plan("p1").await.unwrap().unwrap();
    assert_eq!((row.decided_by.as_str(), row.decided_ms), ("bob", 9));
    assert_eq!(json, r#"{"id":"p1"}"#);
    let all = Slice {
        limit: 9,
        after: None,
    };
    let of = |input: &str| PlanFilter {
        input: input.into(),
        ..PlanFilter::of(Clusters::All, 1)
    };
    let listed = db.plan_rows(&of(""), &all).await.unwrap();
    assert_eq!(row.inputs, plan("p1", 0).inputs);
    // A list does not say what a plan rests on.
    let listless = |row: PlanRow| PlanRow {
        inputs: Vec::new(),
        ..row
    };
    let mut second = plan("p2", 1);
    second.brief.number = 2;
    assert_eq!(row.brief.number, 1);
    assert_eq!(listed, [second, row].map(listless));
    for input in ["s", "o"] {
        assert_eq!(db.plan_rows(&of(input), &all).await.unwrap(), listed);
        assert_eq!(db.count_plans(&of(input)).await.unwrap(), 2);
    }
    assert!(db.plan_rows(&of("t"), &all).await.unwrap().is_empty());
    assert!(db.plan("p9").await.unwrap().is_none());
}

/// What lists show of plans is of no one system, and is put in order all the same.
async fn plans_of_any_system_are_listed(store: &Store) {
    let db = &store.db;
    sealed(store, &[]).await;
    let outlines = [
        Outline {
            file_names: vec!["b.snap".into(), "c.wal".into()],
            headline: vec![
                Labelled::new("index", "Raft index", Value::Index(12)),
                Labelled::new("servers", "Servers", Value::Text("a, \"b\"".into())),
            ],
            target: "data/one".into(),
        },
        Outline::default(),
        Outline {
            file_names: vec!["a.db".into()],
            headline: vec![Labelled::new("revision", "Revision", None)],
            target: String::new(),
        },
    ];
    for (at, outline) in (0..).zip(&outlines) {
        let mut row = plan(&format!("p{at}"), at);
        row.brief.outline = outline.clone();
        let json = format!(r#"{{"id":"p{at}"}}"#);
        db.add_plan(&row, &json, 10).await.unwrap();
    }
    for (at, outline) in outlines.iter().enumerate() {
        let (row, _) = db.plan(&format!("p{at}")).await.unwrap().unwrap();
        assert_eq!(&row.brief.outline, outline);
    }
    for (by, expected) in [
        (Column::Headline, ["p1", "p2", "p0"]),
        (Column::File, ["p1", "p2", "p0"]),
        (Column::Target, ["p1", "p2", "p0"]),
    ] {
        let order = Order {
            by,
            descending: false,
        };
        let filter = PlanFilter {
            order,
            ..PlanFilter::of(Clusters::All, 1)
        };
        // Row by row, so that each cursor is what the database orders by.
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let slice = Slice { limit: 1, after };
            let (rows, fit) = db.find_plans(&filter, &slice).await.unwrap();
            let Some(row) = rows.into_iter().next() else {
                break;
            };
            assert_eq!(fit, 3);
            after = Some(cursor(order, &row, 1));
            seen.push(row.id);
        }
        assert_eq!(seen, expected, "{by:?}");
    }
    let found = PlanFilter {
        words: vec!["c.wal".into()],
        ..PlanFilter::of(Clusters::All, 1)
    };
    assert_eq!(db.count_plans(&found).await.unwrap(), 1);
}

/// Rows as earlier versions had them.
async fn rows_of_earlier_versions_keep_what_lists_show(store: &Store) {
    sealed(store, &["known", "unknown"]).await;
    assert!(approve(store, "known").await);
    for sql in [
        "ALTER TABLE plans RENAME COLUMN file_names TO file_name",
        "ALTER TABLE plans RENAME COLUMN headline_number TO revision",
        "ALTER TABLE plans ADD COLUMN members INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE plans DROP COLUMN headline_json",
        "ALTER TABLE jobs RENAME COLUMN file_names TO file_name",
        "ALTER TABLE jobs ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN members INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs DROP COLUMN headline_json",
        "UPDATE plans SET file_name = 'a.db', revision = 339, members = 3 WHERE id = 'known'",
        "INSERT INTO jobs (id, plan_id, started_by, created_ms, file_name, revision, members) VALUES ('job', 'known', \
         'anna', 1, 'a.db', 339, 3)",
        "DELETE FROM _sqlx_migrations WHERE version = 200",
    ] {
        store.run(sql).await.unwrap();
    }
    let db = store.again().await;
    let revision =
        |value: Option<i64>| Labelled::new("revision", "Revision", value.map(Value::Revision));
    let members = |value: Option<u64>| Labelled::new("members", "Members", value.map(Value::Count));
    let (known, _) = db.plan("known").await.unwrap().unwrap();
    let outline = Outline {
        file_names: vec!["a.db".into()],
        headline: vec![revision(Some(339)), members(Some(3))],
        target: String::new(),
    };
    assert_eq!(known.brief.outline, outline);
    let all = Slice {
        limit: 9,
        after: None,
    };
    let every = JobFilter::of(Clusters::All);
    let jobs = db.job_lines(&every, &all).await.unwrap();
    assert_eq!(jobs[0].brief.outline, outline);
    let (unknown, _) = db.plan("unknown").await.unwrap().unwrap();
    assert_eq!(unknown.brief.outline.file_names, [""; 0]);
    assert_eq!(
        unknown.brief.outline.headline,
        [revision(None), members(None)]
    );
    let order = Order {
        by: Column::Headline,
        descending: true,
    };
    let filter = PlanFilter {
        order,
        ..PlanFilter::of(Clusters::All, 1)
    };
    let (rows, _) = db.find_plans(&filter, &all).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["known", "unknown"]);
    assert_eq!(cursor(order, &rows[0], 1).key, Key::Number(339));
}

/// In every state, and in their order by it.
async fn closed_plans_are_listed_by_state(store: &Store) {
    let db = &store.db;
    sealed(
        store,
        &["expired", "invalidated", "withdrawn", "rejected", "open"],
    )
    .await;
    for state in [
        PlanState::Withdrawn,
        PlanState::Rejected,
        PlanState::Invalidated,
        PlanState::Expired,
    ] {
        let closed = db
            .decide_plan(state.word(), PlanState::Sealed, &decision(state))
            .await;
        assert!(closed.unwrap());
        let again = db
            .decide_plan(state.word(), PlanState::Sealed, &decision(state))
            .await;
        assert!(!again.unwrap(), "it is not open any more");
        assert_eq!(db.plan(state.word()).await.unwrap().unwrap().0.state, state);
    }
    let order = Order {
        by: Column::State,
        descending: false,
    };
    let by_state = |states: &[PlanState]| PlanFilter {
        states: states.to_vec(),
        order,
        ..PlanFilter::of(Clusters::All, 1)
    };
    let ids = ["open", "rejected", "withdrawn", "invalidated", "expired"];
    let mut slice = Slice {
        limit: 1,
        after: None,
    };
    for id in ids {
        let rows = db.plan_rows(&by_state(&[]), &slice).await.unwrap();
        assert_eq!(rows[0].id, id);
        slice.after = Some(cursor(order, &rows[0], 1));
    }
    let withdrawn = by_state(&[PlanState::Withdrawn]);
    assert_eq!(db.count_plans(&withdrawn).await.unwrap(), 1);
}

/// In every order, page by page: each plan that fits once, and each time how many fit.
async fn a_search_is_told_whole_page_by_page(store: &Store) {
    let db = &store.db;
    sealed(store, &["one-a", "two", "one-b", "one-c", "three", "one-d"]).await;
    for (name, by) in Column::ALL {
        for descending in [false, true] {
            let order = Order { by, descending };
            let filter = PlanFilter {
                words: vec!["one-".into(), "anna".into()],
                order,
                ..PlanFilter::of(Clusters::All, 1)
            };
            let mut slice = Slice {
                limit: 9,
                after: None,
            };
            let (all, fit) = db.find_plans(&filter, &slice).await.unwrap();
            assert_eq!((all.len(), fit), (4, 4), "{name}");
            slice.limit = 3;
            let mut paged = Vec::new();
            loop {
                let (rows, fit) = db.find_plans(&filter, &slice).await.unwrap();
                assert_eq!(fit, 4, "{name}, after {:?}", slice.after);
                let Some(last) = rows.last() else { break };
                slice.after = Some(cursor(order, last, 1));
                paged.extend(rows);
            }
            assert_eq!(paged, all, "{name}, descending: {descending}");
            assert_eq!(db.count_plans(&filter).await.unwrap(), 4);
        }
    }
    let none = PlanFilter {
        words: vec!["four".into()],
        ..PlanFilter::of(Clusters::All, 1)
    };
    let slice = Slice {
        limit: 9,
        after: None,
    };
    assert_eq!(db.find_plans(&none, &slice).await.unwrap(), (vec![], 0));
}

fn warning() -> AcceptedWarning {
    AcceptedWarning {
        code: "alarms.active".into(),
        subject: "alarms".into(),
    }
}

async fn a_person_votes_once_on_a_plan(store: &Store) {
    let db = &store.db;
    sealed(store, &["p"]).await;
    let vote = |name: &str, at_ms| Vote {
        user_id: format!("id of {name}"),
        user: name.into(),
        plan_hash: "hash of p".into(),
        at_ms,
        entry: Some(7),
        accepted: (at_ms > 1).then(|| vec![warning()]),
    };
    assert!(db.add_vote("p", &vote("bob", 2)).await.unwrap());
    assert!(!db.add_vote("p", &vote("bob", 3)).await.unwrap());
    assert!(db.add_vote("p", &vote("anna", 1)).await.unwrap());
    assert_eq!(
        db.votes("p").await.unwrap(),
        [vote("anna", 1), vote("bob", 2)]
    );
}

fn policy(cluster: &str, break_glass: bool) -> SetPolicy {
    SetPolicy {
        cluster: cluster.into(),
        policy: Policy {
            break_glass,
            ..Policy::default()
        },
        by: "anna".into(),
        at_ms: 1,
        entry: break_glass.then_some(8),
    }
}

/// A change that was judged against these.
fn change(cluster: &str, set: Option<SetPolicy>, judged: &[SetPolicy]) -> PolicyChange {
    PolicyChange {
        cluster: cluster.into(),
        set,
        judged: judged.to_vec(),
        listed: None,
    }
}

/// Sets one, or takes a cluster's away, judged against what is there.
pub(super) async fn change_policy(
    store: &Store,
    cluster: &str,
    set: Option<&SetPolicy>,
) -> PolicyChanged {
    let judged = store.db.policies_on(cluster).await.unwrap();
    let change = change(cluster, set.cloned(), &judged);
    store.db.change_policy(&change).await.unwrap()
}

async fn policies_are_replaced(store: &Store) {
    let db = &store.db;
    for set in [
        policy("prod", true),
        policy("", true),
        policy("Prod", true),
        policy("prod", false),
    ] {
        let done = change_policy(store, &set.cluster, Some(&set)).await;
        assert_eq!(done, PolicyChanged::Done);
    }
    let set = [
        policy("", true),
        policy("Prod", true),
        policy("prod", false),
    ];
    assert_eq!(db.policies().await.unwrap(), set);
    assert_eq!(
        db.policies_on("Prod").await.unwrap(),
        set[..2],
        "its own, and the one for everything"
    );
    let removed = change_policy(store, "prod", None).await;
    assert_eq!(removed, PolicyChanged::Done);
    let removed = change_policy(store, "prod", None).await;
    assert_eq!(removed, PolicyChanged::Missing);
    assert_eq!(db.policies().await.unwrap(), set[..2]);
}

/// What it was judged against is what must be there, whichever of two comes first.
async fn a_policy_is_not_changed_on_an_old_judgement(store: &Store) {
    let db = &store.db;
    let with = |cluster: &str, entry| SetPolicy {
        entry: Some(entry),
        ..policy(cluster, true)
    };
    let apply = async |change: PolicyChange| db.change_policy(&change).await.unwrap();
    // Nothing was set when both were judged.
    let done = apply(change("", Some(with("", 1)), &[])).await;
    assert_eq!(done, PolicyChanged::Done);
    let late = apply(change("", Some(with("", 2)), &[])).await;
    assert_eq!(late, PolicyChanged::Meanwhile);
    // A cluster without its own is judged against the one for everything.
    let late = apply(change("prod", Some(with("prod", 3)), &[])).await;
    assert_eq!(late, PolicyChanged::Meanwhile);
    let done = apply(change("prod", Some(with("prod", 4)), &[with("", 1)])).await;
    assert_eq!(done, PolicyChanged::Done);
    // The same words, set once more: another act.
    let judged = [with("", 1), with("prod", 4)];
    let done = apply(change("prod", Some(with("prod", 5)), &judged)).await;
    assert_eq!(done, PolicyChanged::Done);
    for set in [Some(with("prod", 6)), None] {
        let late = apply(change("prod", set, &judged)).await;
        assert_eq!(late, PolicyChanged::Meanwhile);
    }
    let there = [with("", 1), with("prod", 5)];
    assert_eq!(db.policies().await.unwrap(), there);

    // What waits or is listed goes with the change, or stays as it is.
    let proposal = |id: &str, in_force| Proposal {
        id: id.into(),
        cluster: "prod".into(),
        policy: Some(Policy::default()),
        by_id: "id of anna".into(),
        by: "anna".into(),
        at_ms: 1,
        in_force,
    };
    let listing = |judged: &[SetPolicy]| PolicyChange {
        listed: Some(proposal("counts", true)),
        ..change("prod", None, judged)
    };
    db.propose(&proposal("waits", false)).await.unwrap();
    assert_eq!(apply(listing(&judged)).await, PolicyChanged::Meanwhile);
    assert_eq!(db.proposals().await.unwrap(), [proposal("waits", false)]);
    assert_eq!(apply(listing(&there)).await, PolicyChanged::Done);
    assert_eq!(db.proposals().await.unwrap(), [proposal("counts", true)]);

    // At the same moment, from two servers.
    let other = store.again().await;
    let judged = [with("", 1)];
    let one = change("prod", Some(with("prod", 7)), &judged);
    let two = change("prod", Some(with("prod", 8)), &judged);
    let (one, two) = tokio::join!(db.change_policy(&one), other.change_policy(&two));
    let mut both = [one.unwrap(), two.unwrap()];
    both.sort_by_key(|changed| *changed == PolicyChanged::Meanwhile);
    assert_eq!(both, [PolicyChanged::Done, PolicyChanged::Meanwhile]);
}

async fn broken_glass_leaves_a_review_that_stays(store: &Store) {
    let db = &store.db;
    sealed(store, &["p1", "p2"]).await;
    let review = |plan: &str, broken_ms| Review {
        id: format!("review of {plan}"),
        plan_id: plan.into(),
        plan_hash: format!("hash of {plan}"),
        cluster: "prod".into(),
        number: if plan == "p1" { 1 } else { 2 },
        outcome: "Three members.".into(),
        broken_by_id: "id of anna".into(),
        broken_by: "anna".into(),
        broken_ms,
        reason: "night".into(),
        entry: Some(9),
        accepted: (broken_ms > 1).then(|| vec![warning()]),
        ..Review::default()
    };
    let yes = decision(PlanState::Approved);
    for (plan, at) in [("p1", 1), ("p2", 2)] {
        let broken = db
            .break_glass(PlanState::Sealed, &yes, &review(plan, at))
            .await;
        assert!(broken.unwrap());
    }
    let again = db
        .break_glass(PlanState::Sealed, &yes, &review("p1", 3))
        .await;
    assert!(!again.unwrap(), "it is not sealed any more");
    assert!(db.plan("p1").await.unwrap().unwrap().0.broke_glass);
    let open = ReviewFilter {
        clusters: Clusters::All,
        closed: false,
    };
    let all = Slice {
        limit: 9,
        after: None,
    };
    assert_eq!(
        db.review_rows(&open, &all).await.unwrap(),
        [review("p2", 2), review("p1", 1)]
    );
    let close = db.close_review("review of p1", "bob", 5, "it was right");
    assert!(close.await.unwrap());
    let (plan, _) = db.plan("p1").await.unwrap().unwrap();
    assert_eq!(
        (plan.state, plan.decided_by.as_str(), plan.decided_ms),
        (PlanState::Rejected, "bob", 5),
        "it had not been run, and cannot be any more"
    );
    assert!(
        !db.close_review("review of p1", "carl", 6, "no")
            .await
            .unwrap()
    );
    let closed = db.review_of("p1").await.unwrap().unwrap();
    assert_eq!((closed.closed_by.as_str(), closed.closed_ms), ("bob", 5));
    let said = store.refused("DELETE FROM reviews").await;
    assert!(said.contains("a review stays"), "{said}");
}

stories!(
    a_plan_is_decided_once,
    plans_of_any_system_are_listed,
    rows_of_earlier_versions_keep_what_lists_show,
    closed_plans_are_listed_by_state,
    a_search_is_told_whole_page_by_page,
    a_person_votes_once_on_a_plan,
    policies_are_replaced,
    a_policy_is_not_changed_on_an_old_judgement,
    broken_glass_leaves_a_review_that_stays,
);
