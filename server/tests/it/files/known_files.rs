//! Files whose loss, users, tokens and revisions must be told, through the command line and through the list of stored
//! snapshots: the same facts in both.

use std::path::{Path, PathBuf};
use std::process::Command;

use requorum_shared::api::v1::Trust;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::harness::TestServer;
use crate::support::recovery::Console;

fn case(name: &str) -> PathBuf {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/cases");
    shared.join(name)
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn snapshot(arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .arg("snapshot")
        .args(arguments)
        .output()
        .unwrap();
    Said {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn check(name: &str) -> Said {
    snapshot(&["check", case(name).to_str().unwrap()])
}

fn json(name: &str) -> Value {
    json_of(&case(name))
}

fn json_of(file: &Path) -> Value {
    let said = snapshot(&["check", "--json", file.to_str().unwrap()]);
    serde_json::from_str(&said.out).unwrap()
}

/// `restore` of a file into a folder of its own.
fn restore(name: &str, more: &[&str]) -> Said {
    let folder = TempDir::new().unwrap();
    let file = case(name);
    let data = folder.path().join("d");
    let arguments = [
        "restore",
        file.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
    ];
    let said = snapshot(&[&arguments[..], more].concat());
    assert_eq!(said.code == 0, data.exists(), "{}", said.err);
    said
}

#[test]
fn a_lost_bucket_key_10() {
    let said = check("10-key-lost.db");
    assert_eq!(said.code, 1);
    let first = said.out.lines().next().unwrap();
    assert!(
        first.contains("bucket `key` cannot be read, so all keys are lost"),
        "{first}"
    );
    for wrong in ["0 revisions", "0 keys", " kB free", "skip-hash-check"] {
        assert!(!said.out.contains(wrong), "{wrong}: {}", said.out);
    }
    assert!(
        said.out
            .contains("revisions: unknown (bucket key cannot be read)")
    );
    assert_eq!(said.out.matches("What to do").count(), 1);
    let json = json("10-key-lost.db");
    let buckets = json["details"]["etcd"]["contents"]["buckets"]
        .as_array()
        .unwrap();
    let key = buckets.iter().find(|b| b["name"] == "key").unwrap();
    assert_eq!(key["pairs"], Value::Null);
    for flags in [&[][..], &["--skip-hash-check"]] {
        let said = restore("10-key-lost.db", flags);
        assert_eq!(said.code, 1);
        assert!(!said.err.contains("accept it with"), "{}", said.err);
        assert!(!said.err.contains("continues from"), "{}", said.err);
    }
}

#[test]
fn authentication_unreadable_11() {
    let said = check("11-auth-unreadable.db");
    assert_eq!(said.code, 1);
    let first = said.out.lines().next().unwrap();
    assert!(first.contains("bucket `auth` cannot be read"), "{first}");
    assert!(
        said.out
            .contains("auth: unknown (bucket auth cannot be read)"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("auth off"), "{}", said.out);
    assert!(said.out.contains("revision 11"), "{}", said.out);
    let json = json("11-auth-unreadable.db");
    assert_eq!(
        json["details"]["etcd"]["contents"]["auth"]["enabled"],
        Value::Null
    );
    assert_eq!(json["details"]["etcd"]["contents"]["current_revision"], 11);
}

#[test]
fn no_root_13() {
    let said = check("13-no-root.db");
    assert_eq!(said.code, 0);
    assert!(
        said.out.contains("warning [auth.administration]") && said.out.contains("no user root"),
        "{}",
        said.out
    );
    let said = restore("13-no-root.db", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("warning: authentication: ") && said.err.contains("no user root"),
        "{}",
        said.err
    );
    assert!(said.err.contains("--disable-auth"), "{}", said.err);
    assert!(!said.err.contains("root password"), "{}", said.err);
    let said = restore("13-no-root.db", &["--disable-auth"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.err.contains("no user root"), "{}", said.err);
}

#[test]
fn k3s_with_encrypted_secrets_14() {
    let said = check("14-k3s-encrypted.db");
    assert_eq!(said.code, 0);
    let restored = restore("14-k3s-encrypted.db", &[]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    for text in [&said.out, &restored.err] {
        assert!(text.contains("k3s or RKE2"), "{text}");
        assert!(text.contains("4e864cc9d096"), "{text}");
        assert!(
            text.contains(
                "4 of 5 secrets are encrypted with key `key1` (aescbc), which is not in the file"
            ),
            "{text}"
        );
    }
}

#[test]
fn compacted_ahead_of_all_keys_15() {
    let said = check("15-compacted-ahead.db");
    assert_eq!(said.code, 0);
    let second = said.out.lines().nth(1).unwrap();
    assert!(second.contains("revision 5 000"), "{second}");
    assert!(
        said.out.contains("A server starts at revision 5 000"),
        "{}",
        said.out
    );
    let said = restore("15-compacted-ahead.db", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("it continues from 5 000."),
        "{}",
        said.err
    );
    assert!(said.err.contains(": revision 5 000, "), "{}", said.err);
    assert!(!said.err.contains("revision 1,"), "{}", said.err);
}

/// Uploads the file and holds what the list of stored snapshots says against what the command line says. Gives both
/// inspections, the one of the command line first.
async fn stored_as_checked(console: &Console, file: &Path, trust: Trust) -> [Value; 2] {
    let name = file.file_name().unwrap().to_str().unwrap();
    let id = console
        .upload_bytes(name, std::fs::read(file).unwrap())
        .await;
    let (summary, inspection) = console.http.snapshot(&id).await;
    assert_eq!(summary.trust(), trust, "{name}");
    let said = json_of(file);
    let stored = serde_json::to_value(&inspection).unwrap();
    assert_eq!(summary.sentence, said["verdict"]["sentence"], "{name}");
    for same in ["kind", "recognised", "verdict", "report"] {
        assert_eq!(stored[same], said[same], "{name}: {same}");
    }
    let details = |of: &Value| of["details"]["etcd"].clone();
    for same in ["status", "hash_kv", "high_water_mark"] {
        assert_eq!(details(&stored)[same], details(&said)[same], "{name}");
    }
    let value = |key: &str| {
        let value = summary.headline.iter().find(|value| value.key == key);
        let value = value.map(|value| value.value.as_str());
        value.filter(|value| *value != "unknown")
    };
    let said_as = |said: &Value| said.as_i64().map(|n| n.to_string());
    assert_eq!(
        value("revision"),
        said_as(&said["details"]["etcd"]["contents"]["current_revision"]).as_deref(),
        "{name}"
    );
    assert_eq!(
        value("keys"),
        said_as(&said["details"]["etcd"]["status"]["total_key"]).as_deref(),
        "{name}"
    );
    [said, stored]
}

#[tokio::test]
async fn the_list_of_stored_snapshots_says_the_same() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let expected = [
        ("10-key-lost.db", Trust::Damaged, None),
        ("11-auth-unreadable.db", Trust::Damaged, Some(11)),
        ("13-no-root.db", Trust::Verified, None),
        ("14-k3s-encrypted.db", Trust::Verified, None),
        ("15-compacted-ahead.db", Trust::Verified, Some(5000)),
    ];
    for (name, trust, revision) in expected {
        let [said, _] = stored_as_checked(&console, &case(name), trust).await;
        if let Some(revision) = revision {
            let current = &said["details"]["etcd"]["contents"]["current_revision"];
            assert_eq!(*current, revision, "{name}");
        }
    }
}

/// A file of the conformance list that lies with those damaged on purpose.
fn damaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/testdata/damaged/{name}.db"))
}

/// A snapshot whose report a member's name tries to forge.
const FORGED: &str = "12-forged-report.db";

/// A file, and what must be said of it everywhere.
struct Known {
    file: PathBuf,
    trust: Trust,
    revision: Option<i64>,
    facts: &'static [&'static str],
}

/// Sentences of an inspection: verdict, evidence, findings and what it was recognised as.
fn words(inspection: &Value) -> String {
    let parts = ["verdict", "report", "recognised"].map(|part| inspection[part].to_string());
    parts.join(" ")
}

#[tokio::test]
async fn facts_of_padded_cut_off_and_forged_files_are_told_alike_05_06_08_09_12() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let cases = [
        Known {
            file: damaged("padded"),
            trust: Trust::Verified,
            revision: Some(339),
            facts: &[
                "the SHA-256 trailer matches, at byte 73 728",
                "480 bytes behind the snapshot are not part of it",
            ],
        },
        Known {
            file: case("06-host-b-1699876800.part"),
            trust: Trust::Damaged,
            revision: None,
            facts: &[
                "cut off while it was saved",
                "declare 73 728 bytes, and the file has 65 536",
                ".part",
            ],
        },
        Known {
            file: damaged("freelist-zeroed"),
            trust: Trust::Verified,
            revision: Some(339),
            facts: &["page 18", "freelist cannot be used", "no data is lost"],
        },
        Known {
            file: damaged("free-tail"),
            trust: Trust::Verified,
            revision: Some(339),
            facts: &[
                "last 8 of 26 pages",
                "none of them in use",
                "nothing is lost",
            ],
        },
        Known {
            file: case(FORGED),
            trust: Trust::Damaged,
            revision: Some(51),
            facts: &["the checksum does not match"],
        },
    ];
    for known in cases {
        let Known {
            file,
            trust,
            revision,
            facts,
        } = known;
        let both = stored_as_checked(&console, &file, trust).await;
        let name = file.display();
        for inspection in &both {
            let words = words(inspection);
            for fact in facts {
                assert!(words.contains(fact), "{name}: {fact:?} is not in {words}");
            }
            let etcd = &inspection["details"]["etcd"];
            let current = etcd["contents"]["current_revision"].as_i64();
            assert_eq!(current, revision, "{name}");
            if trust == Trust::Verified {
                assert_eq!(etcd["hash_kv"]["hash"], 35_341_968, "{name}");
                assert!(!words.contains("skip-hash-check"), "{name}: {words}");
            }
            if revision.is_none() {
                assert!(!words.contains("skip-hash-check"), "{name}: {words}");
                assert_eq!(etcd["status"], Value::Null, "{name}");
            }
        }
        // As data the members' names are what the file has; what is shown of them is escaped where it is shown.
        let members = both.map(|of| of["details"]["etcd"]["contents"]["members"].clone());
        assert_eq!(members[0], members[1], "{name}");
        if file.ends_with(FORGED) {
            assert!(members[0].to_string().contains("\\n\\nBytes"), "{name}");
        }
    }
}
