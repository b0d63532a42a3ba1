//! What a restore leaves once it is over: known without its marks, and removed only while it is exactly that.

use std::fs::FileTimes;
use std::os::unix::fs::MetadataExt as _;

use requorum_shared::job::events::KeptFolder;

use super::*;
use crate::leftovers::Removal;

const FOLDERS: [Shape; 2] = [Shape::NewFolder, Shape::OldFolder];
const LOG: &str = "wal/0000000000000000-0000000000000000.wal";

/// A restore that is over: its bench, what was written down, and what was there before.
fn over(shape: Shape) -> (Bench, Vec<KeptFolder>, BTreeSet<String>) {
    let bench = Bench::new(shape);
    let before = bench.tree();
    bench.build_and_place(None).unwrap();
    let kept = bench.with(None, |r| r.kept()).unwrap();
    bench.with(None, |r| r.release()).unwrap();
    assert!(kept.iter().all(KeptFolder::is_known), "{kept:?}");
    (bench, kept, before)
}

/// One attempt, as the console makes it; `begun` is what its journal says.
fn attempt(
    bench: &Bench,
    kept: &[KeptFolder],
    begun: &mut Vec<String>,
    fault: Option<&(dyn Fn(Act) -> io::Result<()> + Sync)>,
) -> Result<Removal, RestoreError> {
    let aside = bench.with(fault, |r| r.set_aside(kept, begun))?;
    let earlier = begun.clone();
    begun.extend_from_slice(&aside);
    let set = kept.iter().filter(|k| aside.contains(&k.path));
    let set: Vec<_> = set.cloned().collect();
    bench.with(fault, |r| Ok(r.remove_aside(&set, &earlier)))
}

fn remove(bench: &Bench, kept: &[KeptFolder]) -> Result<Removal, RestoreError> {
    attempt(bench, kept, &mut Vec::new(), None)
}

/// Disks tell the time in steps.
fn a_moment_later() {
    std::thread::sleep(std::time::Duration::from_millis(25));
}

/// Nothing is removed, all is as it was found, and the sentence says this.
#[track_caller]
fn refused(bench: &Bench, kept: &[KeptFolder], says: &str) {
    let before = bench.tree();
    let error = remove(bench, kept).unwrap_err();
    assert!(matches!(error, RestoreError::Differs { .. }), "{error}");
    assert!(error.to_string().contains(says), "{says}: {error}");
    assert_eq!(bench.tree(), before, "{says}");
    let remains = bench.with(None, |r| r.remains(kept, &[])).unwrap();
    let differs = |r: &&crate::leftovers::Remaining| {
        r.difference
            .as_ref()
            .is_some_and(|what| what.contains(says))
    };
    assert!(remains.iter().any(|r| differs(&r)), "{says}: {remains:?}");
}

#[test]
fn what_stays_is_known_without_its_marks_and_removed() {
    for shape in FOLDERS {
        let (bench, kept, before) = over(shape);
        let wanted = match shape {
            Shape::NewFolder => vec![bench.folder.path().join("new")],
            _ => bench.member_folders(),
        };
        let paths: Vec<_> = kept.iter().map(|k| PathBuf::from(&k.path)).collect();
        assert_eq!(paths, wanted);
        assert!(kept.iter().all(|k| k.bytes > 16_384), "{kept:?}");
        let remains = |kept: &[KeptFolder]| bench.with(None, |r| r.remains(kept, &[])).unwrap();
        for (there, kept) in remains(&kept).iter().zip(&kept) {
            assert_eq!((&there.path, &there.at), (&kept.path, &kept.path));
            assert_eq!((there.bytes > 16_384, &there.difference), (true, &None));
        }
        assert_eq!(remains(&[]), [], "what was not written down is not its own");
        assert_eq!(remove(&bench, &[]).unwrap(), Removal::default());
        bench.is_whole();

        let removal = remove(&bench, &kept).unwrap();
        let paths: Vec<_> = kept.iter().map(|k| k.path.clone()).collect();
        assert_eq!((removal.folders, removal.stopped), (paths, None));
        assert_eq!(bench.tree(), before, "{shape:?}");
        assert_eq!(remains(&kept), []);
        assert_eq!(remove(&bench, &kept).unwrap(), Removal::default());
    }
}

