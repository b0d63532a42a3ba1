//! A role, and the clusters it is held for: `operator` for all, `operator@prod-etcd` for one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Role;

/// The longest name of a cluster, in characters.
pub const MAX_CLUSTER_NAME: usize = 64;

/// What a role is held for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All clusters, those to come included, and the console itself.
    All,
    /// One cluster, by name.
    Cluster(String),
}

/// A role held for something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// What it is held for.
    pub scope: Scope,
}

/// A grant that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// No such role.
    #[error(
        "`{0}` is not a role; the roles are viewer, operator, approver and admin, each also as role@cluster"
    )]
    Role(String),
    /// No name of a cluster.
    #[error(
        "`{0}` cannot be a cluster's name: up to {MAX_CLUSTER_NAME} letters, digits, dots, - and _"
    )]
    Cluster(String),
    /// An administrator of one cluster: people and credentials are the console's.
    #[error(
        "`{0}`: an administrator is one for the whole console; give the role admin without a cluster"
    )]
    AdminOfOne(String),
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (role, cluster) = match text.split_once('@') {
            Some((role, cluster)) => (role, Some(cluster)),
            None => (text, None),
        };
        let role = Role::ALL
            .into_iter()
            .find(|known| known.name() == role)
            .ok_or_else(|| GrantError::Role(role.into()))?;
        let scope = match cluster {
            None => Scope::All,
            Some(_) if role == Role::Admin => return Err(GrantError::AdminOfOne(text.into())),
            Some(name) if is_cluster_name(name) => Scope::Cluster(name.into()),
            Some(name) => return Err(GrantError::Cluster(name.into())),
        };
        Ok(Self { role, scope })
    }
}

fn is_cluster_name(name: &str) -> bool {
    (1..=MAX_CLUSTER_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// Whether something may be said to belong to a cluster of this name. Named otherwise, no role would ever fit. The
/// empty name is none.
///
/// # Errors
/// [`GrantError::Cluster`].
pub fn check_cluster_name(name: &str) -> Result<(), GrantError> {
    if name.is_empty() || is_cluster_name(name) {
        return Ok(());
    }
    Err(GrantError::Cluster(name.into()))
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::All => write!(f, "{}", self.role),
            Scope::Cluster(name) => write!(f, "{}@{name}", self.role),
        }
    }
}

impl TryFrom<String> for Grant {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        text.parse()
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> Self {
        grant.to_string()
    }
}

/// All that somebody holds: in order, nothing twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Grant>", into = "Vec<Grant>")]
pub struct Grants(Vec<Grant>);

impl Grants {
    /// Every role for all clusters: what the first administrator gets, who has nobody to ask.
    pub fn everything() -> Self {
        Role::ALL
            .into_iter()
            .filter(|role| *role != Role::Viewer)
            .map(|role| Grant {
                role,
                scope: Scope::All,
            })
            .collect()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the role is held for all clusters.
    pub fn has(&self, role: Role) -> bool {
        self.0
            .iter()
            .any(|grant| grant.role == role && grant.scope == Scope::All)
    }

    /// Whether this role is held as far as it goes there.
    pub fn covers(&self, grant: &Grant) -> bool {
        let as_far = |held: &Grant| held.scope == Scope::All || held.scope == grant.scope;
        self.0
            .iter()
            .any(|held| held.role == grant.role && as_far(held))
    }

    /// What both hold: a token can do no more than its owner, whatever it was made with. Whoever holds any role
    /// may look, so there the role viewer is within it.
    #[must_use]
    pub fn within(&self, owner: &Self) -> Self {
        let mut both = Vec::new();
        for mine in &self.0 {
            for theirs in &owner.0 {
                if mine.role != theirs.role && mine.role != Role::Viewer {
                    continue;
                }
                let scope = match (&mine.scope, &theirs.scope) {
                    (mine, Scope::All) => mine,
                    (Scope::All, theirs) => theirs,
                    (mine, theirs) if mine == theirs => mine,
                    _ => continue,
                };
                both.push(Grant {
                    role: mine.role,
                    scope: scope.clone(),
                });
            }
        }
        both.into_iter().collect()
    }

    /// As texts: `operator@prod-etcd`.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// From texts.
    ///
    /// # Errors
    /// At the first that cannot be read.
    pub fn parse<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Result<Self, GrantError> {
        texts
            .into_iter()
            .map(|text| text.as_ref().trim().parse::<Grant>())
            .collect()
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<T: IntoIterator<Item = Grant>>(grants: T) -> Self {
        let mut grants: Vec<_> = grants.into_iter().collect();
        grants.sort();
        grants.dedup();
        // For one cluster after for all says nothing new.
        let all: Vec<_> = grants
            .iter()
            .filter(|grant| grant.scope == Scope::All)
            .map(|grant| grant.role)
            .collect();
        grants.retain(|grant| grant.scope == Scope::All || !all.contains(&grant.role));
        Self(grants)
    }
}

impl From<Vec<Grant>> for Grants {
    fn from(grants: Vec<Grant>) -> Self {
        grants.into_iter().collect()
    }
}

impl From<Grants> for Vec<Grant> {
    fn from(grants: Grants) -> Self {
        grants.0
    }
}

/// With commas between: what people read, and what the store keeps.
impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, grant) in self.0.iter().enumerate() {
            let joint = if n == 0 { "" } else { ", " };
            write!(f, "{joint}{grant}")?;
        }
        Ok(())
    }
}

impl FromStr for Grants {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        Self::parse(text.split(',').filter(|part| !part.trim().is_empty()))
    }
}
