//! The server side of Requorum: the command line, the API, and what carries plans out.
//!
//! ```text
//!   cli ── serve ── router ──┬── http    bytes, login, the page     who comes in, how much they may have:
//!    │                       └── grpc    the typed API              address, places, limits, shares, downloads, tls
//!    └───────────────┬───────────┘
//!                   ops          every rule: may they, is it so, what is written down
//!                    │
//!                   app          the parts of a running server, and where they meet
//!                    │
//!   auth  files  plans  jobs  ledger  secrets  observations  servers    what there is, each with its store as a trait
//!                    │                      │
//!                    db                  systems    how steps are carried out: roots, mark, vacancy, leftovers
//!            every SQL statement
//! ```
//!
//! A request is read by `http` or `grpc`, judged and written down by `ops`, and kept by a store, which `db` is behind.
//! Lists go the same way through `paging` and `counts`. A job is carried out by `jobs::engine` with the steps that
//! `systems` has for it. The manual for operators is `server/README.md`.

pub mod address;
pub mod app;
pub mod archive;
pub mod auth;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod counts;
pub mod data_dir;
pub mod db;
pub mod demo;
pub mod disks;
pub mod dossier;
pub mod downloads;
pub mod error;
pub mod files;
pub mod grpc;
pub mod http;
pub mod jobs;
pub mod ledger;
pub mod leftovers;
pub mod limits;
pub mod mark;
pub mod observations;
pub mod ops;
pub mod paging;
pub mod places;
pub mod plans;
pub mod random;
pub mod roots;
pub mod router;
pub mod secrets;
pub mod serve;
pub mod servers;
pub mod shares;
pub mod small_file;
pub mod system;
pub mod systems;
pub mod tls;
pub mod vacancy;
pub mod work;
