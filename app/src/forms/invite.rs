//! An invitation: a name, and what its owner may do.

use requorum_shared::api;
use requorum_shared::api::v1::InvitePersonRequest;

use super::roles::RolesForm;

/// The invitation.
///
/// # Errors
/// What is wrong with the name; empty when only the roles are wrong, which say so themselves.
pub fn invite(name: &str, roles: &RolesForm) -> Result<InvitePersonRequest, String> {
    let name = name.trim();
    if name.is_empty() {
        return Err("Enter the name to sign in with.".into());
    }
    let grants = roles.grants().map_err(|_| String::new())?;
    Ok(InvitePersonRequest {
        name: name.into(),
        grants: api::grants(&grants),
    })
}

#[cfg(test)]
mod tests {
    use requorum_shared::permission::{Grants, Role};

    use super::*;

    #[test]
    fn an_invitation_has_a_name_and_roles_that_can_be_read() {
        let mut roles = RolesForm::of(&Grants::default());
        assert!(!invite(" ", &roles).unwrap_err().is_empty());
        roles.change(Role::Viewer, |row| row.on = true);
        let request = invite(" Ben ", &roles).unwrap();
        assert_eq!(request.name, "Ben");
        assert_eq!(Grants::try_from(&request.grants[..]), "viewer".parse());
        roles.change(Role::Viewer, |row| row.clusters = "a/b".into());
        assert_eq!(invite("Ben", &roles).unwrap_err(), "");
    }
}
