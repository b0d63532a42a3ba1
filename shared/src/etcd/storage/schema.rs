//! How etcd lays its data out in bbolt: bucket and key names, revisions, and the messages in values (spec 2).

mod long;

use thiserror::Error;

pub use long::LongKeyValue;

/// MVCC revisions.
pub const KEY: &[u8] = b"key";
/// Scalars: consistent index, term, compaction marks, versions.
pub const META: &[u8] = b"meta";
/// Leases.
pub const LEASE: &[u8] = b"lease";
/// Active alarms.
pub const ALARM: &[u8] = b"alarm";
/// Whether authentication is on, and its revision.
pub const AUTH: &[u8] = b"auth";
/// Users.
pub const AUTH_USERS: &[u8] = b"authUsers";
/// Roles.
pub const AUTH_ROLES: &[u8] = b"authRoles";
/// Members of the cluster.
pub const MEMBERS: &[u8] = b"members";
/// Ids of former members, which may never return.
pub const MEMBERS_REMOVED: &[u8] = b"members_removed";
/// Cluster version and downgrade state.
pub const CLUSTER: &[u8] = b"cluster";

/// All of them, in byte order.
pub const BUCKETS: [&[u8]; 10] = [
    ALARM,
    AUTH,
    AUTH_ROLES,
    AUTH_USERS,
    CLUSTER,
    KEY,
    LEASE,
    MEMBERS,
    MEMBERS_REMOVED,
    META,
];

/// `meta`: raft index of the last entry applied, u64 big-endian.
pub const CONSISTENT_INDEX: &[u8] = b"consistent_index";
/// `meta`: raft term of that entry, u64 big-endian; since 3.5.
pub const TERM: &[u8] = b"term";
/// `meta`: JSON of the voters and learners at the last change.
pub const CONF_STATE: &[u8] = b"confState";
/// `meta`: a compaction that was asked for, as a revision.
pub const SCHEDULED_COMPACT_REV: &[u8] = b"scheduledCompactRev";
/// `meta`: the last compaction that ended, as a revision.
pub const FINISHED_COMPACT_REV: &[u8] = b"finishedCompactRev";
/// `meta`: schema version; since 3.6.
pub const STORAGE_VERSION: &[u8] = b"storageVersion";
/// `auth`: 1 when clients must authenticate.
pub const AUTH_ENABLED: &[u8] = b"authEnabled";
/// `auth`: u64 big-endian.
pub const AUTH_REVISION: &[u8] = b"authRevision";
/// `cluster`: semantic version.
pub const CLUSTER_VERSION: &[u8] = b"clusterVersion";
/// `cluster`: JSON.
pub const DOWNGRADE: &[u8] = b"downgrade";

/// Bytes of a revision key without the mark of a tombstone.
pub const REVISION_SIZE: usize = 17;
/// Bytes of the revision key of a tombstone.
pub const TOMBSTONE_SIZE: usize = 18;
/// Last byte of the revision key of a tombstone.
pub const TOMBSTONE_MARK: u8 = b't';

/// A key of bucket `key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// The transaction, counted from 2.
    pub main: i64,
    /// The operation within it, counted from 0.
    pub sub: i64,
    /// Whether it is a deletion.
    pub tombstone: bool,
}

impl Revision {
    /// Decodes a key of bucket `key`. `None` for a malformed one: any other length, separator or sign. An
    /// 18th byte other than `t` is accepted and read as a put, as etcd does.
    #[inline]
    pub fn parse(key: &[u8]) -> Option<Self> {
        let (fixed, mark) = key.split_first_chunk::<REVISION_SIZE>()?;
        if mark.len() > 1 || fixed[8] != b'_' {
            return None;
        }
        let main = i64::from_be_bytes(*fixed.first_chunk::<8>()?);
        let sub = i64::from_be_bytes(*fixed.last_chunk::<8>()?);
        (main >= 0 && sub >= 0).then_some(Self {
            main,
            sub,
            tombstone: mark == [TOMBSTONE_MARK],
        })
    }

    /// The key in the bucket.
    pub fn encode(self) -> Vec<u8> {
        let mut key = Vec::with_capacity(TOMBSTONE_SIZE);
        key.extend_from_slice(&self.main.to_be_bytes());
        key.push(b'_');
        key.extend_from_slice(&self.sub.to_be_bytes());
        if self.tombstone {
            key.push(TOMBSTONE_MARK);
        }
        key
    }
}

/// `mvccpb.KeyValue`, borrowed from its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyValue<'a> {
    /// The user's key.
    pub key: &'a [u8],
    /// Revision at which the key was made.
    pub create_revision: i64,
    /// Revision at which it was last written.
    pub mod_revision: i64,
    /// Writes since it was made; 1 for the first.
    pub version: i64,
    /// The user's value.
    pub value: &'a [u8],
    /// The lease it is attached to; 0 for none.
    pub lease: i64,
}

/// Why a message cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// It ends within a field.
    #[error("it ends in the middle of a field")]
    Truncated,
    /// A number longer than 64 bits.
    #[error("a number has more than 64 bits")]
    Varint,
    /// A known field in another encoding, or one that does not exist.
    #[error("field {field} has wire type {wire_type}")]
    WireType {
        /// Its number.
        field: u64,
        /// As found.
        wire_type: u8,
    },
}

/// A field of a protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 2, and whether all of it is there.
    Bytes(&'a [u8]),
    /// Wire types 1 and 5.
    Fixed,
}

