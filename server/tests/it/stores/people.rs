//! Accounts, links, sessions, tokens.

use requorum_server::auth::seen::Use;
use requorum_server::auth::store::{
    AccountAct, By, Changed, HandStore as _, PasswordLink, SessionStore as _, StoredSession,
    StoredToken, TokenStore as _, User, UserChange, UserStore as _,
};
use requorum_server::ledger::carrying_out;
use requorum_server::ledger::store::LedgerStore as _;
use requorum_shared::permission::Grants;

use super::ledger::{append, batch, entry};
use super::{Store, stories};

pub(super) fn user(name: &str) -> User {
    User {
        id: format!("id of {name}"),
        name: name.into(),
        password_hash: "$argon2id$".into(),
        created_ms: 1,
        grants: Grants::everything(),
        ..User::default()
    }
}

async fn one_account_is_the_first(store: &Store) {
    assert!(!store.db.any_user().await.unwrap());
    let other = store.again().await;
    let (anna, bob) = (user("anna"), user("bob"));
    let (one, two) = tokio::join!(store.db.add_first_user(&anna), other.add_first_user(&bob));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one != two, "one of two at the same moment: {one} {two}");
    assert!(!store.db.add_first_user(&user("carl")).await.unwrap());
    assert!(store.db.any_user().await.unwrap());
    assert_eq!(store.db.users().await.unwrap().len(), 1);
}

async fn a_name_is_taken_in_any_case(store: &Store) {
    let db = &store.db;
    for name in ["bob", "Anna K.", "carl", "Ägidius"] {
        assert!(db.add_user(&user(name)).await.unwrap());
    }
    let again = User {
        id: "other".into(),
        ..user("ANNA k.")
    };
    assert!(!db.add_user(&again).await.unwrap());
    let found = db.find_user("anna K.").await.unwrap().unwrap();
    assert_eq!(found, user("Anna K."));
    assert!(db.find_user("ägidius").await.unwrap().is_none());
    assert!(db.find_user("Ägidius").await.unwrap().is_some());
    let names: Vec<_> = db
        .users()
        .await
        .unwrap()
        .into_iter()
        .map(|u| u.name)
        .collect();
    assert_eq!(names, ["Anna K.", "bob", "carl", "Ägidius"]);
}

async fn a_subject_of_a_provider_is_one_account(store: &Store) {
    let db = &store.db;
    let known = |name: &str, subject: &str| User {
        issuer: "https://idp".into(),
        subject: subject.into(),
        ..user(name)
    };
    assert!(db.add_user(&known("anna", "a")).await.unwrap());
    assert!(!db.add_user(&known("bob", "a")).await.unwrap());
    assert!(db.add_user(&known("bob", "b")).await.unwrap());
    // Local accounts have no subject, and are not one person.
    assert!(db.add_user(&user("carl")).await.unwrap());
    assert!(db.add_user(&user("dora")).await.unwrap());
    let found = db.find_subject("https://idp", "b").await.unwrap().unwrap();
    assert_eq!(found.name, "bob");
    assert!(db.find_subject("", "").await.unwrap().is_none());
}

async fn a_change_against_the_rule_is_taken_back(store: &Store) {
    let db = &store.db;
    db.add_user(&user("anna")).await.unwrap();
    let id = "id of anna";
    let change = UserChange::Disabled(7);
    let refused = db.change_user(id, &change, None, |_| false).await.unwrap();
    assert_eq!(refused, Changed::AgainstTheRule);
    assert_eq!(db.user(id).await.unwrap().unwrap().disabled_ms, 0);
    let made = db
        .change_user(id, &change, None, |all| all[0].disabled_ms == 7)
        .await;
    let Changed::Made(made) = made.unwrap() else {
        panic!("it was refused");
    };
    assert_eq!(made.disabled_ms, 7);
    let missing = db
        .change_user("nobody", &change, None, |_| true)
        .await
        .unwrap();
    assert_eq!(missing, Changed::Missing);
    // Two administrators take each other's role away at the same moment: one of them keeps it.
    db.change_user(id, &UserChange::Disabled(0), None, |_| true)
        .await
        .unwrap();
    db.add_user(&user("bob")).await.unwrap();
    let none = UserChange::Grants(Grants::default());
    let one_is_left = |all: &[User]| all.iter().any(|user| !user.grants.is_empty());
    let other = store.again().await;
    let (one, two) = tokio::join!(
        db.change_user(id, &none, None, one_is_left),
        other.change_user("id of bob", &none, None, one_is_left)
    );
    let refused = [one.unwrap(), two.unwrap()]
        .into_iter()
        .filter(|changed| *changed == Changed::AgainstTheRule);
    assert_eq!(refused.count(), 1);
}

