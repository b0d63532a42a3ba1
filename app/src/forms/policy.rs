//! A policy, as it is chosen.

use requorum_shared::api::v1;
use requorum_shared::approval::{Policy, Rule, Second};
use requorum_shared::permission::check_cluster_name;

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyForm {
    /// The cluster; empty for everything that has none of its own.
    pub cluster: String,
    /// Whether it is for one cluster, and so needs a name.
    pub of_one: bool,
    /// What is chosen.
    pub policy: Policy,
}

impl PolicyForm {
    /// What is wrong with it, in words; empty when nothing is.
    pub fn wrong(&self) -> String {
        if self.of_one {
            if self.cluster.trim().is_empty() {
                return "Name the cluster.".into();
            }
            if let Err(error) = check_cluster_name(self.cluster.trim()) {
                return format!("{error}.");
            }
        }
        [self.policy.undoable, self.policy.destructive]
            .iter()
            .find_map(|rule| rule.check().err())
            .unwrap_or_default()
    }

    /// For the server.
    pub fn wire(&self) -> v1::Policy {
        v1::Policy {
            cluster: self.cluster.trim().to_owned(),
            undoable: Some(wire(self.policy.undoable)),
            destructive: Some(wire(self.policy.destructive)),
            break_glass: self.policy.break_glass,
            ..v1::Policy::default()
        }
    }
}

fn wire(rule: Rule) -> v1::Rule {
    v1::Rule {
        approvers: rule.approvers,
        second: v1::SecondPerson::from(rule.second).into(),
    }
}

/// A rule of the server. What this page does not know is read as the strictest: unknown is never good.
fn rule(wire: Option<&v1::Rule>) -> Rule {
    Rule {
        approvers: wire.map_or(1, |rule| rule.approvers),
        second: wire
            .and_then(|rule| Second::try_from(rule.second()).ok())
            .unwrap_or(Second::Always),
    }
}

/// A policy of the server.
pub fn policy(wire: &v1::Policy) -> Policy {
    Policy {
        undoable: rule(wire.undoable.as_ref()),
        destructive: rule(wire.destructive.as_ref()),
        break_glass: wire.break_glass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_travels_whole() {
        let form = PolicyForm {
            cluster: " prod-etcd ".into(),
            of_one: true,
            policy: Policy::default(),
        };
        assert_eq!(form.wrong(), "");
        let wire = form.wire();
        assert_eq!(wire.cluster, "prod-etcd");
        assert_eq!(policy(&wire), Policy::default());
        let odd = v1::Rule {
            approvers: 2,
            second: 99,
        };
        assert_eq!(rule(Some(&odd)).second, Second::Always);
    }

    #[test]
    fn what_cannot_be_kept_is_said() {
        let mut form = PolicyForm {
            cluster: String::new(),
            of_one: false,
            policy: Policy::default(),
        };
        assert_eq!(form.wrong(), "");
        form.policy.undoable.approvers = 0;
        assert!(form.wrong().contains("second person"));
        form.policy.undoable.second = Second::Never;
        assert_eq!(form.wrong(), "");
        form.of_one = true;
        assert_eq!(form.wrong(), "Name the cluster.");
        form.cluster = "a b".into();
        assert!(form.wrong().contains("a b"));
        assert_eq!(form.policy.undoable.to_string(), "No approval required.");
    }
}
