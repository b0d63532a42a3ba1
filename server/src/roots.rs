//! Where restores may go: folders that the server's operator allowed, and nothing outside of them. Symbolic links
//! on the way are refused, wherever they lead.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};
use rustix::fs::{Access, AtFlags, accessat, fstat, fstatvfs};

use crate::config::{RootClusters, RootConfig};
use crate::mark;
use crate::vacancy::is_vacant;
use requorum_shared::recovery::TargetDir;

/// The root inside the data directory, which is always there.
pub const OWN_ROOT: &str = "console";

/// The allowed roots, opened once: renaming one away later leads nowhere else.
#[derive(Debug)]
pub struct Roots {
    roots: Vec<Root>,
}

/// One allowed root.
#[derive(Debug)]
pub struct Root {
    /// How plans name it.
    pub name: String,
    /// Where it is, to be shown.
    pub path: PathBuf,
    /// Whose restores may go there.
    pub clusters: RootClusters,
    dir: Dir,
    /// The folders on the way to it, itself included, from the top: each one's name, and what it is on this machine.
    way: Vec<(OsString, Identity)>,
}

/// What a folder is, by whichever name it is reached: its device and inode.
type Identity = (u64, u64);

/// Whether `path` is made of plain names only, and so stays below its root.
pub fn is_plain(path: &str) -> bool {
    path.split('/')
        .all(|name| !matches!(name, "" | "." | "..") && !name.contains(['\\', '\0']))
}

/// What is at a place below a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Missing,
    /// An empty folder.
    Empty,
    /// A folder with something in it.
    Occupied,
    /// Something that is no folder, or a symbolic link on the way.
    NotAFolder,
    /// It cannot be written, for this reason.
    Unwritable(String),
}

impl Roots {
    /// Opens the roots, the server's own first: for all clusters, unless one of the others has its name.
    ///
    /// # Errors
    /// When one is not a folder or its name is taken.
    pub fn open(own: &Path, more: &[RootConfig]) -> anyhow::Result<Self> {
        let mut roots: Vec<Root> = Vec::new();
        let own = RootConfig {
            name: OWN_ROOT.into(),
            path: own.into(),
            clusters: RootClusters::All,
        };
        for RootConfig {
            name,
            path,
            clusters,
        } in Some(&own)
            .filter(|own| more.iter().all(|root| root.name != own.name))
            .into_iter()
            .chain(more)
        {
            anyhow::ensure!(
                !roots.iter().any(|root| root.name == *name),
                "two restore roots are named `{name}`"
            );
            let path = path
                .canonicalize()
                .with_context(|| format!("the restore root {name} at {}", path.display()))?;
            let dir = Dir::open_ambient_dir(&path, ambient_authority())
                .with_context(|| format!("the restore root {name} at {}", path.display()))?;
            let way = way_to(&path)
                .with_context(|| format!("looking at the folders above {}", path.display()))?;
            roots.push(Root {
                name: name.clone(),
                clusters: clusters.clone(),
                way,
                path,
                dir,
            });
        }
        Ok(Self { roots })
    }

    /// All of them.
    pub fn all(&self) -> &[Root] {
        &self.roots
    }

    /// Whether two targets are the same folder, or one lies in the other, by whichever roots they are named. A root
    /// of another server, which is not known here, is compared by its name.
    pub fn overlap(&self, one: &TargetDir, other: &TargetDir) -> bool {
        let names = |target: &TargetDir| -> Vec<OsString> {
            target.path.split('/').map(OsString::from).collect()
        };
        let (mut here, mut there) = (names(one), names(other));
        match (self.find(&one.root), self.find(&other.root)) {
            (Some(one), Some(other)) if one.name != other.name => {
                let Some((i, j)) = one.meets(other) else {
                    return false;
                };
                here.splice(0..0, one.names_after(i));
                there.splice(0..0, other.names_after(j));
            }
            _ if one.root == other.root => {}
            _ => return false,
        }
        here.iter().zip(&there).all(|(one, other)| one == other)
    }

