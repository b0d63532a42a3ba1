//! Who may do what: the one table of roles and permissions, the same for the server, whose answer counts, and for
//! the page, which explains it.
//!
//! A role is held for all clusters or for one. Roles add up: nobody is only an approver and so unable to see, and
//! nobody approves because he administers. What belongs to no cluster yet (a file that was uploaded without naming
//! one) is for those who hold the role for all clusters.
//!
//! Snapshots, plans, jobs and reviews belong to the cluster that they name. Lists of them leave out what a person
//! may not see; one that is asked for by its id is refused, with the role that is missing: whoever was sent a link
//! learns what to ask for.

mod change;
mod grant;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::change::Change;
pub use self::grant::{Grant, GrantError, Grants, MAX_CLUSTER_NAME, Scope, check_cluster_name};

/// What a person is trusted with, by consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything but a cluster's values and credentials, changes nothing.
    Viewer,
    /// Uploads, plans, downloads what was stored or restored, and runs what was approved.
    Operator,
    /// Approves and rejects what others planned.
    Approver,
    /// Manages people, policies and credentials.
    Admin,
}

impl Role {
    /// What it is for, in one sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::Viewer => {
                "Sees reports, plans, jobs and the ledger, but no values of a cluster; changes nothing."
            }
            Self::Operator => {
                "Uploads, downloads and removes files, plans, and runs what was approved."
            }
            Self::Approver => "Approves and rejects what others planned.",
            Self::Admin => "Manages people, policies and credentials.",
        }
    }

    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// Whether a program can do anything with it that a viewer cannot.
    pub fn is_for_programs(self) -> bool {
        self == Self::Viewer || Permission::all().any(|p| p.programs() && p.roles() == [self])
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Look: what was found in snapshots, reports, plans, jobs, the ledger. No value that a cluster holds is shown.
    See,
    /// Read a cluster's keys and values: download stored files and artifacts, which hold all of them.
    ReadValues,
    /// Change one's own password, end one's own sessions, make tokens for oneself.
    OwnAccount,
    /// Bring files into the console.
    Upload,
    /// Remove stored files: their bytes are gone then.
    RemoveFiles,
    /// Seal a plan, and withdraw it.
    Plan,
    /// Start, pause, answer and stop a job.
    Run,
    /// Run a plan that nobody approved, with a reason, for everybody to see.
    BreakGlass,
    /// Approve or reject a plan, and close the review of an override.
    Approve,
    /// Invite people, give and take roles, disable accounts, end anybody's sessions.
    People,
    /// Decide how many people must approve what.
    Policies,
    /// Confirm, or turn down, a policy that asks for less than the one in force.
    ConfirmPolicy,
    /// Put in, replace and remove credentials. Nobody reads them.
    Secrets,
}

/// A line of the table.
struct Line {
    permission: Permission,
    /// Any of these will do.
    roles: &'static [Role],
    /// Whether a program with a token may do it too.
    programs: bool,
    /// `To … you need`.
    what: &'static str,
    /// `… needs the role`.
    doing: &'static str,
}

/// The table.
const TABLE: &[Line] = &[
    Line {
        permission: Permission::See,
        roles: &Role::ALL,
        programs: true,
        what: "look at this",
        doing: "Looking at this",
    },
    Line {
        permission: Permission::ReadValues,
        roles: &[Role::Operator],
        programs: true,
        what: "download a cluster's keys and values",
        doing: "Downloading a cluster's keys and values",
    },
    Line {
        permission: Permission::OwnAccount,
        roles: &Role::ALL,
        programs: false,
        what: "change an account",
        doing: "Changing an account",
    },
    Line {
        permission: Permission::Upload,
        roles: &[Role::Operator],
        programs: true,
        what: "upload files",
        doing: "Uploading files",
    },
    // Deleting what others may still want to restore from is a person's decision.
    Line {
        permission: Permission::RemoveFiles,
        roles: &[Role::Operator],
        programs: false,
        what: "remove files",
        doing: "Removing files",
    },
    Line {
        permission: Permission::Plan,
        roles: &[Role::Operator],
        programs: true,
        what: "seal a plan",
        doing: "Sealing a plan",
    },
    Line {
        permission: Permission::Run,
        roles: &[Role::Operator],
        programs: true,
        what: "run and control jobs",
        doing: "Running and controlling jobs",
    },
    Line {
        permission: Permission::BreakGlass,
        roles: &[Role::Operator],
        programs: false,
        what: "run a plan without approval",
        doing: "Running a plan without approval",
    },
    Line {
        permission: Permission::Approve,
        roles: &[Role::Approver],
        programs: false,
        what: "approve or reject a plan",
        doing: "Approving or rejecting a plan",
    },
    Line {
        permission: Permission::People,
        roles: &[Role::Admin],
        programs: false,
        what: "manage users and roles",
        doing: "Managing users and roles",
    },
    Line {
        permission: Permission::Policies,
        roles: &[Role::Admin],
        programs: false,
        what: "set approval policies",
        doing: "Setting approval policies",
    },
    Line {
        permission: Permission::ConfirmPolicy,
        roles: &[Role::Approver, Role::Admin],
        programs: false,
        what: "confirm a lower policy",
        doing: "Confirming a lower policy",
    },
    Line {
        permission: Permission::Secrets,
        roles: &[Role::Admin],
        programs: true,
        what: "manage credentials",
        doing: "Managing credentials",
    },
];

