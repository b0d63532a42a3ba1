//! Why somebody did not come in by way of the identity provider, in words for that person.

use std::fmt::Display;

use crate::error::{ApiError, Kind};

/// Why not. The page says it; the server's log says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no provider.
    Off,
    /// The provider cannot be reached, or fails.
    Down,
    /// The provider says what cannot be believed.
    Answer,
    /// Not begun in this browser, too long ago, or over already.
    Stale,
    /// Too many sign-ins from one address.
    Busy,
    /// The person, or the provider, declined.
    Declined,
    /// None of the person's groups has a role.
    NoRole,
    /// The account is disabled.
    Disabled,
    /// There is no administrator yet.
    NoAdministrator,
    /// The server failed.
    Server,
}

impl Refusal {
    const ALL: [Self; 10] = [
        Self::Off,
        Self::Down,
        Self::Answer,
        Self::Stale,
        Self::Busy,
        Self::Declined,
        Self::NoRole,
        Self::Disabled,
        Self::NoAdministrator,
        Self::Server,
    ];

    /// The provider said what cannot be believed; logged here.
    pub(super) fn answer(why: impl Display) -> Self {
        tracing::warn!("the identity provider's answer was not accepted: {why}");
        Self::Answer
    }

    /// The provider cannot be asked; logged here.
    pub(super) fn down(why: impl Display) -> Self {
        tracing::warn!("the identity provider cannot be asked: {why}");
        Self::Down
    }

    /// We failed; logged here.
    pub(super) fn server(error: anyhow::Error) -> Self {
        tracing::error!("signing in at the identity provider: {error:#}");
        Self::Server
    }

    /// The refusal of this code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }

    /// A stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Off => "oidc.off",
            Self::Down => "oidc.down",
            Self::Answer => "oidc.answer",
            Self::Stale => "oidc.stale",
            Self::Busy => "oidc.busy",
            Self::Declined => "oidc.declined",
            Self::NoRole => "oidc.no-role",
            Self::Disabled => "oidc.disabled",
            Self::NoAdministrator => "oidc.no-administrator",
            Self::Server => "oidc.server",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Off => Kind::NotFound,
            Self::Down => Kind::Unavailable,
            Self::Server => Kind::Internal,
            Self::Busy => Kind::TooMany,
            Self::Answer
            | Self::Stale
            | Self::Declined
            | Self::NoRole
            | Self::Disabled
            | Self::NoAdministrator => Kind::Forbidden,
        }
    }

    /// For the person; `provider` is what the console calls the provider.
    pub fn error(self, provider: &str) -> ApiError {
        let message = match self {
            Self::Off => "This console has no identity provider. Sign in with name and password.".into(),
            Self::Down => format!(
                "{provider} cannot be reached, so sign-in there is unavailable. Try again in a while; accounts of \
                 this console still sign in with name and password."
            ),
            Self::Answer => format!(
                "{provider} gave an answer that this console does not accept. You are not signed in. Try again; if \
                 the error persists, the console's log has the reason."
            ),
            Self::Stale => format!(
                "This sign-in at {provider} was not started in this browser, took longer than ten minutes, or has \
                 already ended. Start again."
            ),
            Self::Busy => "Too many sign-ins were begun from this address. Wait ten minutes and try again.".into(),
            Self::Declined => format!("{provider} declined the sign-in."),
            Self::NoRole => format!(
                "{provider} knows you, but none of your groups there has a role in this console. Ask an administrator \
                 of the console or of your groups, or sign in there with another account."
            ),
            Self::Disabled => "Your account in this console is disabled. An administrator can enable it again.".into(),
            Self::NoAdministrator => {
                "This console has no administrator yet, and your groups do not make you one. The first administrator \
                 signs in with the link that the server printed."
                    .into()
            }
            Self::Server => "The server could not sign you in. Its log has the reason under this request id; try \
                 again."
                .into(),
        };
        ApiError::new(self.kind(), self.code(), message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_found_by_its_code() {
        for one in Refusal::ALL {
            assert_eq!(Refusal::of_code(one.code()), Some(one));
        }
        assert_eq!(Refusal::of_code("login.failed"), None);
    }
}
