//! Roles, each for all clusters or for those that are named.

use requorum_shared::api::v1;
use requorum_shared::permission::{Grant, GrantError, Grants, Role, Scope};

/// What was chosen: one row for each role that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolesForm {
    /// In the order of the roles.
    pub rows: Vec<RoleRow>,
}

/// A role's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    /// The role.
    pub role: Role,
    /// Whether it is given.
    pub on: bool,
    /// Names of clusters, separated by commas or white space; empty for all clusters.
    pub clusters: String,
}

impl RolesForm {
    /// The roles as they are held now.
    pub fn of(grants: &Grants) -> Self {
        let rows = Role::ALL.map(|role| {
            let scopes: Vec<_> = grants
                .iter()
                .filter(|grant| grant.role == role)
                .map(|grant| &grant.scope)
                .collect();
            let names: Vec<_> = scopes
                .iter()
                .filter_map(|scope| match scope {
                    Scope::All => None,
                    Scope::Cluster(name) => Some(name.as_str()),
                })
                .collect();
            RoleRow {
                role,
                on: !scopes.is_empty(),
                clusters: names.join(", "),
            }
        });
        Self { rows: rows.into() }
    }

    /// None yet, of those that a token may hold and `owner` does, each for no more clusters than the owner.
    pub fn for_token(owner: &Grants) -> Self {
        // Whoever holds any role may look.
        let looks = owner.iter().map(|grant| Grant {
            role: Role::Viewer,
            scope: grant.scope.clone(),
        });
        let mut form = Self::of(&owner.iter().cloned().chain(looks).collect());
        form.rows.retain(|row| row.on && row.role.is_for_programs());
        for row in &mut form.rows {
            row.on = false;
        }
        form
    }

    /// The row of a role; none where it is not offered.
    pub fn row(&self, role: Role) -> Option<&RoleRow> {
        self.rows.iter().find(|row| row.role == role)
    }

    /// Changes the row of a role.
    pub fn change(&mut self, role: Role, change: impl FnOnce(&mut RoleRow)) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.role == role) {
            change(row);
        }
    }

    /// What is wrong with a role's clusters; empty when nothing is.
    pub fn error(&self, role: Role) -> String {
        match self.row(role).map(RoleRow::grants) {
            Some(Err(error)) => format!("{error}."),
            _ => String::new(),
        }
    }

    /// The roles that were chosen.
    ///
    /// # Errors
    /// At the first cluster's name that cannot be one.
    pub fn grants(&self) -> Result<Grants, GrantError> {
        let rows: Result<Vec<_>, _> = self.rows.iter().map(RoleRow::grants).collect();
        Ok(rows?.into_iter().flatten().collect())
    }
}

/// Roles of the server, as people read them.
pub fn names(wire: &[v1::Grant]) -> Vec<String> {
    let name = |grant| Grant::try_from(grant).map_or("an unknown role".into(), |g| g.to_string());
    wire.iter().map(name).collect()
}

impl RoleRow {
    fn grants(&self) -> Result<Vec<Grant>, GrantError> {
        if !self.on {
            return Ok(Vec::new());
        }
        let names: Vec<_> = self
            .clusters
            .split([',', ' ', '\n', '\t'])
            .filter(|name| !name.is_empty())
            .collect();
        // An administrator is one for the whole console.
        if names.is_empty() || self.role == Role::Admin {
            return Ok(vec![Grant {
                role: self.role,
                scope: Scope::All,
            }]);
        }
        names
            .iter()
            .map(|name| format!("{}@{name}", self.role).parse())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Grants {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_held_goes_into_the_form_and_out_again() {
        for text in [
            "",
            "viewer",
            "operator@a, operator@b, approver, admin",
            "viewer@a, approver@b",
        ] {
            let form = RolesForm::of(&grants(text));
            assert_eq!(form.grants().unwrap(), grants(text), "{text}");
        }
    }

    #[test]
    fn clusters_are_named_with_commas_or_spaces() {
        let mut form = RolesForm::of(&Grants::default());
        form.change(Role::Operator, |row| {
            row.on = true;
            row.clusters = " prod-etcd,lab  test ".into();
        });
        assert_eq!(
            form.grants().unwrap().to_string(),
            "operator@lab, operator@prod-etcd, operator@test"
        );
        form.change(Role::Operator, |row| row.clusters = "a@b".into());
        assert!(form.grants().is_err());
        assert!(form.error(Role::Operator).contains("`a@b`"));
        assert!(form.error(Role::Viewer).is_empty());
        // A role that is not given is not read.
        form.change(Role::Operator, |row| row.on = false);
        assert!(form.grants().unwrap().is_empty() && form.error(Role::Operator).is_empty());
    }

    #[test]
    fn a_token_is_offered_what_its_owner_holds_and_a_program_can_use() {
        let offered = |owner: &str| {
            let form = RolesForm::for_token(&grants(owner));
            let names: Vec<_> = form.rows.iter().map(|row| row.role.name()).collect();
            names.join(" ")
        };
        assert_eq!(
            offered("operator, approver, admin"),
            "viewer operator admin"
        );
        assert_eq!(offered("approver"), "viewer");
        assert_eq!(offered("operator@a"), "viewer operator");
        let form = RolesForm::for_token(&grants("operator@a, approver@b"));
        let clusters = |role| form.row(role).unwrap().clusters.clone();
        assert_eq!(
            (clusters(Role::Viewer), clusters(Role::Operator)),
            ("a, b".into(), "a".into())
        );
        assert_eq!(form.grants().unwrap(), Grants::default());
    }
}