async fn a_link_is_good_once_and_a_newer_one_replaces_it(store: &Store) {
    let db = &store.db;
    db.add_user(&user("anna")).await.unwrap();
    let link = |made_by: &str| PasswordLink {
        user_id: "id of anna".into(),
        made_by: made_by.into(),
        made_by_id: format!("id of {made_by}"),
        created_ms: 1,
        expires_ms: i64::MAX,
    };
    assert!(db.set_link("first", &link("bob")).await.unwrap());
    assert!(db.set_link("second", &link("carl")).await.unwrap());
    assert_eq!(db.find_link("first").await.unwrap(), None);
    assert_eq!(db.find_link("second").await.unwrap(), Some(link("carl")));
    assert_eq!(db.links().await.unwrap(), [link("carl")]);
    db.add_session("t", &session("s", 1, 100)).await.unwrap();

    let other = store.again().await;
    let (one, two) = tokio::join!(
        db.use_link("second", "new", false, 9),
        other.use_link("second", "new", false, 9)
    );
    let used: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(used.len(), 1, "once, however close the race");
    assert_eq!(used[0].password_hash, "new");
    assert!(db.find_session("t", 5).await.unwrap().is_none());
    assert!(db.set_link("third", &link("carl")).await.unwrap());
    db.remove_link("id of anna").await.unwrap();
    assert!(db.links().await.unwrap().is_empty());
}

/// Whatever another did to the account meanwhile: a link is for one that can have a password here.
async fn a_link_is_for_an_account_that_can_use_it(store: &Store) {
    let db = &store.db;
    db.add_user(&user("anna")).await.unwrap();
    let known = User {
        issuer: "https://idp".into(),
        subject: "b".into(),
        ..user("bob")
    };
    db.add_user(&known).await.unwrap();
    let off = UserChange::Disabled(7);
    db.change_user("id of anna", &off, None, |_| true)
        .await
        .unwrap();
    for of in ["id of anna", "id of bob", "nobody"] {
        let link = PasswordLink {
            user_id: of.into(),
            made_by: "carl".into(),
            made_by_id: "id of carl".into(),
            created_ms: 1,
            expires_ms: i64::MAX,
        };
        assert!(!db.set_link("t", &link).await.unwrap(), "{of}");
    }
    assert_eq!(db.links().await.unwrap(), []);
}

/// What a change is as an administrator's act on another's account is kept with it, or neither is.
async fn an_act_on_an_account_is_kept_with_the_change(store: &Store) {
    let db = &store.db;
    for name in ["anna", "bob"] {
        db.add_user(&user(name)).await.unwrap();
    }
    let by = |id: &str, at_ms| By {
        id: id.into(),
        at_ms,
    };
    let (anna, bob) = ("id of anna", "id of bob");
    let off = UserChange::Disabled(7);
    let refused = db
        .change_user(bob, &off, Some(&by(anna, 1)), |_| false)
        .await;
    assert_eq!(refused.unwrap(), Changed::AgainstTheRule);
    assert_eq!(db.account_acts(0).await.unwrap(), [], "nothing was done");

    db.change_user(bob, &off, Some(&by(anna, 2)), |_| true)
        .await
        .unwrap();
    db.change_user(bob, &UserChange::Disabled(0), Some(&by(anna, 3)), |_| true)
        .await
        .unwrap();
    // One's own, and what the command line does, is nobody's act on another.
    let none = UserChange::Grants(Grants::default());
    db.change_user(bob, &none, Some(&by(bob, 4)), |_| true)
        .await
        .unwrap();
    db.change_user(bob, &UserChange::Grants(Grants::everything()), None, |_| {
        true
    })
    .await
    .unwrap();
    let act = |at_ms, binds, before| AccountAct {
        account: bob.into(),
        by: anna.into(),
        at_ms,
        binds,
        before,
    };
    assert_eq!(
        db.account_acts(0).await.unwrap(),
        [
            act(2, false, Grants::everything()),
            act(3, true, Grants::default())
        ]
    );
    db.change_user(bob, &UserChange::Confirmed, None, |_| true)
        .await
        .unwrap();
    assert_eq!(db.account_acts(0).await.unwrap(), []);
}

