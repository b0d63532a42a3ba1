//! What administrators did to accounts of late: for a while an account that they made, whose password was set through
//! their link, or that has a role from them counts as one person with them ([`requorum_shared::approval::Hands`]).

use requorum_shared::approval::{APART_AFTER_MS, Hands};
use requorum_shared::permission::{Permission, Place};

use super::People;
use crate::auth::store::{AccountAct, User, UserChange};
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

    /// Takes an account out of all hands but its owner's: for whoever keeps the server's machine, and knows whose it is.
    ///
    /// # Errors
    /// When there is no such account, or the store cannot be written.
    pub async fn confirm(&self, id: &str) -> Result<User> {
        self.change(id, UserChange::Confirmed, None).await
    }
}