    /// Those of `others` that are the same folder as `target`, or lie in it, or it in them, by what is on the disk now:
    /// one folder has two names where it is mounted twice. What is not there yet is compared by name.
    ///
    /// # Errors
    /// When a folder on the way to `target` cannot be looked at.
    pub fn overlapping(
        &self,
        target: &TargetDir,
        others: Vec<TargetDir>,
    ) -> io::Result<Vec<TargetDir>> {
        let Some(root) = self.find(&target.root) else {
            return Ok(Vec::new());
        };
        let here = root.way_below(&target.path)?;
        let overlaps = |other: &TargetDir| {
            let there = self
                .find(&other.root)
                .map(|root| root.way_below(&other.path));
            // Its own job finds out what is wrong with it.
            matches!(there, Some(Ok(there)) if meet(&here, &there))
        };
        Ok(others.into_iter().filter(overlaps).collect())
    }

    /// The root of this name.
    pub fn find(&self, name: &str) -> Option<&Root> {
        self.roots.iter().find(|root| root.name == name)
    }

    /// The root of this name, for restores of a cluster; empty for none.
    pub fn find_for(&self, name: &str, cluster: &str) -> Option<&Root> {
        self.find(name)
            .filter(|root| root.clusters.include(cluster))
    }
}

impl Root {
    /// Free bytes on the file system at `path` below the root, or at the deepest folder above it that exists.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn free_bytes(&self, path: &str) -> io::Result<u64> {
        let stat = fstatvfs(&self.deepest(path)?)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// What is at `path`, a relative path that was checked to have plain names only.
    ///
    /// # Errors
    /// When it cannot be seen.
    pub fn look(&self, path: &str) -> io::Result<There> {
        let mut above = self.dir.try_clone()?;
        let names: Vec<&str> = path.split('/').collect();
        for (index, name) in names.iter().enumerate() {
            match look_at(&above, name)? {
                None => {
                    let writable = accessat(
                        &above,
                        ".",
                        Access::WRITE_OK | Access::EXEC_OK,
                        AtFlags::EACCESS,
                    );
                    return Ok(refusal(writable)?.unwrap_or(There::Missing));
                }
                Some(metadata) if !metadata.is_dir() => return Ok(There::NotAFolder),
                Some(_) if index + 1 < names.len() => above = above.open_dir(name)?,
                Some(_) => {
                    let folder = above.open_dir(name)?;
                    let writable = accessat(
                        &folder,
                        ".",
                        Access::WRITE_OK | Access::EXEC_OK,
                        AtFlags::EACCESS,
                    );
                    if let Some(refused) = refusal(writable)? {
                        return Ok(refused);
                    }
                    return Ok(if is_vacant(&folder)? {
                        There::Empty
                    } else {
                        There::Occupied
                    });
                }
            }
        }
        Ok(There::NotAFolder)
    }

    /// The folder above the last name of `path`, and that name. The folders on the way that are not there are made
    /// (mode 0700) for the restore with the id `make`, where there is one, and marked as its own.
    ///
    /// # Errors
    /// When something on the way is no folder or a symbolic link, or is missing and was not to be made.
    pub fn above(&self, path: &str, make: Option<&str>) -> io::Result<(Dir, String)> {
        let (names, last) = above_and_last(path);
        let mut above = self.dir.try_clone()?;
        for name in names {
            match (look_at(&above, name)?, make) {
                (None, Some(id)) => mark::make(&above, name, id)?,
                (Some(metadata), _) if !metadata.is_dir() => {
                    return Err(io::Error::new(
                        io::ErrorKind::NotADirectory,
                        format!("{name} is not a folder, or is a symbolic link"),
                    ));
                }
                _ => {}
            }
            above = above.open_dir(name)?;
        }
        Ok((above, last.to_owned()))
    }

