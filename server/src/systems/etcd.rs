//! etcd: restoring a cluster from a stored snapshot, and booting the result to see.

mod binaries;
mod boot;
mod client;
pub mod members;
mod observe;
mod present;
mod process;
mod run;
mod sockets;
pub mod steps;

use std::sync::Arc;

use anyhow::Context as _;
use requorum_shared::recovery::{Observation, Request};

use self::steps::EtcdSteps;
use super::{Program, Sight, System};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::files::objects::Objects;
use crate::jobs::runner::StepRunner;
use crate::roots::Roots;

/// etcd, ready to run.
pub struct Etcd {
    steps: Arc<EtcdSteps>,
}

impl Etcd {
    /// Finds the etcd servers of this machine, and ends what an earlier process left running.
    ///
    /// # Errors
    /// When that cannot be ended.
    pub async fn open(
        config: &Config,
        data_dir: &DataDir,
        objects: &Objects,
        roots: &Arc<Roots>,
    ) -> anyhow::Result<Self> {
        process::clear_up(&data_dir.scratch()).context("clearing up after boot checks")?;
        Ok(Self {
            steps: Arc::new(EtcdSteps {
                objects: objects.clone(),
                roots: roots.clone(),
                downloads: data_dir.downloads(),
                scratch: data_dir.scratch(),
                binaries: binaries::find(&config.etcd_bin).await,
            }),
        })
    }
}

impl System for Etcd {
    fn runner(&self) -> Arc<dyn StepRunner> {
        self.steps.clone()
    }

    fn observe(&self, request: &Request, sight: &Sight<'_>) -> anyhow::Result<Observation> {
        let Request::EtcdRestore(request) = request;
        observe::restore(request, sight).map(Observation::EtcdRestore)
    }

    fn programs(&self) -> &[Program] {
        &self.steps.binaries
    }
}
