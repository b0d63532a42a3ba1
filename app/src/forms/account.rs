//! Signing in, and making the first administrator.

use requorum_shared::api::login::{
    LoginRequest, MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, SetupRequest,
};

/// Errors beside the fields; empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountErrors {
    /// Beside the name.
    pub name: String,
    /// Beside the password.
    pub password: String,
    /// Beside the password's repetition.
    pub again: String,
}

/// The sign-in form.
///
/// # Errors
/// What is missing.
pub fn login(name: &str, password: &str) -> Result<LoginRequest, AccountErrors> {
    let mut errors = AccountErrors::default();
    if name.trim().is_empty() {
        errors.name = "Type your account's name.".into();
    }
    if password.is_empty() {
        errors.password = "Type your password.".into();
    }
    if errors == AccountErrors::default() {
        Ok(LoginRequest {
            name: name.trim().into(),
            password: password.into(),
        })
    } else {
        Err(errors)
    }
}

/// The form of the first administrator.
///
/// # Errors
/// What is missing, or which rule of passwords is not kept.
pub fn setup(
    token: &str,
    name: &str,
    password: &str,
    again: &str,
) -> Result<SetupRequest, AccountErrors> {
    let mut errors = AccountErrors::default();
    if name.trim().is_empty() {
        errors.name = "Choose a name for the account.".into();
    }
    let chars = password.chars().count();
    if chars < MIN_PASSWORD_CHARS {
        errors.password = format!(
            "At least {MIN_PASSWORD_CHARS} characters; this has {chars}. Several words do well."
        );
    } else if password.len() > MAX_PASSWORD_BYTES {
        errors.password = format!("At most {MAX_PASSWORD_BYTES} bytes.");
    }
    if errors.password.is_empty() && password != again {
        errors.again = "This differs from the password above.".into();
    }
    if errors == AccountErrors::default() {
        Ok(SetupRequest {
            token: token.into(),
            name: name.trim().into(),
            password: password.into(),
        })
    } else {
        Err(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_needs_both() {
        let errors = login(" ", "").err().unwrap();
        assert!(!errors.name.is_empty() && !errors.password.is_empty());
        let request = login(" ak ", " spaces stay ").ok().unwrap();
        assert_eq!(
            (request.name.as_str(), request.password.as_str()),
            ("ak", " spaces stay ")
        );
    }

    #[test]
    fn passwords_are_long_and_typed_twice() {
        let eleven = "é".repeat(11);
        assert!(
            setup("t", "ak", &eleven, &eleven)
                .err()
                .unwrap()
                .password
                .contains("11")
        );
        let twelve = "é".repeat(12);
        assert!(setup("t", "ak", &twelve, &twelve).is_ok());
        assert!(
            !setup("t", "ak", &twelve, "other")
                .err()
                .unwrap()
                .again
                .is_empty()
        );
        let long = "x".repeat(MAX_PASSWORD_BYTES + 1);
        assert!(
            !setup("t", "ak", &long, &long)
                .err()
                .unwrap()
                .password
                .is_empty()
        );
    }
}