    /// Removes the folders above the last name of `path` that were made for a restore and hold nothing now.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn remove_made(&self, path: &str, id: &str) -> io::Result<()> {
        let mut way = self.way(path)?;
        while let Some((parent, name)) = way.pop() {
            mark::remove_made(&parent, &mark::made_as(&name, id), id)?;
            if !mark::remove_made(&parent, &name, id)? {
                break;
            }
        }
        // What was made and got no name before the kill.
        for (parent, name) in way {
            mark::remove_made(&parent, &mark::made_as(&name, id), id)?;
        }
        Ok(())
    }

    /// Takes a restore's marks from the folders above the last name of `path`.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn unmark(&self, path: &str, id: &str) -> io::Result<()> {
        for (parent, name) in self.way(path)? {
            mark::remove_made(&parent, &mark::made_as(&name, id), id)?;
            if look_at(&parent, &name)?.is_some() {
                mark::remove(&parent.open_dir(&name)?, id)?;
            }
        }
        Ok(())
    }

    /// The folders above the last name of `path` as far as they are there, and one beyond: each one's parent and its
    /// name in there.
    fn way(&self, path: &str) -> io::Result<Vec<(Dir, String)>> {
        let mut way = Vec::new();
        let mut above = self.dir.try_clone()?;
        for name in above_and_last(path).0 {
            way.push((above.try_clone()?, name.to_owned()));
            match look_at(&above, name)? {
                Some(metadata) if metadata.is_dir() => above = above.open_dir(name)?,
                _ => break,
            }
        }
        Ok(way)
    }

    /// The folders on the way to `path`, itself included, from the top: what each is, as far as they are there.
    fn way_below(&self, path: &str) -> io::Result<Vec<(OsString, Option<Identity>)>> {
        let known = self.way.iter();
        let mut way: Vec<_> = known.map(|(name, is)| (name.clone(), Some(*is))).collect();
        let mut above = Some(self.dir.try_clone()?);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let mut is = None;
            if let Some(folder) = above.take()
                && let Some(folder) = folder_in(&folder, name)?
            {
                // Of the folder itself, and not of what another file system is mounted on.
                let stat = fstat(&folder)?;
                is = Some((stat.st_dev, stat.st_ino));
                above = Some(folder);
            }
            way.push((OsString::from(name), is));
        }
        Ok(way)
    }

    /// `path` below the root, to be shown.
    pub fn shown(&self, path: &str) -> String {
        self.path.join(path).display().to_string()
    }

    /// Where the ways to two roots part: the deepest folder that is on both.
    fn meets(&self, other: &Self) -> Option<(usize, usize)> {
        let on_other = |identity: &Identity| other.way.iter().rposition(|(_, at)| at == identity);
        let mut deepest_first = self.way.iter().enumerate().rev();
        deepest_first.find_map(|(i, (_, identity))| Some((i, on_other(identity)?)))
    }

    fn names_after(&self, at: usize) -> impl Iterator<Item = OsString> {
        self.way[at + 1..].iter().map(|(name, _)| name.clone())
    }

    fn deepest(&self, path: &str) -> io::Result<Dir> {
        let mut deepest = self.dir.try_clone()?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            match look_at(&deepest, name)? {
                Some(metadata) if metadata.is_dir() => deepest = deepest.open_dir(name)?,
                _ => break,
            }
        }
        Ok(deepest)
    }
}

/// Whether two ways end at the same folder, or one on the other: from the deepest folder that is on both, no name of one
/// differs from that of the other.
fn meet(one: &[(OsString, Option<Identity>)], other: &[(OsString, Option<Identity>)]) -> bool {
    let on_other = |is: &Option<Identity>| other.iter().rposition(|(_, at)| at == is);
    let mut deepest_first = one.iter().enumerate().rev();
    let common = deepest_first.find_map(|(i, (_, is))| Some((i, is.as_ref().and(on_other(is))?)));
    common.is_some_and(|(i, j)| {
        let mut further = one[i + 1..].iter().zip(&other[j + 1..]);
        further.all(|((one, _), (other, _))| one == other)
    })
}

/// The folders down to `path`, which has no links in it.
fn way_to(path: &Path) -> io::Result<Vec<(OsString, Identity)>> {
    let mut way = Vec::new();
    for folder in path.ancestors() {
        let metadata = folder.metadata()?;
        let name = folder.file_name().unwrap_or_default().to_owned();
        way.push((name, (metadata.dev(), metadata.ino())));
    }
    way.reverse();
    Ok(way)
}

/// The names on the way to the last, and the last.
fn above_and_last(path: &str) -> (impl Iterator<Item = &str>, &str) {
    let (folders, last) = path.rsplit_once('/').unwrap_or(("", path));
    (folders.split('/').filter(|name| !name.is_empty()), last)
}

