mod keep;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use requorum_shared::etcd::recovery::restore::{CleanUp, Target, TargetVersion, initial_cluster};
use requorum_shared::finding::Outcome;
use tempfile::TempDir;

use super::*;

const ID: &str = "plan-7f3a";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/testdata/etcd/{name}.db"))
}

fn request(members: &str) -> RestoreRequest {
    RestoreRequest {
        snapshot: String::new(),
        members: initial_cluster::parse(members).members,
        token: "tok".to_owned(),
        bump_revision: 1000,
        mark_compacted: true,
        skip_hash_check: false,
        accept_older_meta: false,
        target_version: TargetVersion::V3_6,
        clean_up: CleanUp::default(),
        target: Target::Download,
        last_seen: None,
    }
}

const TWO: &str = "m1=http://a:1,m2=http://b:1";

/// A folder to restore into, the way each caller does.
struct Bench {
    folder: TempDir,
    source: File,
    request: RestoreRequest,
    shape: Shape,
    cancel: AtomicBool,
}

/// How the destination looks before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// All members, into a folder that is not there.
    NewFolder,
    /// All members, into a folder that holds something else.
    OldFolder,
    /// One member, into a data directory that is not there.
    NewDataDir,
    /// One member, into an empty data directory.
    EmptyDataDir,
    /// One member with its WAL elsewhere.
    OwnWalDir,
    /// One member with its WAL in an empty directory.
    EmptyWalDir,
}

const SHAPES: [Shape; 6] = [
    Shape::NewFolder,
    Shape::OldFolder,
    Shape::NewDataDir,
    Shape::EmptyDataDir,
    Shape::OwnWalDir,
    Shape::EmptyWalDir,
];

impl Bench {
    fn new(shape: Shape) -> Self {
        // In memory where that is possible: thousands of syncs would wear a disk for nothing.
        let folder = TempDir::new_in("/dev/shm")
            .or_else(|_| TempDir::new())
            .unwrap();
        match shape {
            Shape::OldFolder => {
                std::fs::create_dir(folder.path().join("new")).unwrap();
                std::fs::write(folder.path().join("new/kept"), "mine").unwrap();
            }
            Shape::EmptyDataDir => std::fs::create_dir(folder.path().join("new")).unwrap(),
            Shape::EmptyWalDir => std::fs::create_dir(folder.path().join("wal")).unwrap(),
            Shape::NewFolder | Shape::NewDataDir | Shape::OwnWalDir => {}
        }
        Self {
            folder,
            source: File::open(fixture("3.6.14-mixed")).unwrap(),
            request: request(TWO),
            shape,
            cancel: AtomicBool::new(false),
        }
    }

    fn spot(&self, name: &str) -> Spot {
        let path = self.folder.path();
        Spot {
            parent: Dir::open_ambient_dir(path, ambient_authority()).unwrap(),
            name: name.to_owned(),
            shown: path.join(name).display().to_string(),
        }
    }

    fn dest(&self) -> Dest {
        match self.shape {
            Shape::NewFolder | Shape::OldFolder => Dest::Folder(self.spot("new")),
            shape => Dest::Member {
                name: "m2".to_owned(),
                data: self.spot("new"),
                wal: [Shape::OwnWalDir, Shape::EmptyWalDir]
                    .contains(&shape)
                    .then(|| self.spot("wal")),
            },
        }
    }

