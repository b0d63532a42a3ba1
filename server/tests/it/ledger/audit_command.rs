//! `requorum audit`: the ledger verified and exported by the real binary, honest and tampered with.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use requorum_server::app::App;
use requorum_server::clock::SystemClock;
use requorum_server::config::{Config, LEASE};
use requorum_shared::ledger::entry::{Draft, Entry, Outcome};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

/// A data directory whose server has stopped.
struct Console {
    dir: tempfile::TempDir,
}

impl Console {
    /// With so many entries.
    async fn of(size: u64) -> Self {
        let console = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        console.grow(size).await;
        console
    }

    async fn grow(&self, size: u64) {
        let config = Config {
            data_dir: self.data_dir(),
            database: None,
            ledger_key: None,
            lease: LEASE,
            listen: "127.0.0.1:0".parse().unwrap(),
            public_url: None,
            proxies: Default::default(),
            restore_roots: Vec::new(),
            etcd_bin: Vec::new(),
            max_upload_bytes: 1,
            objects: None,
            master_key: None,
            oidc: None,
            tls: None,
            demo: false,
        };
        let app = App::build(config, Arc::new(SystemClock)).await.unwrap();
        let before = app.ledger.status().size;
        let notes = (before..size).map(|n| {
            let draft = Draft {
                who: format!("person {n}"),
                subject: "=1+1, \"quoted\"".to_owned(),
                ..Draft::default()
            };
            app.ledger.note(draft, Outcome::Done, "")
        });
        futures_util::future::join_all(notes).await;
        app.close().await;
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// As somebody who has the file: the triggers do not stop them.
    async fn tamper(&self, sql: &[&'static str]) {
        let options = SqliteConnectOptions::new()
            .filename(self.data_dir().join("requorum.db"))
            .foreign_keys(false);
        let database = SqlitePool::connect_with(options).await.unwrap();
        let open = [
            "DROP TRIGGER IF EXISTS ledger_entries_are_final",
            "DROP TRIGGER IF EXISTS ledger_entries_stay",
        ];
        for sql in open.iter().chain(sql) {
            sqlx::query(*sql).execute(&database).await.unwrap();
        }
        database.close().await;
    }

    fn audit(&self, command: &str, more: &[&str]) -> Output {
        let data_dir = self.data_dir();
        let from = ["--data-dir", data_dir.to_str().unwrap()];
        audit(command, &[&from, more].concat())
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }
}

fn audit(command: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(["audit", command])
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn good(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), errors.as_ref()), (Some(0), ""));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn bad(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn an_honest_ledger_is_whole_wherever_it_is_read() {
    let console = Console::of(600).await;
    let text = good(&console.audit("verify", &[]));
    assert!(text.starts_with("Ledger verified: 600 entries"), "{text}");
    assert!(text.contains("Compared     with nothing"), "{text}");

    let tiles = console.path("tiles");
    good(&console.audit("export", &["--format", "tiles", "--out", &tiles]));
    let elsewhere = good(&audit("verify", &["--tiles", &tiles]));
    assert_eq!(elsewhere, text);
    let kept = console.path("kept");
    std::fs::copy(format!("{tiles}/checkpoint"), &kept).unwrap();

    console.grow(700).await;
    let text = good(&console.audit("verify", &["--checkpoint", &kept]));
    assert!(
        text.contains("consistent with the given checkpoint of 600 entries"),
        "{text}"
    );
    let json = good(&console.audit("verify", &["--checkpoint", &kept, "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["whole"], &json["size"], &json["compared_with"]),
        (&true.into(), &700.into(), &600.into())
    );

    // Files alone, some of them full where the checkpoint counts a part.
    let more = console.path("more");
    good(&console.audit("export", &["--format", "tiles", "--out", &more]));
    let [c, k] = ["checkpoint", "key"].map(|name| format!("{tiles}/{name}"));
    let [tile, bundle] = ["tile/0", "tile/entries"].map(|name| format!("{more}/{name}"));
    std::fs::remove_dir_all(format!("{tiles}/tile")).unwrap();
    let missing = bad(&audit("verify", &["--tiles", &c, &k, &tile, &bundle]), 1);
    assert!(
        missing.contains("entry 512 is not there"),
        "600 ends in a part that 700 does not have: {missing}"
    );
    let text = good(&audit("verify", &["--tiles", &more, "--checkpoint", &c]));
    assert!(
        text.contains("consistent with the given checkpoint of 600 entries"),
        "{text}"
    );
}

#[tokio::test]
async fn every_tampering_is_named() {
    let cases: [(&[&'static str], &str); 10] = [
        (
            &["DELETE FROM ledger_entries WHERE idx >= 290"],
            "The ledger was cut off: its checkpoint counts 300 entries, and entry 290 is not there.",
        ),
        (
            &["DELETE FROM ledger_entries WHERE idx = 17"],
            "entry 17 is not there",
        ),
        (
            &[
                "UPDATE ledger_entries SET canonical = CAST(replace(CAST(canonical AS TEXT), 'person 17', 'person 18') AS BLOB) WHERE idx = 17",
            ],
            "Entry 17 was changed after it was written",
        ),
        (
            &["UPDATE ledger_entries SET leaf = zeroblob(32) WHERE idx = 17"],
            "Entry 17 was changed after it was written",
        ),
        (
            &[
                "UPDATE ledger_entries SET idx = -1 WHERE idx = 17",
                "UPDATE ledger_entries SET idx = 17 WHERE idx = 18",
                "UPDATE ledger_entries SET idx = 18 WHERE idx = -1",
            ],
            "Entries were moved: entry 18 is in the place of entry 17.",
        ),
        (
            &[
                "INSERT INTO ledger_entries SELECT 300, leaf, canonical, at_ms, closes, who, act, cluster, plan, job FROM ledger_entries WHERE idx = 17",
            ],
            "entries that no checkpoint counts, from entry 300 on",
        ),
        (
            &["UPDATE ledger_nodes SET hash = zeroblob(32)"],
            "tile/1/000.p/1 does not follow from the tiles below it",
        ),
        (
            &[
                "UPDATE ledger_checkpoints SET note = replace(note, char(10) || '300' || char(10), char(10) || '299' || char(10))",
            ],
            "its text was changed after it was signed",
        ),
        (&["DELETE FROM ledger_checkpoints"], "no checkpoint"),
        (
            &[
                "DELETE FROM ledger_checkpoints",
                "DELETE FROM ledger_entries",
            ],
            "the ledger is empty",
        ),
    ];
    for (sql, why) in cases {
        let console = Console::of(300).await;
        console.tamper(sql).await;
        let output = console.audit("verify", &[]);
        let error = bad(&output, 1);
        assert!(error.contains(why), "{sql:?}: {error}");
        assert_eq!(output.stdout, b"");
        let json = console.audit("verify", &["--json"]);
        let text = String::from_utf8(json.stdout).unwrap();
        if !text.is_empty() {
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["whole"], false);
        }
    }
}

#[tokio::test]
async fn a_kept_checkpoint_tells_of_a_ledger_cut_back_or_another_consoles() {
    let console = Console::of(100).await;
    let early = console.path("early");
    good(&console.audit("export", &["--format", "tiles", "--out", &early]));
    let backup = tempfile::tempdir().unwrap();
    for file in ["requorum.db", "ledger-key"] {
        std::fs::copy(console.data_dir().join(file), backup.path().join(file)).unwrap();
    }
    console.grow(150).await;
    let late = console.path("late");
    good(&console.audit("export", &["--format", "tiles", "--out", &late]));
    let kept = format!("{late}/checkpoint");

    // Put back to what it was, key and all.
    for file in ["requorum.db", "ledger-key"] {
        std::fs::copy(backup.path().join(file), console.data_dir().join(file)).unwrap();
    }
    good(&console.audit("verify", &[]));
    let error = bad(&console.audit("verify", &["--checkpoint", &kept]), 1);
    assert!(
        error.contains("it had 150 entries when it was last seen, and now has 100"),
        "{error}"
    );
    // And gone on from there another way.
    console.grow(160).await;
    good(&console.audit("verify", &[]));
    let error = bad(&console.audit("verify", &["--checkpoint", &kept]), 1);
    assert!(error.contains("The ledger was forked"), "{error}");

    let other = Console::of(150).await;
    let error = bad(&other.audit("verify", &["--checkpoint", &kept]), 1);
    assert!(error.contains("it comes from another console"), "{error}");
    let key = format!("{late}/key");
    let error = bad(&other.audit("verify", &["--key", &key]), 1);
    assert!(error.contains("it comes from another console"), "{error}");
    good(&console.audit("verify", &["--key", &key]));
}

#[tokio::test]
async fn exports_hold_every_entry_and_say_when_they_lie() {
    let console = Console::of(300).await;
    let lines = good(&console.audit("export", &[]));
    let entries: Vec<Entry> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 300);
    assert!(
        entries
            .iter()
            .zip(lines.lines())
            .all(|(entry, line)| entry.canonical_json() == line)
    );

    let file = console.path("ledger.csv");
    good(&console.audit("export", &["--format", "csv", "--out", &file]));
    let csv = std::fs::read_to_string(&file).unwrap();
    assert_eq!(csv.lines().count(), 301);
    assert!(
        csv.contains(r#""'=1+1, ""quoted""""#),
        "a spreadsheet must not calculate it"
    );
    let again = bad(
        &console.audit("export", &["--format", "csv", "--out", &file]),
        1,
    );
    assert!(again.contains("exists"), "nothing is overwritten: {again}");

    console
        .tamper(&["UPDATE ledger_entries SET leaf = zeroblob(32) WHERE idx = 299"])
        .await;
    let error = bad(&console.audit("export", &[]), 1);
    assert!(
        error.contains("cannot be trusted: Entry 299 was changed"),
        "{error}"
    );
    let tiles = console.path("tiles");
    bad(
        &console.audit("export", &["--format", "tiles", "--out", &tiles]),
        1,
    );
    assert!(!std::path::Path::new(&tiles).exists());
}

#[test]
fn wrong_usage_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().to_str().unwrap();
    for arguments in [
        &[][..],
        &["--data-dir", empty, "--tiles", empty],
        &["--data-dir", empty, "--nonsense"],
    ] {
        bad(&audit("verify", arguments), 2);
    }
    bad(
        &audit("export", &["--data-dir", empty, "--format", "tiles"]),
        2,
    );
    for (arguments, why) in [
        (&["--data-dir", empty][..], "there is no console in"),
        (&["--tiles", empty], "no file `key`"),
        (&["--tiles", "/nonexistent"], "/nonexistent"),
        (&["--tiles", empty, "--key", "x+y"], "--key"),
    ] {
        let error = bad(&audit("verify", arguments), 1);
        assert!(error.contains(why), "{error}");
    }
}

/// What entries are found by is no part of what is hashed: it is held against it.
#[tokio::test]
async fn what_entries_are_found_by_is_what_they_say() {
    for (column, value, words) in [
        ("who", "'ap'", "with the person “ap” instead of “person 7”"),
        ("act", "'job.start'", "with the act “job.start”"),
        (
            "cluster",
            "'prod'",
            "with the cluster “prod” instead of “none”",
        ),
        ("plan", "'abc'", "with the plan “abc”"),
        ("job", "'abc'", "with the job “abc”"),
        ("at_ms", "at_ms + 1", "with the time “"),
        ("closes", "3", "with the other half “3” instead of “none”"),
    ] {
        let console = Console::of(300).await;
        let sql = format!("UPDATE ledger_entries SET {column} = {value} WHERE idx = 7");
        console.tamper(&[sql.leak()]).await;
        let why = bad(&console.audit("verify", &[]), 1);
        assert!(why.contains("Entry 7 is intact"), "{column}: {why}");
        assert!(why.contains(words), "{column}: {why}");
    }
}
