//! The systems that can be recovered: for each, what is observed and how its steps are carried out. This is the one
//! place of the server that knows them all.

pub mod etcd;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use requorum_shared::kinds::Inspection;
use requorum_shared::recovery::{Carrier, Observation, Request};

pub use self::etcd::binaries::Binary as EtcdBinary;
use self::etcd::steps::EtcdSteps;
use self::etcd::{binaries, observe, process};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::files::objects::Objects;
use crate::jobs::runner::{Runners, StepRunner};
use crate::roots::Roots;

/// All systems, ready to run.
pub struct Systems {
    /// What carries steps out.
    pub runners: Arc<dyn Runners>,
    /// The etcd servers of this machine that boot checks can use.
    pub etcd_binaries: Vec<EtcdBinary>,
}

/// Makes every system ready, and clears up what its earlier process left.
///
/// # Errors
/// When that cannot be cleared up.
pub async fn open(
    config: &Config,
    data_dir: &DataDir,
    objects: &Objects,
    roots: &Arc<Roots>,
) -> anyhow::Result<Systems> {
    process::clear_up(&data_dir.scratch()).context("clearing up after boot checks")?;
    let etcd_binaries = binaries::find(&config.etcd_bin).await;
    let runners = AllRunners {
        etcd: Arc::new(EtcdSteps {
            objects: objects.clone(),
            roots: roots.clone(),
            downloads: data_dir.downloads(),
            scratch: data_dir.scratch(),
            binaries: etcd_binaries.clone(),
        }),
    };
    Ok(Systems {
        runners: Arc::new(runners),
        etcd_binaries,
    })
}

/// The runners of all steps.
struct AllRunners {
    /// For [`Carrier::Etcd`].
    etcd: Arc<EtcdSteps>,
}

impl Runners for AllRunners {
    fn of(&self, carrier: Carrier) -> Option<Arc<dyn StepRunner>> {
        match carrier {
            Carrier::Etcd => Some(self.etcd.clone()),
            Carrier::Person => None,
        }
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

/// What a request rests on, as it is seen now. Blocks; changes nothing.
///
/// # Errors
/// When a file is of a kind that the request cannot use.
pub fn observe(request: &Request, sight: &Sight<'_>) -> anyhow::Result<Observation> {
    match request {
        Request::EtcdRestore(request) => {
            observe::restore(request, sight).map(Observation::EtcdRestore)
        }
    }
}
