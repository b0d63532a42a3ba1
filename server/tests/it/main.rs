//! The server as its clients see it: real sockets, a real database, a temporary folder.

mod every_role;
mod every_route;
mod grpc;
mod harness;
mod login;
mod pages;
mod people;
mod process;
mod tidy;
mod tokens;
mod uploads;
