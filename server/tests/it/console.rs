//! The console as a whole: its API, pages, servers and copies.

pub(crate) mod api;
pub(crate) mod backup;
pub(crate) mod credentials;
mod demo;
pub(crate) mod every_route;
pub(crate) mod grpc;
pub(crate) mod lists;
pub(crate) mod pages;
pub(crate) mod servers;
