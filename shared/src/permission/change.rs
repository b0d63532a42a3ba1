//! What somebody gains and loses when their roles change, in the words of the table.

use std::collections::BTreeSet;

use super::{Grant, Grants, Permission, Scope};

/// The difference between two sets of roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What they may do afterwards and not before: `approve or reject a plan, for prod-etcd`.
    pub gains: Vec<String>,
    /// What they may do before and not afterwards.
    pub loses: Vec<String>,
}

impl Change {
    /// From the roles of before to those of after.
    pub fn between(before: &Grants, after: &Grants) -> Self {
        let mut change = Self::default();
        for permission in Permission::all() {
            let (had, has) = (reach(before, permission), reach(after, permission));
            let words = |one, other, joint| beyond(permission, one, other, joint);
            change.gains.extend(words(&has, &had, ", not only"));
            change.loses.extend(words(&had, &has, " but"));
        }
        change
    }
}

/// What a permission is held for: all clusters alone, or those that are named. What is the console's own is held or
/// not.
fn reach(grants: &Grants, permission: Permission) -> BTreeSet<Scope> {
    let scopes: BTreeSet<_> = grants
        .iter()
        .filter(|grant| permission.roles().contains(&grant.role))
        .map(|grant| grant.scope.clone())
        .collect();
    let all = scopes.contains(&Scope::All) || !permission.is_for_clusters() && !scopes.is_empty();
    if all {
        return BTreeSet::from([Scope::All]);
    }
    scopes
}

/// What `one` reaches and `other` does not, in words. What `other` reaches all the same is said after `joint`: it
/// would look like all or nothing.
fn beyond(
    permission: Permission,
    one: &BTreeSet<Scope>,
    other: &BTreeSet<Scope>,
    joint: &str,
) -> Option<String> {
    if other.contains(&Scope::All) || one.is_subset(other) {
        return None;
    }
    if !permission.is_for_clusters() {
        return Some(permission.what().to_owned());
    }
    let more = names(one.difference(other));
    let rest = match one.contains(&Scope::All) && !other.is_empty() {
        true => format!("{joint} {}", names(other)),
        false => String::new(),
    };
    Some(format!("{}, for {more}{rest}", permission.what()))
}

fn names<'a>(scopes: impl IntoIterator<Item = &'a Scope>) -> String {
    let names: Vec<_> = scopes
        .into_iter()
        .map(|scope| match scope {
            Scope::All => "all clusters",
            Scope::Cluster(name) => name,
        })
        .collect();
    names.join(" and ")
}

impl Grants {
    /// The roles in here that none of `others` holds as far: when these go, nobody is left with them. Everybody
    /// may look, so the role viewer is never one of them.
    #[must_use]
    pub fn held_alone(&self, others: &[&Self]) -> Self {
        let elsewhere = |grant: &Grant| {
            others.iter().flat_map(|other| other.iter()).any(|other| {
                other.role == grant.role
                    && (other.scope == Scope::All || other.scope == grant.scope)
            })
        };
        self.iter()
            .filter(|grant| grant.role != super::Role::Viewer && !elsewhere(grant))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Grants {
        text.parse().unwrap()
    }

    fn between(before: &str, after: &str) -> Change {
        Change::between(&grants(before), &grants(after))
    }

    #[test]
    fn what_is_gained_is_said_with_its_clusters() {
        let change = between("viewer", "viewer, approver@prod-etcd");
        assert_eq!(
            change.gains,
            [
                "approve or reject a plan, for prod-etcd",
                "confirm a lower policy, for prod-etcd"
            ]
        );
        assert!(change.loses.is_empty());
        let change = between("approver@a", "approver@a, approver@b");
        assert_eq!(
            change.gains,
            [
                "look at this, for b",
                "approve or reject a plan, for b",
                "confirm a lower policy, for b"
            ]
        );
        assert_eq!(
            between("", "admin").gains,
            [
                "look at this, for all clusters",
                "change an account",
                "manage users and roles",
                "set approval policies",
                "confirm a lower policy, for all clusters",
                "manage credentials",
            ]
        );
    }

    #[test]
    fn what_is_lost_is_the_same_the_other_way_round() {
        let (there, back) = (between("viewer", "operator"), between("operator", "viewer"));
        assert_eq!(there.gains, back.loses);
        assert_eq!(there.loses, back.gains);
        assert_eq!(
            there.gains,
            [
                "download a cluster's keys and values, for all clusters",
                "upload files, for all clusters",
                "remove files, for all clusters",
                "seal a plan, for all clusters",
                "run and control jobs, for all clusters",
                "run a plan without approval, for all clusters",
            ]
        );
    }

    #[test]
    fn from_some_clusters_to_all_keeps_what_there_was() {
        let change = between("viewer, approver@a", "viewer, approver");
        assert_eq!(
            change.gains,
            [
                "approve or reject a plan, for all clusters, not only a",
                "confirm a lower policy, for all clusters, not only a"
            ]
        );
        assert!(change.loses.is_empty());
        let change = between("viewer, approver", "viewer, approver@a");
        assert_eq!(
            change.loses,
            [
                "approve or reject a plan, for all clusters but a",
                "confirm a lower policy, for all clusters but a"
            ]
        );
    }

    #[test]
    fn no_change_is_none() {
        assert_eq!(
            between("operator, admin", "admin, operator"),
            Change::default()
        );
        assert_eq!(
            between("operator", "operator, operator@a"),
            Change::default()
        );
        // Whoever holds any role may look already.
        assert_eq!(between("admin", "admin, viewer"), Change::default());
    }

    #[test]
    fn a_role_is_held_alone_when_nobody_holds_it_as_far() {
        let held = |mine: &str, others: &[&str]| {
            let others: Vec<_> = others.iter().map(|other| grants(other)).collect();
            let others: Vec<_> = others.iter().collect();
            grants(mine).held_alone(&others).to_string()
        };
        assert_eq!(held("viewer, admin", &[]), "admin");
        assert_eq!(
            held("operator, admin", &["admin", "operator@a"]),
            "operator"
        );
        assert_eq!(held("approver@a", &["approver"]), "");
        assert_eq!(held("approver@a", &["approver@b"]), "approver@a");
        assert_eq!(held("viewer", &["admin"]), "");
    }
}
