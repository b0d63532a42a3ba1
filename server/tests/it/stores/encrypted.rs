//! The way to PostgreSQL, encrypted.

use requorum_server::db::{At, Database};

use crate::robustness::tls::Authority;
use crate::support::postgres::{PASSWORD, Postgres};

#[tokio::test]
async fn a_database_is_believed_by_its_certificate() {
    let cluster = Postgres::start();
    let plain = cluster.database().await;
    let (ours, another) = (Authority::new(), Authority::new());
    let (cert, key) = ours.issue();
    cluster.encrypt(&cert, &key);
    let dir = tempfile::tempdir().unwrap();
    let root = |authority: &Authority, name: &str| {
        let file = dir.path().join(name);
        std::fs::write(&file, authority.root()).unwrap();
        file.display().to_string()
    };
    let (ours, another) = (root(&ours, "ours.pem"), root(&another, "another.pem"));
    let named = plain.replace("127.0.0.1", "localhost");
    let elsewhere = plain.replace("127.0.0.1", "127.0.0.2");
    for (url, options, opens) in [
        (&plain, "", true),
        (&plain, "?sslmode=disable", false),
        (&plain, "?sslmode=require", true),
        (
            &plain,
            &format!("?sslmode=verify-full&sslrootcert={ours}"),
            true,
        ),
        (
            &named,
            &format!("?sslmode=verify-full&sslrootcert={ours}"),
            true,
        ),
        (
            &plain,
            &format!("?sslmode=verify-full&sslrootcert={another}"),
            false,
        ),
        (
            &plain,
            &format!("?sslmode=verify-ca&sslrootcert={another}"),
            false,
        ),
        (&plain, "?sslmode=verify-full", false),
        (&elsewhere, "?sslmode=verify-full", false),
    ] {
        let at = At::Url(format!("{url}{options}").parse().unwrap());
        match Database::open(&at).await {
            Ok(db) => {
                assert!(opens, "{options} should have been refused");
                db.ping().await.unwrap();
                db.close().await;
            }
            Err(error) => {
                let said = format!("{error:#}");
                assert!(!opens, "{options}: {said}");
                assert!(!said.contains(PASSWORD), "{said}");
            }
        }
    }
}
