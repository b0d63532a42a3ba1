//! Snapshots that real etcd wrote just now: `requorum snapshot status`, `check` and `hashkv` against what that
//! version's own tools and servers say of them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Client, Cluster, HashKv, Peer, Ran, Settings, peers, requorum};

/// A snapshot, and what its server said of it the moment before.
struct Saved {
    file: PathBuf,
    cluster: Cluster,
    user: Option<&'static str>,
    _folder: TempDir,
}

impl Saved {
    /// Saves the first member of `cluster`; nothing may be written to it any more.
    fn of(cluster: Cluster, name: &str, user: Option<&'static str>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("requorum-saved-")
            .tempdir()
            .unwrap();
        let file = folder
            .path()
            .join(format!("{}-{name}.db", cluster.peer.name()));
        match user {
            None => cluster.save(&file),
            Some(user) => {
                let path = file.to_str().unwrap();
                let url = &cluster.members[0].client_url;
                cluster
                    .peer
                    .ctl(url, ["--user", user, "snapshot", "save", path])
                    .ok();
            }
        }
        Self {
            file,
            cluster,
            user,
            _folder: folder,
        }
    }

    fn hash_kv(&self, at: i64) -> Result<HashKv, String> {
        self.cluster.hash_kv(0, at, self.user)
    }

    /// Everything that can be compared is equal.
    fn agrees(&self) {
        self.status_is_equal();
        self.check_calls_it_whole();
        self.hash_kv_is_the_servers(0);
    }

    /// `status` prints what this version's tool prints, byte for byte, in every format.
    fn status_is_equal(&self) {
        let peer = &self.cluster.peer;
        let counting = if peer.at_least(6) { "3.6" } else { "3.5" };
        for format in ["simple", "json", "table", "fields"] {
            let theirs = peer.status(&self.file, format);
            let ours = ours(
                &["status", "--counting", counting, "-w", format],
                &self.file,
            );
            // 3.4 and 3.5 know no version: it is ours to say, and the new tools' to print.
            let (theirs, ours) = if peer.at_least(6) {
                (theirs.ok(), ours.ok())
            } else {
                (theirs.ok(), without_version(format, ours))
            };
            assert_eq!(ascii(&theirs), ours, "{} -w {format}", self.file.display());
        }
    }

    fn check_calls_it_whole(&self) {
        let checked = ours(&["check", "--json"], &self.file).json();
        let verdict = &checked["verdict"];
        assert_eq!(verdict["parts"][0]["outcome"], "pass", "{checked:#}");
        assert_eq!(verdict["parts"][1]["outcome"], "pass", "{checked:#}");
        assert_ne!(verdict["parts"][2]["outcome"], "fail", "{checked:#}");
    }

    /// `hashkv` gives what the server that wrote the file said at revision `at` (0: newest).
    fn hash_kv_is_the_servers(&self, at: i64) {
        let theirs = self.hash_kv(at).unwrap();
        let rev = at.to_string();
        let ours = ours(&["hashkv", "-w", "json", "--rev", &rev], &self.file).json();
        assert_eq!(ours["hash"], theirs.hash, "{} at {at}", self.file.display());
        assert_eq!(
            ours["compactRevision"],
            theirs.compact_revision,
            "{} at {at}",
            self.file.display()
        );
    }

    /// What `check --json` says.
    fn checked(&self) -> Value {
        ours(&["check", "--json"], &self.file).json()
    }
}

/// 3.7 draws the same table with other lines.
fn ascii(table: &str) -> String {
    table
        .replace('─', "-")
        .replace('│', "|")
        .replace(['┌', '┬', '┐', '├', '┼', '┤', '└', '┴', '┘'], "+")
}

/// Runs `requorum snapshot ARGUMENTS… FILE`.
fn ours(arguments: &[&str], file: &Path) -> Ran {
    let arguments = arguments.iter().map(OsStr::new);
    requorum(
        [OsStr::new("snapshot")]
            .into_iter()
            .chain(arguments)
            .chain([file.as_os_str()]),
    )
}

