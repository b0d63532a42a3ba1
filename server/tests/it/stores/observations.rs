//! Observations: the newest of a subject, and those that plans rest on.

use requorum_server::observations::{Observation, ObservationStore as _, Source};
use requorum_server::plans::store::{Added, InputKind, PlanInput, PlanRow, PlanStore as _};

use super::plans::{plan, sealed};
use super::{Store, stories};

fn seen(id: &str, subject: &str, taken_ms: i64) -> Observation {
    Observation {
        id: id.into(),
        kind: "etcd.restore".into(),
        subject: subject.into(),
        taken_ms,
        place: "here".into(),
        sources: vec![
            Source {
                name: "file".into(),
                failure: None,
            },
            Source {
                name: "target".into(),
                failure: Some("permission denied".into()),
            },
        ],
        body_json: format!(r#"{{"of":"{id}"}}"#),
    }
}

async fn the_newest_is_kept_and_what_plans_rest_on(store: &Store) {
    let db = &store.db;
    sealed(store, &[]).await;
    db.add_observation(&seen("o1", "a", 1)).await.unwrap();
    db.add_observation(&seen("other", "b", 1)).await.unwrap();
    let on_it = PlanRow {
        inputs: vec![PlanInput {
            kind: InputKind::Observation,
            id: "o1".into(),
        }],
        ..plan("p", 1)
    };
    let added = db.add_plan(&on_it, "{}", 9).await.unwrap();
    assert_eq!(added, Added::Sealed(1));
    for (id, ms) in [("o2", 2), ("o3", 1_000_000)] {
        db.add_observation(&seen(id, "a", ms)).await.unwrap();
    }
    let newest = async |kind: &str, subject: &str| {
        let newest = db.newest_observation(kind, subject).await.unwrap();
        newest.map(|newest| newest.id)
    };
    let found = db.newest_observation("etcd.restore", "a").await.unwrap();
    assert_eq!(found, Some(seen("o3", "a", 1_000_000)));
    assert_eq!(newest("etcd.restore", "b").await.as_deref(), Some("other"));
    assert_eq!(newest("etcd.restore", "c").await, None);
    assert_eq!(newest("pd.recover", "a").await, None);
    for (id, there) in [("o1", true), ("o2", false), ("o3", true), ("other", true)] {
        let found = db.observation(id).await.unwrap();
        assert_eq!(found.is_some(), there, "{id}");
    }
}

stories!(the_newest_is_kept_and_what_plans_rest_on);