    /// Runs with a restore, under a fault.
    fn with<T>(
        &self,
        fault: Option<&(dyn Fn(Act) -> io::Result<()> + Sync)>,
        run: impl FnOnce(&Restore<'_>) -> Result<T, RestoreError>,
    ) -> Result<T, RestoreError> {
        self.as_another(ID, fault, run)
    }

    /// Runs with another restore of the same request at the same place.
    fn as_another<T>(
        &self,
        id: &str,
        fault: Option<&(dyn Fn(Act) -> io::Result<()> + Sync)>,
        run: impl FnOnce(&Restore<'_>) -> Result<T, RestoreError>,
    ) -> Result<T, RestoreError> {
        let dest = self.dest();
        let order = Order {
            source: Some(&self.source),
            source_name: "3.6.14-mixed.db",
            request: &self.request,
            dest: &dest,
            id,
        };
        let watch = Watch {
            progress: &|_| {},
            cancel: &self.cancel,
            fault,
        };
        run(&Restore::new(order, watch)?)
    }

    fn build_and_place(
        &self,
        fault: Option<&(dyn Fn(Act) -> io::Result<()> + Sync)>,
    ) -> Result<(), RestoreError> {
        self.with(fault, |restore| {
            restore.build()?;
            restore.place()
        })
    }

    /// Every path below the folder.
    fn tree(&self) -> BTreeSet<String> {
        fn walk(root: &Path, below: &Path, into: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(below).unwrap() {
                let path = entry.unwrap().path();
                into.insert(path.strip_prefix(root).unwrap().display().to_string());
                if path.is_dir() {
                    walk(root, &path, into);
                }
            }
        }
        let mut paths = BTreeSet::new();
        walk(self.folder.path(), self.folder.path(), &mut paths);
        paths
    }

    /// Where a server would be started.
    fn member_folders(&self) -> Vec<PathBuf> {
        let new = self.folder.path().join("new");
        match self.shape {
            Shape::NewFolder | Shape::OldFolder => vec![new.join("m1"), new.join("m2")],
            _ => vec![new],
        }
    }

    /// Each place where a server would look is empty or complete.
    #[track_caller]
    fn all_or_nothing(&self, what: &str) {
        let complete = self.with(None, |restore| {
            restore.is_placed().and_then(|placed| match placed {
                true => restore.verify(),
                false => Ok(Vec::new()),
            })
        });
        for check in complete.unwrap() {
            assert_eq!(check.outcome, Outcome::Pass, "{what}: {check:?}");
        }
        for folder in self.member_folders() {
            let member = folder.join("member");
            if !member.exists() {
                continue;
            }
            for file in ["snap/db", "snap/0000000000000001-0000000000000002.snap"] {
                assert!(
                    member.join(file).exists(),
                    "{what}: {file} is missing in {folder:?}"
                );
            }
            let wal = match self.shape {
                Shape::OwnWalDir | Shape::EmptyWalDir => self.folder.path().join("wal"),
                _ => member.join("wal"),
            };
            assert!(
                wal.join("0000000000000000-0000000000000000.wal").exists(),
                "{what}"
            );
        }
    }

    #[track_caller]
    fn is_whole(&self) {
        let checks = self.with(None, |restore| restore.verify()).unwrap();
        assert!(checks.len() >= 8, "{checks:?}");
        for check in checks {
            assert_eq!(check.outcome, Outcome::Pass, "{check:?}");
        }
    }
}

#[test]
fn every_shape_of_destination_comes_out_whole() {
    for shape in SHAPES {
        let bench = Bench::new(shape);
        bench.build_and_place(None).unwrap();
        bench.is_whole();
        assert!(bench.with(None, |restore| restore.is_placed()).unwrap());
        bench.with(None, |restore| restore.release()).unwrap();
        let leftovers: Vec<String> = bench
            .tree()
            .into_iter()
            .filter(|path| path.contains(ID))
            .collect();
        assert_eq!(leftovers, [""; 0], "{shape:?}");
        if shape == Shape::OldFolder {
            let kept = bench.folder.path().join("new/kept");
            assert_eq!(std::fs::read_to_string(kept).unwrap(), "mine");
        }
    }
}

#[test]
fn only_the_owner_may_look_inside() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new(Shape::NewFolder);
    bench.build_and_place(None).unwrap();
    bench.with(None, |r| r.release()).unwrap();
    for path in bench.tree() {
        let mode = bench
            .folder
            .path()
            .join(&path)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777;
        let wanted = match path.rsplit('.').next() {
            Some("snap") if path.contains("-000") => 0o644,
            _ if path.ends_with("/db") || path.ends_with(".wal") => 0o600,
            _ => 0o700,
        };
        // Whatever the umask takes away from the one that others may read.
        assert_eq!(mode & wanted, mode, "{path}");
        assert!(wanted == 0o644 || mode == wanted, "{path}: {mode:o}");
    }
}

/// A fault at the `n`th act; from then on every act fails when `dead`, as when the process was killed.
fn failing_at(n: usize, dead: bool) -> impl Fn(Act) -> io::Result<()> + Sync {
    let count = AtomicUsize::new(0);
    move |_| {
        let now = count.fetch_add(1, Ordering::Relaxed);
        if now == n || dead && now > n {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        } else {
            Ok(())
        }
    }
}

/// How many acts a restore takes.
fn acts(shape: Shape) -> usize {
    let count = AtomicUsize::new(0);
    let fault = |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    Bench::new(shape).build_and_place(Some(&fault)).unwrap();
    count.into_inner()
}

#[test]
fn conformance_39_a_failure_at_any_act_leaves_nothing() {
    for shape in SHAPES {
        let total = acts(shape);
        assert!(total > 30, "{shape:?} took {total} acts");
        for n in 0..total {
            let bench = Bench::new(shape);
            let before = bench.tree();
            let what = format!("{shape:?}, act {n} of {total}");
            let ended = bench.build_and_place(Some(&failing_at(n, false)));
            if ended.is_ok() {
                // The act's failure was no reason to fail, such as looking at what is not there.
                bench.is_whole();
                continue;
            }
            bench.all_or_nothing(&what);
            // What was built may stay beside its place when only the placing failed; it is named as such.
            let more: Vec<String> = bench
                .tree()
                .difference(&before)
                .filter(|path| !path.contains(&format!("{ID}.ready")))
                .cloned()
                .collect();
            assert_eq!(more, [""; 0], "{what}");
            bench
                .build_and_place(None)
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            bench.is_whole();
        }
    }
}

#[test]
fn conformance_39_a_kill_at_any_act_is_taken_up_again() {
    for shape in SHAPES {
        for n in 0..acts(shape) {
            let bench = Bench::new(shape);
            let what = format!("{shape:?}, killed at act {n}");
            if bench.build_and_place(Some(&failing_at(n, true))).is_ok() {
                bench.is_whole();
                continue;
            }
            bench.all_or_nothing(&what);
            // As a job resumes: what is done is found done, what is not is done now.
            let resumed = bench.with(None, |restore| {
                if !restore.is_placed()? {
                    if !restore.is_built()? {
                        restore.build()?;
                    }
                    restore.place()?;
                }
                Ok(())
            });
            resumed.unwrap_or_else(|error| panic!("{what}: {error}"));
            bench.is_whole();
        }
    }
}

#[test]
fn conformance_40_disk_full_names_the_file_and_what_to_do() {
    let bench = Bench::new(Shape::NewFolder);
    let full = |act: Act| match act {
        Act::Write => Err(io::Error::from(io::ErrorKind::StorageFull)),
        _ => Ok(()),
    };
    let error = bench.build_and_place(Some(&full)).unwrap_err().to_string();
    assert!(error.contains("/member/snap/db"), "{error}");
    assert!(error.contains("Free some space there"), "{error}");
    assert_eq!(bench.tree(), BTreeSet::new());
}

#[test]
fn conformance_40_a_target_that_cannot_be_written() {
    for kind in [
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem,
    ] {
        let bench = Bench::new(Shape::NewDataDir);
        let refuse = |act: Act| match act {
            Act::MakeFolder => Err(io::Error::from(kind)),
            _ => Ok(()),
        };
        let error = bench
            .build_and_place(Some(&refuse))
            .unwrap_err()
            .to_string();
        assert!(error.contains("making the folder failed"), "{error}");
        assert_eq!(bench.tree(), BTreeSet::new());
    }
}

#[test]
fn a_cancel_at_any_stage_leaves_nothing() {
    for stage in [Stage::Copy, Stage::Sync] {
        let bench = Bench::new(Shape::NewFolder);
        let dest = bench.dest();
        let order = Order {
            source: Some(&bench.source),
            source_name: "s",
            request: &bench.request,
            dest: &dest,
            id: ID,
        };
        let watch = Watch {
            progress: &|now| {
                if now.stage == stage {
                    bench.cancel.store(true, Ordering::Relaxed);
                }
            },
            cancel: &bench.cancel,
            fault: None,
        };
        let ended = Restore::new(order, watch).unwrap().build();
        assert!(matches!(ended, Err(RestoreError::Cancelled)), "{ended:?}");
        assert_eq!(bench.tree(), BTreeSet::new());
    }
}

#[test]
fn conformance_40_a_source_that_changes_while_it_is_read() {
    let bench = Bench::new(Shape::NewFolder);
    let copy = TempDir::new().unwrap();
    let path = copy.path().join("s.db");
    std::fs::copy(fixture("3.6.14-mixed"), &path).unwrap();
    let source = File::open(&path).unwrap();
    let dest = bench.dest();
    let order = Order {
        source: Some(&source),
        source_name: "s.db",
        request: &bench.request,
        dest: &dest,
        id: ID,
    };
    let grown = Mutex::new(false);
    let watch = Watch {
        progress: &|_| {
            let mut grown = grown.lock().unwrap();
            if !*grown {
                let file = File::options().append(true).open(&path).unwrap();
                io::Write::write_all(&mut &file, &[0; 512]).unwrap();
                *grown = true;
            }
        },
        cancel: &bench.cancel,
        fault: None,
    };
    let error = Restore::new(order, watch).unwrap().build().unwrap_err();
    assert!(matches!(error, RestoreError::SourceChanged(_)), "{error}");
    assert_eq!(bench.tree(), BTreeSet::new());
}

#[test]
fn another_file_than_the_planned_one_is_refused() {
    let mut bench = Bench::new(Shape::NewFolder);
    bench.request.snapshot = "ab".repeat(32);
    let error = bench.build_and_place(None).unwrap_err();
    assert!(matches!(error, RestoreError::OtherSource { .. }), "{error}");
    assert_eq!(bench.tree(), BTreeSet::new());
}

#[test]
fn what_exists_is_never_written_over() {
    for shape in SHAPES {
        let bench = Bench::new(shape);
        let taken = &bench.member_folders()[0];
        std::fs::create_dir_all(taken).unwrap();
        std::fs::write(taken.join("mine"), "kept").unwrap();
        let before = bench.tree();
        let error = bench.build_and_place(None).unwrap_err();
        let refused = matches!(error, RestoreError::Exists(_) | RestoreError::NotEmpty(_));
        // A new folder that turns out to exist is one that the members go beside what is there.
        assert!(refused, "{shape:?}: {error}");
        assert_eq!(bench.tree(), before, "{shape:?}");
    }
}

#[test]
fn a_file_at_the_place_of_a_folder() {
    for shape in [Shape::NewFolder, Shape::NewDataDir] {
        let bench = Bench::new(shape);
        std::fs::write(bench.folder.path().join("new"), "a file").unwrap();
        let error = bench.build_and_place(None).unwrap_err();
        assert!(matches!(error, RestoreError::NotAFolder(_)), "{error}");
    }
}

#[test]
fn a_wal_directory_that_holds_something_is_refused() {
    let bench = Bench::new(Shape::EmptyWalDir);
    std::fs::write(bench.folder.path().join("wal/mine"), "kept").unwrap();
    let before = bench.tree();
    let error = bench.build_and_place(None).unwrap_err();
    assert!(matches!(error, RestoreError::NotEmpty(_)), "{error}");
    assert_eq!(bench.tree(), before);
}

const OTHER: &str = "plan-0000";

/// What another restore of the same request made is byte by byte what this one would make, and not its own.
#[test]
fn what_another_made_is_neither_found_nor_undone() {
    for shape in SHAPES {
        let bench = Bench::new(shape);
        bench.build_and_place(None).unwrap();
        let before = bench.tree();
        for released in [false, true] {
            let other = |run: fn(&Restore<'_>) -> Result<bool, RestoreError>| {
                bench.as_another(OTHER, None, run)
            };
            let what = format!("{shape:?}, released: {released}");
            assert!(!other(|r| r.is_placed()).unwrap(), "{what}");
            assert!(!other(|r| r.is_built()).unwrap(), "{what}");
            assert!(other(|r| r.build().map(|_| true)).is_err(), "{what}");
            assert!(other(|r| r.place().map(|()| true)).is_err(), "{what}");
            other(|r| r.discard().map(|()| true)).unwrap();
            other(|r| r.undo().map(|()| true)).unwrap();
            other(|r| r.settle(false).map(|_| true)).unwrap();
            other(|r| r.release().map(|()| true)).unwrap();
            bench.is_whole();
            if !released {
                assert_eq!(bench.tree(), before, "{what}");
                bench.with(None, |r| r.release()).unwrap();
            }
        }
        // Its own by now no longer either: it is over.
        bench.with(None, |r| r.undo()).unwrap();
        bench.is_whole();
        assert!(
            bench
                .tree()
                .iter()
                .all(|path| !path.ends_with(crate::mark::NAME))
        );
    }
}

#[test]
fn of_two_that_were_built_the_one_that_is_placed_first_stays() {
    for shape in SHAPES {
        let bench = Bench::new(shape);
        bench.with(None, |r| r.build().map(drop)).unwrap();
        let second = bench.as_another(OTHER, None, |r| {
            r.build()?;
            r.place()
        });
        // A directory that must be empty is not, once another is at work in it.
        if [Shape::EmptyDataDir, Shape::EmptyWalDir].contains(&shape) {
            assert!(
                matches!(second, Err(RestoreError::NotEmpty(_))),
                "{second:?}"
            );
            bench.with(None, |r| r.place()).unwrap();
            bench.is_whole();
            continue;
        }
        second.unwrap_or_else(|error| panic!("{shape:?}: {error}"));
        let error = bench.with(None, |r| r.place()).unwrap_err();
        let refused = matches!(error, RestoreError::Exists(_) | RestoreError::NotBuilt(_));
        assert!(refused, "{shape:?}: {error}");
        bench.with(None, |r| r.undo()).unwrap();
        assert!(bench.as_another(OTHER, None, |r| r.is_placed()).unwrap());
        let left: Vec<_> = bench
            .tree()
            .into_iter()
            .filter(|path| path.contains(ID))
            .collect();
        assert_eq!(left, [""; 0], "{shape:?}");
        bench.is_whole();
    }
}

#[test]
fn undo_removes_nothing_that_was_put_beside_what_it_made() {
    for shape in SHAPES {
        for placed in [true, false] {
            let bench = Bench::new(shape);
            bench.with(None, |r| r.build().map(drop)).unwrap();
            if placed {
                bench.with(None, |r| r.place()).unwrap();
            }
            let folder = bench
                .tree()
                .into_iter()
                .find(|path| path.ends_with("snap"))
                .unwrap();
            std::fs::write(bench.folder.path().join(folder).join("notes"), "mine").unwrap();
            let before = bench.tree();
            let error = bench.with(None, |r| r.undo()).unwrap_err();
            assert!(
                matches!(error, RestoreError::Strange(_)),
                "{shape:?}: {error}"
            );
            assert_eq!(bench.tree(), before, "{shape:?}");
        }
    }
}

#[test]
fn a_folder_that_another_restore_works_in_is_not_gone_into() {
    let bench = Bench::new(Shape::NewFolder);
    bench.build_and_place(None).unwrap();
    let mut other = Bench::new(Shape::NewFolder);
    other.folder = bench.folder;
    other.request = request("m8=http://a:8,m9=http://b:9");
    let before = other.tree();
    let build = |id| other.as_another(id, None, |r| r.build().map(drop));
    let error = build(OTHER).unwrap_err().to_string();
    assert!(
        error.contains(ID) && error.contains("has not ended"),
        "{error}"
    );
    assert_eq!(other.tree(), before);
    other.as_another(ID, None, |r| r.release()).unwrap();
    build(OTHER).unwrap();
}

#[test]
fn what_killed_runs_left_is_found_by_its_kin_only() {
    for shape in SHAPES {
        let bench = Bench::new(shape);
        let before = bench.tree();
        let killed = bench.build_and_place(Some(&failing_at(acts(shape) / 2, true)));
        assert!(killed.is_err());
        let find = |kin: &str| {
            bench
                .as_another("plan-new", None, |restore| restore.leftovers(kin))
                .unwrap()
        };
        assert_eq!(find("plan-7"), BTreeSet::from([ID.to_owned()]), "{shape:?}");
        assert_eq!(find("plan-8"), BTreeSet::new());
        bench.with(None, |r| r.discard()).unwrap();
        assert_eq!(bench.tree(), before, "{shape:?}");
    }
}

#[test]
fn links_do_not_lead_out_of_the_folder() {
    let elsewhere = TempDir::new().unwrap();
    for shape in SHAPES {
        let bench = Bench::new(shape);
        let new = bench.folder.path().join("new");
        let _ = std::fs::remove_dir_all(&new);
        std::os::unix::fs::symlink(elsewhere.path(), &new).unwrap();
        assert!(bench.build_and_place(None).is_err(), "{shape:?}");
        assert_eq!(
            std::fs::read_dir(elsewhere.path()).unwrap().count(),
            0,
            "{shape:?}"
        );
    }
}

#[test]
fn undo_takes_back_what_was_placed_and_nothing_else() {
    for shape in SHAPES {
        let bench = Bench::new(shape);
        let before = bench.tree();
        bench.build_and_place(None).unwrap();
        bench.with(None, |restore| restore.undo()).unwrap();
        assert_eq!(bench.tree(), before, "{shape:?}");
        // And again, as a resumed job does.
        bench.with(None, |restore| restore.undo()).unwrap();
        assert_eq!(bench.tree(), before, "{shape:?}");
    }
}

#[test]
fn undo_leaves_a_member_that_was_used() {
    let bench = Bench::new(Shape::NewFolder);
    bench.build_and_place(None).unwrap();
    let wal = bench
        .folder
        .path()
        .join("new/m2/member/wal/0000000000000000-0000000000000000.wal");
    let file = File::options().write(true).open(wal).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[1; 8], 700).unwrap();
    let before = bench.tree();
    let error = bench.with(None, |restore| restore.undo()).unwrap_err();
    assert!(matches!(error, RestoreError::Used(_)), "{error}");
    assert_eq!(bench.tree(), before);
}

