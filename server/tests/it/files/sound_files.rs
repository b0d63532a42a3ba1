//! Files that are sound for a restore although something about them is wrong, through the binary as a person
//! uses it: what is said, the exit code, and the keys of the result.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use requorum_shared::etcd::recovery::restore::observation::{
    Observation, SourceFacts, TargetFacts, TargetState,
};
use requorum_shared::etcd::recovery::restore::{RestoreStep, draft};
use requorum_shared::kinds::{Options, Scanner, inspect_as_etcd};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::recovery::request;
use crate::support::sparse;

/// HashKV of the file that the damaged ones were made from, as `hashkv` prints it.
const SAME: &str = "35341968, 339, 272\n";

fn damaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/testdata/damaged/{name}.db"))
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/testdata/etcd/{name}.db"))
}

fn snapshot(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_requorum"))
        .arg("snapshot")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

/// Runs it, expects this exit code, and gives what it printed and said.
#[track_caller]
fn ends(folder: &Path, code: i32, arguments: &[&str]) -> String {
    let output = snapshot(folder, arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

fn inspection(folder: &Path, file: &str) -> Value {
    let output = snapshot(folder, &["check", "--json", file]);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// status, check, hashkv and two restores succeed; the check and the restore say this, and the keys are the same.
#[track_caller]
fn sound(file: &Path, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let file = file.to_str().unwrap();
    ends(at, 0, &["status", file]);
    let check = ends(at, 0, &["check", file]);
    for word in words {
        assert!(check.contains(word), "{word:?} is not in: {check}");
    }
    assert!(!check.contains("Do not restore"), "{check}");
    assert!(!check.contains("--skip-hash-check"), "{check}");
    assert_eq!(
        inspection(at, file)["details"]["etcd"]["hash_kv"]["hash"],
        35_341_968
    );
    let output = snapshot(at, &["hashkv", file]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), SAME);
    ends(at, 0, &["restore", file, "--data-dir", "new"]);
    let database = at.join("new/member/snap/db");
    let output = snapshot(at, &["hashkv", database.to_str().unwrap()]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), SAME);
    let bumped = ["--bump-revision", "1000000", "--mark-compacted"];
    let arguments = [&["restore", file, "--data-dir", "bumped"][..], &bumped].concat();
    let said = ends(at, 0, &arguments);
    assert!(said.contains("revision 1 000 339"), "{said}");
}

#[test]
fn padded_to_whole_blocks() {
    sound(
        &damaged("padded"),
        &["480 bytes behind the snapshot", "trailer matches", "73760"],
    );
}

#[test]
fn a_stored_freelist_of_zeros() {
    sound(
        &damaged("freelist-zeroed"),
        &["page 18", "freelist cannot be used", "no data is lost"],
    );
}

#[test]
fn a_missing_tail_of_free_pages() {
    sound(
        &damaged("free-tail"),
        &[
            "last 8 of 26 pages",
            "none of them in use",
            "nothing is lost",
        ],
    );
}

#[test]
fn a_line_in_front_of_the_snapshot() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("line.db");
    let whole = std::fs::read(fixture("3.6.14-mixed")).unwrap();
    let line = b"Defaulted container \"etcd\" out of: etcd, init (init)\n";
    std::fs::write(&file, [line.as_slice(), &whole].concat()).unwrap();
    sound(&file, &["53 bytes in front of the snapshot"]);
}

/// What a plan to restore these bytes gives for etcd's own tools.
fn native_command(name: &str, bytes: &[u8]) -> Option<String> {
    let mut scanner = Scanner::new(Options::default());
    scanner.feed(bytes);
    let seen = inspect_as_etcd(scanner.finish(), name, &bytes);
    let observation = Observation {
        source: SourceFacts::from(&seen),
        target: TargetFacts {
            place: "/srv/restores/prod".to_owned(),
            root_known: true,
            state: TargetState::Missing,
            free_bytes: None,
        },
        cluster: String::new(),
    };
    let request = request(&seen.file.sha256, "prod");
    let plan = draft(&request, &observation, "2026-11-28T12:00:00Z").unwrap();
    let build = |step: &RestoreStep| matches!(step, RestoreStep::BuildMembers { .. });
    let step = plan.steps.into_iter().find(|step| build(&step.action));
    step.unwrap().native
}

#[test]
fn the_command_for_etcds_own_tools_cuts_out_what_they_take() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let whole = std::fs::read(fixture("3.6.14-mixed")).unwrap();
    let line = b"Defaulted container \"etcd\" out of: etcd, init (init)\n";
    let name = "it's here.db";
    for (front, behind) in [(0, 480), (line.len(), 0), (line.len(), 480)] {
        let bytes = [&line[..front], &whole, &vec![0; behind]].concat();
        std::fs::write(at.join(name), &bytes).unwrap();
        let native = native_command(name, &bytes).unwrap();
        let mut lines = native.lines();
        let cut = Command::new("sh")
            .args(["-c", lines.next().unwrap()])
            .current_dir(at)
            .status();
        assert!(cut.unwrap().success(), "{native}");
        let made = std::fs::read(at.join("it's here.db.cut")).unwrap();
        assert!(made == whole, "{native}");
        let restore = "etcdutl snapshot restore 'it'\\''s here.db.cut' --name ";
        assert!(lines.all(|line| line.starts_with(restore)), "{native}");
    }
    let restored = native_command("s.db", &whole).unwrap();
    assert!(restored.starts_with("etcdutl snapshot restore s.db --name "));
    // etcdutl crashes on this one, whatever is done to its ends.
    let zeroed = std::fs::read(damaged("freelist-zeroed")).unwrap();
    assert_eq!(native_command("s.db", &zeroed), None);
}

