//! The systems that can be recovered: for each, what is observed and how its plans' steps are carried out.

pub mod etcd;

use std::sync::Arc;

use requorum_shared::plan::{Plan, Request};

use self::etcd::steps::EtcdRestore;
use crate::jobs::runner::{Runners, StepRunner};

/// The runners of all kinds of plans.
pub struct AllRunners {
    /// For `etcd.restore`.
    pub etcd_restore: Arc<EtcdRestore>,
}

impl Runners for AllRunners {
    fn of(&self, plan: &Plan) -> Arc<dyn StepRunner> {
        match plan.request {
            Request::EtcdRestore(_) => self.etcd_restore.clone(),
        }
    }
}
