//! The systems that can be recovered: for each, what is observed and how its steps are carried out. This is the one
//! place of the server that knows them all.

pub mod etcd;

use std::path::Path;
use std::sync::Arc;

use requorum_shared::recovery::{Carrier, Observation, Request};

use self::etcd::observe;
use self::etcd::steps::EtcdSteps;
use crate::jobs::runner::{Runners, StepRunner};
use crate::roots::Roots;

/// The runners of all steps.
pub struct AllRunners {
    /// For [`Carrier::Etcd`].
    pub etcd: Arc<EtcdSteps>,
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
    /// Its stored inspection.
    pub inspection_json: String,
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
/// When a stored inspection cannot be read.
pub fn observe(request: &Request, sight: &Sight<'_>) -> anyhow::Result<Observation> {
    match request {
        Request::EtcdRestore(request) => {
            observe::restore(request, sight).map(Observation::EtcdRestore)
        }
    }
}
