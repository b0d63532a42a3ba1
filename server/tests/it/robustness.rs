//! What attacks, accidents and full disks must not do.

pub(crate) mod bad_requests;
pub(crate) mod clocks;
pub(crate) mod connections;
pub(crate) mod fair;
pub(crate) mod full_disk;
pub(crate) mod hang_up;
pub(crate) mod markers;
pub(crate) mod tls;