/// The folder of this name; none where there is none, or something else, or it goes away just now.
fn folder_in(dir: &Dir, name: &str) -> io::Result<Option<Dir>> {
    if !look_at(dir, name)?.is_some_and(|found| found.is_dir()) {
        return Ok(None);
    }
    match dir.open_dir(name) {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the system says that a folder may not be written. Any other error says nothing about it.
fn refusal(writable: rustix::io::Result<()>) -> io::Result<Option<There>> {
    use rustix::io::Errno;
    match writable {
        Ok(()) => Ok(None),
        Err(errno @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) => {
            Ok(Some(There::Unwritable(io::Error::from(errno).to_string())))
        }
        Err(errno) => Err(errno.into()),
    }
}

fn look_at(dir: &Dir, name: &str) -> io::Result<Option<Metadata>> {
    match dir.symlink_metadata(name) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target in words: `ROOT:PATH`.
    fn target(text: &str) -> TargetDir {
        let (root, path) = text.split_once(':').unwrap();
        TargetDir {
            root: root.into(),
            path: path.into(),
        }
    }

    fn roots(dir: &Path) -> Roots {
        Roots::open(dir, &[]).unwrap()
    }

    #[test]
    fn what_is_there_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/empty")).unwrap();
        std::fs::write(dir.path().join("a/file"), b"").unwrap();
        std::os::unix::fs::symlink("/tmp", dir.path().join("a/out")).unwrap();
        std::os::unix::fs::symlink("empty", dir.path().join("a/in")).unwrap();
        let roots = roots(dir.path());
        let root = roots.find(OWN_ROOT).unwrap();
        for (path, there) in [
            ("new", There::Missing),
            ("a/new", There::Missing),
            ("x/y/z", There::Missing),
            ("a", There::Occupied),
            ("a/empty", There::Empty),
            ("a/file", There::NotAFolder),
            ("a/file/below", There::NotAFolder),
            ("a/out", There::NotAFolder),
            ("a/out/below", There::NotAFolder),
            ("a/in", There::NotAFolder),
            ("a/in/below", There::NotAFolder),
        ] {
            assert_eq!(root.look(path).unwrap(), there, "{path}");
        }
        assert!(root.free_bytes("x/y/z").unwrap() > 0);
        assert!(root.above("a/out/new", Some("j")).is_err());
        assert!(!Path::new("/tmp/new").exists());
        let (_, last) = root.above("p/q/last", Some("j")).unwrap();
        assert_eq!(last, "last");
        assert!(dir.path().join("p/q").is_dir() && !dir.path().join("p/q/last").exists());
        assert!(root.above("missing/x", None).is_err());
    }

    #[test]
    fn targets_overlap_by_whichever_root_they_are_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("own")).unwrap();
        std::fs::create_dir_all(dir.path().join("all/deep/er")).unwrap();
        let root = |name: &str, path: &str| RootConfig {
            name: name.into(),
            path: dir.path().join(path),
            clusters: RootClusters::none(),
        };
        let more = [
            root("all", "all"),
            root("again", "all"),
            root("in", "all/deep/er"),
        ];
        let roots = Roots::open(&dir.path().join("own"), &more).unwrap();
        for (one, other, overlap) in [
            ("all:a", "all:a", true),
            ("all:a", "all:a/m1", true),
            ("all:a/m1", "all:a/m2", false),
            ("all:a", "all:ab", false),
            ("all:a/b", "again:a", true),
            ("all:a", "console:a", false),
            ("all:deep/er/x", "in:x", true),
            ("all:deep", "in:x", true),
            ("all:deep/er", "in:x/y", true),
            ("all:deep/er/y", "in:x", false),
            ("all:deep/else", "in:x", false),
            ("again:deep", "in:x", true),
            // Of another server.
            ("far:a", "far:a/b", true),
            ("far:a", "all:a", false),
            ("far:a", "near:a", false),
        ] {
            let (one, other) = (target(one), target(other));
            assert_eq!(roots.overlap(&one, &other), overlap, "{one:?} {other:?}");
            assert_eq!(roots.overlap(&other, &one), overlap, "{other:?} {one:?}");
        }
    }

    /// Set for the second life of the test below: the folder that it looks at.
    const MOUNTED_TWICE: &str = "REQUORUM_TEST_MOUNTED_TWICE";

    /// A folder that is mounted at two places is one target. The mounts are made in a namespace of their own, which ends
    /// with the process that sees them.
    #[test]
    fn a_folder_that_is_mounted_twice_is_one_target() {
        if let Some(dir) = std::env::var_os(MOUNTED_TWICE) {
            return look_at_mounts(Path::new(&dir));
        }
        let dir = tempfile::tempdir().unwrap();
        for folder in ["own", "disk/made", "a/one", "a/two", "b"] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let mounts = "cd \"$0\" && mount --bind disk a/one && mount --bind disk a/two && mount --bind disk/made b \
                      || exit 77; exec \"$@\"";
        let test = concat!(
            module_path!(),
            "::a_folder_that_is_mounted_twice_is_one_target"
        );
        let test = test.split_once("::").unwrap().1;
        let ended = std::process::Command::new("unshare")
            .args(["--mount", "--map-root-user", "sh", "-c", mounts])
            .arg(dir.path())
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(MOUNTED_TWICE, dir.path())
            .output();
        let Ok(ended) = ended else {
            eprintln!("skipped: there is no unshare here");
            return;
        };
        let said = String::from_utf8_lossy(&ended.stdout);
        match ended.status.code() {
            Some(0) => assert!(said.contains("1 passed"), "{said}"),
            // No user namespaces, or no mounts in them.
            Some(1 | 77) if !said.contains("running 1 test") => {
                eprintln!("skipped: this machine lets no test mount a folder");
            }
            _ => panic!("{said}{}", String::from_utf8_lossy(&ended.stderr)),
        }
    }

    fn look_at_mounts(dir: &Path) {
        let root = |name: &str| RootConfig {
            name: name.into(),
            path: dir.join(name),
            clusters: RootClusters::none(),
        };
        let roots = Roots::open(&dir.join("own"), &[root("a"), root("b"), root("disk")]).unwrap();
        for (one, other, overlap) in [
            ("a:one/new", "a:two/new", true),
            ("a:one/new/m1", "a:two/new", true),
            ("a:one/new/m1", "a:two/new/m2", false),
            ("a:one/new", "a:two/other", false),
            ("a:one/new", "disk:new", true),
            ("a:one/made/x", "b:x", true),
            ("a:one/made", "b:x", true),
            ("a:one/x", "b:x", false),
            ("a:one", "a:two", true),
            ("a:new", "a:new/below", true),
            ("a:new", "a:newer", false),
            ("a:one/new", "console:new", false),
        ] {
            let (one, other) = (target(one), target(other));
            for (one, other) in [(&one, &other), (&other, &one)] {
                let found = roots.overlapping(one, vec![other.clone()]).unwrap();
                assert_eq!(!found.is_empty(), overlap, "{one:?} {other:?}");
            }
        }
        // By their names alone they are two.
        assert!(!roots.overlap(&target("a:one/new"), &target("a:two/new")));
    }

    #[test]
    fn folders_made_on_the_way_are_taken_back_and_those_found_there_stay() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        let root = roots.find(OWN_ROOT).unwrap();
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir(at("found")).unwrap();
        // Each as if the process had been killed just before a folder got its name.
        std::fs::create_dir(at("found/a.j.part")).unwrap();
        root.above("found/a/b/last", Some("j")).unwrap();
        std::fs::create_dir(at("found/a/b.j.part")).unwrap();
        root.above("found/a/other/last", Some("k")).unwrap();
        root.remove_made("found/a/b/last", "k").unwrap();
        assert!(at("found/a/b").is_dir(), "it is another's");
        root.remove_made("found/a/b/last", "j").unwrap();
        assert!(!at("found/a/b").exists() && !at("found/a/b.j.part").exists());
        root.remove_made("found/a/other/last", "j").unwrap();
        assert!(at("found/a/other").is_dir());
        root.unmark("found/a/other/last", "j").unwrap();
        root.unmark("found/a/other/last", "k").unwrap();
        for made in ["found/a", "found/a/other"] {
            let left = std::fs::read_dir(at(made))
                .unwrap()
                .map(|e| e.unwrap().file_name());
            assert!(left.into_iter().all(|name| name == "other"), "{made}");
        }
        root.remove_made("found/a/other/last", "k").unwrap();
        assert!(at("found/a/other").is_dir(), "nobody's by now");
    }

    #[test]
    fn names_are_unique_and_folders_exist() {
        let dir = tempfile::tempdir().unwrap();
        let root = |name: &str, path: &Path| RootConfig {
            name: name.into(),
            path: path.into(),
            clusters: RootClusters::none(),
        };
        let twice = [root("b", dir.path()), root("b", dir.path())];
        assert!(Roots::open(dir.path(), &twice).is_err());
        // One of its own name takes the place of the server's.
        let bound = Roots::open(dir.path(), &[root(OWN_ROOT, dir.path())]).unwrap();
        assert_eq!(bound.all().len(), 1);
        assert!(
            bound.find_for(OWN_ROOT, "").is_some() && bound.find_for(OWN_ROOT, "prod").is_none()
        );
        assert!(Roots::open(dir.path(), &[root("b", &dir.path().join("no"))]).is_err());
        assert_eq!(
            Roots::open(dir.path(), &[root("b", dir.path())])
                .unwrap()
                .all()
                .len(),
            2
        );
    }
}