#[test]
fn a_log_that_was_moved_away_and_a_member_that_was_started_are_refused() {
    for shape in FOLDERS {
        // etcd --wal-dir: the log is on another disk now, and the database is in use.
        let (bench, kept, _) = over(shape);
        a_moment_later();
        let member = bench.member_folders().remove(1).join("member");
        std::fs::rename(member.join("wal"), bench.folder.path().join("fast")).unwrap();
        let wal = match shape {
            Shape::NewFolder => "m2/member",
            _ => "member",
        };
        refused(&bench, &kept, &format!("{wal} was changed"));

        // Started and stopped where it is.
        let (bench, kept, _) = over(shape);
        a_moment_later();
        let log = bench.member_folders().remove(1).join("member").join(LOG);
        let bytes = std::fs::read(&log).unwrap();
        std::fs::write(&log, bytes).unwrap();
        refused(&bench, &kept, &format!("{LOG} was changed"));

        // Something was put into it, and its folder looks as old as before.
        let (bench, kept, _) = over(shape);
        let snap = bench.member_folders().remove(1).join("member/snap");
        let was = snap.metadata().unwrap().modified().unwrap();
        std::fs::write(snap.join("notes"), "mine").unwrap();
        let folder = File::open(&snap).unwrap();
        folder
            .set_times(FileTimes::new().set_modified(was))
            .unwrap();
        refused(&bench, &kept, "snap/notes was not there");
    }
}

#[test]
fn a_member_that_was_started_before_it_was_placed_is_refused() {
    let bench = Bench::new(Shape::NewFolder);
    bench.with(None, |r| r.build().map(drop)).unwrap();
    let kept = bench.with(None, |r| r.kept()).unwrap();
    bench.with(None, |r| r.settle(true).map(drop)).unwrap();
    bench.with(None, |r| r.release()).unwrap();
    assert!(kept[0].path.ends_with(".ready"), "{kept:?}");
    a_moment_later();
    let database = Path::new(&kept[0].path).join("m1/member/snap/db");
    let bytes = std::fs::read(&database).unwrap();
    std::fs::write(&database, bytes).unwrap();
    refused(&bench, &kept, "m1/member/snap/db was changed");
}

#[test]
fn another_restores_result_is_refused_also_where_it_has_the_same_inode() {
    for shape in FOLDERS {
        let (bench, kept, _) = over(shape);
        a_moment_later();
        for (n, folder) in kept.iter().enumerate() {
            let away = bench.folder.path().join(format!("away-{n}"));
            std::fs::rename(&folder.path, away).unwrap();
        }
        bench
            .as_another(OTHER, None, |r| {
                r.build()?;
                r.place()?;
                r.release()
            })
            .unwrap();
        refused(&bench, &kept, "the folder was replaced");
        // A disk gives the numbers of deleted files to new ones.
        let mut reused = kept.clone();
        for folder in &mut reused {
            let there = std::fs::metadata(&folder.path).unwrap();
            folder.entries[0].inode = there.ino().to_string();
        }
        refused(&bench, &reused, "the folder was replaced");
    }
}

#[test]
fn what_was_copied_over_it_and_a_member_that_is_gone_are_refused() {
    // As rsync -a does it: every file is another one, with the times of its source.
    let (bench, kept, _) = over(Shape::NewFolder);
    let member = bench.member_folders().remove(0).join("member");
    let (snap, database) = (member.join("snap"), member.join("snap/db"));
    let times = |path: &Path| {
        let modified = path.metadata().unwrap().modified().unwrap();
        FileTimes::new().set_modified(modified)
    };
    let (of_folder, of_file) = (times(&snap), times(&database));
    std::fs::copy(&database, snap.join(".db.tmp")).unwrap();
    std::fs::rename(snap.join(".db.tmp"), &database).unwrap();
    File::open(&database).unwrap().set_times(of_file).unwrap();
    File::open(&snap).unwrap().set_times(of_folder).unwrap();
    refused(&bench, &kept, "m1/member/snap/db was replaced");

    let (bench, kept, _) = over(Shape::NewFolder);
    let moved = bench.folder.path().join("moved");
    std::fs::rename(bench.member_folders().remove(0), &moved).unwrap();
    refused(&bench, &kept, "m1 is missing");
    assert!(moved.join("member/snap/db").exists());
}

