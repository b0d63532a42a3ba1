//! What etcd's files hold, and whether they are sound: for all that read them, also a system that embeds etcd.
//!
//! ```text
//!   member/snap/db   a bbolt database                    snapshot   the same, and behind it 32 bytes:
//!                                                                   the SHA-256 of all bytes before (trailer)
//!
//!   bucket   key                      value
//!   key      revision: main, sub      KeyValue, protobuf: every put and tombstone (mvcc)
//!   lease    id, i64                  Lease, protobuf
//!   meta     consistent_index, term, confState, scheduledCompactRev, finishedCompactRev, storageVersion
//!   members, members_removed          id in hexadecimal ──> JSON
//!   cluster  clusterVersion, downgrade
//!   alarm    AlarmMember, protobuf    nothing
//!   auth, authUsers, authRoles        protobuf; auth/authEnabled is one byte
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`schema`], [`version`] | names of buckets and keys, revisions, the messages in values; recorded versions |
//! | [`scan`], [`trailer`] | one pass over a file: pages and bytes |
//! | [`mvcc`] | what the pass makes of bucket `key`: status, live keys, HashKV of the newest revision |
//! | [`hashkv`] | HashKV at any revision, by random access |
//! | `contents`, [`auth`] | the small buckets: members, versions, leases, alarms, users |
//! | `keys` | the live keys by prefix, and as objects of Kubernetes |
//! | `lint` | what a sound file means for whoever restores it |
//! | `lost` | a database that was cut off, or carried as text |
//! | [`inspection`], [`mod@inspect`] | the document about a file, and how it is made |
//! | [`restore_options`] | the choices of a restore that findings name |
//! | [`status`] | the numbers of `etcdutl snapshot status`, as etcd's tools print them |
//!
//! Nothing here imports the recovery, and nothing of a plan.

pub mod auth;
mod contents;
pub mod hashkv;
pub mod inspect;
pub mod inspection;
mod keys;
mod lint;
pub(crate) mod lost;
pub mod mvcc;
pub mod restore_options;
pub mod scan;
pub mod schema;
pub mod snap;
pub mod status;
pub mod trailer;
pub mod version;
pub mod wal;
