//! Signing in, making the first administrator, joining by a link, and changing one's password.

use requorum_shared::api::login::{
    JoinRequest, LoginRequest, MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, PasswordRequest,
    SetupRequest,
};
use requorum_shared::password::weakness;

/// Errors beside the fields; empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountErrors {
    /// Beside the name.
    pub name: String,
    /// Beside the password.
    pub password: String,
    /// Beside the password's repetition.
    pub again: String,
    /// Beside the password of until now.
    pub current: String,
}

impl AccountErrors {
    /// `request`, when nothing is wrong.
    fn or<T>(self, request: T) -> Result<T, Self> {
        if self == Self::default() {
            Ok(request)
        } else {
            Err(self)
        }
    }

    /// A new password for the account `name` is long enough, not among those that are guessed first, and was typed twice.
    fn check_new(&mut self, name: &str, password: &str, again: &str) {
        let chars = password.chars().count();
        if chars < MIN_PASSWORD_CHARS {
            self.password = format!(
                "At least {MIN_PASSWORD_CHARS} characters; this has {chars}. A passphrase works well."
            );
        } else if password.len() > MAX_PASSWORD_BYTES {
            self.password = format!("At most {MAX_PASSWORD_BYTES} bytes.");
        } else if let Some(why) = weakness(password, name) {
            self.password =
                format!("Too easy to guess. {why} Several unrelated words make a good one.");
        } else if password != again {
            self.again = "This differs from the password above.".into();
        }
    }
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
    errors.or(LoginRequest {
        name: name.trim().into(),
        password: password.into(),
    })
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
    errors.check_new(name, password, again);
    errors.or(SetupRequest {
        token: token.into(),
        name: name.trim().into(),
        password: password.into(),
    })
}

/// The form of somebody who was invited, or whose password is set anew.
///
/// # Errors
/// Which rule of passwords is not kept.
pub fn join(
    token: &str,
    name: &str,
    password: &str,
    again: &str,
    end_tokens: bool,
) -> Result<JoinRequest, AccountErrors> {
    let mut errors = AccountErrors::default();
    errors.check_new(name, password, again);
    errors.or(JoinRequest {
        token: token.into(),
        password: password.into(),
        end_tokens,
    })
}

/// The form that changes one's own password.
///
/// # Errors
/// What is missing, or which rule of passwords is not kept.
pub fn change(
    name: &str,
    current: &str,
    new: &str,
    again: &str,
    end_tokens: bool,
) -> Result<PasswordRequest, AccountErrors> {
    let mut errors = AccountErrors::default();
    if current.is_empty() {
        errors.current = "Type the password that you have now.".into();
    }
    errors.check_new(name, new, again);
    if errors.password.is_empty() && new == current {
        errors.password = "This is the password that you have now.".into();
    }
    errors.or(PasswordRequest {
        current: current.into(),
        new: new.into(),
        end_tokens,
    })
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
        let twelve = "éàüöíóúñçøåß".to_owned();
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

    #[test]
    fn what_is_guessed_first_is_refused() {
        for (name, password) in [("ak", "password1234"), ("Ada Lovelace", "ada-lovelace-1")] {
            let errors = setup("t", name, password, password).err().unwrap();
            assert!(
                errors.password.starts_with("Too easy to guess."),
                "{}",
                errors.password
            );
        }
    }

    #[test]
    fn a_link_asks_for_a_password_alone() {
        let words = "several words do well";
        let request = join("t", "ak", words, words, true).ok().unwrap();
        assert_eq!(
            (request.token.as_str(), request.password.as_str()),
            ("t", words)
        );
        assert!(
            !join("t", "ak", "short", "short", true)
                .err()
                .unwrap()
                .password
                .is_empty()
        );
    }

    #[test]
    fn a_changed_password_is_another_one() {
        let (old, new) = ("several words do well", "other words do as well");
        assert!(change("ak", old, new, new, true).is_ok());
        let errors = change("ak", "", new, "x", true).err().unwrap();
        assert!(!errors.current.is_empty() && !errors.again.is_empty());
        let errors = change("ak", old, old, old, true).err().unwrap();
        assert_eq!(errors.password, "This is the password that you have now.");
    }
}
