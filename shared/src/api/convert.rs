//! The enums of the typed API, and what they are in the code. A value that is not known is none: it is refused in a
//! request, shown as unknown in an answer, and never taken for a good one.

use super::v1;
use crate::approval::{AcceptedWarning, Reversibility, Second};
use crate::finding::{Finding, Location, Severity};
use crate::inspection::{Labelled, Trust};
use crate::job::fold::JobState;
use crate::permission::{Grant, GrantError, Grants, Role, Scope};

/// A value of an enum that this version does not know, or that was not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this value is not known to this version, or was not given")]
pub struct NotKnown;

/// Both directions of an enum whose values have the same names here and in the API.
macro_rules! same_names {
    ($ours:ty, $wire:ty, $($name:ident),+) => {
        impl From<$ours> for $wire {
            fn from(ours: $ours) -> Self {
                match ours {
                    $(<$ours>::$name => Self::$name,)+
                }
            }
        }

        impl TryFrom<$wire> for $ours {
            type Error = NotKnown;

            fn try_from(wire: $wire) -> Result<Self, NotKnown> {
                match wire {
                    <$wire>::Unspecified => Err(NotKnown),
                    $(<$wire>::$name => Ok(Self::$name),)+
                }
            }
        }
    };
}

same_names!(
    JobState,
    v1::JobState,
    Queued,
    Running,
    Paused,
    Waiting,
    Undoing,
    Completed,
    Undone,
    Left
);
same_names!(Severity, v1::Severity, Note, Warning, Blocking);
same_names!(Second, v1::SecondPerson, Never, WhenPossible, Always);
same_names!(Reversibility, v1::Reversibility, Undoable, Destructive);
same_names!(Trust, v1::Trust, Unknown, Damaged, Unproven, Verified);
same_names!(Role, v1::Role, Viewer, Operator, Approver, Admin);

/// As lists show it.
impl From<&Labelled> for v1::HeadlineValue {
    fn from(of: &Labelled) -> Self {
        Self {
            key: of.key.clone(),
            label: of.label.clone(),
            one: of.one.clone(),
            value: match &of.value {
                Some(value) => value.to_string(),
                None => "unknown".to_owned(),
            },
        }
    }
}

impl From<AcceptedWarning> for v1::AcceptedWarning {
    fn from(AcceptedWarning { code, subject }: AcceptedWarning) -> Self {
        Self { code, subject }
    }
}

impl From<v1::AcceptedWarning> for AcceptedWarning {
    fn from(v1::AcceptedWarning { code, subject }: v1::AcceptedWarning) -> Self {
        Self { code, subject }
    }
}

impl From<&Grant> for v1::Grant {
    fn from(grant: &Grant) -> Self {
        Self {
            role: v1::Role::from(grant.role).into(),
            cluster: match &grant.scope {
                Scope::All => None,
                Scope::Cluster(name) => Some(name.clone()),
            },
        }
    }
}

impl TryFrom<&v1::Grant> for Grant {
    type Error = GrantError;

    fn try_from(wire: &v1::Grant) -> Result<Self, GrantError> {
        let role = Role::try_from(wire.role())
            .map_err(|NotKnown| GrantError::Role(format!("role {}", wire.role)))?;
        // By the text, whose rules are those of every grant.
        match &wire.cluster {
            None => role.name().parse(),
            Some(cluster) => format!("{role}@{cluster}").parse(),
        }
    }
}

/// Grants as messages have them.
pub fn grants(grants: &Grants) -> Vec<v1::Grant> {
    grants.iter().map(v1::Grant::from).collect()
}

impl TryFrom<&[v1::Grant]> for Grants {
    type Error = GrantError;

    fn try_from(wire: &[v1::Grant]) -> Result<Self, GrantError> {
        wire.iter().map(Grant::try_from).collect()
    }
}

impl From<&Finding> for v1::Finding {
    fn from(finding: &Finding) -> Self {
        Self {
            severity: v1::Severity::from(finding.severity).into(),
            code: finding.code.clone(),
            subject: finding.subject.clone(),
            what: finding.what.clone(),
            why: finding.why.clone(),
            todo: finding.todo.clone(),
            page: finding.place.and_then(|place| place.page),
            offset: finding.place.and_then(|place| place.offset),
            field: finding.field.clone(),
            volatile: finding.volatile,
        }
    }
}

/// A severity that is not known blocks.
impl From<v1::Finding> for Finding {
    fn from(wire: v1::Finding) -> Self {
        Self {
            severity: wire.severity().try_into().unwrap_or(Severity::Blocking),
            code: wire.code,
            subject: wire.subject,
            what: wire.what,
            why: wire.why,
            todo: wire.todo,
            place: (wire.page.is_some() || wire.offset.is_some()).then_some(Location {
                page: wire.page,
                offset: wire.offset,
            }),
            field: wire.field,
            volatile: wire.volatile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_from_the_future_blocks() {
        let wire = v1::Finding {
            severity: 99,
            code: "x".into(),
            page: Some(3),
            ..v1::Finding::default()
        };
        let found = Finding::from(wire);
        assert_eq!(found.severity, Severity::Blocking);
        assert_eq!(found.place.unwrap().page, Some(3));
        let none = Finding::from(v1::Finding::default());
        assert_eq!(none.severity, Severity::Blocking);
    }

    #[test]
    fn trust_has_the_same_words_in_the_code_the_api_and_the_lists() {
        for trust in Trust::ALL {
            assert_eq!(format!("{trust:?}").to_lowercase(), trust.word());
            let wire = v1::Trust::from(trust);
            let name = format!("TRUST_{}", trust.word().to_uppercase());
            assert_eq!(wire.as_str_name(), name);
            assert_eq!(Trust::try_from(wire), Ok(trust));
        }
        assert_eq!(Trust::try_from(v1::Trust::Unspecified), Err(NotKnown));
    }

    #[test]
    fn a_state_from_the_future_is_none() {
        let job = v1::JobSummary {
            state: 99,
            ..v1::JobSummary::default()
        };
        assert_eq!(JobState::try_from(job.state()), Err(NotKnown));
        assert_eq!(
            JobState::try_from(v1::JobState::Completed),
            Ok(JobState::Completed)
        );
    }

    #[test]
    fn grants_go_over_and_come_back() {
        let all: Grants = "viewer, operator@prod, admin".parse().unwrap();
        let wire = grants(&all);
        assert_eq!(Grants::try_from(&wire[..]), Ok(all));
        for (role, cluster) in [
            (99, None),
            (0, None),
            (v1::Role::Operator as i32, Some("")),
            (v1::Role::Operator as i32, Some("a b")),
            (v1::Role::Admin as i32, Some("prod")),
        ] {
            let wire = v1::Grant {
                role,
                cluster: cluster.map(str::to_owned),
            };
            assert!(Grant::try_from(&wire).is_err(), "{wire:?}");
        }
    }
}