#[test]
fn an_older_meta_is_taken_by_choice_only() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let file = damaged("older-meta");
    let file = file.to_str().unwrap();
    let check = ends(at, 0, &["check", file]);
    assert!(
        check.contains("One of the two meta pages is damaged"),
        "{check}"
    );
    assert!(check.contains("meta.fallback"), "{check}");
    let refused = ends(at, 1, &["restore", file, "--data-dir", "new"]);
    assert!(refused.contains("--accept-older-meta"), "{refused}");
    assert!(refused.contains("Meta 0 cannot be used"), "{refused}");
    assert!(!at.join("new").exists());
    let arguments = ["restore", file, "--data-dir", "new", "--accept-older-meta"];
    let said = ends(at, 0, &arguments);
    assert!(said.contains("warning: --accept-older-meta"), "{said}");
    assert!(
        said.contains("the last commit, or more, may be missing"),
        "{said}"
    );
    // Where it is not needed that is said, and nothing else changes.
    let whole = fixture("3.6.14-mixed");
    let whole = whole.to_str().unwrap();
    let arguments = [
        "restore",
        whole,
        "--data-dir",
        "other",
        "--accept-older-meta",
    ];
    let said = ends(at, 0, &arguments);
    assert!(
        said.contains("the older one does not need to be accepted"),
        "{said}"
    );
}

