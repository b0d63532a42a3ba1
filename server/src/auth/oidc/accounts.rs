//! The accounts behind people whom the provider knows: found by issuer and subject, and by nothing else.

use requorum_shared::permission::Grants;

use super::{Oidc, Person};
use crate::auth::names::{self, MAX_NAME_CHARS};
use crate::auth::store::{Changed, User, UserChange};
use crate::error::{Result, conflict};
use crate::random;

/// Names that are tried for one account before it is given up.
const NAMES_TRIED: u32 = 100;

impl Oidc {
    /// The account of this person.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn account(&self, person: &Person) -> Result<Option<User>> {
        let found = self
            .users
            .find_subject(&self.config.issuer, &person.subject)
            .await?;
        Ok(found)
    }

    /// Whether there is any account at all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn any_account(&self) -> Result<bool> {
        Ok(self.users.any_user().await?)
    }

    /// A name for this person that nobody has yet: somebody else may be called the same, and stays who they are.
    ///
    /// # Errors
    /// When the store cannot be read, or all names that come to mind are taken.
    pub async fn free_name(&self, person: &Person) -> Result<String> {
        let all = self.users.users().await?;
        for attempt in 0..NAMES_TRIED {
            let name = account_name(&person.name, &self.config.name, attempt);
            // Without the provider's name behind it, it has to be one that an account here may have.
            let may_be = attempt > 0 || names::wrong(&name).is_none();
            if may_be && names::alike(&name, &all).is_none() {
                return Ok(name);
            }
        }
        Err(conflict(
            "oidc.name",
            "All names that this account could have are taken.",
        ))
    }

    /// Makes an account for this person; whoever comes in twice at the same time gets the same one.
    ///
    /// # Errors
    /// When the name was taken in between, or the store cannot be written.
    pub async fn add(&self, person: &Person, name: String, grants: Grants) -> Result<User> {
        let user = User {
            id: random::id(),
            name,
            created_ms: self.clock.now_ms(),
            grants,
            issuer: self.config.issuer.clone(),
            subject: person.subject.clone(),
            ..User::default()
        };
        if self.users.add_user(&user).await? {
            return Ok(user);
        }
        self.account(person).await?.ok_or_else(|| {
            conflict(
                "oidc.name",
                "The account's name was taken at the same moment. Sign in again.",
            )
        })
    }

    /// Gives an account the roles of its groups, and no others. The provider decides, even where nobody would be
    /// left to administer: whoever keeps the console can still give roles on its command line.
    ///
    /// # Errors
    /// When the account is gone, or the store cannot be written.
    pub async fn follow(&self, user: &User, grants: Grants) -> Result<User> {
        let change = if grants.is_empty() {
            UserChange::NoGrants
        } else {
            UserChange::Grants(grants)
        };
        match self
            .users
            .change_user(&user.id, &change, None, |_| true)
            .await?
        {
            Changed::Made(user) => Ok(user),
            Changed::Missing | Changed::AgainstTheRule => Err(conflict(
                "person.missing",
                "The account was removed at the same moment.",
            )),
        }
    }
}

/// The name in an account's form; further attempts say whose word it is, and count.
fn account_name(name: &str, provider: &str, attempt: u32) -> String {
    let tail = match attempt {
        0 => String::new(),
        1 => format!(" ({provider})"),
        more => format!(" ({provider} {more})"),
    };
    let room = MAX_NAME_CHARS - tail.chars().count();
    // What cannot be seen would make two names look the same.
    let head = names::cleaned(name);
    let head: String = head.chars().take(room).collect();
    format!("{}{tail}", head.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_can_be_seen_and_can_be_told_apart() {
        assert_eq!(account_name("Zoë K.", "Example", 0), "Zoë K.");
        assert_eq!(account_name("ada", "Example", 1), "ada (Example)");
        assert_eq!(account_name("ada", "Example", 2), "ada (Example 2)");
        assert_eq!(account_name("a\u{202e}d\na\u{200b}", "E", 0), "ada");
        assert_eq!(account_name("\u{200b}", "E", 0), "person");
        assert_eq!(account_name("r\u{43e}ot", "E", 1), "person (E)");
        assert_eq!(account_name("root (ci)", "E", 0), "root ci");
        let long = account_name(&"x".repeat(500), &"p".repeat(40), NAMES_TRIED);
        assert_eq!(long.chars().count(), MAX_NAME_CHARS);
    }
}
