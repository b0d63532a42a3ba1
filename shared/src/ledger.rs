//! The ledger: who did what, in an append-only Merkle tree that each reader verifies for themselves.
//!
//! An act is written down before it is done ([`entry::Phase::Opened`]) and again when it is over
//! ([`entry::Phase::Closed`]). Entries are canonical JSON and the leaves of an RFC 6962 tree ([`merkle`]), laid
//! out as C2SP tlog-tiles ([`tiles`]) under C2SP checkpoints ([`checkpoint`]), so that a client of transparency
//! logs can read them. [`verify`] is what the page and `requorum audit verify` run: it believes the checkpoint
//! that it remembers, and nothing else.

pub mod about;
pub mod checkpoint;
pub mod entry;
pub mod export;
pub mod merkle;
pub mod tiles;
pub mod verify;
