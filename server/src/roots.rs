//! Where restores may go: folders that the server's operator allowed, and nothing outside of them. Symbolic links
//! on the way are refused, wherever they lead.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, Metadata};
use rustix::fs::{Access, AtFlags, accessat, fstatvfs};

use crate::config::RootConfig;

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
    dir: Dir,
}

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
    /// Opens the roots, the server's own first.
    ///
    /// # Errors
    /// When one is not a folder or its name is taken.
    pub fn open(own: &Path, more: &[RootConfig]) -> anyhow::Result<Self> {
        let mut roots: Vec<Root> = Vec::new();
        let own = RootConfig {
            name: OWN_ROOT.into(),
            path: own.into(),
        };
        for RootConfig { name, path } in std::iter::once(&own).chain(more) {
            anyhow::ensure!(
                !roots.iter().any(|root| root.name == *name),
                "two restore roots are named `{name}`"
            );
            let path = path
                .canonicalize()
                .with_context(|| format!("the restore root {name} at {}", path.display()))?;
            let dir = Dir::open_ambient_dir(&path, ambient_authority())
                .with_context(|| format!("the restore root {name} at {}", path.display()))?;
            roots.push(Root {
                name: name.clone(),
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

    /// The root of this name.
    pub fn find(&self, name: &str) -> Option<&Root> {
        self.roots.iter().find(|root| root.name == name)
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
                    return Ok(match writable {
                        Ok(()) => There::Missing,
                        Err(errno) => There::Unwritable(io::Error::from(errno).to_string()),
                    });
                }
                Some(metadata) if !metadata.is_dir() => return Ok(There::NotAFolder),
                Some(_) if index + 1 < names.len() => above = above.open_dir(name)?,
                Some(_) => {
                    let folder = above.open_dir(name)?;
                    if let Err(errno) = accessat(
                        &folder,
                        ".",
                        Access::WRITE_OK | Access::EXEC_OK,
                        AtFlags::EACCESS,
                    ) {
                        return Ok(There::Unwritable(io::Error::from(errno).to_string()));
                    }
                    return Ok(if folder.entries()?.next().is_none() {
                        There::Empty
                    } else {
                        There::Occupied
                    });
                }
            }
        }
        Ok(There::NotAFolder)
    }

    /// The folder above the last name of `path`, and that name. The folders on the way are made (mode 0700) when
    /// `make` says so.
    ///
    /// # Errors
    /// When something on the way is no folder or a symbolic link, or is missing and was not to be made.
    pub fn above(&self, path: &str, make: bool) -> io::Result<(Dir, String)> {
        let (folders, last) = path.rsplit_once('/').unwrap_or(("", path));
        let mut above = self.dir.try_clone()?;
        for name in folders.split('/').filter(|name| !name.is_empty()) {
            match look_at(&above, name)? {
                None if make => {
                    let mut builder = DirBuilder::new();
                    builder.mode(0o700);
                    above.create_dir_with(name, &builder)?;
                }
                Some(metadata) if !metadata.is_dir() => {
                    return Err(io::Error::new(
                        io::ErrorKind::NotADirectory,
                        format!("{name} is no folder, or a symbolic link"),
                    ));
                }
                _ => {}
            }
            above = above.open_dir(name)?;
        }
        Ok((above, last.to_owned()))
    }

    /// `path` below the root, to be shown.
    pub fn shown(&self, path: &str) -> String {
        self.path.join(path).display().to_string()
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
        assert!(root.above("a/out/new", true).is_err());
        assert!(!Path::new("/tmp/new").exists());
        let (_, last) = root.above("p/q/last", true).unwrap();
        assert_eq!(last, "last");
        assert!(dir.path().join("p/q").is_dir() && !dir.path().join("p/q/last").exists());
        assert!(root.above("missing/x", false).is_err());
    }

    #[test]
    fn names_are_unique_and_folders_exist() {
        let dir = tempfile::tempdir().unwrap();
        let root = |name: &str, path: &Path| RootConfig {
            name: name.into(),
            path: path.into(),
        };
        assert!(Roots::open(dir.path(), &[root(OWN_ROOT, dir.path())]).is_err());
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