#[test]
fn versions_that_no_etcd_writes_are_named_before_a_restore_refuses_them() {
    // One digit of clusterVersion, and a new trailer.
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    for (old, new) in [(&b"3.6.0"[..], &b"1.7.0"[..]), (b"3.6.0", b"9.9.0")] {
        let mut bytes = std::fs::read(fixture("3.6.14-lease")).unwrap();
        bytes.truncate(bytes.len() / 512 * 512);
        let mut changed = 0;
        for start in 0..bytes.len() - old.len() {
            if &bytes[start..start + old.len()] == old {
                bytes[start..start + new.len()].copy_from_slice(new);
                changed += 1;
            }
        }
        assert!(changed > 0);
        bytes.extend(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
        std::fs::write(at.join("version.db"), &bytes).unwrap();
        let version = std::str::from_utf8(new).unwrap();
        let check = ends(at, 0, &["check", "version.db"]);
        assert!(check.contains("version.unknown"), "{check}");
        assert!(check.contains(version), "{check}");
        let refused = ends(at, 1, &["restore", "version.db", "--data-dir", "refused"]);
        assert!(refused.contains("--lower-versions"), "{refused}");
        let arguments = [
            "restore",
            "version.db",
            "--data-dir",
            version,
            "--lower-versions",
        ];
        ends(at, 0, &arguments);
        let database = at.join(version).join("member/snap/db");
        let seen = inspection(at, database.to_str().unwrap());
        assert_eq!(
            seen["details"]["etcd"]["contents"]["cluster_version"],
            "3.6.0"
        );
        assert_eq!(
            seen["details"]["etcd"]["contents"]["storage_version"],
            "3.6.0"
        );
    }
}

/// Runs it and gives the most memory it held, in MiB.
#[track_caller]
fn most_memory(folder: &Path, arguments: &[&str]) -> f64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .arg("snapshot")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let ended = loop {
        // The kernel's mark only rises: the last look before the end counts.
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let line = status.iter().flat_map(|text| text.lines());
        let mark = line.filter_map(|line| line.strip_prefix("VmHWM:"));
        let number = mark.filter_map(|mark| mark.trim().strip_suffix(" kB")?.parse::<u32>().ok());
        peak = number.fold(peak, u32::max);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(ended.success(), "{arguments:?}: {ended}");
    f64::from(peak) / 1024.0
}

#[test]
fn a_value_larger_than_memory_is_to_be_is_streamed_through_every_command() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    for (values, mebibytes) in [(1, 130), (3, 45)] {
        let file = format!("{values}x{mebibytes}.db");
        sparse::with_large_values(
            &at.join(&file),
            &fixture("3.6.14-mixed"),
            values,
            mebibytes << 20,
        );
        let revision = 339 + values;
        let new = format!("new-{values}");
        let bumped = format!("bumped-{values}");
        let commands: [&[&str]; 7] = [
            &["status", &file],
            &["check", &file],
            &["hashkv", &file],
            &["hashkv", &file, "--rev", "339"],
            &["hashkv", &file, "--rev", "300"],
            &["restore", &file, "--data-dir", &new],
            &[
                "restore",
                &file,
                "--data-dir",
                &bumped,
                "--bump-revision",
                "1000",
                "--mark-compacted",
            ],
        ];
        for command in commands {
            let most = most_memory(at, command);
            assert!(most < 128.0, "{command:?} held {most} MiB");
        }
        // The result has the same keys, and the older revisions are what they were.
        let database = at.join(&new).join("member/snap/db");
        let database = database.to_str().unwrap();
        let hash = |arguments: &[&str]| {
            let output = snapshot(at, &[&["hashkv"][..], arguments].concat());
            String::from_utf8(output.stdout).unwrap()
        };
        let newest = hash(&[&file]);
        assert!(newest.contains(&format!(", {revision}, 272")), "{newest}");
        assert_eq!(hash(&[database]), newest);
        assert_eq!(hash(&[&file, "--rev", "339"]), SAME);
        for name in [&file, &new, &bumped] {
            let path = at.join(name);
            let removed = match path.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            removed.unwrap();
        }
    }
}

#[test]
fn a_long_stored_freelist_is_read_in_pieces() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    sparse::with_free_pages(&at.join("free.db"), &fixture("3.6.14-mixed"), 20_000);
    let most = most_memory(at, &["check", "free.db"]);
    assert!(most < 40.0, "{most} MiB");
    let seen = inspection(at, "free.db");
    assert_eq!(seen["details"]["etcd"]["hash_kv"]["hash"], 35_341_968);
    assert_eq!(seen["verdict"]["parts"][1]["outcome"], "pass");
}