/// Fields of a protobuf message, in order.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of these bytes.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for (i, byte) in self.rest.iter().enumerate() {
            if i == 10 {
                return Err(WireError::Varint);
            }
            value |= u64::from(byte & 0x7f) << (7 * i as u32);
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(i + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(WireError::Truncated)
    }

    fn skip(&mut self, n: usize) -> Result<&'a [u8], WireError> {
        let (bytes, rest) = self.rest.split_at_checked(n).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn read(&mut self) -> Result<(u64, Wire<'a>), WireError> {
        let tag = self.varint()?;
        let (field, wire_type) = (tag >> 3, (tag & 7) as u8);
        let wire = match wire_type {
            _ if field == 0 => return Err(WireError::WireType { field, wire_type }),
            0 => Wire::Varint(self.varint()?),
            1 => {
                self.skip(8)?;
                Wire::Fixed
            }
            2 => {
                let len = self.varint()?;
                let len = usize::try_from(len).map_err(|_| WireError::Truncated)?;
                Wire::Bytes(self.skip(len)?)
            }
            5 => {
                self.skip(4)?;
                Wire::Fixed
            }
            _ => return Err(WireError::WireType { field, wire_type }),
        };
        Ok((field, wire))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), WireError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cold]
fn wrong_type(field: u64, wire: Wire<'_>) -> WireError {
    let wire_type = match wire {
        Wire::Varint(_) => 0,
        Wire::Bytes(_) => 2,
        Wire::Fixed => 1,
    };
    WireError::WireType { field, wire_type }
}

impl<'a> KeyValue<'a> {
    /// Decodes a value of bucket `key`. Unknown fields are skipped.
    ///
    /// # Errors
    /// Whatever the reference of 3.6 refuses too.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut kv = Self::default();
        for field in Fields::new(bytes) {
            let (number, wire) = field?;
            match (number, wire) {
                (1, Wire::Bytes(bytes)) => kv.key = bytes,
                (2, Wire::Varint(n)) => kv.create_revision = n.cast_signed(),
                (3, Wire::Varint(n)) => kv.mod_revision = n.cast_signed(),
                (4, Wire::Varint(n)) => kv.version = n.cast_signed(),
                (5, Wire::Bytes(bytes)) => kv.value = bytes,
                (6, Wire::Varint(n)) => kv.lease = n.cast_signed(),
                (1..=6, wire) => return Err(wrong_type(number, wire)),
                _ => {}
            }
        }
        Ok(kv)
    }
}

/// Whether these bytes are a semantic version `X.Y.Z`, possibly with a pre-release or build part.
pub fn is_semver(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let mut parts = 0;
    let numeric = core.split('.').all(|part| {
        parts += 1;
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<i64>().is_ok()
            && (part == "0" || !part.starts_with('0'))
    });
    numeric && parts == 3 && !text.ends_with(['-', '+'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_value_of_the_spec() {
        let bytes = hex::decode("0a0161100218022001 2a0162".replace(' ', "")).unwrap();
        let kv = KeyValue::decode(&bytes).unwrap();
        assert_eq!(
            kv,
            KeyValue {
                key: b"a",
                create_revision: 2,
                mod_revision: 2,
                version: 1,
                value: b"b",
                lease: 0
            }
        );
    }

    #[test]
    fn conformance_34_revision_keys_of_every_wrong_shape() {
        let good = Revision {
            main: 7,
            sub: 1,
            tombstone: false,
        };
        let key = good.encode();
        assert_eq!(Revision::parse(&key), Some(good));
        let tombstone = Revision {
            tombstone: true,
            ..good
        };
        assert_eq!(Revision::parse(&tombstone.encode()), Some(tombstone));
        assert_eq!(Revision::parse(b""), None);
        assert_eq!(Revision::parse(&key[..16]), None);
        assert_eq!(Revision::parse(&[key.as_slice(), b"tt"].concat()), None);
        assert_eq!(
            Revision::parse(&[key.as_slice(), b"x"].concat()),
            Some(good)
        );
        let mut other = key.clone();
        other[8] = b'-';
        assert_eq!(Revision::parse(&other), None);
        let negative = Revision { main: -1, ..good };
        assert_eq!(Revision::parse(&negative.encode()), None);
    }

    #[test]
    fn conformance_34_messages_that_cannot_be_decoded() {
        let decode =
            |hex_text: &str| KeyValue::decode(&hex::decode(hex_text).unwrap()).map(|kv| kv.lease);
        assert_eq!(decode("0a05616263"), Err(WireError::Truncated));
        assert_eq!(decode("10ffffffffffffffffffffff01"), Err(WireError::Varint));
        assert_eq!(
            decode("30ffffffffffffffffff01"),
            Ok(-1),
            "ten bytes are a number"
        );
        assert_eq!(decode("3801420178"), Ok(0), "unknown fields are skipped");
        assert_eq!(
            decode("0801"),
            Err(WireError::WireType {
                field: 1,
                wire_type: 0
            })
        );
        assert_eq!(decode("0affffffff0f"), Err(WireError::Truncated));
    }

    #[test]
    fn semantic_versions() {
        for good in ["3.6.0", "0.0.1", "3.6.0-rc.1"] {
            assert!(is_semver(good.as_bytes()), "{good}");
        }
        for bad in ["", "3.6", "3.6.0.1", "v3.6.0", "3.06.0", "3.6.x", "3.6.0-"] {
            assert!(!is_semver(bad.as_bytes()), "{bad}");
        }
    }
}