#[test]
fn verify_sees_one_byte_that_differs() {
    let bench = Bench::new(Shape::NewFolder);
    bench.build_and_place(None).unwrap();
    let member = bench.folder.path().join("new/m1/member");
    let files = [
        ("snap/db", 20_000),
        ("snap/db", 16 + 40),
        ("snap/0000000000000001-0000000000000002.snap", 100),
        ("wal/0000000000000000-0000000000000000.wal", 40_000_000),
    ];
    for (name, at) in files {
        let file = File::options()
            .read(true)
            .write(true)
            .open(member.join(name))
            .unwrap();
        let mut byte = [0];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut byte, at).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[byte[0] ^ 1], at).unwrap();
        let checks = bench.with(None, |restore| restore.verify()).unwrap();
        let failed = checks
            .iter()
            .filter(|check| check.outcome == Outcome::Fail)
            .count();
        assert!(failed >= 1, "{name} at {at}: {checks:?}");
        std::os::unix::fs::FileExt::write_all_at(&file, &byte, at).unwrap();
    }
    bench.is_whole();
}

#[test]
fn two_at_once_do_not_build_the_same() {
    let bench = Bench::new(Shape::NewFolder);
    let second = Mutex::new(None);
    let fault = |act: Act| {
        // While the first one holds its folder, another comes.
        let mut second = second.lock().unwrap();
        if act == Act::SyncFile && second.is_none() {
            *second = Some(bench.with(None, |restore| restore.build().map(drop)));
        }
        Ok(())
    };
    bench.build_and_place(Some(&fault)).unwrap();
    let second = second.into_inner().unwrap().unwrap();
    assert!(matches!(second, Err(RestoreError::Busy(_))), "{second:?}");
    bench.is_whole();
}

