//! What administrators did to accounts of late: for a while an account that they made, whose password was set through
//! their link, or that has a role from them counts as one person with them ([`requorum_shared::approval::Hands`]).

use requorum_shared::approval::{APART_AFTER_MS, Hands};
use requorum_shared::permission::{Grants, Permission, Place, Role};

use super::People;
use crate::auth::store::{AccountAct, User};
use crate::error::Result;

/// What was done of late.
#[derive(Debug, Clone, Default)]
pub struct Late(Vec<AccountAct>);

impl Late {
    /// Whose hands accounts are in.
    pub fn hands(&self) -> Hands {
        let binding = self.0.iter().filter(|act| act.binds);
        Hands::new(binding.map(|act| (act.account.as_str(), act.by.as_str())))
    }

    /// The ids of those who could do this there before something was done to their account.
    pub fn could(&self, permission: Permission, place: Place<'_>) -> Vec<String> {
        let acts = self.0.iter();
        let could = acts.filter(|act| act.before.allow(permission, place).is_ok());
        could.map(|act| act.account.clone()).collect()
    }

    /// From when on nothing of it counts for an account any more, milliseconds since the Unix epoch.
    pub fn until_ms(&self, account: &str) -> Option<i64> {
        let acts = self
            .0
            .iter()
            .filter(|act| act.account == account && act.binds);
        acts.map(|act| act.at_ms + APART_AFTER_MS).max()
    }
}

impl People {
    /// What was done of late.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn late(&self) -> Result<Late> {
        // What was done in a future that has not come still counts: the clock was set back since.
        let since = self.clock.now_ms() - APART_AFTER_MS;
        Ok(Late(self.store.account_acts(since).await?))
    }

    /// Takes note that `by` is about to change what an account may do.
    ///
    /// # Errors
    /// When there is no such account, or the store cannot be written.
    pub async fn note_roles(&self, by: &str, id: &str, grants: &Grants) -> Result<()> {
        let user = self.get(id).await?;
        let more = |grant| !user.grants.covers(grant);
        let binds = grants
            .iter()
            .any(|grant| grant.role != Role::Viewer && more(grant));
        self.note(by, &user, binds).await
    }

    /// Takes note that `by` is about to disable an account, or to let it in again.
    ///
    /// # Errors
    /// When there is no such account, or the store cannot be written.
    pub async fn note_use(&self, by: &str, id: &str, enable: bool) -> Result<()> {
        let user = self.get(id).await?;
        self.note(by, &user, enable && user.disabled_ms != 0).await
    }

    async fn note(&self, by: &str, user: &User, binds: bool) -> Result<()> {
        if by == user.id {
            return Ok(());
        }
        let act = AccountAct {
            account: user.id.clone(),
            by: by.to_owned(),
            at_ms: self.clock.now_ms(),
            binds,
            before: if user.is_usable() {
                user.grants.clone()
            } else {
                Grants::default()
            },
        };
        Ok(self.store.add_account_act(&act).await?)
    }

    /// Takes an account out of all hands but its owner's: for whoever keeps the server's machine, and knows whose it is.
    ///
    /// # Errors
    /// When there is no such account, or the store cannot be written.
    pub async fn confirm(&self, id: &str) -> Result<User> {
        let user = self.get(id).await?;
        self.store.forget_account_acts(id).await?;
        Ok(user)
    }
}
