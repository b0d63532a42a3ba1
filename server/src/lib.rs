//! The server side of Requorum: the command line, the API, and what carries plans out.

pub mod app;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod data_dir;
pub mod db;
pub mod dossier;
pub mod error;
pub mod grpc;
pub mod http;
pub mod inspect_file;
pub mod jobs;
pub mod ledger;
pub mod limits;
pub mod ops;
pub mod plans;
pub mod random;
pub mod restore;
pub mod roots;
pub mod router;
pub mod secrets;
pub mod serve;
pub mod snapshots;
pub mod systems;
pub mod tls;
