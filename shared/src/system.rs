//! The systems that can be recovered, named as their operators name them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// etcd.
    Etcd,
    /// TiKV's Placement Driver.
    Pd,
    /// Dkron.
    Dkron,
    /// Apache Pegasus.
    Pegasus,
}

impl System {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Etcd, Self::Pd, Self::Dkron, Self::Pegasus];
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Etcd => "etcd",
            Self::Pd => "TiKV PD",
            Self::Dkron => "Dkron",
            Self::Pegasus => "Apache Pegasus",
        })
    }
}
