//! Whether authentication that is on can be administered: a restore keeps it on, and without an administrator only a
//! restore turns it off.
//!
//! etcd asks for the role `root` whenever authentication is managed, and lets in a user without a password by the
//! common name of a client certificate alone.

use serde::{Deserialize, Serialize};

/// The user that `auth enable` asks for, and the role that administers.
const ROOT: &str = "root";

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// Name.
    pub name: String,
    /// Names of its roles.
    pub roles: Vec<String>,
    /// Whether it has a password (never which).
    pub has_password: bool,
}

/// Why authentication that is on cannot be administered, or by fewer than one would think.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum AuthProblem {
    /// There is no user at all.
    NoUsers,
    /// There is no user `root`, and none with the role `root` either.
    NoRoot,
    /// User `root` is there without the role `root`, and no other user has it.
    RootWithoutRole,
    /// No user has a password: only client certificates sign in.
    CertificatesOnly,
    /// Users with the role `root` have no password: only client certificates sign in as them.
    AdministratorCertificates {
        /// Their names.
        users: Vec<String>,
    },
    /// There is no user `root`; another one administers.
    OtherAdministrator {
        /// Its name.
        user: String,
    },
}

/// Looks at users as they are read, one by one: there may be more of them than an inspection lists.
#[derive(Debug, Default)]
pub(super) struct Administrators {
    users: u64,
    passwords: u64,
    root: bool,
    /// With the role, with a password: the first.
    able: Option<String>,
    /// With the role, without a password: the first few.
    certificates: Vec<String>,
}

impl Administrators {
    pub(super) fn add(&mut self, user: &UserFacts) {
        const NAMED: usize = 5;
        self.users += 1;
        self.passwords += u64::from(user.has_password);
        self.root |= user.name == ROOT;
        if !user.roles.iter().any(|role| role == ROOT) {
            return;
        }
        if user.has_password {
            if self.able.is_none() || user.name == ROOT {
                self.able = Some(user.name.clone());
            }
        } else if self.certificates.len() < NAMED {
            self.certificates.push(user.name.clone());
        }
    }

    pub(super) fn problem(self) -> Option<AuthProblem> {
        if self.users == 0 {
            return Some(AuthProblem::NoUsers);
        }
        match (self.able, self.root) {
            (Some(_), true) => None,
            (Some(user), false) => Some(AuthProblem::OtherAdministrator { user }),
            (None, root) if self.certificates.is_empty() => Some(if root {
                AuthProblem::RootWithoutRole
            } else {
                AuthProblem::NoRoot
            }),
            (None, _) if self.passwords == 0 => Some(AuthProblem::CertificatesOnly),
            (None, _) => Some(AuthProblem::AdministratorCertificates {
                users: self.certificates,
            }),
        }
    }
}

impl AuthProblem {
    /// What it is, a sentence.
    pub fn what(&self) -> String {
        match self {
            Self::NoUsers => "Authentication is on, and there is no user.".to_owned(),
            Self::NoRoot => {
                "Authentication is on, and there is no user root, nor another one with the role root."
                    .to_owned()
            }
            Self::RootWithoutRole => {
                "Authentication is on, and user root does not have the role root, nor has any other user."
                    .to_owned()
            }
            Self::CertificatesOnly => {
                "Authentication is on, and no user has a password: only client certificates sign in."
                    .to_owned()
            }
            Self::AdministratorCertificates { users } => format!(
                "Authentication is on, and no user with the role root has a password ({}): only client certificates sign in as them.",
                users.join(", ")
            ),
            Self::OtherAdministrator { user } => format!(
                "Authentication is on, and there is no user root: {user} has the role root and a password."
            ),
        }
    }

    /// Why it matters, a sentence.
    pub fn why(&self) -> &'static str {
        match self {
            Self::NoUsers | Self::NoRoot | Self::RootWithoutRole => {
                "It survives a restore, and cannot be administered then: no client may add users or roles, or turn it off."
            }
            Self::CertificatesOnly | Self::AdministratorCertificates { .. } => {
                "It survives a restore: without a certificate of the old client CA with that common name, it cannot be administered."
            }
            Self::OtherAdministrator { .. } => {
                "It survives a restore: runbooks that sign in as root do not work, and auth enable asks for root once it was turned off."
            }
        }
    }

    /// What to do, a sentence.
    pub fn todo(&self) -> &'static str {
        match self {
            Self::NoUsers | Self::NoRoot | Self::RootWithoutRole => {
                "Choose “Turn authentication off” in the restore (--disable-auth), make user root with role root, and turn it on again."
            }
            Self::CertificatesOnly | Self::AdministratorCertificates { .. } => {
                "Have such a certificate ready, or choose “Turn authentication off” in the restore (--disable-auth)."
            }
            Self::OtherAdministrator { .. } => {
                "Have that user's password ready, or choose “Turn authentication off” in the restore (--disable-auth)."
            }
        }
    }
}
