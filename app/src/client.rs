//! What the page talks to: the server, and the worker that reads files. Every failure comes back as words fit to
//! show.

pub mod grpc;
pub mod http;
pub mod inspector;
pub mod upload;
