//! Who is who, and who may.

pub(crate) mod accounts;
pub(crate) mod alone;
pub(crate) mod every_role;
pub(crate) mod killed;
pub(crate) mod login;
pub(crate) mod oidc;
pub(crate) mod revoked;
pub(crate) mod tokens;
pub(crate) mod user_command;