fn session(id: &str, created_ms: i64, expires_ms: i64) -> StoredSession {
    StoredSession {
        id: id.into(),
        user_id: "id of anna".into(),
        created_ms,
        expires_ms,
        seen_ms: created_ms,
        address: "10.0.0.1".into(),
        agent: "Firefox".into(),
        by: "password".into(),
    }
}

async fn sessions_end(store: &Store) {
    let db = &store.db;
    db.add_user(&user("anna")).await.unwrap();
    db.add_session("t1", &session("s1", 1, 10)).await.unwrap();
    db.add_session("t2", &session("s2", 2, 100)).await.unwrap();
    db.add_session("t3", &session("s3", 3, 100)).await.unwrap();
    let (found, anna) = db.find_session("t1", 9).await.unwrap().unwrap();
    assert_eq!((found, anna), (session("s1", 1, 10), user("anna")));
    assert!(db.find_session("t1", 10).await.unwrap().is_none());
    assert!(db.find_session("t", 1).await.unwrap().is_none());
    let used = |id: &str, owner: &str, at_ms| Use {
        id: id.into(),
        owner: owner.into(),
        at_ms,
    };
    db.touch_sessions(&[used("s2", "id of anna", 50)])
        .await
        .unwrap();
    let listed = db.sessions("id of anna", 10).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|s| (s.id.as_str(), s.seen_ms)).collect();
    assert_eq!(listed, [("s3", 3), ("s2", 50)]);
    assert_eq!(db.last_seen().await.unwrap()["id of anna"], 50);
    // The account was seen, even if the session has ended meanwhile.
    db.touch_sessions(&[used("over", "id of anna", 60)])
        .await
        .unwrap();
    assert_eq!(db.last_seen().await.unwrap()["id of anna"], 60);
    // The next one that is opened takes those along that have ended.
    db.add_session("t4", &session("s4", 11, 100)).await.unwrap();
    assert_eq!(
        store
            .run("DELETE FROM sessions WHERE id = 's1'")
            .await
            .unwrap(),
        0
    );
    // Nor does any stay that has ended by itself.
    db.add_session("t5", &session("s5", 12, 20)).await.unwrap();
    db.forget_sessions(20, 0).await.unwrap();
    let left = db.sessions("id of anna", 13).await.unwrap();
    let left: Vec<_> = left.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(left, ["s4", "s3", "s2"]);
    assert!(!db.remove_session("id of bob", "s2").await.unwrap());
    assert!(db.remove_session("id of anna", "s2").await.unwrap());
    assert_eq!(db.remove_sessions("id of anna", "s4").await.unwrap(), 1);
    db.add_session("t6", &session("s6", 12, 100)).await.unwrap();
    assert_eq!(db.remove_all_sessions().await.unwrap(), 2);
    db.add_session("t4", &session("s4", 11, 100)).await.unwrap();
    let off = UserChange::Disabled(12);
    db.change_user("id of anna", &off, None, |_| true)
        .await
        .unwrap();
    assert!(db.find_session("t4", 12).await.unwrap().is_none());
}

/// The acts that had their effect, and what they were about where that is said.
async fn effects(store: &Store) -> Vec<(u64, Option<String>)> {
    let effects = store.db.effects().await.unwrap().into_iter();
    let mut effects: Vec<_> = effects.map(|e| (e.index, e.subject)).collect();
    effects.sort();
    effects
}

async fn an_account_and_its_link_are_one_effect(store: &Store) {
    let db = &store.db;
    let opened = (0..2).map(|n| entry(n, "anna", None)).collect();
    append(db, &batch("one", opened)).await.unwrap();
    let link = |of: &str| PasswordLink {
        user_id: of.into(),
        made_by: "carl".into(),
        made_by_id: "id of carl".into(),
        created_ms: 1,
        expires_ms: i64::MAX,
    };
    let (anna, hers) = (user("anna"), link("id of anna"));
    let invited = carrying_out(0, db.invite_user(&anna, "first", &hers));
    assert!(invited.await.unwrap());
    assert_eq!(db.find_link("first").await.unwrap(), Some(hers));

    // The name is taken: no link is made either.
    let again = User {
        id: "other".into(),
        ..user("ANNA")
    };
    let other = link("other");
    let invited = carrying_out(1, db.invite_user(&again, "second", &other));
    assert!(!invited.await.unwrap());
    assert_eq!(db.find_link("second").await.unwrap(), None);
    // The link cannot be kept: there is no account either.
    let (bob, his) = (user("bob"), link("id of bob"));
    let invited = carrying_out(1, db.invite_user(&bob, "first", &his));
    invited.await.unwrap_err();
    assert_eq!(db.find_user("bob").await.unwrap(), None);

    let about = format!("anna as {}", Grants::everything());
    assert_eq!(effects(store).await, [(0, Some(about))]);
    let third = link("id of anna");
    let linked = carrying_out(1, db.set_link("third", &third));
    assert!(linked.await.unwrap());
    assert_eq!(effects(store).await.len(), 2);
}

