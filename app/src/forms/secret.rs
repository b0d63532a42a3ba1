//! A credential on its way in. It is never shown again, here or anywhere.

use requorum_shared::api::v1::{CredentialKind, PutCredentialRequest};

/// What a credential can be, and how people say it.
pub const KINDS: [(CredentialKind, &str); 5] = [
    (CredentialKind::Password, "password"),
    (CredentialKind::Token, "token"),
    (CredentialKind::PrivateKey, "private key"),
    (CredentialKind::Certificate, "certificate"),
    (CredentialKind::Other, "something else"),
];

/// Errors beside the fields; empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretErrors {
    /// Beside the name.
    pub name: String,
    /// Beside the value.
    pub value: String,
}

/// A credential that is put in, or with an `id` replaced. When nothing is missing, the value is taken out of its field
/// and into the request, to the byte.
///
/// # Errors
/// What is missing.
pub fn put(
    id: &str,
    name: &str,
    kind: CredentialKind,
    value: &mut String,
) -> Result<PutCredentialRequest, SecretErrors> {
    let mut errors = SecretErrors::default();
    if name.trim().is_empty() {
        errors.name = "Enter a name that says what it is for, such as prod-etcd root.".into();
    }
    if value.is_empty() {
        errors.value = "Enter the value.".into();
    }
    if errors != SecretErrors::default() {
        return Err(errors);
    }
    Ok(PutCredentialRequest {
        id: id.into(),
        name: name.trim().into(),
        kind: kind.into(),
        value: std::mem::take(value).into_bytes(),
    })
}

/// How people say a kind.
pub fn kind_words(kind: CredentialKind) -> &'static str {
    KINDS
        .iter()
        .find(|(known, _)| *known == kind)
        .map_or("unknown", |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_goes_out_of_its_field_as_it_was_typed() {
        let mut typed = " spaces stay\n".to_owned();
        let request = put("", " root ", CredentialKind::Password, &mut typed).unwrap();
        assert_eq!(request.name, "root");
        assert_eq!(request.value, b" spaces stay\n");
        assert!(typed.is_empty());
    }

    #[test]
    fn what_was_not_sent_stays_typed() {
        let mut typed = "hunter2".to_owned();
        let errors = put("", "", CredentialKind::Password, &mut typed).unwrap_err();
        assert!(!errors.name.is_empty() && errors.value.is_empty());
        assert!(!format!("{errors:?}").contains("hunter2"));
        assert_eq!(typed, "hunter2");
        let errors = put("", "root", CredentialKind::Password, &mut String::new()).unwrap_err();
        assert!(errors.name.is_empty() && !errors.value.is_empty());
    }

    #[test]
    fn kinds_are_said_as_people_say_them() {
        assert_eq!(kind_words(CredentialKind::PrivateKey), "private key");
        assert_eq!(kind_words(CredentialKind::Unspecified), "unknown");
    }
}
