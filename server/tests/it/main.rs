//! The server as its clients see it: real sockets, a real database, a temporary folder.

mod commands;
mod console;
mod files;
mod jobs;
mod ledger;
mod people;
mod plans;
mod robustness;
mod stores;
mod support;
mod tidy;