#[test]
fn ids_and_members_are_checked_first() {
    let bench = Bench::new(Shape::NewFolder);
    let dest = bench.dest();
    let watch = Watch {
        progress: &|_| {},
        cancel: &bench.cancel,
        fault: None,
    };
    for id in ["", "../x", "a b", &"x".repeat(41)] {
        let order = Order {
            source: Some(&bench.source),
            source_name: "s",
            request: &bench.request,
            dest: &dest,
            id,
        };
        let refused = Restore::new(order, watch);
        assert!(matches!(refused, Err(RestoreError::Id(_))), "{id:?}");
    }
    let mut bench = Bench::new(Shape::NewDataDir);
    bench.request = request("m1=http://a:1");
    let error = bench.build_and_place(None).unwrap_err();
    assert!(matches!(error, RestoreError::NoSuchMember(_)), "{error}");
}

#[test]
fn damaged_sources_leave_nothing() {
    let whole = std::fs::read(fixture("3.6.14-mixed")).unwrap();
    let mut cases: Vec<(String, Vec<u8>)> = vec![
        ("empty".to_owned(), Vec::new()),
        ("text".to_owned(), b"not a database".repeat(1000)),
    ];
    for cut in [
        1,
        100,
        4096,
        8192,
        40_000,
        whole.len() - 33,
        whole.len() - 1,
    ] {
        cases.push((format!("cut at {cut}"), whole[..cut].to_vec()));
    }
    for at in (0..whole.len()).step_by(997) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        cases.push((format!("bit at {at}"), flipped));
    }
    for (what, bytes) in cases {
        let mut bench = Bench::new(Shape::NewFolder);
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s.db");
        std::fs::write(&path, bytes).unwrap();
        bench.source = File::open(&path).unwrap();
        let error = bench.build_and_place(None).expect_err(&what).to_string();
        assert!(error.len() > 20, "{what}: {error}");
        assert_eq!(bench.tree(), BTreeSet::new(), "{what}");
    }
}
