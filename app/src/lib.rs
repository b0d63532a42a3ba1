#![doc = include_str!("../README.md")]

pub mod app;
pub mod bench;
pub mod client;
pub mod components;
pub mod failure;
pub mod format;
pub mod forms;
pub mod identity;
pub mod pages;
pub mod paths;
pub mod rank;
pub mod strip;
pub mod theme;
pub mod worker;
