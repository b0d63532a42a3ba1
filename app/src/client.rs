//! What the page talks to: the server, the worker that reads files, and the one that verifies the ledger. Every
//! failure comes back as words fit to show.

pub mod acts;
pub mod frames;
pub mod grpc;
pub mod http;
pub mod inspector;
pub mod stream;
pub mod thread;
pub mod upload;
pub mod verifier;
pub mod whole;
