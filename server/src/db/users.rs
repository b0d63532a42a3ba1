//! Accounts and the links that give them passwords.

use anyhow::Context as _;
use async_trait::async_trait;
use requorum_shared::permission::Grants;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::write_tx::WriteTx;
use super::{Database, hands};
use crate::auth::store::{
    AccountAct, By, Changed, PasswordLink, Rule, User, UserChange, UserStore,
};

/// The columns that [`user`] reads, in its order; the table may be joined with others.
macro_rules! account {
    () => {
        "users.id, users.name, users.password_hash, users.created_ms, users.grants, users.disabled_ms, \
         users.issuer, users.subject"
    };
}
pub(super) use account;

#[async_trait]
impl UserStore for Database {
    async fn any_user(&self) -> anyhow::Result<bool> {
        let row = sqlx::query("SELECT COUNT(*) FROM users")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get::<i64, _>(0)? != 0)
    }

    async fn add_setup_link(&self, token_hash: &str, server: &str) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "DELETE FROM setup_links WHERE $1 = '' OR server NOT IN (SELECT id FROM servers)",
        )
        .bind(server)
        .execute(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO setup_links (token_hash, server) VALUES ($1, $2)")
            .bind(token_hash)
            .bind(server)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn has_setup_link(&self, token_hash: &str) -> anyhow::Result<bool> {
        let row = sqlx::query(
            "SELECT 1 FROM setup_links WHERE token_hash = $1 \
             AND (server = '' OR server IN (SELECT id FROM servers))",
        )
        .bind(token_hash)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    async fn add_first_user(&self, user: &User) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "INSERT INTO users (id, name, password_hash, created_ms, grants) \
             SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM users)",
        )
        .bind(&user.id)
        .bind(&user.name)
        .bind(&user.password_hash)
        .bind(user.created_ms)
        .bind(user.grants.to_string())
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM setup_links")
            .execute(&mut *tx)
            .await?;
        let made = done.rows_affected() == 1;
        if made {
            tx.mark(None, None).await?;
        }
        tx.commit().await?;
        Ok(made)
    }

    async fn add_user(&self, user: &User) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        if !insert_user(&mut tx, user).await? {
            return Ok(false);
        }
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn invite_user(
        &self,
        user: &User,
        token_hash: &str,
        link: &PasswordLink,
    ) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        if !insert_user(&mut tx, user).await? {
            return Ok(false);
        }
        put_link(&mut tx, token_hash, link).await?;
        // The entry that opened the act has the name as it was typed.
        tx.mark(Some(&user.with_roles()), None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn find_user(&self, name: &str) -> anyhow::Result<Option<User>> {
        let row = sqlx::query(concat!(
            "SELECT ",
            account!(),
            " FROM users WHERE lower(name) = $1"
        ))
        .bind(name.to_ascii_lowercase())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| user(&row)).transpose()
    }

    async fn user(&self, id: &str) -> anyhow::Result<Option<User>> {
        let row = sqlx::query(concat!("SELECT ", account!(), " FROM users WHERE id = $1"))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| user(&row)).transpose()
    }

    async fn find_subject(&self, issuer: &str, subject: &str) -> anyhow::Result<Option<User>> {
        let row = sqlx::query(concat!(
            "SELECT ",
            account!(),
            " FROM users WHERE issuer = $1 AND subject = $2 AND subject <> ''"
        ))
        .bind(issuer)
        .bind(subject)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| user(&row)).transpose()
    }

    async fn users(&self) -> anyhow::Result<Vec<User>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            account!(),
            " FROM users ORDER BY lower(name)"
        ))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(user).collect()
    }

    async fn change_user(
        &self,
        id: &str,
        change: &UserChange,
        by: Option<&By>,
        rule: Rule,
    ) -> anyhow::Result<Changed> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(concat!("SELECT ", account!(), " FROM users WHERE id = $1"))
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else {
            return Ok(Changed::Missing);
        };
        let before = user(&row)?;
        if let UserChange::Password {
            instead_of: Some(hash),
            ..
        } = change
            && *hash != before.password_hash
        {
            return Ok(Changed::AgainstTheRule);
        }
        if let Some(act) = by.and_then(|by| AccountAct::of(by, &before, change)) {
            hands::keep(&mut tx, &act).await?;
        }
        let query = match change {
            UserChange::Grants(grants) => Some(
                sqlx::query("UPDATE users SET grants = $1 WHERE id = $2").bind(grants.to_string()),
            ),
            UserChange::NoGrants => Some(
                sqlx::query("UPDATE users SET grants = $1 WHERE id = $2")
                    .bind(Grants::default().to_string()),
            ),
            UserChange::Disabled(ms) => {
                Some(sqlx::query("UPDATE users SET disabled_ms = $1 WHERE id = $2").bind(ms))
            }
            UserChange::Password { hash, .. } => {
                Some(sqlx::query("UPDATE users SET password_hash = $1 WHERE id = $2").bind(hash))
            }
            UserChange::Confirmed => None,
        };
        if let Some(query) = query {
            query.bind(id).execute(&mut *tx).await?;
        }
        end_with(&mut tx, id, change).await?;
        let rows = sqlx::query(concat!("SELECT ", account!(), " FROM users"))
            .fetch_all(&mut *tx)
            .await?;
        let users = rows.iter().map(user).collect::<anyhow::Result<Vec<_>>>()?;
        if !rule(&users) {
            // Dropping the transaction takes the change back.
            return Ok(Changed::AgainstTheRule);
        }
        tx.mark(None, None).await?;
        tx.commit().await?;
        let user = users
            .into_iter()
            .find(|user| user.id == id)
            .context("the account that was just changed")?;
        Ok(Changed::Made(user))
    }

    async fn set_link(&self, token_hash: &str, link: &PasswordLink) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let row =
            sqlx::query("SELECT 1 FROM users WHERE id = $1 AND disabled_ms = 0 AND subject = ''")
                .bind(&link.user_id)
                .fetch_optional(&mut *tx)
                .await?;
        if row.is_none() {
            return Ok(false);
        }
        put_link(&mut tx, token_hash, link).await?;
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn find_link(&self, token_hash: &str) -> anyhow::Result<Option<PasswordLink>> {
        let row = sqlx::query(
            "SELECT user_id, made_by, created_ms, expires_ms, made_by_id FROM password_links WHERE token_hash = $1",
        )
        .bind(token_hash)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| link(&row)).transpose()
    }

    async fn links(&self) -> anyhow::Result<Vec<PasswordLink>> {
        let rows = sqlx::query(
            "SELECT user_id, made_by, created_ms, expires_ms, made_by_id FROM password_links",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(link).collect()
    }

    async fn use_link(
        &self,
        token_hash: &str,
        password_hash: &str,
        end_tokens: bool,
        now_ms: i64,
    ) -> anyhow::Result<Option<User>> {
        let mut tx = self.begin().await?;
        let taken = sqlx::query(
            "DELETE FROM password_links WHERE token_hash = $1 RETURNING user_id, made_by_id",
        )
        .bind(token_hash)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(taken) = taken else {
            return Ok(None);
        };
        let id: String = taken.try_get(0)?;
        let by: String = taken.try_get(1)?;
        sqlx::query(
            "INSERT INTO account_acts (user_id, by_id, at_ms, binds, before) SELECT id, $1, $2, 1, \
             CASE WHEN disabled_ms = 0 AND (password_hash <> '' OR subject <> '') THEN grants ELSE '' END \
             FROM users WHERE id = $3 AND $1 NOT IN ('', id)",
        )
        .bind(&by)
        .bind(now_ms)
        .bind(&id)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE users SET password_hash = $1 WHERE id = $2")
            .bind(password_hash)
            .bind(&id)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM sessions WHERE user_id = $1")
            .bind(&id)
            .execute(&mut *tx)
            .await?;
        if end_tokens {
            self::end_tokens(&mut tx, &id, now_ms).await?;
        }
        let row = sqlx::query(concat!("SELECT ", account!(), " FROM users WHERE id = $1"))
            .bind(&id)
            .fetch_one(&mut *tx)
            .await?;
        tx.mark(None, None).await?;
        tx.commit().await?;
        user(&row).map(Some)
    }

    async fn remove_link(&self, user_id: &str) -> anyhow::Result<()> {
        sqlx::query("DELETE FROM password_links WHERE user_id = $1")
            .bind(user_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Adds an account; `false` when the name or the provider's subject is taken.
async fn insert_user(tx: &mut WriteTx, user: &User) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO users (id, name, password_hash, created_ms, grants, disabled_ms, issuer, subject) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(&user.id)
    .bind(&user.name)
    .bind(&user.password_hash)
    .bind(user.created_ms)
    .bind(user.grants.to_string())
    .bind(user.disabled_ms)
    .bind(&user.issuer)
    .bind(&user.subject)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps a link in the place of an older one of the same account.
async fn put_link(tx: &mut WriteTx, token_hash: &str, link: &PasswordLink) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO password_links (user_id, token_hash, made_by, created_ms, expires_ms, made_by_id) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET token_hash = $2, made_by = $3, \
         created_ms = $4, expires_ms = $5, made_by_id = $6",
    )
    .bind(&link.user_id)
    .bind(token_hash)
    .bind(&link.made_by)
    .bind(link.created_ms)
    .bind(link.expires_ms)
    .bind(&link.made_by_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What ends with a change to an account.
async fn end_with(tx: &mut WriteTx, id: &str, change: &UserChange) -> sqlx::Result<()> {
    if matches!(
        change,
        UserChange::Confirmed | UserChange::Password { confirm: true, .. }
    ) {
        hands::forget(tx, id).await?;
    }
    let (sessions, link, tokens_ms) = match change {
        UserChange::Grants(_) | UserChange::Disabled(..=0) | UserChange::Confirmed => return Ok(()),
        UserChange::NoGrants => ("", false, None),
        UserChange::Disabled(ms) => ("", true, Some(*ms)),
        UserChange::Password {
            keep,
            end_tokens_ms,
            ..
        } => (keep.as_str(), true, *end_tokens_ms),
    };
    sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
        .bind(id)
        .bind(sessions)
        .execute(&mut **tx)
        .await?;
    if link {
        sqlx::query("DELETE FROM password_links WHERE user_id = $1")
            .bind(id)
            .execute(&mut **tx)
            .await?;
    }
    if let Some(ms) = tokens_ms {
        end_tokens(tx, id, ms).await?;
    }
    Ok(())
}

/// Revokes all of an account's tokens.
async fn end_tokens(tx: &mut WriteTx, id: &str, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE api_tokens SET revoked_ms = $1 WHERE user_id = $2 AND revoked_ms = 0")
        .bind(now_ms)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// An account from the columns of `account!`.
pub(super) fn user(row: &AnyRow) -> anyhow::Result<User> {
    let name: String = row.try_get(1)?;
    let grants: String = row.try_get(4)?;
    Ok(User {
        id: row.try_get(0)?,
        password_hash: row.try_get(2)?,
        created_ms: row.try_get(3)?,
        grants: grants
            .parse()
            .with_context(|| format!("the stored roles of {name}"))?,
        disabled_ms: row.try_get(5)?,
        issuer: row.try_get(6)?,
        subject: row.try_get(7)?,
        name,
    })
}

fn link(row: &AnyRow) -> anyhow::Result<PasswordLink> {
    Ok(PasswordLink {
        user_id: row.try_get(0)?,
        made_by: row.try_get(1)?,
        created_ms: row.try_get(2)?,
        expires_ms: row.try_get(3)?,
        made_by_id: row.try_get(4)?,
    })
}
