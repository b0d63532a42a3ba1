//! The server side of Requorum: the command line, the API, and what carries plans out.

pub mod cli;