/// What `etcdutl` 3.6 and later print beyond the older ones, taken out.
fn without_version(format: &str, ran: Ran) -> String {
    let printed = ran.ok();
    match format {
        "json" => {
            let mut status: Value = serde_json::from_str(&printed).unwrap();
            status.as_object_mut().unwrap().remove("version");
            // The order of the fields is the tools' own.
            let field = |name: &str| format!("\"{name}\":{}", status[name]);
            let fields: Vec<_> = ["hash", "revision", "totalKey", "totalSize"]
                .map(field)
                .into();
            format!("{{{}}}\n", fields.join(","))
        }
        _ => printed,
    }
}

/// Keys, overwrites, deletes, several keys in one revision, binary ones, a compaction, and more after it.
fn history(client: &Client) {
    for number in 0..150 {
        client.put(format!("key/{number:03}"), format!("value {number}"));
    }
    for number in (0..150).step_by(3) {
        client.put(format!("key/{number:03}"), format!("value {number} again"));
    }
    client.delete_prefix("key/01");
    client.put("key/010", "here again");
    client.put_all([("txn/a", "1"), ("txn/b", "2"), ("txn/c", "3")]);
    client.put([0, 1, 0xfe, 0xff], [0xff, 0, 0xff]);
    client.compact(client.revision() - 20);
    for number in 0..40 {
        client.put(format!("late/{number}"), "x".repeat(number * 7));
    }
    client.delete("late/7");
    client.put_all([("txn/a", "4"), ("late/9", "5")]);
}

fn each_version(test: impl Fn(&Peer)) {
    for peer in peers().all() {
        test(peer);
    }
}

#[test]
fn a_history_with_deletes_and_a_compaction() {
    each_version(|peer| {
        let cluster = Cluster::single(peer);
        history(&cluster.client());
        let newest = cluster.client().revision();
        let saved = Saved::of(cluster, "history", None);
        saved.agrees();
        for at in [newest - 1, newest - 10, newest - 30] {
            saved.hash_kv_is_the_servers(at);
        }
    });
}

#[test]
fn nothing_was_ever_written() {
    each_version(|peer| Saved::of(Cluster::single(peer), "empty", None).agrees());
}

#[test]
fn after_a_defragmentation() {
    each_version(|peer| {
        let cluster = Cluster::single(peer);
        history(&cluster.client());
        cluster.client().defragment();
        Saved::of(cluster, "defragmented", None).agrees();
    });
}

#[test]
fn everything_was_deleted_and_compacted_away() {
    each_version(|peer| {
        let cluster = Cluster::single(peer);
        let client = cluster.client();
        for number in 0..60 {
            client.put(format!("gone/{number}"), "x".repeat(500));
        }
        let last = client.delete_prefix("gone/");
        client.compact(last);
        client.defragment();
        Saved::of(cluster, "gone", None).agrees();
    });
}