impl Permission {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|line| line.permission)
    }

    /// The roles of which any one gives it.
    pub fn roles(self) -> &'static [Role] {
        self.line().roles
    }

    /// Whether a program with a token may do it too. What rests on a person's judgement needs a person, and a
    /// token cannot make itself last longer.
    pub fn programs(self) -> bool {
        self.line().programs
    }

    /// Whether it can be held for one cluster alone; the rest is the console's own.
    pub fn is_for_clusters(self) -> bool {
        !matches!(
            self,
            Self::OwnAccount | Self::People | Self::Policies | Self::Secrets
        )
    }

    /// What it allows, as in `To … you need`.
    pub fn what(self) -> &'static str {
        self.line().what
    }

    /// What it allows, as in `… needs the role`.
    pub fn doing(self) -> &'static str {
        self.line().doing
    }

    fn line(self) -> &'static Line {
        TABLE
            .iter()
            .find(|line| line.permission == self)
            .unwrap_or(&TABLE[0])
    }
}

/// What a permission is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The console itself, or what belongs to no cluster: only those pass who hold the role for all clusters.
    Console,
    /// What belongs to this cluster. The empty name is [`Place::Console`].
    Cluster(&'a str),
    /// Lists, which then show only what may be seen: holding the role for any cluster is enough.
    Anywhere,
}

/// Why somebody may not. Its text is for that person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What was wanted.
    pub permission: Permission,
    /// The cluster that it was wanted for; none for the console itself.
    pub cluster: Option<String>,
    /// Whether holding the role for any cluster would have been enough.
    pub anywhere: bool,
    /// What the person holds.
    pub have: Grants,
}

impl Denied {
    /// Who can, in one line that stands where the button would be: `Approving or rejecting a plan needs the role
    /// approver.`
    pub fn needs(&self) -> String {
        let roles = self.permission.roles();
        // Who holds it for some cluster reads for what it would have to be held.
        let holds = self.have.iter().any(|grant| roles.contains(&grant.role));
        let place = match &self.cluster {
            Some(cluster) => format!(" for {cluster} or for all clusters"),
            None if holds && !self.anywhere => " for all clusters".to_owned(),
            None => String::new(),
        };
        let doing = self.permission.doing();
        format!("{doing} needs the role {}{place}.", Alternatives(roles))
    }
}

/// Roles with "or" between them.
struct Alternatives(&'static [Role]);

impl fmt::Display for Alternatives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, role) in self.0.iter().enumerate() {
            let joint = if n == 0 { "" } else { " or " };
            write!(f, "{joint}{role}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = Alternatives(self.permission.roles());
        write!(f, "To {} you need the role {roles}", self.permission.what())?;
        match &self.cluster {
            Some(cluster) => write!(f, " for {cluster} or for all clusters")?,
            None if self.anywhere => {}
            None => f.write_str(" for all clusters")?,
        }
        if self.have.is_empty() {
            f.write_str(". You have no role")?;
        } else {
            write!(f, ". You have: {}", self.have)?;
        }
        f.write_str(". An administrator of this console can change that.")
    }
}

impl std::error::Error for Denied {}

impl Grants {
    /// Whether these grants allow it there.
    ///
    /// # Errors
    /// When they do not; the error says which role is missing.
    pub fn allow(&self, permission: Permission, place: Place<'_>) -> Result<(), Denied> {
        let cluster = match place {
            Place::Cluster(name) if !name.is_empty() => Some(name),
            _ => None,
        };
        let allowed = self
            .iter()
            .filter(|grant| permission.roles().contains(&grant.role))
            .any(|grant| match (&grant.scope, place) {
                (Scope::All, _) | (_, Place::Anywhere) => true,
                (Scope::Cluster(name), _) => cluster == Some(name),
            });
        if allowed {
            return Ok(());
        }
        Err(Denied {
            permission,
            cluster: cluster.map(Into::into),
            anywhere: place == Place::Anywhere,
            have: self.clone(),
        })
    }
}