#[test]
fn of_several_folders_those_that_are_there_are_removed_and_named() {
    let (bench, kept, before) = over(Shape::OldFolder);
    let moved = bench.folder.path().join("moved");
    std::fs::rename(&kept[0].path, &moved).unwrap();
    let removal = remove(&bench, &kept).unwrap();
    assert_eq!(removal.folders, [kept[1].path.clone()]);
    assert!(moved.join("member/snap/db").exists());
    // Once it is back it can be removed too.
    std::fs::rename(&moved, &kept[0].path).unwrap();
    let removal = remove(&bench, &kept).unwrap();
    assert_eq!(removal.folders, [kept[0].path.clone()]);
    assert_eq!(bench.tree(), before);
}

#[test]
fn one_that_differs_keeps_all_of_them_and_each_has_its_name_again() {
    let (bench, kept, _) = over(Shape::OldFolder);
    std::fs::write(Path::new(&kept[1].path).join("notes"), "mine").unwrap();
    refused(&bench, &kept, "notes was not there");
    // The first was renamed and is as it was left.
    let remains = bench.with(None, |r| r.remains(&kept, &[])).unwrap();
    assert_eq!(
        (&remains[0].at, &remains[0].difference),
        (&kept[0].path, &None)
    );
}

#[test]
fn what_is_not_known_is_not_removed() {
    let (bench, mut kept, _) = over(Shape::NewFolder);
    kept[0].entries.clear();
    assert_eq!(remove(&bench, &kept).unwrap(), Removal::default());
    bench.is_whole();
    let remains = bench.with(None, |r| r.remains(&kept, &[])).unwrap();
    assert_eq!(remains[0].difference, None);
}

#[test]
fn a_removal_that_stops_or_is_killed_is_brought_to_its_end_by_the_next() {
    for shape in FOLDERS {
        let count = AtomicUsize::new(0);
        let counting = |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let (bench, kept, _) = over(shape);
        attempt(&bench, &kept, &mut Vec::new(), Some(&counting)).unwrap();
        let mut in_part = 0;
        for n in 0..count.into_inner() {
            for dead in [true, false] {
                let what = format!("{shape:?} at {n}, {dead}");
                let (bench, kept, before) = over(shape);
                let (all, mut begun) = (bench.tree(), Vec::new());
                let fault = failing_at(n, dead);
                match attempt(&bench, &kept, &mut begun, Some(&fault)) {
                    // Nothing was deleted: all has its name again, unless that failed too.
                    Err(_) if !dead => assert_eq!(bench.tree(), all, "{what}"),
                    Err(_) => {}
                    Ok(removal) => {
                        assert!(removal.stopped.is_some(), "{what}");
                        in_part += usize::from(removal.entries > 0);
                        if removal.entries == 0 && !dead {
                            assert_eq!(bench.tree(), all, "{what}");
                        }
                    }
                }
                // A second attempt that does not come far leaves what the first one began where it is.
                let earlier = begun.clone();
                let set = kept.iter().filter(|k| begun.contains(&k.path));
                let set: Vec<_> = set.cloned().collect();
                bench.with(None, |r| r.put_back(&set, &earlier)).unwrap();
                let removal = attempt(&bench, &kept, &mut begun, None).unwrap();
                assert_eq!(removal.stopped, None, "{what}");
                assert_eq!(bench.tree(), before, "{what}");
            }
        }
        assert!(in_part > 20, "{in_part}");
    }
}

#[test]
fn what_is_put_into_a_folder_while_it_is_removed_stays() {
    let (bench, kept, _) = over(Shape::NewFolder);
    let mut begun = bench.with(None, |r| r.set_aside(&kept, &[])).unwrap();
    assert_eq!(begun, [kept[0].path.clone()]);
    let aside = PathBuf::from(format!("{}.{ID}.removed", kept[0].path));
    std::fs::write(aside.join("m1/member/snap/notes"), "mine").unwrap();
    let removal = bench
        .with(None, |r| Ok(r.remove_aside(&kept, &[])))
        .unwrap();
    assert!(
        removal.stopped.is_some() && removal.entries > 0,
        "{removal:?}"
    );
    assert!(removal.folders.is_empty(), "{removal:?}");
    assert!(aside.join("m1/member/snap/notes").exists());
    let error = attempt(&bench, &kept, &mut begun, None).unwrap_err();
    assert!(error.to_string().contains("notes was not there"), "{error}");
    std::fs::remove_file(aside.join("m1/member/snap/notes")).unwrap();
    let removal = attempt(&bench, &kept, &mut begun, None).unwrap();
    assert_eq!(removal.stopped, None);
    assert!(!aside.exists());
}
