//! The systems that can be recovered. Each brings what looks at what its plans rest on, and what carries its steps out.
//! This is the one place of the server that knows them all.

pub mod etcd;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use requorum_shared::kinds::Inspection;
use requorum_shared::recovery::{Carrier, Observation, Request};
use requorum_shared::system::System as Name;

use self::etcd::Etcd;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::files::objects::Objects;
use crate::jobs::runner::{Runners, StepRunner};
use crate::roots::Roots;

/// What a system brings.
pub trait System: Send + Sync {
    /// What carries its steps out.
    fn runner(&self) -> Arc<dyn StepRunner>;

    /// What a request of its own rests on, as it is seen now. Blocks; changes nothing.
    ///
    /// # Errors
    /// When a file is of a kind that the request cannot use.
    fn observe(&self, request: &Request, sight: &Sight<'_>) -> anyhow::Result<Observation>;

    /// The programs of this machine that its steps can use.
    fn programs(&self) -> &[Program];
}

/// A program of a system that is installed on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// What it is: `etcd`.
    pub name: &'static str,
    /// Where.
    pub path: PathBuf,
    /// As it says itself: `3.5.17`.
    pub version: String,
}

impl Program {
    /// Major and minor, where the version has both.
    pub fn minor(&self) -> Option<(u64, u64)> {
        let mut parts = self.version.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

/// A stored file that a request uses.
pub struct StoredInput {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// The cluster that it is kept as one of; empty for none.
    pub cluster: String,
    /// What was found in it when it was stored.
    pub inspection: Inspection,
    /// Its length when it was stored.
    pub size: u64,
    /// Its length in the store now, none where it is not there; or why the store could not be asked, in its words.
    pub found: Result<Option<u64>, String>,
}

/// Where observing looks.
pub struct Sight<'a> {
    /// Where restores may go.
    pub roots: &'a Roots,
    /// Where results lie that are to be downloaded.
    pub downloads: &'a Path,
    /// The request's files, in the order of its inputs.
    pub files: &'a [StoredInput],
}

/// All systems, ready to run.
pub struct Systems {
    etcd: Etcd,
}

impl Systems {
    /// Makes every system ready, and clears up what its earlier process left.
    ///
    /// # Errors
    /// When that cannot be cleared up.
    pub async fn open(
        config: &Config,
        data_dir: &DataDir,
        objects: &Objects,
        roots: &Arc<Roots>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            etcd: Etcd::open(config, data_dir, objects, roots).await?,
        })
    }

    /// A system; none where no recovery of it is known yet.
    fn system(&self, name: Name) -> Option<&dyn System> {
        match name {
            Name::Etcd => Some(&self.etcd),
            Name::Pd | Name::Dkron | Name::Pegasus => None,
        }
    }

    /// What a request rests on, as it is seen now. Blocks; changes nothing.
    ///
    /// # Errors
    /// When a file is of a kind that the request cannot use.
    pub fn observe(&self, request: &Request, sight: &Sight<'_>) -> anyhow::Result<Observation> {
        self.system(request.system())
            .ok_or_else(|| anyhow::anyhow!("{} cannot be observed", request.kind()))?
            .observe(request, sight)
    }

    /// The programs of this machine that steps can use, of every system.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        let systems = Name::ALL
            .into_iter()
            .filter_map(move |name| self.system(name));
        systems.flat_map(System::programs)
    }
}

impl Runners for Systems {
    fn of(&self, carrier: Carrier) -> Option<Arc<dyn StepRunner>> {
        match carrier {
            Carrier::Etcd => Some(self.etcd.runner()),
            Carrier::Person => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minor_is_what_counts() {
        for (version, minor) in [
            ("3.5.1", Some((3, 5))),
            ("3.6.0-rc.1", Some((3, 6))),
            ("3", None),
            ("", None),
        ] {
            let program = Program {
                name: "etcd",
                path: PathBuf::new(),
                version: version.into(),
            };
            assert_eq!(program.minor(), minor, "{version}");
        }
    }
}