#[test]
fn leases_with_ids_beyond_2_to_the_53() {
    each_version(|peer| {
        let cluster = Cluster::single(peer);
        let client = cluster.client();
        for (number, id) in [0x7fff_ffff_ffff_fff1, 0x1234_5678_9abc_def0, 7]
            .into_iter()
            .enumerate()
        {
            let lease = client.lease_grant(id, 36_000);
            assert_eq!(lease, id);
            client.put_leased(format!("leased/{number}"), "x", lease);
        }
        let saved = Saved::of(cluster, "leases", None);
        saved.agrees();
        let checked = saved.checked();
        let leases = &checked["details"]["etcd"]["contents"]["leases"];
        let ids: Vec<_> = leases
            .as_array()
            .unwrap()
            .iter()
            .map(|lease| lease["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["7", "123456789abcdef0", "7ffffffffffffff1"]);
    });
}

#[test]
fn with_authentication_on() {
    each_version(|peer| {
        let cluster = Cluster::single(peer);
        let mut client = cluster.client();
        client.put("before", "x");
        client.auth_enable("a secret of the tests");
        client.put("after", "y");
        let saved = Saved::of(cluster, "auth", Some("root:a secret of the tests"));
        saved.agrees();
        let checked = saved.checked();
        assert_eq!(
            checked["details"]["etcd"]["contents"]["auth"]["enabled"], true,
            "{checked:#}"
        );
        assert_eq!(
            checked["details"]["etcd"]["contents"]["auth"]["users"][0]["name"],
            "root"
        );
        assert_eq!(
            checked["details"]["etcd"]["contents"]["auth"]["users"][0]["has_password"],
            true
        );
        // bcrypt hashes begin like this; none is ever shown.
        assert!(
            !checked.to_string().contains("$2a$"),
            "a password hash is shown"
        );
    });
}

#[test]
fn with_a_nospace_alarm() {
    each_version(|peer| {
        let arguments = vec![format!("--quota-backend-bytes={}", 2 << 20)];
        let cluster = Cluster::start(
            peer,
            Settings {
                arguments,
                ..Settings::default()
            },
        );
        let client = cluster.client();
        let refused = (0..64).find_map(|number| {
            client
                .try_put(format!("fill/{number}"), vec![b'x'; 100_000])
                .err()
        });
        assert!(
            refused.is_some_and(|said| said.contains("space")),
            "the quota did not bite"
        );
        assert_eq!(client.alarms()[0].1, "NOSPACE");
        let saved = Saved::of(cluster, "nospace", None);
        saved.agrees();
        let alarms = &saved.checked()["details"]["etcd"]["contents"]["alarms"];
        assert_eq!(alarms[0]["alarm"], "NOSPACE");
    });
}

#[test]
fn with_a_learner() {
    each_version(|peer| {
        let cluster = Cluster::single(peer);
        let client = cluster.client();
        client.put("a", "1");
        // It never starts: the member that it joins keeps it without a name.
        let id = client.member_add("http://127.0.0.1:1", true);
        client.put("b", "2");
        let saved = Saved::of(cluster, "learner", None);
        saved.agrees();
        let checked = saved.checked();
        let members = checked["details"]["etcd"]["contents"]["members"]
            .as_array()
            .unwrap();
        assert_eq!(members.len(), 2, "{checked:#}");
        let learner = members
            .iter()
            .find(|member| member["learner"] == true)
            .expect("a learner");
        assert_eq!(learner["id"], format!("{id:x}"));
        assert_eq!(learner["peer_urls"][0], "http://127.0.0.1:1");
    });
}

#[test]
fn values_larger_than_a_page() {
    each_version(|peer| {
        let cluster = Cluster::single(peer);
        let client = cluster.client();
        for (number, size) in [4_000, 4_096, 5_000, 70_000, 300_000, 1_200_000]
            .into_iter()
            .enumerate()
        {
            let value: Vec<u8> = (0..size)
                .map(|at: usize| (at * 31 + number) as u8)
                .collect();
            client.put(format!("large/{number}"), value);
        }
        client.put("small", "x");
        Saved::of(cluster, "large", None).agrees();
    });
}

#[test]
fn of_three_members() {
    each_version(|peer| {
        let cluster = Cluster::start(
            peer,
            Settings {
                members: 3,
                ..Settings::default()
            },
        );
        history(&cluster.client());
        let saved = Saved::of(cluster, "three", None);
        saved.agrees();
        let checked = saved.checked();
        let contents = &checked["details"]["etcd"]["contents"];
        let mut names: Vec<_> = contents["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["m1", "m2", "m3"]);
    });
}

#[test]
fn the_database_of_a_member_that_was_killed() {
    each_version(|peer| {
        let mut cluster = Cluster::single(peer);
        history(&cluster.client());
        cluster.kill();
        let db = cluster.members[0].data_dir.join("member/snap/db");
        // As found: no trailer, so nothing vouches for the bytes; the tree is sound all the same.
        let theirs = peer.status(&db, "json").json();
        let counting = if peer.at_least(6) { "3.6" } else { "3.5" };
        let status = ours(&["status", "--counting", counting, "-w", "json"], &db).json();
        for field in ["hash", "revision", "totalKey", "totalSize"] {
            assert_eq!(status[field], theirs[field], "etcd {} {field}", peer.name());
        }
        let checked: Value = serde_json::from_str(&ours(&["check", "--json"], &db).stdout).unwrap();
        assert_eq!(
            checked["details"]["etcd"]["kind"], "database-copy",
            "{checked:#}"
        );
        assert_eq!(
            checked["verdict"]["parts"][0]["outcome"], "not-checked",
            "{checked:#}"
        );
        assert_eq!(
            checked["verdict"]["parts"][1]["outcome"], "pass",
            "{checked:#}"
        );
    });
}

#[test]
fn the_database_of_a_running_member_is_read_without_waiting_and_left_alone() {
    each_version(|peer| {
        let cluster = Cluster::single(peer);
        history(&cluster.client());
        let db = cluster.members[0].data_dir.join("member/snap/db");
        // etcdutl would wait for the server's lock for ever. What was written last is in the file soon.
        std::thread::sleep(Duration::from_secs(1));
        let ran = ours(&["check", "--json"], &db);
        assert!(ran.stderr.contains("in use by a running server"), "{ran}");
        let checked: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
        let findings = checked["report"].as_array().unwrap();
        assert!(
            findings
                .iter()
                .any(|finding| finding["code"] == "file.in-use"),
            "nothing says that a server holds the file: {findings:#?}"
        );
        // The server goes on.
        cluster.client().put("still", "here");
    });
}

#[test]
fn damage_is_seen_where_the_tools_see_it() {
    let peer = peers().v3_5_1();
    let cluster = Cluster::single(peer);
    history(&cluster.client());
    let saved = Saved::of(cluster, "damaged", None);
    let good = std::fs::read(&saved.file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };

    // One bit anywhere: the trailer tells.
    for at in [0, 5_000, good.len() / 2, good.len() - 33, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        let file = write("flipped.db", &bytes);
        let ran = ours(&["check", "--json"], &file);
        assert_eq!(ran.code, Some(1), "a bit at {at}: {ran}");
        let restored = folder.path().join("restored");
        let restore = peer.utl([
            OsStr::new("snapshot"),
            "restore".as_ref(),
            file.as_ref(),
            "--data-dir".as_ref(),
            restored.as_ref(),
        ]);
        assert_ne!(
            restore.code,
            Some(0),
            "etcdutl restored a file with a bit flipped at {at}"
        );
        let _ = std::fs::remove_dir_all(&restored);
    }

    // Cut anywhere, and things that are no snapshot.
    for (name, bytes) in [
        ("empty.db", &good[..0]),
        ("short.db", &good[..100]),
        ("half.db", &good[..good.len() / 2]),
        ("text.db", b"not a database\n".repeat(1_000).as_slice()),
    ] {
        let file = write(name, bytes);
        for command in ["check", "status", "hashkv"] {
            let ran = ours(&[command], &file);
            assert_eq!(ran.code, Some(1), "{ran}");
            assert!(!ran.stderr.is_empty() || !ran.stdout.is_empty(), "{ran}");
            assert!(!ran.stderr.contains("panicked"), "{ran}");
        }
    }
    let missing = ours(&["check"], &folder.path().join("missing.db"));
    assert_eq!(missing.code, Some(1), "{missing}");
    let directory = ours(&["check"], folder.path());
    assert_eq!(directory.code, Some(1), "{directory}");
}
