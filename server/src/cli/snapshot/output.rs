//! How the commands that print etcd's numbers are asked to write and count them.

use requorum_shared::etcd::storage::status::{Counting, Format};

/// `-w`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum WriteOut {
    /// Values in one line
    #[default]
    Simple,
    /// A box
    Table,
    /// One JSON object
    Json,
    /// One line per value
    Fields,
}

impl From<WriteOut> for Format {
    fn from(value: WriteOut) -> Self {
        match value {
            WriteOut::Simple => Self::Simple,
            WriteOut::Table => Self::Table,
            WriteOut::Json => Self::Json,
            WriteOut::Fields => Self::Fields,
        }
    }
}

/// `--counting`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum CountingArgument {
    /// Pairs of all buckets, without VERSION: what etcdctl 3.4 and etcdutl 3.5 print
    #[value(name = "3.5")]
    V3_5,
    /// Live user keys, with VERSION: what etcdutl 3.6 and later print
    #[default]
    #[value(name = "3.6")]
    V3_6,
}

impl From<CountingArgument> for Counting {
    fn from(value: CountingArgument) -> Self {
        match value {
            CountingArgument::V3_5 => Self::V3_5,
            CountingArgument::V3_6 => Self::V3_6,
        }
    }
}
