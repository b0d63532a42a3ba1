//! The server as its clients see it: real sockets, a real database, a temporary folder.

mod approvals;
mod audit;
mod boots;
mod engine;
mod every_role;
mod every_route;
mod grpc;
mod harness;
mod jobs;
mod killed;
mod ledger;
mod login;
mod pages;
mod people;
mod plans;
mod postgres;
mod process;
mod recovery;
mod restore;
mod secrets;
mod snapshot_files;
mod stores;
mod tidy;
mod tokens;
mod uploads;
mod user_command;