async fn ended_sessions_are_an_effect(store: &Store) {
    let db = &store.db;
    db.add_user(&user("anna")).await.unwrap();
    for n in 1..=3 {
        let session = session(&format!("s{n}"), n, 100);
        db.add_session(&format!("t{n}"), &session).await.unwrap();
    }
    let opened = (0..5).map(|n| entry(n, "anna", None)).collect();
    append(db, &batch("one", opened)).await.unwrap();
    // One that is not there is not ended.
    let ended = carrying_out(0, db.remove_session("id of anna", "s9"));
    assert!(!ended.await.unwrap());
    assert_eq!(effects(store).await, []);
    let ended = carrying_out(1, db.remove_session("id of anna", "s1"));
    assert!(ended.await.unwrap());
    let ended = carrying_out(2, db.remove_sessions("id of anna", "s2"));
    assert_eq!(ended.await.unwrap(), 1);
    // That no other is open is true from then on, even if it was before.
    let ended = carrying_out(3, db.remove_sessions("id of anna", "s2"));
    assert_eq!(ended.await.unwrap(), 0);
    let ended = carrying_out(4, db.remove_all_sessions());
    assert_eq!(ended.await.unwrap(), 1);
    let marked = effects(store).await;
    assert_eq!(marked, [1, 2, 3, 4].map(|index| (index, None)));
}

async fn tokens_are_revoked_and_stay(store: &Store) {
    let db = &store.db;
    for name in ["anna", "bob"] {
        db.add_user(&user(name)).await.unwrap();
    }
    let token = |id: &str, owner: &str, created_ms| StoredToken {
        id: id.into(),
        name: "backup".into(),
        user_id: format!("id of {owner}"),
        grants: Grants::parse(["operator@prod"]).unwrap(),
        created_ms,
        expires_ms: 100,
        used_ms: 0,
        revoked_ms: 0,
    };
    db.add_token("h1", &token("t1", "anna", 1)).await.unwrap();
    db.add_token("h2", &token("t2", "bob", 2)).await.unwrap();
    let (found, owner) = db.find_token("h1", 99).await.unwrap().unwrap();
    assert_eq!((found, owner), (token("t1", "anna", 1), user("anna")));
    assert!(db.find_token("h1", 100).await.unwrap().is_none());
    let used = Use {
        id: "t1".into(),
        owner: "id of anna".into(),
        at_ms: 50,
    };
    db.touch_tokens(&[used]).await.unwrap();
    assert!(db.revoke_token("t1", 60).await.unwrap());
    assert!(!db.revoke_token("t1", 70).await.unwrap());
    assert!(!db.revoke_token("t9", 70).await.unwrap());
    assert!(db.find_token("h1", 61).await.unwrap().is_none());
    let kept = db.token("t1").await.unwrap().unwrap();
    assert_eq!((kept.used_ms, kept.revoked_ms), (50, 60));
    let ids = |tokens: Vec<StoredToken>| tokens.into_iter().map(|t| t.id).collect::<Vec<_>>();
    assert_eq!(ids(db.tokens(None).await.unwrap()), ["t2", "t1"]);
    assert_eq!(ids(db.tokens(Some("id of bob")).await.unwrap()), ["t2"]);
}

stories!(
    one_account_is_the_first,
    a_name_is_taken_in_any_case,
    a_subject_of_a_provider_is_one_account,
    a_change_against_the_rule_is_taken_back,
    a_link_is_good_once_and_a_newer_one_replaces_it,
    a_link_is_for_an_account_that_can_use_it,
    an_act_on_an_account_is_kept_with_the_change,
    an_account_and_its_link_are_one_effect,
    sessions_end,
    ended_sessions_are_an_effect,
    tokens_are_revoked_and_stay,
);
