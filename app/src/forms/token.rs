//! A token for programs.

use requorum_shared::api;
use requorum_shared::api::v1::CreateTokenRequest;
use requorum_shared::permission::Grants;

use super::roles::RolesForm;

/// The longest life of a token, in days.
const MAX_DAYS: u32 = 366;

/// Errors beside the fields; empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenErrors {
    /// Beside the name.
    pub name: String,
    /// Beside the days.
    pub days: String,
    /// Beside the roles as a whole.
    pub roles: String,
}

/// The token that was asked for by `owner`, who cannot give what they do not hold.
///
/// # Errors
/// What is missing, or more than the owner holds.
pub fn create(
    name: &str,
    days: &str,
    roles: &RolesForm,
    owner: &Grants,
) -> Result<CreateTokenRequest, TokenErrors> {
    let mut errors = TokenErrors::default();
    if name.trim().is_empty() {
        errors.name = "Enter what the token is for.".into();
    }
    let days = days.trim().parse().unwrap_or(0);
    if !(1..=MAX_DAYS).contains(&days) {
        errors.days = format!("Enter a number of days from 1 to {MAX_DAYS}.");
    }
    let grants = roles.grants().unwrap_or_default();
    if let Err(error) = roles.grants() {
        errors.roles = format!("{error}.");
    } else if grants.is_empty() {
        errors.roles =
            "A token without a role can do nothing. Give it at least the role viewer.".into();
    } else if grants.within(owner) != grants {
        errors.roles = format!("A token can do no more than you. You have: {owner}.");
    }
    if errors != TokenErrors::default() {
        return Err(errors);
    }
    Ok(CreateTokenRequest {
        name: name.trim().into(),
        grants: api::grants(&grants),
        days,
    })
}

#[cfg(test)]
mod tests {
    use requorum_shared::permission::Role;

    use super::*;

    fn roles(owner: &Grants, role: Role, clusters: &str) -> RolesForm {
        let mut form = RolesForm::for_token(owner);
        form.change(role, |row| {
            row.on = true;
            row.clusters = clusters.into();
        });
        form
    }

    #[test]
    fn a_token_has_a_purpose_an_end_and_a_role() {
        let owner: Grants = "operator".parse().unwrap();
        let errors = create(" ", "0", &RolesForm::for_token(&owner), &owner).unwrap_err();
        assert!(!errors.name.is_empty() && !errors.days.is_empty() && !errors.roles.is_empty());
        for days in ["", "x", "367", "-1", "1.5"] {
            let form = roles(&owner, Role::Viewer, "");
            assert!(
                !create("a", days, &form, &owner)
                    .unwrap_err()
                    .days
                    .is_empty()
            );
        }
        let form = roles(&owner, Role::Operator, "prod");
        let request = create(" nightly ", " 30 ", &form, &owner).unwrap();
        assert_eq!((request.name.as_str(), request.days), ("nightly", 30));
        assert_eq!(
            Grants::try_from(&request.grants[..]),
            "operator@prod".parse()
        );
    }

    #[test]
    fn nothing_beyond_its_owner() {
        let owner: Grants = "operator@prod".parse().unwrap();
        for (clusters, good) in [("prod", true), ("", false), ("prod, lab", false)] {
            let form = roles(&owner, Role::Operator, clusters);
            let made = create("a", "1", &form, &owner);
            assert_eq!(made.is_ok(), good, "{clusters}");
            if let Err(errors) = made {
                assert!(errors.roles.contains("operator@prod"));
            }
        }
        // Whoever holds any role may look, where it is held.
        let form = roles(&owner, Role::Viewer, "prod");
        assert!(create("a", "1", &form, &owner).is_ok());
    }
}
