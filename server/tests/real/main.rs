//! Real etcd against Requorum: what its servers wrote, what its tools say, what boots from what we write.
//!
//! Needed are etcd 3.4 (Debian's `etcd-server` and `etcd-client`) and 3.5.1 (`make setup` puts it into the
//! cache folder); without them the tests fail and say so. `REQUORUM_PEERS` names a folder with more versions,
//! one sub-folder with `etcd`, `etcdctl` and `etcdutl` each; what is absent is skipped, in plain words.
#![allow(missing_docs)]

mod harness;
mod harness_works;
mod restore;
mod snapshot;
