//! What the rules expect of a store, told once for each and run on SQLite and on PostgreSQL.

mod encrypted;
mod files;
mod jobs;
mod ledger;
mod observations;
mod people;
mod plans;
mod secrets;
mod servers;
mod sign_ins;
mod turns;

use requorum_server::auth::store::UserStore as _;
use requorum_server::db::{At, Database};
use sqlx::{AnyConnection, Connection as _, Executor as _};

use crate::support::postgres::Postgres;

/// Runs stories on both databases.
macro_rules! stories {
    ($($story:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $story() {
                super::$story(&crate::stores::Store::sqlite().await).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $story() {
                super::$story(&crate::stores::Store::postgres().await).await;
            })+
        }
    };
}
pub(crate) use stories;

/// A fresh store, and a way around it.
pub(crate) struct Store {
    pub(crate) db: Database,
    /// The same database, as somebody has it who goes around the program.
    url: String,
    _dir: tempfile::TempDir,
}

impl Store {
    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Nothing in a name may be taken for a part of an address.
        let path = dir.path().join("a %41?b#c.db");
        let db = Database::open(&At::File(path.clone())).await.unwrap();
        assert!(path.exists(), "the file has the name that was given");
        let url = format!("sqlite://{}/a%20%2541%3Fb%23c.db", dir.path().display());
        Self { db, url, _dir: dir }
    }

    pub(crate) async fn postgres() -> Self {
        let url = Postgres::shared().database().await;
        let db = Database::open(&At::Url(url.parse().unwrap())).await;
        Self {
            db: db.unwrap(),
            url,
            _dir: tempfile::tempdir().unwrap(),
        }
    }

    /// Another process on the same database.
    pub(crate) async fn again(&self) -> Database {
        let at = match self.url.strip_prefix("sqlite://") {
            Some(_) => At::File(self._dir.path().join("a %41?b#c.db")),
            None => At::Url(self.url.parse().unwrap()),
        };
        Database::open(&at).await.unwrap()
    }

    /// Runs a statement around the program.
    pub(crate) async fn run(&self, sql: &'static str) -> sqlx::Result<u64> {
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        Ok(connection.execute(sql).await?.rows_affected())
    }

    /// Tries to, and gives what the database says to it.
    pub(crate) async fn refused(&self, sql: &'static str) -> String {
        self.run(sql).await.unwrap_err().to_string()
    }
}

/// Opening is migrating, and migrating twice is once.
async fn it_is_opened_again(store: &Store) {
    store.db.ping().await.unwrap();
    let (one, two) = tokio::join!(store.again(), store.again());
    one.ping().await.unwrap();
    two.close().await;
    assert!(two.ping().await.is_err(), "closed");
}

stories!(it_is_opened_again);

#[tokio::test]
async fn a_database_that_was_gone_is_used_again() {
    let cluster = Postgres::start();
    let url = cluster.database().await;
    let db = Database::open(&At::Url(url.parse().unwrap()))
        .await
        .unwrap();
    let user = people::user("anna");
    cluster.kill();
    assert!(db.add_user(&user).await.is_err());
    cluster.go();
    assert!(db.add_user(&user).await.unwrap());
}
