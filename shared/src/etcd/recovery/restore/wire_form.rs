//! The dialects in which etcd versions write the same WAL and `.snap` (spec 4.6, 4.7).

use super::TargetVersion;
use super::ids::MemberId;
use super::proto::Message;

/// Which version's bytes are written. Every server from 3.4 to 3.7 reads each of them; the difference matters
/// to whoever compares bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WireForm {
    /// etcdctl 3.4: the WAL's last snapshot record has no `conf_state`.
    V3_4,
    /// etcdutl 3.5 and 3.6: fields that hold their default are written.
    V3_5,
    /// etcdutl 3.7: `ConfChange.ID` and `ConfState.auto_leave` are omitted while they hold their default.
    V3_7,
}

impl WireForm {
    /// `raftpb.ConfState` with these voters.
    pub(super) fn conf_state(self, voters: &[MemberId]) -> Vec<u8> {
        let message = voters
            .iter()
            .fold(Message::default(), |message, id| message.varint(1, id.0));
        match self {
            Self::V3_4 | Self::V3_5 => message.varint(5, 0),
            Self::V3_7 => message,
        }
        .finish()
    }
}

impl From<TargetVersion> for WireForm {
    fn from(version: TargetVersion) -> Self {
        match version {
            TargetVersion::V3_4 => Self::V3_4,
            TargetVersion::V3_5 | TargetVersion::V3_6 => Self::V3_5,
            TargetVersion::V3_7 => Self::V3_7,
        }
    }
}
