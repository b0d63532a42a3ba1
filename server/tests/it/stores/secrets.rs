//! Sealed credentials.

use std::sync::Arc;

use requorum_server::ledger::carrying_out;
use requorum_server::ledger::store::LedgerStore as _;
use requorum_server::secrets::seal::Sealed;
use requorum_server::secrets::store::{Kept, Reseal, SealedSecret, SecretStore as _, SecretView};

use super::{Store, ledger, stories};

fn secret(id: &str, name: &str, key: &str) -> SealedSecret {
    SealedSecret {
        view: SecretView {
            id: id.into(),
            name: name.into(),
            kind: "password".into(),
            created_ms: 1,
            changed_ms: 2,
            changed_by: "anna".into(),
        },
        sealed: Sealed {
            key_id: key.into(),
            nonce: vec![0, 1, 255],
            ciphertext: vec![0; 40],
        },
    }
}

async fn a_credential_is_kept_replaced_and_removed(store: &Store) {
    let db = &store.db;
    for (id, name) in [("1", "b"), ("2", "a"), ("3", "B")] {
        let kept = db.put_secret(&secret(id, name, "k1")).await.unwrap();
        assert_eq!(kept, Kept::Yes);
    }
    let taken = db.put_secret(&secret("4", "a", "k1")).await.unwrap();
    assert_eq!(taken, Kept::NameTaken);
    let stale = db.put_secret(&secret("4", "c", "k0")).await.unwrap();
    assert_eq!(stale, Kept::OtherKey);
    let renamed = secret("1", "bb", "k1");
    assert_eq!(db.put_secret(&renamed).await.unwrap(), Kept::Yes);
    assert_eq!(db.secret("1").await.unwrap(), Some(renamed));
    let names: Vec<_> = db
        .secrets()
        .await
        .unwrap()
        .into_iter()
        .map(|s| s.name)
        .collect();
    assert_eq!(names, ["B", "a", "bb"]);
    assert!(db.remove_secret("1").await.unwrap());
    assert!(!db.remove_secret("1").await.unwrap());
    assert_eq!(db.secret("1").await.unwrap(), None);
    assert_eq!(db.key_ids().await.unwrap(), ["k1"]);
}

async fn all_are_sealed_again_or_none(store: &Store) {
    let db = &store.db;
    for (id, name) in [("1", "a"), ("2", "b")] {
        db.put_secret(&secret(id, name, "k1")).await.unwrap();
    }
    let under = |sealed: &Sealed| Sealed {
        key_id: "k2".into(),
        ..sealed.clone()
    };
    let fails: Reseal = Arc::new(move |id, sealed| {
        anyhow::ensure!(id == "1", "not this one");
        Ok(under(sealed))
    });
    assert!(db.reseal(fails).await.is_err());
    assert_eq!(db.key_ids().await.unwrap(), ["k1"]);
    let works: Reseal = Arc::new(move |_, sealed| Ok(under(sealed)));
    assert_eq!(db.reseal(works).await.unwrap(), 2);
    assert_eq!(db.key_ids().await.unwrap(), ["k2"]);
}

/// Known by what is sealed: where nothing is, the new key may not be in its place yet.
async fn a_new_key_is_known_while_its_act_is_open(store: &Store) {
    let db = &store.db;
    let entries = (0..3).map(|index| ledger::entry(index, "anna", None));
    ledger::append(db, &ledger::batch("one", entries.collect()))
        .await
        .unwrap();
    let under = |key: &'static str| -> Reseal {
        Arc::new(move |_, sealed: &Sealed| {
            anyhow::ensure!(sealed.key_id != key, "the same key");
            Ok(Sealed {
                key_id: key.into(),
                ..sealed.clone()
            })
        })
    };
    let sealed = carrying_out(0, db.reseal(under("k2"))).await;
    assert_eq!(sealed.unwrap(), 0);
    db.put_secret(&secret("1", "a", "k1")).await.unwrap();
    let sealed = carrying_out(1, db.reseal(under("k1"))).await;
    sealed.unwrap_err();
    let sealed = carrying_out(2, db.reseal(under("k2"))).await;
    assert_eq!(sealed.unwrap(), 1);
    let effects = db.effects().await.unwrap();
    let indexes: Vec<_> = effects.iter().map(|effect| effect.index).collect();
    assert_eq!(indexes, [2]);
}

stories!(
    a_credential_is_kept_replaced_and_removed,
    all_are_sealed_again_or_none,
    a_new_key_is_known_while_its_act_is_open,
);
