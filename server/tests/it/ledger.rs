//! The ledger, what it proves, and the dossiers made of it.

pub(crate) mod audit_command;
pub(crate) mod claims;
pub(crate) mod dossier;
pub(crate) mod entries;
pub(crate) mod forged;
mod planted;
pub(crate) mod tampered;
pub(crate) mod transparency;
