//! What a restore leaves once it is over: known without its marks, and removed as it was left.

use requorum_shared::job::events::KeptFolder;

use super::*;

const FOLDERS: [Shape; 2] = [Shape::NewFolder, Shape::OldFolder];

/// A restore that is over: its bench, what was written down, and what was there before.
fn over(shape: Shape) -> (Bench, Vec<KeptFolder>, BTreeSet<String>) {
    let bench = Bench::new(shape);
    let before = bench.tree();
    bench.build_and_place(None).unwrap();
    let kept = bench.with(None, |r| r.kept()).unwrap();
    bench.with(None, |r| r.release()).unwrap();
    (bench, kept, before)
}

fn remove(bench: &Bench, kept: &[KeptFolder]) -> Result<bool, RestoreError> {
    bench.with(None, |r| r.remove_kept(kept))
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
        let remains = |kept: &[KeptFolder]| bench.with(None, |r| r.remains(kept)).unwrap();
        assert_eq!(remains(&kept), kept);
        assert_eq!(remains(&[]), [], "what was not written down is not its own");
        assert!(!remove(&bench, &[]).unwrap());
        bench.is_whole();

        assert!(remove(&bench, &kept).unwrap());
        assert_eq!(bench.tree(), before, "{shape:?}");
        assert_eq!(remains(&kept), []);
        assert!(!remove(&bench, &kept).unwrap(), "there is nothing any more");
    }
}

#[test]
fn what_another_put_under_the_same_name_stays() {
    for shape in FOLDERS {
        let (bench, kept, _) = over(shape);
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
        let before = bench.tree();
        assert_eq!(bench.with(None, |r| r.remains(&kept)).unwrap(), []);
        assert!(!remove(&bench, &kept).unwrap());
        assert_eq!(bench.tree(), before, "{shape:?}");
    }
}

#[test]
fn a_copy_that_still_has_the_mark_stays() {
    for shape in FOLDERS {
        let (bench, kept, _) = over(shape);
        for (n, folder) in kept.iter().enumerate() {
            let away = bench.folder.path().join(format!("away-{n}"));
            std::fs::rename(&folder.path, away).unwrap();
        }
        // As one that was copied before the end: the same in all but what it is on the disk.
        bench.build_and_place(None).unwrap();
        let before = bench.tree();
        assert!(before.iter().any(|path| path.ends_with(".requorum-owner")));
        let error = remove(&bench, &kept).unwrap_err();
        assert!(
            matches!(error, RestoreError::Strange(_)),
            "{shape:?}: {error}"
        );
        assert_eq!(bench.tree(), before, "{shape:?}");
    }
}

#[test]
fn what_a_server_ran_on_or_holds_something_else_is_left_as_it_was_found() {
    for shape in FOLDERS {
        for used in [true, false] {
            let (bench, kept, _) = over(shape);
            let member = bench.member_folders().remove(1).join("member");
            if used {
                let log = member.join("wal/0000000000000000-0000000000000000.wal");
                let mut bytes = std::fs::read(&log).unwrap();
                bytes[8] ^= 1;
                std::fs::write(&log, bytes).unwrap();
            } else {
                std::fs::write(member.join("snap/notes"), "mine").unwrap();
            }
            let before = bench.tree();
            let error = remove(&bench, &kept).unwrap_err();
            let refused = match error {
                RestoreError::Used(_) => used,
                RestoreError::Strange(_) => !used,
                _ => false,
            };
            assert!(refused, "{shape:?}: {error}");
            assert_eq!(bench.tree(), before, "{shape:?}: no mark is left either");
        }
    }
}

#[test]
fn members_that_were_moved_to_their_hosts_keep_nothing_from_being_removed() {
    for shape in FOLDERS {
        let (bench, kept, mut before) = over(shape);
        let moved = bench.folder.path().join("moved");
        std::fs::rename(bench.member_folders().remove(0), &moved).unwrap();
        assert!(remove(&bench, &kept).unwrap());
        let moved: Vec<_> = bench
            .tree()
            .into_iter()
            .filter(|path| path.starts_with("moved"))
            .collect();
        assert!(moved.len() > 5, "{moved:?}");
        before.extend(moved);
        assert_eq!(bench.tree(), before, "{shape:?}");
    }
}

#[test]
fn a_removal_that_was_killed_is_brought_to_its_end_by_the_next() {
    for shape in FOLDERS {
        let count = AtomicUsize::new(0);
        let counting = |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let (bench, kept, _) = over(shape);
        bench
            .with(Some(&counting), |r| r.remove_kept(&kept))
            .unwrap();
        for n in 0..count.into_inner() {
            for dead in [true, false] {
                let (bench, kept, before) = over(shape);
                let broken = bench.with(Some(&failing_at(n, dead)), |r| r.remove_kept(&kept));
                assert!(broken.is_err(), "{shape:?} at {n}");
                remove(&bench, &kept).unwrap();
                assert_eq!(bench.tree(), before, "{shape:?} at {n}, {dead}");
            }
        }
    }
}
